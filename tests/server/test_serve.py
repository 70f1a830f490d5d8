from __future__ import annotations

import logging
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import httpx
import pytest

from ams_reference_server.command_line import main

BODY = {"email": "ada@example.org", "password": "Correct-horse-7"}
SPAN = {"traceId": "ab" * 16, "spanId": "cd" * 8, "name": "run", "startTimeUnixNano": "1", "endTimeUnixNano": "2"}


def log_in(client):
    client.headers["Authorization"] = f"Bearer {client.post('/api/auth/login', json=BODY).json()['access_token']}"


def execute(file, statement):
    with closing(sqlite3.connect(file)) as database, database:
        database.execute(statement)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_that_it_serves_and_ends_in_order_when_told_to(environ, server_process, number):
    with server_process(environ, "serve", "--port", "0") as server:
        assert re.fullmatch(r"AMS reference server listening on http://127\.0\.0\.1:[1-9]\d*\n", server.line)
        assert httpx.get(f"{server.url}/health/ready").status_code == 200
        begun = time.monotonic()
        assert server.end(number) == (0, "", "")
        assert time.monotonic() - begun < 10


def test_what_was_kept_and_what_was_logged_out_survive_a_restart(environ, server_process):
    with server_process(environ) as server, httpx.Client(base_url=server.url) as client:
        client.post("/api/auth/register", json=BODY)
        log_in(client)
        gone = client.headers["Authorization"]
        client.post("/api/auth/logout")
        log_in(client)
        kept = client.headers["Authorization"]
        client.post("/api/agents", json={"name": "solver", "version": "1"})
        client.post("/v1/traces", json={"resourceSpans": [{"scopeSpans": [{"spans": [SPAN]}]}]})
        server.process.kill()  # no orderly end: what was answered is on disk all the same
        server.process.wait(10)
    with (
        server_process(environ) as server,
        httpx.Client(base_url=server.url, headers={"Authorization": kept}) as client,
    ):
        assert client.get("/api/users/me", headers={"Authorization": gone}).json()["code"] == "invalid_token"
        assert client.get("/api/users/me").json()["email"] == BODY["email"]
        assert client.get("/api/agents/solver").status_code == 200
        assert client.get(f"/api/traces/{SPAN['traceId']}").json()["span_count"] == 1


@pytest.mark.slow
def test_two_processes_on_one_database_agree_on_a_logout(environ, server_process):
    with server_process(environ) as one, server_process(environ) as two:
        with httpx.Client(base_url=one.url) as client:
            client.post("/api/auth/register", json=BODY)
            log_in(client)
            bearer = {"Authorization": client.headers["Authorization"]}
            assert httpx.get(f"{two.url}/api/users/me", headers=bearer).status_code == 200
            client.post("/api/auth/logout")
        assert httpx.get(f"{two.url}/api/users/me", headers=bearer).status_code == 401
        assert one.end(signal.SIGTERM)[0] == two.end(signal.SIGTERM)[0] == 0


def test_a_request_in_flight_is_answered_before_the_end(environ, server_process):
    with server_process(environ | {"AMS_BCRYPT_COST": "13"}) as server:
        port = int(server.url.rpartition(":")[2])
        body = b'{"email": "ada@example.org", "password": "Correct-horse-7"}'
        head = (
            "POST /api/auth/register HTTP/1.1",
            "Host: x",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
            "Expect: 100-continue",
        )
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            connection.sendall("\r\n".join((*head, "", "")).encode())
            # The server asks for the body: it is at work on this request.
            assert connection.recv(1000).startswith(b"HTTP/1.1 100 ")
            server.process.send_signal(signal.SIGTERM)
            connection.sendall(body)
            assert connection.recv(1000).startswith(b"HTTP/1.1 201 ")
        assert server.process.wait(10) == 0


@pytest.mark.slow  # it waits for the grace to end
def test_requests_that_do_not_finish_are_answered_that_they_may_be_sent_again(environ, server_process):
    with server_process(environ) as server:
        with httpx.Client(base_url=server.url) as client:
            client.post("/api/auth/register", json=BODY)
            log_in(client)
            bearer = client.headers["Authorization"]
        port = int(server.url.rpartition(":")[2])
        kinds = {"/api/auth/login": b"application/problem+json", "/v1/traces": b"application/json"}
        connections = []
        for path in kinds:
            head = (
                f"POST {path} HTTP/1.1",
                "Host: x",
                "Content-Type: application/json",
                "Content-Length: 9",
                "Expect: 100-continue",
                f"Authorization: {bearer}",
            )
            connections.append(socket.create_connection(("127.0.0.1", port), timeout=20))
            connections[-1].sendall("\r\n".join((*head, "", "")).encode())
            assert connections[-1].recv(1000).startswith(b"HTTP/1.1 100 ")
        server.process.send_signal(signal.SIGTERM)
        for connection, kind in zip(connections, kinds.values(), strict=True):
            with connection, connection.makefile("rb") as stream:
                answer = stream.read()
            assert answer.startswith(b"HTTP/1.1 503 ")
            assert b"content-type: " + kind in answer
            assert b"retry-after: 1" in answer
            assert b"connection: close" in answer
        _, err = server.process.communicate(timeout=10)
        assert server.process.returncode == 0
        assert "Traceback" not in err


@pytest.mark.slow
def test_a_thread_that_never_returns_does_not_hold_up_the_end(environ):
    start = (
        "import sys, threading\n"
        "from ams_reference_server import command_line, serve\n"
        "serve.LAST_SECONDS = 1\n"
        "threading.Thread(target=threading.Event().wait).start()\n"
        "sys.exit(command_line.main(['--port', '0']))\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", start], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environ, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert "listening" in process.stdout.readline()
            process.send_signal(signal.SIGTERM)
            assert process.communicate(timeout=8) == ("", "")
            assert process.returncode == 0
        finally:
            process.kill()


def test_logs_hold_neither_password_nor_token(environ, server_process):
    with server_process(environ) as server, httpx.Client(base_url=server.url) as client:
        client.post("/api/auth/register", json=BODY)
        log_in(client)
        token = client.headers["Authorization"].partition(" ")[2]
        execute(f"{environ['AMS_STATE_DIR']}/reference-server.db", "DROP TABLE agents")
        client.post("/api/agents", json={"name": "solver", "version": "1", "description": "Correct-horse-7"})
        _, out, err = server.end(signal.SIGTERM)
    assert out == ""
    assert BODY["password"] not in err
    assert token not in err


def test_a_taken_port_is_8(environ, run_server):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = str(holder.getsockname()[1])
        ended = run_server(environ, "serve", "--port", port)
    assert (ended.returncode, ended.stdout) == (8, "")
    assert re.fullmatch(rf"Error: Port {port} on 127\.0\.0\.1 is taken by another program\..*--port\.\n", ended.stderr)


@pytest.fixture
def in_environ(environ, monkeypatch):
    """Runs the server in this process, for starts that fail; gives the exit code."""
    monkeypatch.setattr(logging.getLogger(), "handlers", logging.getLogger().handlers[:])

    def run(*arguments, **change):
        for name, value in (environ | change).items():
            monkeypatch.setenv(name, value)
        return main(arguments)

    return run


def is_one_line(captured, *said):
    assert captured.out == ""
    assert re.fullmatch(r"Error: [^\n]+\n", captured.err)
    return all(part in captured.err for part in said)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("AMS_BCRYPT_COST", "high"),
        ("AMS_SECRET_KEY", "short"),
        ("AMS_DATABASE_URL", "mysql://h/d"),
        ("AMS_DATABASE_URL", "postgresql://u@h:abc/db"),
        ("AMS_STATE_DIR", "~nobody-of-this-name/x"),
        ("AMS_ENV", "prod"),
    ],
)
def test_a_setting_that_cannot_work_is_2(in_environ, capsys, variable, value):
    assert in_environ(**{variable: value}) == 2
    assert is_one_line(capsys.readouterr(), variable)


def test_production_without_a_key_is_2(in_environ, capsys):
    assert in_environ(AMS_ENV="production") == 2
    assert is_one_line(capsys.readouterr(), "AMS_SECRET_KEY")


@pytest.mark.parametrize(
    "arguments",
    [
        ("--port", "65536"),
        ("--port", "x"),
        ("--nope",),
        ("start",),
        ("--host", "no such host"),
        ("--host", "192.0.2.1"),
    ],
)
def test_an_argument_that_cannot_work_is_2(in_environ, capsys, arguments):
    assert in_environ(*arguments) == 2
    assert is_one_line(capsys.readouterr(), arguments[0])


def test_a_state_folder_that_is_a_file_is_9(environ, run_server, tmp_path):
    (tmp_path / "file").touch()
    ended = run_server(environ | {"AMS_STATE_DIR": str(tmp_path / "file")})
    assert (ended.returncode, ended.stdout) == (9, "")
    assert re.fullmatch(r"Error: [^\n]*it is not a folder[^\n]*AMS_STATE_DIR[^\n]*\n", ended.stderr)


def test_a_database_of_a_newer_release_is_9(in_environ, capsys, database):
    execute(database.file, "UPDATE alembic_version SET version_num = '9999'")
    assert in_environ("--port", "0") == 9
    assert is_one_line(capsys.readouterr(), "newer release")


def test_anything_else_that_stops_the_start_is_12(monkeypatch, capsys):
    def fail():
        raise RuntimeError("several\nlines")

    monkeypatch.setattr("ams_reference_server.command_line.load", fail)
    assert main([]) == 12
    assert capsys.readouterr().err == "Error: It did not work: RuntimeError: several lines\n"


def test_help_is_printed(environ, run_server):
    ended = run_server(environ, "serve", "--help")
    assert ended.returncode == 0
    assert "--parent-pid" in ended.stdout


@pytest.mark.slow
def test_an_address_of_ipv6_is_printed_as_a_url(environ, server_process):
    if not socket.has_ipv6 or not os.path.exists("/proc/net/if_inet6"):  # noqa: PTH110 -- a kernel's file
        pytest.skip("this machine has no IPv6")
    with server_process(environ, "--host", "::1", "--port", "0") as server:
        assert re.fullmatch(r"http://\[::1\]:\d+", server.url), server.process.communicate()[1]
        assert httpx.get(f"{server.url}/health/live").status_code == 200
        assert server.end(signal.SIGTERM)[0] == 0


@pytest.mark.slow
def test_it_ends_when_the_process_that_started_it_is_gone(environ):
    start = (
        "import os, subprocess, sys\n"
        "command = [sys.executable, '-m', 'ams_reference_server', '--port', '0', '--parent-pid', str(os.getpid())]\n"
        "print(subprocess.Popen(command).pid, flush=True)\n"
        "input()\n"
    )
    starter = subprocess.Popen(
        [sys.executable, "-c", start], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ, text=True
    )
    with starter:
        assert starter.stdout is not None
        pid = int(starter.stdout.readline())
        url = starter.stdout.readline().split()[-1]
        assert httpx.get(f"{url}/health/live").status_code == 200
        starter.kill()
        starter.wait(10)
        # The server held the other end of this pipe: it reads to its end when the server is gone too.
        assert starter.stdout.read() == ""
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/health/live")
    assert pid > 0
