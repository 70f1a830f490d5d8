"""One keep-alive connection that sends a request and reads its whole answer, at as little cost of its own as can be."""

from __future__ import annotations

import asyncio
import re
from typing import Self

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


def request(path: str, headers: dict[str, str], body: bytes | None = None) -> bytes:
    """The bytes of a request: GET, or POST if there is a body."""
    lines = [f"{'GET' if body is None else 'POST'} {path} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + (body or b"")


class HttpConnection:
    """A connection to a server on this machine."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, port: int) -> Self:
        """Connect."""
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        self._writer.close()

    async def ask(self, raw: bytes) -> tuple[int, bytes]:
        """Send a request; answer with the status and the body.

        Raises:
            OSError: the server closed the connection.
            asyncio.IncompleteReadError: the same, inside an answer.
        """
        self._writer.write(raw)
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = _LENGTH.search(head)
        body = await self._reader.readexactly(int(length[1])) if length else b""
        return int(head[9:12]), body
