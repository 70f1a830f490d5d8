from __future__ import annotations

import asyncio
import time

import httpx
import pytest
from sqlalchemy import make_url, select

from ams_reference_server.accounts.blocklist import DatabaseBlocklist, RedisBlocklist
from ams_reference_server.errors import UnavailableError
from ams_reference_server.models import revoked_tokens
from ams_reference_server.redis_store import open_redis

BODY = {"email": "ada@example.org", "password": "Correct-horse-7"}


TOKEN = "a" * 32


def run_with_redis(url, database, scenario):
    async def work():
        async with open_redis(url) as redis:
            return await scenario(RedisBlocklist(redis, DatabaseBlocklist(database)), redis)

    return asyncio.run(work())


def test_what_was_logged_out_is_listed_until_it_would_have_expired(redis_url, database):
    expires_at = int(time.time()) + 100

    async def scenario(blocklist, redis):
        await blocklist.open()
        assert not await blocklist.has(TOKEN)
        await blocklist.revoke(TOKEN, expires_at)
        await blocklist.revoke(TOKEN, expires_at)
        assert await blocklist.has(TOKEN)
        assert not await blocklist.has("b" * 32)
        assert await redis.expiretime(f"ams:revoked:{TOKEN}") == expires_at + 60

    run_with_redis(redis_url, database, scenario)
    kept = database.read_now(lambda connection: connection.execute(select(revoked_tokens)).all())
    assert kept == [(TOKEN, expires_at)]


@pytest.mark.slow
def test_a_redis_that_is_down_or_hangs_gives_no_answer(redis_url, database, proxy_to):
    url = make_url(redis_url)

    async def scenario(blocklist, _redis):
        for asked in (blocklist.has(TOKEN), blocklist.revoke(TOKEN, 1), blocklist.ping()):
            with pytest.raises(UnavailableError):
                await asked

    with proxy_to(url.host, url.port) as proxy:
        proxy.stalled.set()
        run_with_redis(f"redis://127.0.0.1:{proxy.port}/0", database, scenario)
    run_with_redis(f"redis://127.0.0.1:{proxy.port}/0", database, scenario)  # nobody listens any more


def logged_in(url, times):
    httpx.post(f"{url}/api/auth/register", json=BODY).raise_for_status()
    answers = [httpx.post(f"{url}/api/auth/login", json=BODY).raise_for_status() for _ in range(times)]
    return [{"Authorization": f"Bearer {answer.json()['access_token']}"} for answer in answers]


@pytest.mark.slow
def test_neither_a_redis_that_was_emptied_nor_one_left_out_lets_anybody_in(redis_url, environ, server_process):
    with server_process(environ | {"AMS_REDIS_URL": redis_url}) as server:
        gone, kept = logged_in(server.url, 2)
        assert httpx.post(f"{server.url}/api/auth/logout", headers=gone).status_code == 204
        redis = pytest.importorskip("redis")
        with redis.Redis.from_url(redis_url) as client:
            client.flushdb()
        assert httpx.get(f"{server.url}/api/users/me", headers=gone).status_code == 401
        assert httpx.get(f"{server.url}/api/users/me", headers=kept).status_code == 200
    with server_process(environ) as without:
        assert httpx.get(f"{without.url}/api/users/me", headers=gone).status_code == 401
        assert httpx.get(f"{without.url}/api/users/me", headers=kept).status_code == 200


@pytest.mark.slow
def test_while_redis_is_down_everybody_is_503_and_then_all_is_as_it_was(redis_url, proxy_to, environ, server_process):
    url = make_url(redis_url)
    with proxy_to(url.host, url.port) as proxy:
        through = f"redis://127.0.0.1:{proxy.port}/{url.database}"
        with (
            server_process(environ | {"AMS_REDIS_URL": through}) as server,
            httpx.Client(base_url=server.url, timeout=10) as client,
        ):
            assert client.post("/api/auth/register", json=BODY).status_code == 201
            gone, kept = (
                {"Authorization": f"Bearer {client.post('/api/auth/login', json=BODY).json()['access_token']}"}
                for _ in range(2)
            )
            assert client.post("/api/auth/logout", headers=gone).status_code == 204
            proxy.stalled.set()
            answers = [
                client.get("/api/users/me", headers=gone),
                client.get("/api/users/me", headers=kept),
                client.post("/api/auth/logout", headers=kept),
                client.post("/api/auth/login", json=BODY),
                client.get("/health/ready"),
            ]
            assert [(answer.status_code, answer.headers["retry-after"]) for answer in answers] == [(503, "1")] * 5
            assert answers[4].json()["checks"] == {"blocklist": "unavailable", "database": "ok", "migrations": "ok"}
            proxy.stalled.clear()
            assert client.get("/api/users/me", headers=kept).status_code == 200
            assert client.get("/api/users/me", headers=gone).status_code == 401


@pytest.mark.slow
def test_a_logout_is_shared_through_redis(redis_url, environ, server_process):
    environ |= {"AMS_REDIS_URL": redis_url}
    with server_process(environ) as one, server_process(environ) as two:
        assert httpx.post(f"{one.url}/api/auth/register", json=BODY).status_code == 201
        token = httpx.post(f"{one.url}/api/auth/login", json=BODY).json()["access_token"]
        bearer = {"Authorization": f"Bearer {token}"}
        assert httpx.get(f"{two.url}/api/users/me", headers=bearer).status_code == 200
        assert httpx.post(f"{one.url}/api/auth/logout", headers=bearer).status_code == 204
        assert httpx.get(f"{two.url}/api/users/me", headers=bearer).status_code == 401
    with server_process(environ) as again:
        assert httpx.get(f"{again.url}/api/users/me", headers=bearer).status_code == 401


def test_a_redis_that_takes_no_keys_is_not_ready(redis_url, database):
    class WithoutWrites:
        """The client of a Redis that is full, or a copy: it answers reads and refuses writes."""

        def __init__(self, client):
            self.exists = client.exists
            # A key that is of another kind is refused by the real server, in the way that a full one refuses.
            self.set = lambda key, value, **_more: client.lpush(f"{key}:text", value)

    async def scenario(_blocklist, client):
        await client.set("ams:revoked:ping:text", "x")
        refusing = RedisBlocklist(WithoutWrites(client), DatabaseBlocklist(database))
        assert not await refusing.has(TOKEN)
        with pytest.raises(UnavailableError):
            await refusing.ping()

    run_with_redis(redis_url, database, scenario)
