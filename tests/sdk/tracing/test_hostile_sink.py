"""Whatever a server does to a batch, the sender neither hangs nor gives up, and the batch arrives when it behaves."""

import contextlib
import os
import socket
import struct
import threading
import time

import pytest
from tests.sdk.tracing.test_sender import end, flush, in_memory, sender_to

from ams_sdk._connection import Connection
from ams_sdk._tracing import sender as module

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class RawServer:
    """Serves each connection by the next of ``manners``, the last for ever."""

    def __init__(self, *manners) -> None:
        self.manners = list(manners)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=50)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.connections = 0
        self.over = threading.Event()
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            manner = self.manners.pop(0) if len(self.manners) > 1 else self.manners[0]
            threading.Thread(target=self.treat, args=(manner, connection), daemon=True).start()

    def treat(self, manner, connection):
        with connection, contextlib.suppress(OSError):
            manner(self, connection)

    def close(self):
        self.over.set()
        self.listener.close()


def request_of(connection):
    """Read a whole request; answers with its body, None at the end of the connection."""
    head = b""
    while b"\r\n\r\n" not in head:
        piece = connection.recv(65_536)
        if not piece:
            return None
        head += piece
    head, _, body = head.partition(b"\r\n\r\n")
    length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    while len(body) < length:
        body += connection.recv(65_536)
    return body


def behaves(server, connection):
    while request_of(connection) is not None:
        connection.sendall(OK)


def closes_at_once(server, connection):
    pass


def resets_in_the_middle_of_the_body(server, connection):
    connection.recv(100)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def closes_without_an_answer(server, connection):
    request_of(connection)


def speaks_something_else(server, connection):
    request_of(connection)
    connection.sendall(b"220 smtp.example.com ESMTP\r\n")


def breaks_off_in_the_head(server, connection):
    request_of(connection)
    connection.sendall(OK[:20])


def breaks_off_in_the_body(server, connection):
    request_of(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")


def sends_a_head_without_end(server, connection):
    request_of(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\n" + b"X-Filler: y\r\n" * 20_000)


def packs_its_answer_in_its_own_way(server, connection):
    request_of(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 3\r\n\r\nabc")


def says_503_and_closes(server, connection):
    request_of(connection)
    connection.sendall(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


def answers_before_it_has_read(server, connection):
    connection.sendall(b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    connection.shutdown(socket.SHUT_WR)
    connection.recv(100)


MANNERS = [
    *(closes_at_once, resets_in_the_middle_of_the_body, closes_without_an_answer, speaks_something_else),
    *(breaks_off_in_the_head, breaks_off_in_the_body, sends_a_head_without_end, packs_its_answer_in_its_own_way),
    *(says_503_and_closes, answers_before_it_has_read),
]


@pytest.fixture
def serve(monkeypatch):
    monkeypatch.setattr(module, "_FIRST_PAUSE", 0.001)
    servers = []

    def start(*manners):
        servers.append(RawServer(*manners))
        return servers[-1], sender_to(Connection(servers[-1].url, "the-key", "argument"))

    yield start
    for server in servers:
        server.close()


@pytest.mark.parametrize("manner", MANNERS, ids=lambda manner: manner.__name__)
@pytest.mark.parametrize("size", [10, 5_000_000])  # within what the kernel takes at once, and beyond
def test_the_batch_arrives_when_the_server_behaves(serve, manner, size):
    _, sender = serve(manner, manner, behaves)
    sender.offer(in_memory(os.urandom(size).hex()))
    assert flush(sender, 30)
    counts = sender.counts()
    assert (counts.exported, counts.failed, counts.waiting) == (1, 0, 0)
    assert counts.retried >= 1
    assert end(sender)


def hangs(server, connection):
    server.over.wait(30)


def takes_the_body_and_hangs(server, connection):
    request_of(connection)
    server.over.wait(30)


def trickles(server, connection):
    request_of(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while not server.over.wait(0.01):
        connection.sendall(b"x")


def stops_reading(server, connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1_000)
    server.over.wait(30)


@pytest.mark.parametrize(
    "manner", [hangs, takes_the_body_and_hangs, trickles, stops_reading], ids=lambda manner: manner.__name__
)
def test_the_deadline_of_the_end_holds_in_the_middle_of_a_send(serve, manner):
    server, sender = serve(manner)
    sender.offer(in_memory(os.urandom(5_000_000).hex()))
    while not server.connections:
        time.sleep(0.001)
    began = time.monotonic()
    assert end(sender, 0.3) is False
    assert time.monotonic() - began < 3
    assert sender.counts().waiting == 1
