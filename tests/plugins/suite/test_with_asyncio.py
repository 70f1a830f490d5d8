from __future__ import annotations

import asyncio

import pytest

pytest.importorskip("pytest_asyncio")

from researcher import reader


@pytest.mark.asyncio
async def test_an_asynchronous_agent(ams, ams_trace, ams_async_client):
    assert await reader("otters") == "otters float"
    ams_trace.agent("reader").assert_succeeded()
    assert (await ams_async_client.users.me()).email == ams.account.email


@pytest.mark.asyncio
async def test_tasks_are_waited_for_without_holding_up_the_loop(ams_trace):
    task = asyncio.ensure_future(reader("otters"))
    await ams_trace.wait_async(until=lambda trace: trace.agents("reader"))
    await task


@pytest.mark.asyncio
async def test_a_scripted_model(ams_llm):
    ams_llm.script("Otters hold hands.")
    assert (await ams_llm.acomplete("why?")).text == "Otters hold hands."
