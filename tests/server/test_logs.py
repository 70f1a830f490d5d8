from __future__ import annotations

import io
import json
import logging
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import datetime

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ams_reference_server import logs, request_id
from ams_reference_server.secret_masks import masked

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
KEY = "ams_0a1b2c3d_" + "Ab1" * 14 + "z"
HASH = "$2b$12$" + "Ab1./" * 10 + "xyz"
PASSLIB_HASH = "$bcrypt-sha256$v=2,t=2b,r=12$" + "Ab1" * 7 + "a$" + "Cd2" * 10 + "e"


def formatted(formatter, message, *arguments, exc_info=None, **extra):
    record = logging.LogRecord("ams_reference_server.x", logging.WARNING, "x.py", 1, message, arguments, exc_info)
    vars(record).update(extra)
    return formatter.format(record)


@pytest.mark.parametrize(
    ("secret", "around"),
    [
        (JWT, "Bearer {} was sent"),
        (JWT, '{{"token": "{}"}}'),
        (JWT.rpartition(".")[0], "x{}"),
        (KEY, "key={}."),
        (KEY, "a/{}/b"),
        (HASH, "hash {} is wrong"),
        (PASSLIB_HASH, "('{}',)"),
        ("p%40ss-word", "postgresql+psycopg://ada:{}@db.example/x"),
        ("p@ss/wor:d", "redis://:{}@cache:6379/0"),
        ("hunter22", "postgresql://db.example/x?user=ada&password={}&sslmode=require"),
    ],
)
def test_what_looks_like_a_secret_is_masked(secret, around):
    text = masked(around.format(secret))
    assert secret not in text
    assert "********" in text
    assert text.startswith(around.partition("{")[0].partition("//")[0])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "GET /api/agents/{agent} 200",
        "ams_reference_server.accounts.administration",
        'File "/x/ams_reference_server/telemetry/otlp.py", line 7',
        "http://127.0.0.1:8787/health",
        "postgresql://db.example/x",
        "0123456789abcdef0123456789abcdef",
        "$5 and $2",
    ],
)
def test_what_is_no_secret_stays(text):
    assert masked(text) == text


@given(st.text(), st.text(), st.sampled_from([JWT, KEY, HASH, PASSLIB_HASH]))
def test_a_secret_is_masked_whatever_surrounds_it(before, after, secret):
    assert secret not in masked(f"{before} {secret} {after}")


@pytest.mark.parametrize("piece", ["eyJ", "ams_", "ams_a", "://", "://a:", "$2b$12$", "?password=", "a@", "."])
def test_masking_a_long_text_ends(piece):
    # With a pattern that goes back over what it has read, this takes minutes.
    assert masked(piece * 100_000)


def test_json_is_one_object_a_line_with_what_is_known():
    token = request_id.current.set("r-1")
    try:
        line = formatted(logs.JsonFormatter(), "a\nb %s", JWT, status=200, route="/x", gone=None, nested={"k": KEY})
    finally:
        request_id.current.reset(token)
    assert "\n" not in line
    entry = json.loads(line)
    assert datetime.fromisoformat(entry.pop("time")).utcoffset().total_seconds() == 0
    assert entry == {
        "level": "warning",
        "logger": "ams_reference_server.x",
        "message": "a\nb ********",
        "request_id": "r-1",
        "status": 200,
        "route": "/x",
        "gone": None,
        "nested": "{'k': '********'}",
    }


def failing():
    try:
        int(f"postgresql://ada:hunter22@db/x {JWT}")  # the message quotes what it is not
    except ValueError:
        return sys.exc_info()


@pytest.mark.parametrize("formatter", [logs.JsonFormatter(), logs.TextFormatter()], ids=["json", "text"])
def test_a_stack_is_kept_and_masked(formatter):
    text = formatted(formatter, "failed", exc_info=failing())
    assert "ValueError" in text
    assert "in failing" in text
    assert "hunter22" not in text
    assert JWT not in text


@given(st.text(), st.text())
def test_in_a_text_log_no_message_looks_like_another_line(message, value):
    first, *more = formatted(logs.TextFormatter(), "%s", message, field=value).split("\n")
    assert re.match(r"\d{4}-\d\d-\d\dT[\d:.]+Z WARNING ams_reference_server\.x: ", first)
    assert all(line.startswith("  ") for line in more)
    assert all(line.isprintable() for line in (first, *more))


def test_a_message_of_any_length_has_an_end():
    assert len(formatted(logs.JsonFormatter(), "x" * 10_000_000)) < 100_000


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("stream", "form", "is_json"),
    [
        (io.StringIO(), None, True),
        (Terminal(), None, False),
        (Terminal(), "json", True),
        (io.StringIO(), "text", False),
    ],
)
def test_the_form_is_text_for_a_terminal_and_the_level_is_for_this_package_only(monkeypatch, stream, form, is_json):
    monkeypatch.setattr(sys, "stderr", stream)
    root, ours = logging.getLogger(), logging.getLogger("ams_reference_server")
    before = root.handlers[:], root.level, ours.level
    try:
        logs.configure("warning", form)
        logs.configure("debug", form)  # once more does not double the lines
        logging.getLogger("ams_reference_server.x").debug("ours")
        logging.getLogger("sqlalchemy.engine").info("theirs")
        (line,) = stream.getvalue().splitlines()
    finally:
        root.handlers[:], level, own = before
        root.setLevel(level)
        ours.setLevel(own)
    assert line.startswith("{") is is_json


BODY = {"email": "ada@example.org", "password": "Planted-Horse-7"}
SPAN = {"traceId": "ab" * 16, "spanId": "cd" * 8, "name": "run", "startTimeUnixNano": "1", "endTimeUnixNano": "2"}


def execute(file, statement):
    with closing(sqlite3.connect(file)) as database, database:
        return database.execute(statement).fetchall()


def exercised(server):
    """Does what a client may do, well and badly; the secrets that it sent and got."""
    with httpx.Client(base_url=server.url) as client:
        client.post("/api/auth/register", json=BODY).raise_for_status()
        token = client.post("/api/auth/login", json=BODY).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        key = client.post("/api/keys", json={"name": "ci"}).json()["key"]
        client.get("/api/users/me", headers={"Authorization": f"Bearer {key}"}).raise_for_status()
        for secret in (token, key, BODY["password"]):
            assert client.get("/api/users/me", headers={"Authorization": f"Bearer {secret}x"}).status_code == 401
            client.get(f"/api/users/me?token={secret}", headers={"X-Request-ID": "seen"})
            client.get(f"/{secret}")
            client.get("/api/agents", params={"cursor": secret, "limit": secret})
        client.post("/api/auth/login", json=BODY | {"password": BODY["password"] + "x"})
        client.post("/api/auth/login", content=json.dumps(BODY).encode() + b"{")
        client.post("/v1/traces", json={"resourceSpans": [{"scopeSpans": [{"spans": [SPAN]}]}]}).raise_for_status()
        client.post("/v1/traces", content=BODY["password"].encode(), headers={"Content-Type": "application/x-protobuf"})
        client.post("/api/auth/logout").raise_for_status()
        yield token, key
        again = client.post("/api/auth/login", json=BODY).json()["access_token"]
        description = {"name": "solver", "version": "1", "description": f"{BODY['password']} {again}"}
        failed = client.post("/api/agents", json=description, headers={"Authorization": f"Bearer {again}"})
        assert failed.status_code >= 500
    yield again, key


def secrets_in(environ, server, query, break_store):
    """Runs the server; every secret of the run, and what it wrote."""
    steps = exercised(server)
    token, key = next(steps)
    (password_hash,) = query("SELECT password_hash FROM users")
    break_store(
        "DROP TABLE agents CASCADE" if "postgresql" in environ.get("AMS_DATABASE_URL", "") else "DROP TABLE agents"
    )
    again, _ = next(steps)
    code, out, err = server.end(signal.SIGTERM)
    assert (code, out) == (0, "")
    served = [entry for line in err.splitlines() if "access_log" in (entry := json.loads(line))["logger"]]
    assert len(served) >= 15
    halves = [*token.split(".")[1:], *again.split(".")[1:], key.rpartition("_")[2], *password_hash.split("$")[-2:]]
    planted = [value for name, value in environ.items() if name.startswith("AMS_SECRET")]
    return [BODY["password"], token, again, key, password_hash, *halves, *planted], err


def test_a_whole_run_at_debug_level_tells_no_secret(environ, server_process):
    environ = environ | {"AMS_LOG_LEVEL": "debug", "AMS_SECRET_KEY": "planted-secret-key-0123456789-abcdefgh"}
    file = f"{environ['AMS_STATE_DIR']}/reference-server.db"
    with server_process(environ) as server:
        ask = lambda statement: [row[0] for row in execute(file, statement)]  # noqa: E731 -- one line says all
        secrets, err = secrets_in(environ, server, ask, ask)
    assert not [secret for secret in secrets if secret in err]


@pytest.fixture
def redis_with_password(tmp_path):
    """A Redis of the test's own that asks for a password; its port."""
    program = shutil.which("redis-server")
    if program is None:
        reason = "there is no redis-server to start"
        if os.environ.get("AMS_REQUIRE_SERVICES") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--requirepass", "planted-redis", "--save", ""]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=tmp_path, text=True) as process:
        assert process.stdout is not None
        while "Ready to accept" not in (line := process.stdout.readline()):
            assert line, "redis-server did not start"
        yield port
        process.kill()


@pytest.mark.slow
def test_nor_does_one_with_postgresql_and_redis(environ, server_process, postgresql_url, redis_with_password):
    psycopg = pytest.importorskip("psycopg")
    # PostgreSQL lets these tests in without a password; it is told one all the same, and so is the server.
    url = postgresql_url.replace("@", ":planted-database@", 1)
    environ = environ | {
        "AMS_LOG_LEVEL": "debug",
        "AMS_DATABASE_URL": url,
        "AMS_REDIS_URL": f"redis://:planted-redis@127.0.0.1:{redis_with_password}/0",
    }

    def ask(statement):
        with psycopg.connect(postgresql_url) as connection:
            found = connection.execute(statement)
            return [row[0] for row in found] if found.description else []

    with server_process(environ) as server:
        secrets, err = secrets_in(environ, server, ask, ask)
    assert not [secret for secret in [*secrets, "planted-database", "planted-redis"] if secret in err]


def test_info_has_one_line_a_request_with_route_and_caller(environ, server_process):
    with server_process(environ | {"AMS_LOG_LEVEL": "info"}) as server:
        with httpx.Client(base_url=server.url) as client:
            user = client.post("/api/auth/register", json=BODY).json()
            token = client.post("/api/auth/login", json=BODY).json()["access_token"]
            client.headers["Authorization"] = f"Bearer {token}"
            client.get(f"/api/traces/{'ab' * 16}?x=y", headers={"X-Request-ID": "r-7"})
            client.get("/nowhere")
            client.put("/api/users/me")
        _, _, err = server.end(signal.SIGTERM)
    entries = [json.loads(line) for line in err.splitlines()]
    assert [(entry["method"], entry["route"], entry["status"]) for entry in entries] == [
        ("POST", "/api/auth/register", 201),
        ("POST", "/api/auth/login", 200),
        ("GET", "/api/traces/{trace_id}", 404),
        ("GET", "-", 404),
        ("PUT", "/api/users/me", 405),
    ]
    named = entries[2]
    assert (named["request_id"], named["user_id"], named["client"]) == ("r-7", user["id"], "127.0.0.1")
    assert named["duration_ms"] > 0
    assert len({entry["request_id"] for entry in entries}) == len(entries)
    assert entries[0]["user_id"] is None


@pytest.mark.slow
def test_the_passwords_of_the_stores_stay_out_of_what_stops_a_start(environ, run_server):
    # Ports on which nothing listens: the drivers' own messages are in what is said.
    url = "postgresql://ada:planted-password@127.0.0.1:1/x"
    ended = run_server(
        environ
        | {"AMS_LOG_LEVEL": "debug", "AMS_DATABASE_URL": url, "AMS_REDIS_URL": "redis://:planted-redis@127.0.0.1:1"},
        "--port",
        "0",
    )
    assert ended.returncode == 9
    assert "planted" not in ended.stdout + ended.stderr
    assert len(ended.stderr.splitlines()) == 1


@pytest.mark.slow
def test_hostile_clients_are_no_news_and_at_debug_level_one_line_each(environ, server_process):
    with server_process(environ | {"AMS_LOG_LEVEL": "debug"}) as server:
        for number in range(20):
            with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2]))) as hostile:
                hostile.sendall(f"rubbish {number}\r\n\r\n".encode())
                while hostile.recv(1000):
                    pass
        _, _, err = server.end(signal.SIGTERM)
    entries = [json.loads(line) for line in err.splitlines()]
    assert [entry["level"] for entry in entries] == ["debug"] * 20
    assert len({entry["request_id"] for entry in entries}) == 20
    assert "rubbish" not in err
