from __future__ import annotations

import anyio
import pytest

from researcher import reader

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request):
    pytest.importorskip(request.param)
    return request.param


async def test_an_asynchronous_agent(ams, ams_trace, ams_async_client):
    assert await reader("otters") == "otters float"
    ams_trace.agent("reader").assert_succeeded()
    assert (await ams_async_client.users.me()).email == ams.account.email


async def test_tasks_are_waited_for_without_holding_up_the_loop(ams_trace):
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(reader, "otters")
        await ams_trace.wait_async(until=lambda trace: trace.agents("reader"))


async def test_a_scripted_model(ams_llm):
    ams_llm.script("Otters hold hands.")
    assert (await ams_llm.acomplete("why?")).text == "Otters hold hands."
