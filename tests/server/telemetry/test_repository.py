from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from functools import partial
from uuid import uuid4

from sqlalchemy import func, insert, select

from ams_reference_server.models import spans, users
from ams_reference_server.telemetry import repository
from ams_reference_server.telemetry.otlp import SpanRecord

NUMBER = 500


def received(number):
    ids = {"span_id": f"{number:016x}", "parent_span_id": None}
    column = {"name": "run", "kind": "internal", "status": "unset", "status_message": None, "started_ns": 1}
    column |= {"ended_ns": 2, "scope_name": None, "scope_version": None}
    content = {"attributes": {}, "events": [], "links": [], "resource": {}}
    record = SpanRecord(trace_id=f"{number:032x}", **ids, **column, **content)
    return record, None, ids | column | dict.fromkeys(content, "{}")


def work_of(connection, call):
    """The steps of the machine inside SQLite, in hundreds."""
    steps = 0

    def count():
        nonlocal steps
        steps += 1

    driver = connection.connection.driver_connection
    driver.set_progress_handler(count, 100)
    call()
    driver.set_progress_handler(None, 0)
    return steps


def test_known_spans_cost_no_more_than_new_ones(database):
    owner, now = uuid4(), datetime.now(UTC)
    account = {"id": owner, "email": "a", "email_key": "a", "password_hash": "", "created_at": now, "updated_at": now}
    batch = [received(number) for number in range(1, NUMBER + 1)]

    def twice(connection):
        connection.execute(insert(users), [account])
        store = partial(repository.store, connection, owner, batch)
        return (
            work_of(connection, store),
            work_of(connection, store),
            connection.scalar(select(func.count(spans.c.span_id))),
        )

    first, second, kept = asyncio.run(database.write(twice))
    assert kept == NUMBER
    # All traces times all spans would be over thirty times as much.
    assert second < first
