from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import httpx
import pytest

BODY = {"email": "ada@example.org", "password": "Correct-horse-7"}
pytestmark = [
    pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="this system does not tell who started whom"),
    pytest.mark.slow,  # each starts three processes
]


def workers_of(server):
    """The processes that the supervisor started, without Python's own tracker of resources."""
    pid = server.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return {int(child) for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()}


def until(condition, seconds=15):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "this did not come true in time"
        time.sleep(0.05)


def asks(url, path="/health/live", **headers):
    """The status that a connection of its own is answered."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)
    with closing(connection):
        connection.request("GET", path, headers=headers)
        return connection.getresponse().status


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def who_answers(server, workers):
    """Which workers have read something since they were asked last: their counts of read bytes."""
    return {pid: int(Path(f"/proc/{pid}/io").read_text().split()[1]) for pid in workers}


def log_in(url):
    answer = httpx.post(f"{url}/api/auth/login", json=BODY)
    return f"Bearer {answer.json()['access_token']}"


def test_a_logout_in_one_worker_is_seen_by_each_at_once(environ, server_process):
    with server_process(environ, "--port", "0", "--workers", "2") as server, ThreadPoolExecutor(8) as pool:
        assert re.fullmatch(r"AMS reference server listening on http://127\.0\.0\.1:[1-9]\d*\n", server.line)
        workers = workers_of(server)
        assert len(workers) == 2
        httpx.post(f"{server.url}/api/auth/register", json=BODY).raise_for_status()
        bearer = log_in(server.url)
        before = who_answers(server, workers)
        ask = lambda _: asks(server.url, "/api/users/me", Authorization=bearer)  # noqa: E731 -- said twice below
        assert set(pool.map(ask, range(100))) == {200}
        after = who_answers(server, workers)
        assert all(after[pid] > before[pid] for pid in workers), "only one worker was asked"
        httpx.post(f"{server.url}/api/auth/logout", headers={"Authorization": bearer}).raise_for_status()
        assert set(pool.map(ask, range(100))) == {401}
        begun = time.monotonic()
        assert server.end(signal.SIGTERM) == (0, "", "")
        assert time.monotonic() - begun < 10
        assert not any(map(is_alive, workers))


def test_a_worker_that_is_killed_leaves_the_others_serving_and_is_replaced(environ, server_process):
    with server_process(environ, "--port", "0", "--workers", "2") as server:
        workers = workers_of(server)
        victim = min(workers)
        os.kill(victim, signal.SIGKILL)
        until(lambda: not is_alive(victim))
        assert {asks(server.url) for _ in range(20)} == {200}
        until(lambda: len(workers_of(server)) == 2)
        assert {asks(server.url) for _ in range(20)} == {200}
        code, out, err = server.end(signal.SIGINT)
    assert (code, out) == (0, "")
    (line,) = err.splitlines()
    assert json.loads(line)["level"] == "error"
    assert f"process {victim}" in json.loads(line)["message"]


def test_the_workers_end_when_their_supervisor_is_killed(environ, server_process):
    with server_process(environ, "--port", "0", "--workers", "2") as server:
        workers = workers_of(server)
        server.process.kill()
        server.process.wait(10)
        until(lambda: not any(map(is_alive, workers)), seconds=5)
    with pytest.raises(ConnectionRefusedError):
        asks(server.url)


def test_a_login_in_flight_is_answered_before_the_end(environ, server_process):
    with server_process(environ | {"AMS_BCRYPT_COST": "12"}, "--port", "0", "--workers", "2") as server:
        httpx.post(f"{server.url}/api/auth/register", json=BODY).raise_for_status()
        body = json.dumps(BODY).encode()
        head = (
            "POST /api/auth/login HTTP/1.1",
            "Host: x",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
            "Expect: 100-continue",
        )
        with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])), timeout=20) as connection:
            connection.sendall("\r\n".join((*head, "", "")).encode())
            assert connection.recv(1000).startswith(b"HTTP/1.1 100 ")
            server.process.send_signal(signal.SIGTERM)
            connection.sendall(body)
            assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")
        assert server.process.wait(10) == 0


def test_signals_to_every_process_at_once_end_in_order_and_a_second_one_forces(environ):
    command = [sys.executable, "-m", "ams_reference_server", "--port", "0", "--workers", "2"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environ, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=20) as connection:
            # A request whose body does not come holds the end up for as long as it may.
            connection.sendall(
                b"POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                b"Content-Length: 9\r\nExpect: 100-continue\r\n\r\n"
            )
            assert connection.recv(1000).startswith(b"HTTP/1.1 100 ")
            os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(1)
            os.killpg(process.pid, signal.SIGINT)
            begun = time.monotonic()
            assert process.communicate(timeout=8) == ("", "")
            assert process.returncode == 0
            assert time.monotonic() - begun < 5


@pytest.mark.parametrize(
    ("change", "code"),
    [({"AMS_BCRYPT_COST": "high"}, 2), ({"AMS_STATE_DIR": "/dev/null/x"}, 9)],
    ids=["setting", "folder"],
)
def test_what_cannot_start_says_so_in_one_line(environ, run_server, change, code):
    ended = run_server(environ | change, "--port", "0", "--workers", "2")
    assert (ended.returncode, ended.stdout) == (code, "")
    assert re.fullmatch(r"Error: [^\n]+\n", ended.stderr)


def test_a_worker_that_cannot_start_ends_all_with_its_exit_code(environ):
    # The supervisor has prepared everything; its workers find the address of the database changed to nonsense.
    start = (
        "import sys\n"
        "from dataclasses import replace\n"
        "from ams_reference_server import command_line, workers\n"
        "workers.replace = lambda settings, **change: replace(settings, database_url='mysql://x/y', **change)\n"
        "if __name__ == '__main__':\n"
        "    sys.exit(command_line.main(['--port', '0', '--workers', '2']))\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", start], capture_output=True, env=environ, text=True, timeout=30, check=False
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert re.fullmatch(r"Error: [^\n]*AMS_DATABASE_URL[^\n]*\n", ended.stderr)
