"""What answers are written to: between uvicorn, which writes an answer in pieces, and the connection."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["JoiningTransport", "PatientTransport"]


class JoiningTransport(asyncio.Transport):
    """Writes the head of an answer together with the body that follows at once: one system call and one packet.

    Args:
        transport: the connection's own.
        loop: the event loop.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._transport = transport
        self._loop = loop
        self._head: bytes | None = None
        self._is_first = True

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Write a piece, the first one only with the next or when the event loop turns."""
        if self._is_first:
            self._is_first = False
            self._head = bytes(data)
            self._loop.call_soon(self.flush)  # when no body follows, or only later
        elif self._head is None:
            self._transport.write(data)
        else:
            head, self._head = self._head, None
            self._transport.write(head + data)

    def flush(self) -> None:
        """Write what waits for more."""
        if self._head is not None:
            head, self._head = self._head, None
            self._transport.write(head)

    def is_closing(self) -> bool:
        """Whether nothing more can be written."""
        return self._transport.is_closing()

    def close(self) -> None:
        """Write what is left, and close."""
        self.flush()
        self._transport.close()


class PatientTransport(asyncio.Transport):
    """For a request with a body: its client may still be sending when the answer is there.

    Args:
        transport: the connection's own.
        linger: closes the connection once the client has had time to read.
    """

    def __init__(self, transport: asyncio.Transport, linger: Callable[[], None]) -> None:
        super().__init__()
        self._transport = transport
        self._linger = linger

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Write a piece."""
        self._transport.write(data)

    def is_closing(self) -> bool:
        """Whether nothing more can be written."""
        return self._transport.is_closing()

    def close(self) -> None:
        """Close, but not at once."""
        self._linger()
