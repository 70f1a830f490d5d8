"""The same server over PostgreSQL: migrations, races and the whole path, in a schema of its own."""

from __future__ import annotations

import asyncio
import os
from uuid import uuid4

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from ams_reference_server.db import Database
from ams_reference_server.models import METADATA
from ams_reference_server.settings import load

psycopg = pytest.importorskip("psycopg")

SERVER = os.environ.get("AMS_TEST_POSTGRESQL", "postgresql://root@127.0.0.1:5432/test")
PASSWORD = "Correct-horse-7"


@pytest.fixture
def database_url():
    try:
        connection = psycopg.connect(SERVER, autocommit=True, connect_timeout=3)
    except psycopg.OperationalError as error:
        reason = f"no PostgreSQL answers at {SERVER}; name one in AMS_TEST_POSTGRESQL ({error})"
        if os.environ.get("AMS_REQUIRE_SERVICES") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    schema = f"ams_{uuid4().hex}"
    with connection:
        connection.execute(f'CREATE SCHEMA "{schema}"')
        yield f"{SERVER}?options=-csearch_path%3D{schema}"
        connection.execute(f'DROP SCHEMA "{schema}" CASCADE')
    connection.close()


def span(trace_id, number):
    tokens = [{"key": "gen_ai.usage.input_tokens", "value": {"intValue": "5"}}]
    operation = [{"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}}]
    said = {
        "traceId": trace_id,
        "spanId": f"{number + 1:016x}",
        "name": "a\u0000b",
        "startTimeUnixNano": "1700000000000000001",
    }
    return said | {"attributes": [*operation, *tokens, {"key": "nul", "value": {"stringValue": "\u0000"}}]}


async def log_in(client):
    body = {"email": "ada@example.org", "password": PASSWORD}
    answers = await asyncio.gather(*(client.post("/api/auth/register", json=body) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
    client.headers["Authorization"] = (
        f"Bearer {(await client.post('/api/auth/login', json=body)).json()['access_token']}"
    )


async def register_agents(client):
    body = {
        "name": "solver",
        "version": "1",
        "labels": {"a": "b"},
        "tools": [{"name": "t", "input_schema": {"x": [1, None]}}],
    }
    answers = await asyncio.gather(*(client.post("/api/agents", json=body) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    versions = [client.post("/api/agents", json=body | {"version": str(number)}) for number in range(2, 8)]
    numbers = sorted(answer.json()["revision"]["number"] for answer in await asyncio.gather(*versions))
    assert numbers == [2, 3, 4, 5, 6, 7]
    listed = (await client.get("/api/agents", params={"q": "OLV", "status": "active"})).json()["items"]
    assert [(agent["name"], agent["revision"]["number"]) for agent in listed] == [("solver", 7)]


async def send_and_read_traces(client):
    traces = [f"{number + 1:032x}" for number in range(3)]
    spans = [span(trace_id, number) for trace_id in traces for number in range(4)]
    bodies = [{"resourceSpans": [{"scopeSpans": [{"spans": spans[turn:] + spans[:turn]}]}]} for turn in range(8)]
    answers = await asyncio.gather(*(client.post("/v1/traces", json=body) for body in bodies))
    assert {answer.status_code for answer in answers} == {200}
    page = (await client.get("/api/traces", params={"limit": 2, "q": "A"})).json()
    rest = (await client.get("/api/traces", params={"limit": 2, "cursor": page["next_cursor"]})).json()
    found = [*page["items"], *rest["items"]]
    assert sorted(trace["trace_id"] for trace in found) == traces
    assert {(trace["span_count"], trace["input_tokens"], trace["root_name"]) for trace in found} == {
        (4, 20, "a\ufffdb")
    }
    trace = (await client.get(f"/api/traces/{traces[0]}")).json()
    assert trace["spans"][0]["attributes"]["nul"] == "\0"
    assert trace["started_at"] == "2023-11-14T22:13:20Z"


def test_the_whole_path_over_postgresql(database_url, tmp_path, serving):
    settings = load(
        {"AMS_DATABASE_URL": database_url, "AMS_STATE_DIR": str(tmp_path / "state"), "AMS_BCRYPT_COST": "4"}
    )

    async def scenario():
        async with serving(settings) as client:
            assert (await client.get("/health/ready")).status_code == 200
            await log_in(client)
            await register_agents(client)
            await send_and_read_traces(client)
            assert (await client.post("/api/auth/logout")).status_code == 204
            assert (await client.get("/api/users/me")).status_code == 401
        assert (tmp_path / "state" / "reference-server.key").exists()

    asyncio.run(scenario())
    database = Database(database_url)
    database.migrate()
    context = {"compare_type": True}
    compared = database.read(lambda c: compare_metadata(MigrationContext.configure(c, opts=context), METADATA))
    assert asyncio.run(compared) == []
    database.dispose()
