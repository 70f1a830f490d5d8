"""A backend on 127.0.0.1 that counts the spans it is sent. It is a process of its own, so that its CPU is not measured.

It prints its port, then obeys lines on standard input and answers each with one line of JSON, until the input ends:

    take      answer every request as a backend that works
    fail      answer every request with 503
    hang      take connections and never answer
    refuse    listen no longer; connections are refused
    count     tell what arrived
    forget    count from nothing again
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import sys
import threading

import span_ids

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_ENCODING = re.compile(rb"\r\ncontent-encoding: *(\w+)", re.IGNORECASE)
_KIND = re.compile(rb"\r\ncontent-type: *([\w/+-]+)", re.IGNORECASE)
_NO_SPANS_REJECTED = b""
"""An ``ExportTraceServiceResponse`` without a field."""


class Sink:
    """What listens, how it answers, and what it was sent."""

    def __init__(self) -> None:
        self._listening: asyncio.Server | None = None
        self._reserved = _bound(0)
        self.port = int(self._reserved.getsockname()[1])
        self._mode = "refuse"
        self._connections: dict[asyncio.StreamWriter, asyncio.Task[None]] = {}
        self._ids: set[bytes] = set()
        self._spans = self._requests = self._compressed = 0

    async def become(self, mode: str) -> None:
        """Answer in another way from now on. Connections that are open end, those that hang as well."""
        self._mode = mode
        for writer in self._connections:
            writer.transport.abort()
        if mode == "refuse":
            if self._listening:
                self._listening.close()
                self._listening = None
                # Bound and not listening: connections are refused, and nobody else gets the port.
                self._reserved = _bound(self.port)
        elif self._listening is None:
            self._listening = await asyncio.start_server(self._serve, sock=self._reserved, backlog=128)

    async def end(self) -> None:
        """Listen no longer, and see every connection end."""
        await self.become("refuse")
        await asyncio.gather(*self._connections.values())

    def count(self) -> dict[str, int]:
        """What arrived. A span that was sent twice is one span and one duplicate."""
        return {
            "spans": len(self._ids),
            "duplicates": self._spans - len(self._ids),
            "requests": self._requests,
            "compressed": self._compressed,
        }

    def forget(self) -> None:
        """Count from nothing again."""
        self._ids = set()
        self._spans = self._requests = self._compressed = 0

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task: asyncio.Task[None] | None = asyncio.current_task()
        if task:
            self._connections[writer] = task
        try:
            while self._mode != "hang":
                head = await reader.readuntil(b"\r\n\r\n")
                length = _LENGTH.search(head)
                body = await reader.readexactly(int(length[1])) if length else b""
                if self._mode == "fail":
                    writer.write(_answer("503 Service Unavailable", "text/plain", b"later"))
                else:
                    # Answered before it is counted, so that no exporter waits for the count.
                    writer.write(self._answer_to(head, body))
                    self._take(head, body)
            await reader.read()  # until the other side gives up
        except (OSError, asyncio.IncompleteReadError):
            pass  # it went away
        finally:
            self._connections.pop(writer, None)
            writer.close()

    def _answer_to(self, head: bytes, body: bytes) -> bytes:
        path = head.split(b" ", 2)[1]
        if path.endswith(b"/v1/traces"):
            return _answer("200 OK", "application/x-protobuf", _NO_SPANS_REJECTED)
        if head.startswith(b"POST") and path == b"/api/agents":
            registered = json.dumps(_registered(json.loads(_plain(head, body)))).encode()
            return _answer("201 Created", "application/json", registered)
        return _answer("200 OK", "application/json", b"{}")

    def _take(self, head: bytes, body: bytes) -> None:
        path = head.split(b" ", 2)[1]
        if b"/v1/traces" not in path:
            return
        kind = _KIND.search(head)
        ids = span_ids.in_body(_plain(head, body), is_json=kind is not None and kind[1] == b"application/json")
        self._requests += 1
        self._compressed += _ENCODING.search(head) is not None
        self._spans += len(ids)
        self._ids.update(ids)


def _bound(port: int) -> socket.socket:
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", port))
    return bound


def _plain(head: bytes, body: bytes) -> bytes:
    encoding = _ENCODING.search(head)
    return span_ids.unpacked(body, encoding[1].decode() if encoding else "identity")


def _registered(agent: dict[str, object]) -> dict[str, object]:
    moment = "2026-01-02T03:04:05Z"
    return {
        "id": "00000000-0000-4000-8000-000000000001",
        "name": agent.get("name"),
        "status": "active",
        "created_at": moment,
        "updated_at": moment,
        "revision": {"number": 1, "version": agent.get("version") or "0", "created_at": moment},
    }


def _answer(status: str, kind: str, body: bytes) -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


async def main() -> None:
    """Serve until the input ends."""
    sink, ended = Sink(), asyncio.Event()
    loop = asyncio.get_running_loop()

    async def obey(command: str) -> None:
        answer: dict[str, int] = {}
        match command:
            case "count":
                answer = sink.count()
            case "forget":
                sink.forget()
            case _:
                await sink.become(command)
        print(json.dumps(answer), flush=True)

    def read() -> None:
        for line in sys.stdin:
            asyncio.run_coroutine_threadsafe(obey(line.strip()), loop)
        loop.call_soon_threadsafe(ended.set)

    print(sink.port, flush=True)
    threading.Thread(target=read, daemon=True).start()
    await ended.wait()
    await sink.end()


if __name__ == "__main__":
    asyncio.run(main())
