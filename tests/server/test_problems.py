from __future__ import annotations

import asyncio
import json

import httpx
import pytest
from starlette.requests import ClientDisconnect

from ams_reference_server.errors import UnauthenticatedError
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


@pytest.mark.parametrize(("path", "kind"), [("/api/x", "application/problem+json"), ("/v1/traces", "application/json")])
def test_a_request_that_the_end_cancels_may_be_sent_again(path, kind, caplog):
    response = answer(raising(asyncio.CancelledError()), path)
    assert (response.status_code, response.headers["content-type"]) == (503, kind)
    assert (response.headers["retry-after"], response.headers["connection"]) == ("1", "close")
    assert response.json()["code"] == ("unavailable" if path == "/api/x" else 14)
    assert caplog.text == ""


def test_an_answer_that_the_end_cancels_is_left_as_it_is():
    sent = []

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise asyncio.CancelledError

    async def send(message):
        sent.append(message["type"])

    asyncio.run(ErrorsMiddleware(app)({"type": "http", "state": {"request_id": "r-1"}}, None, send))
    assert sent == ["http.response.start"]


@pytest.mark.parametrize(
    ("headers", "reads", "closes"),
    [
        ({"content-length": "9"}, False, True),
        ({"transfer-encoding": "chunked"}, False, True),
        ({"content-length": "9"}, True, False),
        ({"content-length": "0"}, False, False),
        ({}, False, False),
    ],
)
def test_a_strangers_body_is_not_read_to_its_end(headers, reads, closes):
    sent = []

    async def app(scope, receive, send):
        if reads:
            await receive()
        raise UnauthenticatedError

    async def receive():
        return {"type": "http.request", "body": b"123456789"}

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "path": "/api/x", "state": {"request_id": "r-1"}}
    scope["headers"] = [(name.encode(), value.encode()) for name, value in headers.items()]
    asyncio.run(ErrorsMiddleware(app)(scope, receive, send))
    assert sent[0]["status"] == 401
    assert ((b"connection", b"close") in sent[0]["headers"]) is closes


def test_what_is_not_http_passes():
    seen = []

    async def app(scope, receive, send):
        seen.append(scope["type"])

    asyncio.run(ErrorsMiddleware(app)({"type": "websocket"}, None, None))
    assert seen == ["websocket"]
