from __future__ import annotations

import asyncio
import time
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import make_url

from ams_reference_server.accounts.blocklist import RedisBlocklist
from ams_reference_server.errors import UnavailableError
from ams_reference_server.redis_store import open_redis
from ams_reference_server.security.tokens import AccessToken

PASSWORD = "Correct-horse-7"


def token(issued_at):
    return AccessToken(uuid4(), uuid4().hex, issued_at, issued_at + 60)


def run_with_redis(url, scenario):
    async def work():
        redis = open_redis(url)
        try:
            return await scenario(redis)
        finally:
            await redis.aclose()

    return asyncio.run(work())


def test_what_was_logged_out_is_listed_until_it_would_have_expired(redis_url):
    async def scenario(redis):
        blocklist = RedisBlocklist(redis)
        await blocklist.open()
        one, other = token(int(time.time())), token(int(time.time()))
        assert not await blocklist.has(one)
        await blocklist.revoke(one.token_id, one.expires_at)
        await blocklist.revoke(one.token_id, one.expires_at)
        assert await blocklist.has(one)
        assert not await blocklist.has(other)
        assert await redis.expiretime(f"ams:revoked:{one.token_id}") == one.expires_at + 60

    run_with_redis(redis_url, scenario)


def test_a_redis_that_lost_its_memory_lets_nobody_in_from_before(redis_url):
    async def scenario(redis):
        blocklist = RedisBlocklist(redis)
        await blocklist.open()
        gone, kept = token(int(time.time())), token(int(time.time()))
        await blocklist.revoke(gone.token_id, gone.expires_at)
        await redis.flushdb()
        assert await blocklist.has(gone)
        assert await blocklist.has(kept)
        later = token(int(time.time()) + 2)
        assert not await blocklist.has(later)

    run_with_redis(redis_url, scenario)


def test_a_second_process_does_not_begin_anew(redis_url):
    async def scenario(redis):
        early, late = RedisBlocklist(redis, lambda: 1000.0), RedisBlocklist(redis, lambda: 2000.0)
        await early.revoke("a" * 32, int(time.time()) + 60)
        assert await early.has(token(1000))  # the second in which it began is not trusted
        assert not await late.has(token(1001))

    run_with_redis(redis_url, scenario)


def test_a_redis_that_is_down_or_hangs_gives_no_answer(redis_url, proxy_to):
    url = make_url(redis_url)

    async def scenario(redis):
        blocklist = RedisBlocklist(redis)
        with pytest.raises(UnavailableError):
            await blocklist.has(token(1))
        with pytest.raises(UnavailableError):
            await blocklist.revoke("a" * 32, 1)
        with pytest.raises(UnavailableError):
            await blocklist.ping()

    with proxy_to(url.host, url.port) as proxy:
        proxy.stalled.set()
        run_with_redis(f"redis://127.0.0.1:{proxy.port}/0", scenario)
    run_with_redis(f"redis://127.0.0.1:{proxy.port}/0", scenario)  # nobody listens any more


def test_while_redis_is_down_everybody_is_503_and_then_all_is_as_it_was(redis_url, proxy_to, environ, server_process):
    url = make_url(redis_url)
    body = {"email": "ada@example.org", "password": PASSWORD}
    with proxy_to(url.host, url.port) as proxy:
        through = f"redis://127.0.0.1:{proxy.port}/{url.database}"
        with (
            server_process(environ | {"AMS_REDIS_URL": through}) as server,
            httpx.Client(base_url=server.url, timeout=10) as client,
        ):
            assert client.post("/api/auth/register", json=body).status_code == 201
            gone, kept = (
                {"Authorization": f"Bearer {client.post('/api/auth/login', json=body).json()['access_token']}"}
                for _ in range(2)
            )
            assert client.post("/api/auth/logout", headers=gone).status_code == 204
            proxy.stalled.set()
            answers = [
                client.get("/api/users/me", headers=gone),
                client.get("/api/users/me", headers=kept),
                client.post("/api/auth/logout", headers=kept),
                client.post("/api/auth/login", json=body),
                client.get("/health/ready"),
            ]
            assert [(answer.status_code, answer.headers["retry-after"]) for answer in answers] == [(503, "1")] * 5
            assert answers[4].json()["checks"] == {"blocklist": "unavailable", "database": "ok", "migrations": "ok"}
            proxy.stalled.clear()
            assert client.get("/api/users/me", headers=kept).status_code == 200
            assert client.get("/api/users/me", headers=gone).status_code == 401


def test_a_logout_is_shared_through_redis(redis_url, environ, server_process):
    environ |= {"AMS_REDIS_URL": redis_url}
    body = {"email": "ada@example.org", "password": PASSWORD}
    with server_process(environ) as one, server_process(environ) as two:
        assert httpx.post(f"{one.url}/api/auth/register", json=body).status_code == 201
        token = httpx.post(f"{one.url}/api/auth/login", json=body).json()["access_token"]
        bearer = {"Authorization": f"Bearer {token}"}
        assert httpx.get(f"{two.url}/api/users/me", headers=bearer).status_code == 200
        assert httpx.post(f"{one.url}/api/auth/logout", headers=bearer).status_code == 204
        assert httpx.get(f"{two.url}/api/users/me", headers=bearer).status_code == 401
    with server_process(environ) as again:
        assert httpx.get(f"{again.url}/api/users/me", headers=bearer).status_code == 401
