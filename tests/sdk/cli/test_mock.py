from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import sys

import httpx
import pytest

from ams_sdk.testing._platform import MockPlatform

AMS = [sys.executable, "-m", "ams_sdk._cli.main"]


@contextlib.contextmanager
def started(*arguments):
    command = [*AMS, "mock", "serve", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()  # a test that failed must not wait for ever


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_a_signal_and_shows_each_request(number):
    with started("--port", "0") as process:
        first = process.stdout.readline()
        assert first.startswith("A mock of AMS is at http://127.0.0.1:")
        address = first.split()[6]
        assert process.stdout.readline() == f"  export AMS_ENDPOINT={address}\n"
        key = process.stdout.readline().strip().removeprefix("export AMS_API_KEY=")
        account = process.stdout.readline()
        headers = {"Authorization": f"Bearer {key}"}
        assert httpx.get(f"{address}/api/users/me", headers=headers).json()["email"] in account
        assert process.stdout.readline() == "200  me              GET /api/users/me  ada@example.org\n"
        assert httpx.get(f"{address}/a%1bb").status_code == 401
        assert r"401  unknown         GET /a\x1bb    unauthenticated: Log in" in process.stdout.readline()
        process.send_signal(number)
        out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (0, "", "")
    with socket.socket() as client:
        assert client.connect_ex(("127.0.0.1", int(address.rpartition(":")[2]))) != 0


def test_the_sdk_finds_it_by_what_is_printed_and_a_program_reads_its_json():
    with started("--port", "0", "--json") as process:
        facts = json.loads(process.stdout.readline())
        assert facts.keys() == {"url", "api_key", "token", "email", "password"}
        body = {"email": facts["email"], "password": facts["password"]}
        assert httpx.post(f"{facts['url']}/api/auth/login", json=body).status_code == 200
        said = json.loads(process.stdout.readline())
        assert (said["number"], said["operation"], said["status"], said["account"], said["spans"]) == (
            1,
            "login",
            200,
            facts["email"],
            0,
        )
        headers = {"Authorization": f"Bearer {facts['token']}"}
        span = {"traceId": "ab" * 16, "spanId": "cd" * 8, "name": "run"}
        sent = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}
        assert httpx.post(f"{facts['url']}/v1/traces", json=sent, headers=headers).status_code == 200
        assert json.loads(process.stdout.readline())["spans"] == 1
        process.terminate()
        assert process.wait(10) == 0


def test_a_reader_that_has_seen_enough_ends_it():
    with started("--port", "0", "--json") as process:
        facts = json.loads(process.stdout.readline())
        process.stdout.close()
        with contextlib.suppress(httpx.HTTPError):  # it may end before it has answered
            httpx.get(f"{facts['url']}/health/live")
        assert process.wait(10) == 0
        assert process.stderr.read() == ""


def test_a_port_that_is_taken_is_code_8_and_one_line():
    with socket.create_server(("127.0.0.1", 0)) as taken, started("--port", str(taken.getsockname()[1])) as process:
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (8, "")
    assert err.startswith("ams: Port ")
    assert "ams mock serve --port 0" in err
    assert err.count("\n") == 1


def test_a_port_that_may_not_be_used_is_a_setting_that_cannot_work(ams, monkeypatch):
    def refuse(_self, _port):
        raise PermissionError(13, "Permission denied")  # root may use any port

    monkeypatch.setattr(MockPlatform, "start", refuse)
    result = ams("mock", "serve", "--port", "80")
    assert (result.code, result.out) == (2, "")
    assert result.err == (
        "ams: Port 80 cannot be used (Permission denied); choose another port: ams mock serve --port 0\n"
    )


def test_at_its_usual_port_the_address_need_not_be_set(monkeypatch, ams):
    import ams_sdk._cli.mock as command  # noqa: PLC0415 -- what it says, not what it does

    class Served:
        url = "http://127.0.0.1:8787"
        api_key = "ams_key"
        account = type("Account", (), {"email": "ada@example.org", "password": "x"})

    assert "AMS_ENDPOINT" not in command._welcome(Served, default=True)
    assert "AMS_ENDPOINT=http://127.0.0.1:8787" in command._welcome(Served, default=False)
