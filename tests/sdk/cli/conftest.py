"""A small platform on the loopback interface, and ``ams`` inside this process."""

from __future__ import annotations

import io
import json
import sys
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from ams_sdk._cli import main as command_line

NOW = "2026-01-31T12:00:00Z"


@dataclass
class Platform:
    """Answers by method and path; what is not there is a 404 problem."""

    url: str = ""
    answers: dict = field(default_factory=dict)
    requests: list = field(default_factory=list)

    def on(self, method, path, document=None, status=200):
        self.answers[method, path] = (status, document)

    def refuses(self, method, path, status, code, detail="No.", **more):
        problem = {"type": "about:blank", "title": "X", "status": status, "detail": detail, "code": code, **more}
        self.answers[method, path] = (status, problem)

    def reply(self, method, target):
        path = target.partition("?")[0]
        missing = {"title": "Not Found", "status": 404, "detail": "There is nothing here.", "code": "not_found"}
        return self.answers.get((method, path), (404, missing))


@pytest.fixture
def platform(monkeypatch):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self):
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            served.requests.append(
                SimpleNamespace(
                    call=f"{self.command} {self.path}",
                    bearer=self.headers.get("authorization"),
                    body=json.loads(body) if body else None,
                )
            )
            status, document = served.reply(self.command, self.path)
            content = b"" if document is None else json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json" if status < 400 else "application/problem+json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_DELETE = answer  # noqa: N815 -- the name that http.server looks for
        do_GET = answer  # noqa: N815 -- the same
        do_POST = answer  # noqa: N815 -- the same

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        served = Platform(f"http://127.0.0.1:{server.server_address[1]}")
        served.on("POST", "/api/auth/register", user(), 201)
        served.on("POST", "/api/auth/login", {"access_token": "t0ken", "token_type": "Bearer", "expires_in": 28_800})
        served.on("POST", "/api/auth/logout", status=204)
        served.on("GET", "/api/users/me", user())
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setenv("AMS_ENDPOINT", served.url)
        yield served
        server.shutdown()
        thread.join()


def user(**more):
    return {
        "id": "b4eadf22-c683-4aae-a820-6fba99b3c6aa",
        "email": "ada@example.com",
        "name": "Ada",
        "created_at": NOW,
        "updated_at": NOW,
        **more,
    }


@pytest.fixture
def a_user():
    return user


@pytest.fixture
def ams(monkeypatch, capsys):
    """Run ``ams`` here; stdin is what the test gives, and no terminal."""

    def run(*arguments, stdin=b""):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = command_line.main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return SimpleNamespace(code=code, out=captured.out, err=captured.err)

    return run


@pytest.fixture
def logged_in(platform, ams):
    """A platform, and a login at it that is kept in the state folder."""
    assert ams("login", "--email", "ada@example.com", "--password-stdin", stdin=b"pa55word").code == 0
    platform.requests.clear()
    return platform


@pytest.fixture
def in_an_hour():
    return datetime.now(UTC) + timedelta(hours=1)
