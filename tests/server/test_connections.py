from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

BODY = {"email": "ada@example.org", "password": "Correct-horse-7"}
BIG_TRACE = "ab" * 16
HOST = "Host: x\r\n"
ME = f"GET /api/users/me HTTP/1.1\r\n{HOST}"
LOGIN = f"POST /api/auth/login HTTP/1.1\r\n{HOST}Content-Type: application/json\r\n"


@pytest.fixture(scope="module")
def server(server_process, tmp_path_factory):
    """Waits a second for everything; one account, and a trace of some 8 MB."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AMS_")}
    timeouts = {"AMS_HEADER_TIMEOUT": "1", "AMS_BODY_TIMEOUT": "1", "AMS_SEND_TIMEOUT": "1"}
    folder = tmp_path_factory.mktemp("connections")
    environ = inherited | timeouts | {"AMS_STATE_DIR": str(folder), "AMS_BCRYPT_COST": "4"}
    with server_process(environ) as running:
        with httpx.Client(base_url=running.url) as client:
            client.post("/api/auth/register", json=BODY).raise_for_status()
            token = client.post("/api/auth/login", json=BODY).json()["access_token"]
            running.bearer = f"Authorization: Bearer {token}\r\n"
            for number in range(4):
                span = {"traceId": BIG_TRACE, "spanId": f"{number + 1:016x}", "name": "run", "startTimeUnixNano": "1"}
                span |= {"endTimeUnixNano": "2", "attributes": [{"key": "x", "value": {"stringValue": "y" * 2**21}}]}
                client.post(
                    "/v1/traces",
                    json={"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]},
                    headers={"Authorization": f"Bearer {token}"},
                ).raise_for_status()
        yield running
        code, out, err = running.end(signal.SIGTERM)
        assert (code, out, err) == (0, "", "")  # whatever these tests did, nothing of it is in the log


def connect(server, timeout=10):
    return socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])), timeout=timeout)


def exchange(server, sent):
    """What the server answers to these bytes until it closes."""
    with connect(server) as connection:
        connection.sendall(sent.encode("latin-1") if isinstance(sent, str) else sent)
        with connection.makefile("rb") as stream:
            return stream.read()


def answers_of(received):
    """Status, headers and body of each answer; they say their length."""
    found = []
    while received:
        head, _, rest = received.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        length = int(headers.get("content-length", "0"))
        found.append((int(first.split()[1]), headers, rest[:length]))
        received = rest[length:]
    return found


def only_answer(received):
    (answer,) = answers_of(received)
    return answer


def is_problem(answer, status, code):
    found, headers, body = answer
    problem = json.loads(body)
    assert (found, problem["status"], problem["code"]) == (status, status, code)
    assert set(problem) == {"type", "title", "status", "detail", "code", "request_id"}
    assert headers["content-type"] == "application/problem+json"
    assert headers["x-request-id"] == problem["request_id"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["connection"] == "close"
    return True


MALFORMED = {
    "not HTTP": "hello\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "HTTP/0.9": "GET /\r\n\r\n",
    "HTTP/2 preface": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/3": f"GET / HTTP/3.0\r\n{HOST}\r\n",
    "two lengths": f"{LOGIN}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{{}}",
    "length and encoding": f"{LOGIN}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "encoding and length": f"{LOGIN}Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n",
    "length with a sign": f"{LOGIN}Content-Length: +2\r\n\r\n{{}}",
    "length beyond all numbers": f"{LOGIN}Content-Length: {'9' * 40}\r\n\r\n{{}}",
    "another encoding": f"{LOGIN}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "two encodings": f"{LOGIN}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "chunked in HTTP/1.0": f"{LOGIN.replace('1.1', '1.0')}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "bad chunk": f"{LOGIN}Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
    "NUL in a header": f"{ME}X: a\0b\r\n\r\n",
    "line break in a header": f"{ME}X: a\rb\r\n\r\n",
    "folded header": f"{ME}X: a\r\n b\r\n\r\n",
    "space before the colon": f"{ME}X : a\r\n\r\n",
    "no host": "GET /api/users/me HTTP/1.1\r\n\r\n",
    "two hosts": f"{ME}{HOST}\r\n",
    "host with a path": "GET /api/users/me HTTP/1.1\r\nHost: x/v1/\r\n\r\n",
    "target without a slash": f"GET api HTTP/1.1\r\n{HOST}\r\n",
    "another scheme": f"GET ftp://x/api/users/me HTTP/1.1\r\n{HOST}\r\n",
    "star for one thing": f"GET * HTTP/1.1\r\n{HOST}\r\n",
    "bytes in the target": b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
    "space in the target": f"GET /a b HTTP/1.1\r\n{HOST}\r\n",
}


@pytest.mark.parametrize("sent", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_is_not_http_is_a_problem_document_of_400(server, sent):
    assert is_problem(only_answer(exchange(server, sent)), 400, "malformed")


def test_a_refusal_repeats_the_request_id_if_it_came_before_the_fault(server):
    sent = f"{LOGIN}X-Request-ID: mine\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"
    assert only_answer(exchange(server, sent))[1]["x-request-id"] == "mine"


TOO_LARGE = {
    "one long header": f"{ME}X: {'a' * 70_000}\r\n\r\n",
    "a long header without end": f"{ME}X: {'a' * 600_000}",
    "a long target": f"GET /{'a' * 70_000} HTTP/1.1\r\n{HOST}\r\n",
    "a long target without end": f"GET /{'a' * 600_000}",
    "many headers": ME + "".join(f"X-{number}: a\r\n" for number in range(201)) + "\r\n",
    "a trailer without end": f"{LOGIN}Transfer-Encoding: chunked\r\n\r\n1\r\n1\r\n0\r\nX: {'a' * 600_000}",
    "a chunk's extension without end": f"{LOGIN}Transfer-Encoding: chunked\r\n\r\n1;{'a' * 600_000}",
}


@pytest.mark.parametrize("sent", TOO_LARGE.values(), ids=TOO_LARGE.keys())
def test_headers_over_the_limit_are_431(server, sent):
    assert is_problem(only_answer(exchange(server, sent)), 431, "headers_too_large")


def test_headers_within_the_limits_are_served(server):
    many = "".join(f"X-{number}: {'a' * 300}\r\n" for number in range(195))
    status, *_ = only_answer(exchange(server, f"{ME}{many}Connection: close\r\n\r\n"))
    assert status == 401


def test_a_header_after_the_body_is_not_one_of_the_request(server):
    sent = (
        f"POST /api/auth/logout HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n0\r\n{server.bearer}\r\n"
        f"{ME}Connection: close\r\n\r\n"
    )
    assert [status for status, *_ in answers_of(exchange(server, sent))][-1] == 401


def test_the_absolute_form_of_a_target_is_served(server):
    sent = f"GET http://other.example/api/users/me HTTP/1.1\r\n{HOST}{server.bearer}Connection: close\r\n\r\n"
    status, _, body = only_answer(exchange(server, sent))
    assert (status, json.loads(body)["email"]) == (200, BODY["email"])


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (f"CONNECT x:80 HTTP/1.1\r\n{HOST}\r\n", 405),
        (f"OPTIONS * HTTP/1.1\r\n{HOST}Connection: close\r\n\r\n", 401),
        (f"GET //api/users/me HTTP/1.1\r\n{HOST}Connection: close\r\n\r\n", 401),
        (f"GET http://h HTTP/1.1\r\n{HOST}Connection: close\r\n\r\n", 401),
        ("GET /health/live HTTP/1.0\r\n\r\n", 200),
        (f"GET /health/live HTTP/1.1\r\n{HOST}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n", 200),
        (f"GET /health/live HTTP/1.1\r\n{HOST}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n", 200),
        (f"{LOGIN}Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\n{{}}", 422),
    ],
    ids=[
        "CONNECT",
        "star",
        "double slash",
        "absolute without a path",
        "HTTP/1.0",
        "websocket",
        "h2c",
        "h2c with a body",
    ],
)
def test_unusual_requests_are_answered(server, sent, status):
    answer = only_answer(exchange(server, sent))
    assert answer[0] == status
    assert status != 405 or "GET" in answer[1]["allow"]


def test_what_was_asked_before_a_fault_is_answered_first(server):
    sent = f"GET /health/ready HTTP/1.1\r\n{HOST}\r\nGET /health/live HTTP/1.1\r\n{HOST}\r\nrubbish\r\n\r\n"
    answers = answers_of(exchange(server, sent))
    assert [status for status, *_ in answers] == [200, 200]


def test_many_requests_at_once_are_answered_up_to_a_number(server):
    answers = answers_of(exchange(server, f"GET /health/ready HTTP/1.1\r\n{HOST}\r\n" * 5000))
    assert {status for status, *_ in answers} == {200}
    assert 20 <= len(answers) <= 40


def test_a_body_that_is_refused_unread_does_not_cost_the_answer(server):
    head = f"{LOGIN}Content-Length: 50000000\r\n\r\n".encode()
    with connect(server) as connection:
        connection.sendall(head)
        for _ in range(20):  # more than the kernel keeps
            try:
                connection.sendall(b"x" * 2**18)
            except OSError:
                break
        with connection.makefile("rb") as stream:
            assert only_answer(stream.read())[0] == 413


def test_300_silent_connections_are_closed_while_others_are_served(server):
    silent = [connect(server) for _ in range(300)]
    served = 0
    with httpx.Client(base_url=server.url) as client:
        closed = set()
        deadline = time.monotonic() + 10
        while len(closed) < len(silent) and time.monotonic() < deadline:
            served += client.get("/health/live").status_code == 200
            for connection in set(silent) - closed:
                connection.settimeout(0)
                try:
                    assert connection.recv(10) == b""  # nothing is said to who says nothing
                    closed.add(connection)
                except BlockingIOError:
                    pass
    for connection in silent:
        connection.close()
    assert len(closed) == 300
    assert served >= 10


def dribbled(server, begin, piece):
    """What the server answers to somebody who sends a byte now and then."""
    with connect(server) as connection:
        connection.sendall(begin.encode())
        connection.settimeout(0.1)
        received = b""
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                connection.sendall(piece)
                data = connection.recv(10_000)
            except TimeoutError:
                continue
            except OSError:
                break
            if not data:
                break
            received += data
        else:
            pytest.fail("the server waits for ever")
    return received


def test_headers_that_do_not_end_are_408(server):
    assert is_problem(only_answer(dribbled(server, f"{ME}X: ", b"a")), 408, "request_timeout")


def test_blank_lines_are_no_request_and_are_closed_on(server):
    assert dribbled(server, "", b"\r\n") == b""


def test_a_second_request_has_to_come_in_time_too(server):
    received = dribbled(server, f"GET /health/live HTTP/1.1\r\n{HOST}\r\n{ME}X: ", b"a")
    assert [status for status, *_ in answers_of(received)] == [200, 408]


def test_a_body_that_does_not_end_is_408(server):
    received = dribbled(server, f"{LOGIN}Content-Length: 1000\r\nX-Request-ID: mine\r\n\r\n", b"a")
    assert is_problem(only_answer(received), 408, "request_timeout")
    assert b"mine" in received


def test_a_body_of_otlp_that_does_not_end_is_408_in_what_otlp_speaks(server):
    head = (
        f"POST /v1/traces HTTP/1.1\r\n{HOST}{server.bearer}Content-Type: application/json\r\nContent-Length: 99\r\n\r\n"
    )
    status, headers, body = only_answer(dribbled(server, head, b" "))
    assert (status, headers["content-type"]) == (408, "application/json")
    assert json.loads(body)["message"]


def ask_for_big_trace(server, receive_buffer=4096):
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    connection.settimeout(15)
    connection.connect(("127.0.0.1", int(server.url.rpartition(":")[2])))
    connection.sendall(f"GET /api/traces/{BIG_TRACE} HTTP/1.1\r\n{HOST}{server.bearer}\r\n".encode())
    return connection


def is_held_by(server, connection):
    """Whether the server's process still has the other end of this connection (Linux)."""
    local = f"{connection.getsockname()[1]:04X}"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    # An end that was cut has no inode of a process any more.
    return any(row[2].endswith(f":{local}") and row[9] != "0" for row in rows)


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="this system does not tell who holds a connection")
def test_a_client_that_never_reads_its_answer_is_cut(server):
    with ask_for_big_trace(server) as connection:
        assert connection.recv(1) == b"H"
        assert is_held_by(server, connection)
        deadline = time.monotonic() + 10
        while is_held_by(server, connection):
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_a_client_that_reads_slowly_gets_all_of_its_answer(server):
    with ask_for_big_trace(server, 65536) as connection, connection.makefile("rb") as stream:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += stream.readline()
        length = int(next(line for line in head.lower().splitlines() if b"content-length" in line).split()[1])
        assert length > 8 * 2**20
        read = 0
        while read < length:
            read += len(stream.read(min(2**20, length - read)))
            time.sleep(0.3)  # over all, longer than the server waits for a client that takes nothing
    assert read == length


def test_one_connection_too_many_is_told_to_come_back(environ, server_process):
    with server_process(environ | {"AMS_CONNECTION_LIMIT": "3"}) as server:
        held = [connect(server) for _ in range(3)]
        for connection in held:
            connection.sendall(f"GET /health/live HTTP/1.1\r\n{HOST}\r\n".encode())
            assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")
        with ThreadPoolExecutor(8) as pool:
            sent = [f"{LOGIN}Content-Length: 100000\r\n\r\n{'x' * 100_000}"] * 8
            for received in pool.map(exchange, [server] * 8, sent):
                answer = only_answer(received)
                assert is_problem(answer, 503, "unavailable")
                assert answer[1]["retry-after"] == "1"
        for connection in held:
            connection.close()
        deadline = time.monotonic() + 10
        while httpx.get(f"{server.url}/health/live").status_code != 200:
            assert time.monotonic() < deadline
        assert server.end(signal.SIGTERM) == (0, "", "")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="this system does not tell what is open")
def test_descriptors_that_run_out_neither_stop_the_server_nor_fill_its_log(environ):
    start = (
        "import resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))\n"
        "from ams_reference_server.command_line import main\n"
        "sys.exit(main(['--port', '0']))\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", start], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environ, text=True
    ) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().split()[-1]
            address = ("127.0.0.1", int(url.rpartition(":")[2]))
            held = [socket.create_connection(address, timeout=10) for _ in range(200)]
            for connection in held[1:]:  # all but the one that there is room for are let go
                with contextlib.suppress(ConnectionResetError):
                    while connection.recv(10_000):
                        pass
            for connection in held:
                connection.close()
            deadline = time.monotonic() + 10
            while httpx.get(f"{url}/health/ready").status_code != 200:
                assert time.monotonic() < deadline
            process.send_signal(signal.SIGTERM)
            _, err = process.communicate(timeout=15)
        finally:
            process.kill()
    assert process.returncode == 0
    assert "AMS_CONNECTION_LIMIT" in err
    assert len(err.splitlines()) <= 3
