"""A server that is killed while people register: what it answered is kept, and nothing is half there."""

from __future__ import annotations

import signal
import sqlite3
import threading
from contextlib import closing, suppress

import httpx
import pytest

PASSWORD = "Correct-horse-7"
PEOPLE = 6


@pytest.fixture(params=["sqlite", "postgresql"])
def environ_of_store(request, environ):
    if request.param == "postgresql":
        environ["AMS_DATABASE_URL"] = request.getfixturevalue("postgresql_url")
    return environ


class Crowd:
    """People who register until nobody answers; who was told what."""

    def __init__(self, url):
        self.url = url
        self.created, self.unanswered = [], []
        self.enough = threading.Event()
        self._threads = [threading.Thread(target=self._register, args=(number,)) for number in range(PEOPLE)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        for thread in self._threads:
            thread.join(30)

    def _register(self, number):
        with httpx.Client(base_url=self.url) as client, suppress(httpx.TransportError):
            for turn in range(10_000):
                email = f"{number}.{turn}@example.org"
                self.unanswered.append(email)
                answer = client.post("/api/auth/register", json={"email": email, "password": PASSWORD})
                assert answer.status_code == 201
                self.unanswered.remove(email)
                self.created.append(email)
                if len(self.created) >= 40:
                    self.enough.set()


@pytest.mark.slow
def test_who_was_told_yes_is_there_and_the_others_are_whole_or_not_at_all(environ_of_store, server_process):
    with server_process(environ_of_store) as server, Crowd(server.url) as crowd:
        assert crowd.enough.wait(60)
        server.process.send_signal(signal.SIGKILL)
        server.process.wait(10)
    assert crowd.unanswered
    with server_process(environ_of_store) as again, httpx.Client(base_url=again.url) as client:
        assert client.get("/health/ready").status_code == 200
        for email in crowd.created:
            body = {"email": email, "password": PASSWORD}
            assert client.post("/api/auth/login", json=body).status_code == 200
        for email in crowd.unanswered:
            body = {"email": email, "password": PASSWORD}
            registered = client.post("/api/auth/register", json=body).status_code
            assert registered in {201, 409}
            assert client.post("/api/auth/login", json=body).status_code == 200


@pytest.mark.slow
def test_the_file_is_sound_after_a_kill(environ, server_process, tmp_path):
    with server_process(environ) as server, Crowd(server.url) as crowd:
        assert crowd.enough.wait(60)
        server.process.send_signal(signal.SIGKILL)
        server.process.wait(10)
    with closing(sqlite3.connect(tmp_path / "state" / "reference-server.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        kept = {row[0] for row in database.execute("SELECT email FROM users")}
    assert set(crowd.created) <= kept <= set(crowd.created + crowd.unanswered)
