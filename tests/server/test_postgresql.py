"""The same server over PostgreSQL: migrations, races and the whole path, in a schema of its own."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time

import httpx
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import make_url, text
from sqlalchemy.exc import ProgrammingError

from ams_reference_server.db import Database
from ams_reference_server.errors import UnavailableError
from ams_reference_server.models import METADATA
from ams_reference_server.settings import load

PASSWORD = "Correct-horse-7"


@pytest.fixture
def database_url(postgresql_url):
    return postgresql_url


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


@pytest.fixture
def proxy(database_url, proxy_to):
    url = make_url(database_url)
    with proxy_to(url.host, url.port or 5432) as running:
        running.url = url.set(host="127.0.0.1", port=running.port).render_as_string(hide_password=False)
        yield running


@pytest.mark.slow
def test_a_database_that_stalls_is_503_and_does_not_hold_up_the_end(proxy, environ, server_process):
    body = {"email": "ada@example.org", "password": PASSWORD}
    with (
        server_process(environ | {"AMS_DATABASE_URL": proxy.url}) as server,
        httpx.Client(base_url=server.url, timeout=20) as client,
    ):
        assert client.post("/api/auth/register", json=body).status_code == 201
        assert client.get("/health/ready").status_code == 200
        proxy.stalled.set()
        ready, login = client.get("/health/ready"), client.post("/api/auth/login", json=body)
        assert (ready.status_code, ready.json()["checks"]) == (
            503,
            {"blocklist": "unavailable", "database": "unavailable"},
        )
        assert (login.status_code, login.json()["code"]) == (503, "unavailable")
        begun = time.monotonic()
        code, _, err = server.end(signal.SIGTERM)
        assert time.monotonic() - begun < 10.5
        assert (code, "Traceback" in err) == (0, False)


@pytest.mark.slow
def test_a_start_on_a_database_that_stalls_can_be_ended(proxy, environ):
    proxy.stalled.set()
    command = [sys.executable, "-m", "ams_reference_server", "--port", "0"]
    changed = environ | {"AMS_DATABASE_URL": proxy.url}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=changed, text=True) as process:
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (9, "")
    assert "AMS_DATABASE_URL" in err


@pytest.mark.parametrize(
    "statements",
    [
        ["SELECT * FROM gone"],
        ["SELECT * FROM gone.table"],
        ["SET TRANSACTION READ ONLY", "DELETE FROM users"],
        ["SET LOCAL ROLE pg_monitor", "SELECT * FROM pg_authid"],
    ],
)
def test_a_store_that_lacks_a_table_or_a_right_is_unavailable(database_url, statements):
    database = Database(database_url)
    database.migrate()

    def change(connection):
        for statement in statements:
            connection.execute(text(statement))

    with pytest.raises(UnavailableError):
        asyncio.run(database.write(change))
    database.dispose()


def test_a_statement_that_is_wrong_is_a_defect(database_url):
    database = Database(database_url)
    with pytest.raises(ProgrammingError):
        asyncio.run(database.read(lambda connection: connection.execute(text("SELEC 1"))))
    database.dispose()


def test_waiting_for_a_lock_has_an_end(database_url):
    database = Database(database_url)
    found = database.read(
        lambda connection: [
            connection.execute(text(f"SHOW {name}")).scalar() for name in ("lock_timeout", "statement_timeout")
        ]
    )
    assert asyncio.run(found) == ["5s", "30s"]
    database.dispose()


def test_a_schema_behind_the_server_is_pending_and_unavailable(database_url, tmp_path, serving):
    settings = load(
        {"AMS_DATABASE_URL": database_url, "AMS_STATE_DIR": str(tmp_path / "state"), "AMS_BCRYPT_COST": "4"}
    )

    async def scenario():
        async with serving(settings) as client:
            await log_in(client)
            database = Database(database_url)
            database.migrate("0001")
            database.dispose()
            return await client.get("/health/ready"), await client.get("/api/users/me")

    ready, me = asyncio.run(scenario())
    assert (ready.status_code, ready.json()["checks"]["migrations"]) == (503, "pending")
    assert me.status_code == 503


def test_the_last_moment_there_is_can_be_kept_in_any_time_zone(database_url, tmp_path, serving):
    settings = load(
        {
            "AMS_DATABASE_URL": f"{database_url}%20-ctimezone%3DAsia/Tokyo",
            "AMS_STATE_DIR": str(tmp_path / "state"),
            "AMS_BCRYPT_COST": "4",
        }
    )

    async def scenario():
        async with serving(settings) as client:
            await log_in(client)
            made = await client.post("/api/keys", json={"name": "k", "expires_at": "9999-12-31T23:59:59Z"})
            return made.status_code, (await client.get("/api/keys")).json()["items"][0]["expires_at"]

    assert asyncio.run(scenario()) == (201, "9999-12-31T23:59:59Z")
