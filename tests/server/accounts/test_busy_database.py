"""A database that is read but cannot be written: somebody else holds SQLite's only write lock."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from contextlib import closing, contextmanager
from dataclasses import replace

import httpx
import pytest

BODY = {"email": "ada@example.org", "password": "Correct-horse-7"}
WRONG = BODY | {"password": "Wrong-horse-7"}


@pytest.fixture(autouse=True)
def short_waits(monkeypatch):
    monkeypatch.setattr("ams_reference_server.db._BUSY_MILLISECONDS", 400)


@contextmanager
def write_locked(settings):
    with closing(sqlite3.connect(settings.state_dir / "reference-server.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def unlimited(settings):
    return replace(
        settings, login_limit_per_address=None, login_limit_per_client=None, registration_limit_per_client=None
    )


async def logged_in(client):
    await client.post("/api/auth/register", json=BODY)
    token = (await client.post("/api/auth/login", json=BODY)).json()["access_token"]
    return {"Authorization": f"Bearer {token}"}


def test_nobody_can_guess_while_nothing_can_be_counted(settings, serving):
    async def scenario():
        async with serving(settings) as client:
            await logged_in(client)
            with write_locked(settings):
                answers = [await client.post("/api/auth/login", json=body) for body in (WRONG, BODY)]
            return answers, await client.post("/api/auth/login", json=BODY)

    (wrong, right), later = asyncio.run(scenario())
    assert wrong.status_code == right.status_code == 503
    assert wrong.json()["detail"] == right.json()["detail"]
    assert later.status_code == 200


def test_who_registers_holds_up_nobody_who_logs_in(settings, serving):
    async def scenario():
        async with serving(replace(unlimited(settings), hash_threads=1)) as client:
            await logged_in(client)
            with write_locked(settings):
                waiting = [
                    asyncio.create_task(
                        client.post("/api/auth/register", json=BODY | {"email": f"{number}@example.org"})
                    )
                    for number in range(4)
                ]
                await asyncio.sleep(0)
                login = await client.post("/api/auth/login", json=BODY)
                in_time = not all(task.done() for task in waiting)
            return login.status_code, in_time, [(await task).status_code for task in waiting]

    login, in_time, registered = asyncio.run(scenario())
    assert (login, in_time) == (200, True)
    assert set(registered) <= {201, 503}


def test_a_key_is_read_although_its_use_cannot_be_written(settings, serving):
    async def scenario():
        async with serving(settings) as client:
            bearer = await logged_in(client)
            key = (await client.post("/api/keys", json={"name": "k"}, headers=bearer)).json()["key"]
            with_key = {"Authorization": f"Bearer {key}"}
            with write_locked(settings):
                begun = time.monotonic()
                codes = [(await client.get("/api/users/me", headers=with_key)).status_code for _ in range(10)]
                took = time.monotonic() - begun
            return codes, took

    codes, took = asyncio.run(scenario())
    assert codes == [200] * 10
    assert took < 2  # one short wait for all of them


def test_a_file_that_was_moved_away_is_not_made_anew(settings, environ, server_process):
    file = settings.state_dir / "reference-server.db"
    with server_process(environ) as server, httpx.Client(base_url=server.url) as client:
        assert client.post("/api/auth/register", json=BODY).status_code == 201
        bearer = {"Authorization": f"Bearer {client.post('/api/auth/login', json=BODY).json()['access_token']}"}
        aside = file.with_name("aside.db")
        file.rename(aside)
        assert {client.get("/api/users/me", headers=bearer).status_code for _ in range(6)} == {503}
        assert client.post("/api/auth/login", json=BODY).status_code == 503
        assert not file.exists()
        aside.rename(file)
        assert {client.get("/api/users/me", headers=bearer).status_code for _ in range(6)} == {200}
        server.process.kill()
        server.process.wait(10)
    with server_process(environ) as again:
        assert httpx.get(f"{again.url}/api/users/me", headers=bearer).status_code == 200


def test_a_request_under_way_is_stopped_when_its_account_is_gone(settings, serving):
    async def scenario():
        async with serving(settings) as client:
            bearer = await logged_in(client)

            async def slow_body():
                yield b'{"name": '
                assert (await client.post("/api/auth/logout", headers=bearer)).status_code == 204
                await asyncio.sleep(0.15)  # longer than a credential is trusted
                yield b'"k"}'

            headers = bearer | {"Content-Type": "application/json"}
            return await client.post("/api/keys", content=slow_body(), headers=headers)

    answer = asyncio.run(scenario())
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")
