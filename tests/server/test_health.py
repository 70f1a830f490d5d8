from __future__ import annotations

import asyncio
import json
import threading

from ams_reference_server.accounts.blocklist import DatabaseBlocklist
from ams_reference_server.health import HealthRoutes


def test_readiness_does_not_wait_for_long(database, monkeypatch):
    monkeypatch.setattr("ams_reference_server.health._SECONDS", 0.1)
    done = threading.Event()

    async def scenario():
        reads = [asyncio.create_task(database.read(lambda _connection: done.wait(10))) for _ in range(4)]
        await asyncio.sleep(0)
        answer = await HealthRoutes(database, DatabaseBlocklist(database)).ready(None)
        done.set()
        return answer, await asyncio.gather(*reads)

    answer, waited = asyncio.run(scenario())
    assert waited == [True] * 4
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert json.loads(answer.body)["checks"] == {"blocklist": "ok", "database": "unavailable"}
