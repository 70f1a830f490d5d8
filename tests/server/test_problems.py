from __future__ import annotations

import asyncio
import json

import httpx
import pytest
from starlette.requests import ClientDisconnect

from ams_reference_server.problems import ErrorsMiddleware

SECRET = "do-not-show-this"


def answer(app, path="/api/x"):
    async def with_id(scope, receive, send):
        scope.setdefault("state", {})["request_id"] = "r-1"
        await ErrorsMiddleware(app)(scope, receive, send)

    async def ask():
        async with httpx.AsyncClient(transport=httpx.ASGITransport(with_id), base_url="http://s") as client:
            return await client.get(path)

    return asyncio.run(ask())


def raising(error):
    async def app(scope, receive, send):
        raise error

    return app


@pytest.mark.parametrize("error", [RuntimeError(SECRET), KeyError(SECRET), RecursionError(SECRET)])
def test_a_defect_is_a_500_that_tells_nothing_and_a_log_line_that_says_where(error, caplog):
    response = answer(raising(error))
    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["code"] == "internal"
    assert response.json()["request_id"] == "r-1"
    assert SECRET not in response.text
    assert "r-1" in caplog.text
    assert type(error).__name__ in caplog.text
    assert "test_problems.py" in caplog.text
    assert SECRET not in caplog.messages[0].replace("raise error", "")


def test_a_defect_under_otlp_is_a_status():
    response = answer(raising(RuntimeError(SECRET)), "/v1/traces")
    assert (response.status_code, response.headers["content-type"]) == (500, "application/json")
    assert json.loads(response.text)["code"] == 13


def test_nobody_is_answered_who_has_gone(caplog):
    sent = []

    async def scenario():
        async def send(message):
            sent.append(message)

        await ErrorsMiddleware(raising(ClientDisconnect()))({"type": "http", "state": {}}, None, send)

    asyncio.run(scenario())
    assert (sent, caplog.text) == ([], "")


def test_an_answer_that_has_begun_is_not_begun_again(caplog):
    sent = []

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError(SECRET)

    async def send(message):
        sent.append(message["type"])

    asyncio.run(ErrorsMiddleware(app)({"type": "http", "state": {"request_id": "r-1"}}, None, send))
    assert sent == ["http.response.start"]
    assert "r-1" in caplog.text


def test_what_is_not_http_passes():
    seen = []

    async def app(scope, receive, send):
        seen.append(scope["type"])

    asyncio.run(ErrorsMiddleware(app)({"type": "websocket"}, None, None))
    assert seen == ["websocket"]
