"""Functions written with ``def`` that give back something to wait for."""

import asyncio
import gc
import inspect
import traceback
import warnings

import pytest
from opentelemetry import context as otel_context

from ams_sdk import agent, tool


@tool
def look(where):
    return where


async def answer(question):
    await asyncio.sleep(0)
    return look(question)


@agent
def coroutine(question):
    return answer(question)


@agent
def task(question):
    return asyncio.get_running_loop().create_task(answer(question))


@agent
def future(question):
    made = asyncio.get_running_loop().create_future()
    made.get_loop().call_soon(made.set_result, question)
    return made


@agent
def gathered(question):
    return asyncio.gather(answer(question), answer("and how"))


def test_what_gather_gives_is_waited_for(recorder):
    async def main():
        assert await gathered("why") == ["why", "and how"]
        with pytest.raises(LookupError):
            await failing()

    async def fails():
        await asyncio.sleep(0)
        raise LookupError

    @agent
    def failing():
        return asyncio.gather(answer("why"), fails())

    asyncio.run(main())
    span = recorder.one("invoke_agent gathered")
    assert span.attributes["ams.output"] == '["why","and how"]'
    below = [one.name for one in recorder.spans if one.parent and one.parent.span_id == span.context.span_id]
    assert below == ["execute_tool look"] * 2
    assert recorder.one("invoke_agent failing").attributes["error.type"] == "LookupError"


class Lazy:
    def __await__(self):
        yield
        return "lazy"


@pytest.mark.parametrize("function", [coroutine, task, future])
def test_the_call_lasts_until_it_is_done(recorder, function):
    async def main():
        waiting = function("why")
        assert not otel_context.get_current()
        assert inspect.isawaitable(waiting)
        assert await waiting == "why"
        assert not otel_context.get_current()
        await asyncio.sleep(0)

    asyncio.run(main())
    span = recorder.one(f"invoke_agent {function.__name__}")
    assert "why" in span.attributes["gen_ai.output.messages"]
    for inner in recorder.spans:
        if inner.name == "execute_tool look":
            assert inner.parent.span_id == span.context.span_id
            assert inner.end_time <= span.end_time


def test_a_future_is_the_same_object(recorder):
    async def main():
        made = asyncio.get_running_loop().create_future()
        assert tool(lambda: made)() is made
        made.set_result(1)
        await asyncio.sleep(0)

    asyncio.run(main())


def test_a_coroutine_is_one_and_says_its_name(recorder):
    waiting = coroutine("why")
    assert inspect.iscoroutine(waiting)
    assert (waiting.__name__, waiting.__qualname__) == ("answer", "answer")
    assert asyncio.run(waiting) == "why"


def test_what_may_be_more_than_awaitable_is_left_alone(recorder):
    lazy = Lazy()
    assert tool(lambda: lazy)() is lazy
    assert len(recorder.spans) == 1


async def fails():
    raise KeyError("no")


@pytest.mark.parametrize("makes", ["coroutine", "task"])
def test_an_error_is_recorded_once_where_it_arose(recorder, makes):
    @tool
    def failing():
        return fails() if makes == "coroutine" else asyncio.get_running_loop().create_task(fails())

    async def main():
        with pytest.raises(KeyError) as caught:
            await failing()
        await asyncio.sleep(0)
        return caught.value

    error = asyncio.run(main())
    names = [frame.name for frame in traceback.extract_tb(error.__traceback__)]
    assert names.count("ams_sdk_call") == (1 if makes == "coroutine" else 0)
    span = recorder.one("execute_tool failing")
    assert span.attributes["error.type"] == "KeyError"
    assert len(span.events) == 1


def test_an_error_that_nobody_looks_at_is_still_reported_by_asyncio(recorder, caplog):
    @tool
    def failing():
        return asyncio.get_running_loop().create_task(fails())

    async def main():
        failing()
        for _ in range(3):
            await asyncio.sleep(0)

    asyncio.run(main())
    gc.collect()
    assert "Task exception was never retrieved" in caplog.text
    assert recorder.one("execute_tool failing").attributes["error.type"] == "KeyError"


@pytest.mark.parametrize("makes", [coroutine, task])
def test_cancelling_is_no_error(recorder, makes):
    async def main():
        waiting = asyncio.ensure_future(makes("why"))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await asyncio.sleep(0)

    asyncio.run(main())
    assert recorder.one(f"invoke_agent {makes.__name__}").status.is_unset


def test_a_future_that_is_done_is_given_back_also_when_its_loop_is_closed(recorder):
    box = []

    async def main():
        box.append(asyncio.ensure_future(answer("why")))
        await box[0]

    asyncio.run(main())
    assert tool(name="late")(lambda: box[0])() is box[0]
    assert recorder.one("execute_tool late").attributes["gen_ai.tool.call.result"] == '"why"'


@pytest.mark.parametrize("way", ["close", "drop"])
def test_a_coroutine_that_nobody_waits_for_ends_its_call_and_warns_as_before(recorder, way):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        waiting = coroutine("why")
        if way == "close":
            waiting.close()
        del waiting
        gc.collect()
    assert [str(one.message) for one in caught] == ["coroutine 'answer' was never awaited"] * (way == "drop")
    assert recorder.one("invoke_agent coroutine").status.is_unset
