"""An application answers in process and on a port, and clients cannot tell which."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time

import anyio
import httpx
import pytest

from ams_sdk.testing._http import Chunk, InProcessTransport, LoopbackServer, Response

LIMIT = 1000


class Echo:
    """Says what was asked; what a path names goes wrong."""

    def __init__(self) -> None:
        self.closed = threading.Event()
        self.seen = []

    def body_limit(self, _):
        return LIMIT

    def answer(self, request):
        self.seen.append(request)
        found = self.special(request.path)
        if found is not None:
            return found
        said = {"method": request.method, "target": request.target, "cut": request.is_cut}
        headers = ("content-type", "application/json"), ("x-two", "1"), ("x-two", "2")
        return Response(200, headers, json.dumps(said | {"body": request.body.decode()}).encode())

    def special(self, path):
        if path == "/fails":
            raise LookupError("no answer")
        if path in {"/no_answer", "/mid_headers", "/mid_body", "/hang"}:
            return Response(200, body=b"0123456789", ending=path[1:])
        return {
            "/stream": Response(200, (("content-type", "text/plain"),), self.chunks(3)),
            "/endless": Response(200, (), self.chunks(10**9)),
            "/cut-stream": Response(200, (), iter([Chunk(b"abc")]), ending="mid_body"),
            "/slow": Response(200, delay=0.05, body=b"late"),
            "/slower": Response(200, delay=0.4, body=b"late"),
            "/slow-stream": Response(200, (), iter([Chunk(b"a"), Chunk(b"b", after=0.4)])),
            "/empty": Response(204),
        }.get(path)

    def chunks(self, number):
        try:
            for n in range(number):
                yield Chunk(b"%d," % n)
        finally:
            self.closed.set()


class Caller:
    """The same calls by a synchronous or an asynchronous client, in process or by a socket."""

    def __init__(self, kind, application, url) -> None:
        self.is_async = "async" in kind
        self.transport = InProcessTransport(application) if "process" in kind else None
        self.url = url

    def __call__(self, method, path, *, timeout=5.0, **sent):
        if not self.is_async:
            with httpx.Client(base_url=self.url, transport=self.transport, timeout=timeout) as client:
                return client.request(method, path, **sent)

        async def call():
            async with httpx.AsyncClient(base_url=self.url, transport=self.transport, timeout=timeout) as client:
                return await client.request(method, path, **sent)

        return anyio.run(call)

    def leave_early(self, path):
        if not self.is_async:
            with (
                httpx.Client(base_url=self.url, transport=self.transport) as client,
                client.stream("GET", path) as answer,
            ):
                next(answer.iter_raw())
            return

        async def leave():
            async with (
                httpx.AsyncClient(base_url=self.url, transport=self.transport) as client,
                client.stream("GET", path) as answer,
            ):
                async for _ in answer.aiter_raw():
                    break

        anyio.run(leave)


@pytest.fixture
def echo():
    return Echo()


@pytest.fixture
def server(echo):
    before = threading.active_count()
    with LoopbackServer(echo) as running:
        yield running
    assert threading.active_count() == before


@pytest.fixture(params=["sync in process", "async in process", "sync on a port", "async on a port"])
def call(request, echo, server):
    return Caller(request.param, echo, server.url)


def test_what_was_asked_arrives_and_the_answer_comes_back(call):
    answer = call("POST", "/a%20b/c?x=1&y=%2F", content=b"hello")
    assert answer.status_code == 200
    assert answer.json() == {"method": "POST", "target": "/a%20b/c?x=1&y=%2F", "cut": False, "body": "hello"}
    assert answer.headers.get_list("x-two") == ["1", "2"]
    assert answer.headers["content-length"] == str(len(answer.content))


def test_headers_come_in_lower_case_and_as_often_as_they_were_sent(call, echo):
    call("GET", "/", headers=[("X-One", "a"), ("X-One", "b")])
    assert echo.seen[0].headers_named("x-one") == ["a", "b"]
    assert echo.seen[0].header("X-One") == "b"
    assert echo.seen[0].header("x-none") is None


def test_head_has_a_length_and_no_body(call):
    answer = call("HEAD", "/")
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) > 0


def test_nothing_is_a_body_too(call):
    answer = call("DELETE", "/empty")
    assert (answer.status_code, answer.content) == (204, b"")
    assert "content-length" not in answer.headers


def test_a_stream_comes_in_its_chunks(call):
    answer = call("GET", "/stream")
    assert answer.text == "0,1,2,"
    assert answer.headers["transfer-encoding"] == "chunked"


@pytest.mark.parametrize("sent", [b"x" * (LIMIT + 1), [b"x" * 600, b"y" * 600]])
def test_of_a_body_over_the_limit_the_rest_stays_unread(call, sent):
    async def parts():
        for part in sent:
            yield part

    content = sent if isinstance(sent, bytes) else parts() if call.is_async else iter(sent)
    answer = call("POST", "/", content=content)
    assert answer.json()["cut"] is True
    assert len(answer.json()["body"]) <= LIMIT


def test_a_body_of_exactly_the_limit_is_whole(call):
    answer = call("POST", "/", content=b"x" * LIMIT)
    assert (answer.json()["cut"], len(answer.json()["body"])) == (False, LIMIT)


def test_a_delay_is_waited_for(call):
    began = time.monotonic()
    assert call("GET", "/slow").text == "late"
    assert time.monotonic() - began >= 0.05


@pytest.mark.parametrize("path", ["/slower", "/slow-stream", "/hang"])
def test_what_takes_longer_than_the_client_waits_is_a_read_timeout(call, path):
    with pytest.raises(httpx.ReadTimeout):
        call("GET", path, timeout=0.1)


@pytest.mark.parametrize("path", ["/no_answer", "/mid_headers", "/mid_body", "/cut-stream"])
def test_an_answer_that_breaks_off_is_a_protocol_error(call, path):
    with pytest.raises(httpx.RemoteProtocolError):
        call("GET", path)


def test_a_stream_that_nobody_reads_any_more_is_closed(call, echo):
    call.leave_early("/endless")
    assert echo.closed.wait(5)


def test_a_client_without_a_timeout_is_told_that_it_would_wait_for_ever(echo):
    with (
        httpx.Client(base_url="http://here", transport=InProcessTransport(echo), timeout=None) as client,  # noqa: S113 -- the same
        pytest.raises(httpx.ReadTimeout, match="for ever"),
    ):
        client.get("/hang")


def test_in_process_what_the_application_raises_is_raised(echo):
    with (
        httpx.Client(base_url="http://here", transport=InProcessTransport(echo)) as client,
        pytest.raises(LookupError),
    ):
        client.get("/fails")


def test_on_a_port_it_is_a_500_and_kept(server):
    assert httpx.get(f"{server.url}/fails").status_code == 500
    assert [str(error) for error in server.failures] == ["no answer"]


def exchange(server, sent):
    """What a socket gets back until the server closes it."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(sent)
        answer = b""
        while part := connection.recv(65_536):
            answer += part
    return answer


@pytest.mark.parametrize("sent", [b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"GET /" + b"x" * 100_000])
def test_what_is_no_http_is_answered_400_and_the_connection_closed(server, sent):
    assert exchange(server, sent).startswith(b"HTTP/1.1 400 ")


def test_a_body_that_is_announced_too_long_is_answered_without_it(server):
    sent = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"
    assert exchange(server, sent).startswith(b"HTTP/1.1 200 ")


def test_a_client_that_sends_for_ever_is_answered_and_cut_off(server):
    sent = 0

    def parts():
        nonlocal sent
        while sent < 300 * 1024**2:
            sent += 1024**2
            yield bytes(1024**2)

    assert httpx.post(server.url, content=parts()).json()["cut"] is True
    assert sent < 200 * 1024**2


def test_a_client_that_asks_first_whether_to_send_is_told_to(server):
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        assert connection.recv(65_536).startswith(b"HTTP/1.1 100 ")
        connection.sendall(b"ab")
        answer = b""
        while not answer.endswith(b"}"):
            answer += connection.recv(65_536)
        assert b'"body": "ab"' in answer


def test_one_connection_takes_many_requests(server, echo):
    with httpx.Client(base_url=server.url) as client:
        assert [client.get(f"/{n}").json()["target"] for n in range(50)] == [f"/{n}" for n in range(50)]
    assert len(echo.seen) == 50


def test_a_server_that_stops_lets_nobody_wait(echo):
    server = LoopbackServer(echo).start()
    ended = threading.Event()

    def wait_for_ever():
        with contextlib.suppress(httpx.HTTPError):
            httpx.get(f"{server.url}/hang", timeout=None)  # noqa: S113 -- that is what is tried
        ended.set()

    waiting = threading.Thread(target=wait_for_ever)
    waiting.start()
    while not echo.seen:
        time.sleep(0.001)
    server.stop()
    assert ended.wait(5)
    waiting.join()
    with pytest.raises(RuntimeError, match="start"):
        _ = server.url
    server.stop()


def test_a_server_starts_again_and_a_port_that_is_taken_is_an_error(echo):
    server = LoopbackServer(echo)
    for _ in range(3):
        with server:
            assert httpx.get(server.url).status_code == 200
    with server, pytest.raises(OSError, match="in use"):
        LoopbackServer(echo, port=server.port).start()
