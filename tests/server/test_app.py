from __future__ import annotations

import asyncio
import dataclasses

import httpx
import pytest
from sqlalchemy import create_engine, text

from ams_reference_server.accounts.bearer import OPEN_PATHS
from ams_reference_server.app import create_app
from ams_reference_server.errors import StoreUnusableError
from ams_reference_server.settings import load

PASSWORD = "Correct-horse-7"
UNAVAILABLE = {"blocklist": "unavailable", "database": "unavailable"}
BODY = {"email": "ada@example.org", "password": PASSWORD}


async def log_in(client):
    token = (await client.post("/api/auth/login", json=BODY)).json()["access_token"]
    client.headers["Authorization"] = f"Bearer {token}"


def execute(settings, statement):
    engine = create_engine(settings.database_url)
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()


def test_every_route_is_denied_without_a_credential_but_the_open_ones(settings, serving):
    routes = create_app(settings).routes
    asked = [(route.path.replace("{", "").replace("}", ""), method) for route in routes for method in route.methods]

    async def scenario():
        async with serving(settings) as client:
            return {path: (await client.request(method, path)).status_code for path, method in asked}

    codes = asyncio.run(scenario())
    assert codes.keys() >= OPEN_PATHS
    assert {path for path, code in codes.items() if code != 401} == OPEN_PATHS


def test_a_websocket_is_refused(settings):
    sent = []

    async def scenario():
        async def receive():
            return {"type": "websocket.connect"}

        async def send(message):
            sent.append(message["type"])

        scope = {"type": "websocket", "path": "/api/users/me", "headers": [], "query_string": b"", "root_path": ""}
        await create_app(settings)(scope, receive, send)

    asyncio.run(scenario())
    assert sent == ["websocket.close"]


def test_a_token_outlives_neither_its_time_nor_its_account(settings, serving):
    async def scenario():
        async with serving(dataclasses.replace(settings, token_lifetime=1)) as client:
            await client.post("/api/auth/register", json=BODY)
            await log_in(client)
            answer = await client.get("/api/users/me")
            for _ in range(200):
                if answer.status_code != 200:
                    break
                await asyncio.sleep(0.05)
                answer = await client.get("/api/users/me")
        async with serving(settings) as client:
            await log_in(client)
            assert (await client.get("/api/users/me")).status_code == 200
            execute(settings, "DELETE FROM users")
            return answer, await client.get("/api/users/me")

    expired, gone = asyncio.run(scenario())
    assert (expired.status_code, expired.json()["code"]) == (401, "token_expired")
    assert 'error="invalid_token"' in expired.headers["www-authenticate"]
    assert (gone.status_code, gone.json()["code"]) == (401, "invalid_token")


def test_a_store_that_is_down_is_503_and_never_a_wrong_yes(settings, serving):
    async def scenario():
        async with serving(settings) as client:
            await client.post("/api/auth/register", json=BODY)
            await log_in(client)
            execute(settings, "DROP TABLE revoked_tokens")
            asked = [await client.get("/api/users/me"), await client.post("/v1/traces", json={})]
            execute(settings, "DROP TABLE users")
            return [*asked, await client.post("/api/auth/login", json=BODY)]

    answers = asyncio.run(scenario())
    assert [(answer.status_code, answer.headers["retry-after"]) for answer in answers] == [(503, "1")] * 3
    assert [answer.json()["code"] for answer in answers] == ["unavailable", 14, "unavailable"]


def test_ready_says_what_is_missing(settings, serving):
    async def scenario():
        async with serving(settings) as client:
            execute(settings, "UPDATE alembic_version SET version_num = '0000'")
            return await client.get("/health/ready")

    answer = asyncio.run(scenario())
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.json() == {
        "status": "unavailable",
        "checks": {"blocklist": "ok", "database": "ok", "migrations": "pending"},
    }


def test_a_store_that_is_broken_is_not_ready_but_the_process_lives(settings):
    app = create_app(settings)
    (settings.state_dir / "reference-server.db").write_text("no database " * 100)

    async def scenario():
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://s") as client:
            return [await client.get(f"/health/{which}") for which in ("ready", "live")]

    ready, live = asyncio.run(scenario())
    assert (ready.status_code, ready.json()["checks"]) == (503, UNAVAILABLE)
    assert live.status_code == 200


def test_tokens_of_another_key_are_not_accepted(settings, serving):
    async def scenario():
        async with serving(dataclasses.replace(settings, secret_key="a" * 32)) as client:
            await client.post("/api/auth/register", json=BODY)
            await log_in(client)
            token = client.headers["Authorization"]
        async with serving(dataclasses.replace(settings, secret_key="b" * 32)) as client:
            return await client.get("/api/users/me", headers={"Authorization": token})

    assert asyncio.run(scenario()).status_code == 401
    assert not list(settings.state_dir.glob("*.key"))


def test_the_limits_are_settings(settings, serving):
    small = dataclasses.replace(settings, api_body_limit=1024, otlp_body_limit=2048, otlp_unpacked_limit=1500)

    async def scenario():
        async with serving(small) as client:
            await client.post("/api/auth/register", json=BODY)
            await log_in(client)
            json_type = {"Content-Type": "application/json"}
            api = [await client.post("/api/agents", content=b" " * size, headers=json_type) for size in (1024, 1025)]
            otlp = [
                await client.post("/v1/traces", content=b" " * size, headers=json_type) for size in (1500, 1501, 2049)
            ]
            return [answer.status_code for answer in (*api, *otlp)]

    assert asyncio.run(scenario()) == [400, 413, 400, 413, 413]


def test_a_state_folder_that_cannot_be_used_stops_the_start(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnusableError):
        create_app(load({"AMS_STATE_DIR": str(tmp_path / "file")}))


def test_the_policy_is_the_one_that_was_set(settings, serving):
    async def scenario():
        async with serving(dataclasses.replace(settings, password_policy="nist")) as client:
            answers = [
                await client.post("/api/auth/register", json=BODY | {"password": password})
                for password in ("Correct-horse7", "correct horse battery")
            ]
            login = await client.post("/api/auth/login", json=BODY | {"password": "correct horse battery"})
            return [answer.status_code for answer in answers], answers[0].json()["errors"], login.status_code

    codes, errors, login = asyncio.run(scenario())
    assert (codes, login) == ([422, 201], 200)
    assert [error["code"] for error in errors] == ["too_short"]
