from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

HERE, ELSEWHERE = "https://app.example.org", "https://evil.example.org"


@pytest.fixture
def ask(settings, serving):
    """Sends one request to a server that lets one origin in; a preflight where ``asks_for`` names a method."""

    def send(method, path, origin, asks_for=None, **headers):
        headers["Origin"] = origin
        if asks_for:
            headers |= {"Access-Control-Request-Method": asks_for, "Access-Control-Request-Headers": "authorization"}

        async def scenario():
            async with serving(replace(settings, cors_origins=(HERE,))) as client:
                return await client.request(method, path, headers=headers)

        return asyncio.run(scenario())

    return send


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PATCH", "PUT"])
def test_a_preflight_of_the_origin_is_answered_without_a_credential(ask, method):
    answer = ask("OPTIONS", "/api/users/me", HERE, method)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == HERE
    assert method in answer.headers["access-control-allow-methods"]
    assert "authorization" in answer.headers["access-control-allow-headers"].lower()
    assert "access-control-allow-credentials" not in answer.headers
    assert "Origin" in answer.headers["vary"]
    assert answer.headers["x-request-id"]


def test_a_preflight_of_another_origin_gets_no_permission(ask):
    assert "access-control-allow-origin" not in ask("OPTIONS", "/api/users/me", ELSEWHERE, "GET").headers
    assert "access-control-allow-origin" not in ask("OPTIONS", "/api/users/me", "null", "GET").headers


def test_an_answer_may_be_read_by_the_origin_also_when_it_is_an_error(ask):
    answer = ask("GET", "/api/users/me", HERE)
    assert answer.status_code == 401
    assert answer.headers["access-control-allow-origin"] == HERE
    assert "X-Request-ID" in answer.headers["access-control-expose-headers"]
    assert "access-control-allow-origin" not in ask("GET", "/api/users/me", ELSEWHERE).headers


def test_options_without_a_preflight_is_a_request_like_any_other(ask):
    assert ask("OPTIONS", "/api/users/me", HERE).status_code == 401


def test_nobody_is_let_in_by_default(settings, serving):
    async def scenario():
        async with serving(settings) as client:
            headers = {"Origin": HERE, "Access-Control-Request-Method": "GET"}
            return await client.options("/api/users/me", headers=headers), await client.get(
                "/health/live", headers=headers
            )

    preflight, simple = asyncio.run(scenario())
    assert preflight.status_code == 401
    for answer in (preflight, simple):
        assert not [name for name in answer.headers if name.startswith("access-control")]
