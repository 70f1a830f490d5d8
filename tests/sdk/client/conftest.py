"""A loopback server that answers whatever a test wants, byte by byte, and one driver for both clients."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import json
import socketserver
import threading
from dataclasses import dataclass, field

import pytest

from ams_sdk._client import AsyncClient, Client


@dataclass
class Request:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes


def http(status, body=b"", kind="application/json", **headers):
    """One complete answer, as bytes."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} X", f"Content-Type: {kind}", f"Content-Length: {len(content)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + content


@dataclass
class Loopback:
    url: str
    requests: list[Request] = field(default_factory=list)
    answers: list = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    def answers_with(self, *answers):
        """Bytes to send, one for each request; or a function of the socket."""
        self.answers[:] = answers

    def problem(self, status, code, detail="No.", headers=None, **more):
        document = {"type": "about:blank", "title": "X", "status": status, "detail": detail, "code": code, **more}
        self.answers_with(http(status, document, "application/problem+json", **(headers or {})))

    def hang(self, _socket):
        self.released.wait(20)


@pytest.fixture
def http_answer():
    return http


@pytest.fixture
def loopback():
    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            with contextlib.suppress(OSError):
                self.answer()

        def answer(self):
            method, target, _ = self.rfile.readline().decode().split(" ", 2)
            headers = {}
            while line := self.rfile.readline().decode().strip():
                name, _, value = line.partition(":")
                headers[name.lower()] = value.strip()
            body = self.rfile.read(int(headers.get("content-length", 0)))
            served.requests.append(Request(method, target, headers, body))
            answer = served.answers.pop(0) if len(served.answers) > 1 else served.answers[0]
            if callable(answer):
                answer(self.connection)
            else:
                self.wfile.write(answer)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    with Server(("127.0.0.1", 0), Handler) as server:
        served = Loopback(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield served
        served.released.set()
        server.shutdown()
        thread.join()


def run_blocking(*steps, **settings):
    with Client(**settings) as client:
        return [step(client) for step in steps][-1]


def run_async(*steps, **settings):
    async def work():
        async with AsyncClient(**settings) as client:
            result = None
            for step in steps:
                result = step(client)
                if inspect.isawaitable(result):
                    result = await result
            return result

    return asyncio.run(work())


@pytest.fixture(params=[run_blocking, run_async], ids=["blocking", "async"])
def run(request):
    """Make a client, take the steps with it one after the other, return the last one's result."""
    return request.param
