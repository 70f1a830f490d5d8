"""Generators of both kinds, decorated: what their consumers see, and what their spans cover."""

import asyncio
import contextlib
import gc
import inspect
import json
import logging
import threading
import traceback
import types
import weakref

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from ams_sdk import agent, tool
from ams_sdk._decorators.streamed import Streamed


class Refused(Exception):  # noqa: N818 -- a user's name
    pass


@tool
def look(where):
    return where


def echo(first):
    """Give back what is sent; go on after ``Refused``; return at None."""
    got = yield first
    while got is not None:
        try:
            got = yield got
        except Refused as error:
            got = yield repr(error)
        except GeneratorExit:
            if got == "return":
                return "closed"
            raise
    return "end"


async def aecho(first):
    got = yield first
    while got is not None:
        await asyncio.sleep(0)
        try:
            got = yield got
        except Refused as error:
            got = yield repr(error)


@pytest.fixture(params=["unconfigured", "configured", "unsampled", "theirs"])
def state(request, unconfigured_recorder):
    if request.param == "theirs":
        unconfigured_recorder.configure(provider=TracerProvider(shutdown_on_exit=False))
    elif request.param != "unconfigured":
        unconfigured_recorder.configure(sample_rate=0.0 if request.param == "unsampled" else 1.0)
    return request.param


def outcome(step):
    try:
        return "gave", step()
    except StopIteration as stop:
        return "returned", stop.value
    except BaseException as error:  # noqa: BLE001 -- whatever it is, both must raise it
        return type(error), str(error)


STEPS = {
    "next": next,
    "send": lambda generator: generator.send("sent"),
    "return": lambda generator: generator.send("return"),
    "none": lambda generator: generator.send(None),
    "throw": lambda generator: generator.throw(Refused("no")),
    "fail": lambda generator: generator.throw(KeyError("key")),
    "exit": lambda generator: generator.throw(GeneratorExit()),
    "stop": lambda generator: generator.throw(StopIteration("x")),
    "close": lambda generator: generator.close(),
}


@given(steps=st.lists(st.sampled_from(sorted(STEPS)), max_size=8))
def test_a_generator_does_step_by_step_what_it_did(steps):
    plain, traced = echo("first"), agent(echo)("first")
    for step in steps:
        assert outcome(lambda step=step: STEPS[step](traced)) == outcome(lambda step=step: STEPS[step](plain))
        assert inspect.getgeneratorstate(traced) == inspect.getgeneratorstate(plain)


@pytest.mark.parametrize("name", sorted(STEPS))
@pytest.mark.parametrize("start", ["next", "send"])
def test_a_generator_does_what_it_did_in_every_state_of_the_sdk(state, start, name):
    plain, traced = echo("first"), agent(echo)("first")
    for step in (start, "send", name, "next", "close"):
        assert outcome(lambda step=step: STEPS[step](traced)) == outcome(lambda step=step: STEPS[step](plain))


ASTEPS = {
    "next": lambda generator: generator.__anext__(),
    "send": lambda generator: generator.asend("sent"),
    "none": lambda generator: generator.asend(None),
    "throw": lambda generator: generator.athrow(Refused("no")),
    "fail": lambda generator: generator.athrow(KeyError("key")),
    "exit": lambda generator: generator.athrow(GeneratorExit()),
    "stop": lambda generator: generator.athrow(StopAsyncIteration("x")),
    "close": lambda generator: generator.aclose(),
}


async def aoutcome(step):
    try:
        return "gave", await step
    except BaseException as error:  # noqa: BLE001 -- the same
        return type(error), str(error)


@pytest.mark.parametrize("name", sorted(ASTEPS))
def test_an_async_generator_does_what_it_did_in_every_state_of_the_sdk(state, name):
    async def main():
        plain, traced = aecho("first"), agent(aecho)("first")
        for step in ("next", "send", name, "send", "next", "close"):
            assert await aoutcome(ASTEPS[step](traced)) == await aoutcome(ASTEPS[step](plain))

    asyncio.run(main())


def test_the_kind_stays(state):
    assert inspect.isgeneratorfunction(agent(echo))
    assert inspect.isasyncgenfunction(tool(aecho))
    generator = agent(echo)("a")
    assert inspect.isgenerator(generator)
    assert (generator.__name__, generator.__qualname__) == ("echo", "echo")
    assert generator.__iter__() is generator


def test_work_inside_is_below_it_and_the_consumers_is_not(recorder):
    @agent
    def walker():
        look("inside")
        yield 1
        look("inside")
        yield 2
        look("inside")

    for _ in walker():
        look("outside")
    run = recorder.one("invoke_agent walker")
    parents = {
        (json.loads(span.attributes["gen_ai.tool.call.arguments"])["where"], span.parent and span.parent.span_id)
        for span in recorder.spans
        if span is not run and "gen_ai.tool.call.arguments" in span.attributes
    }
    assert parents == {("inside", run.context.span_id), ("outside", None)}
    assert run.start_time <= min(span.start_time for span in recorder.spans if span.parent)
    assert run.end_time >= max(span.end_time for span in recorder.spans)
    assert run.attributes["ams.output"] == "[1,2]"


def test_a_context_that_the_generator_has_set_is_its_own_between_the_steps(recorder):
    tracer = trace.get_tracer("theirs")

    @agent
    def walker():
        with tracer.start_as_current_span("own"):
            yield 1
            look("inside")
        yield 2
        look("after")

    for _ in walker():
        look("outside")
    spans = {span.context.span_id: span for span in recorder.spans}
    parents = {
        span.attributes["gen_ai.tool.call.arguments"]: spans[span.parent.span_id].name if span.parent else None
        for span in spans.values()
        if span.name == "execute_tool look"
    }
    assert parents == {
        '{"where":"inside"}': "own",
        '{"where":"after"}': "invoke_agent walker",
        '{"where":"outside"}': None,
    }


def test_two_generators_in_turn_keep_apart(recorder):
    @agent
    def walker(name):
        for _ in range(3):
            look(name)
            yield name

    list(zip(walker("a"), walker("b"), strict=True))
    runs = {span.context.span_id: span for span in recorder.spans if span.name == "invoke_agent walker"}
    for span in recorder.spans:
        if span.name == "execute_tool look":
            name = json.loads(span.attributes["gen_ai.tool.call.arguments"])["where"]
            assert f'"content":"{name}"' in runs[span.parent.span_id].attributes["gen_ai.input.messages"]
    assert len(runs) == 2


@pytest.mark.parametrize("way", ["break", "close", "drop", "drop in another thread"])
def test_a_generator_that_is_left_has_ended_and_is_no_error(recorder, way):
    @agent
    def walker():
        yield "a"
        yield "b"

    generator = walker()
    assert next(generator) == "a"
    if way == "break":
        for _ in generator:
            break
    if way in {"break", "close"}:
        generator.close()
    elif way == "drop":
        del generator
    else:
        box = [generator]
        del generator
        thread = threading.Thread(target=box.clear)
        thread.start()
        thread.join()
    gc.collect()
    span = recorder.one("invoke_agent walker")
    assert span.status.is_unset
    assert span.events == ()
    assert "a" in span.attributes["gen_ai.output.messages"]


def test_a_generator_that_is_never_begun_leaves_no_span(recorder):
    del [agent(echo)("a")][0]
    gc.collect()
    assert recorder.spans == ()


@pytest.mark.parametrize("leaves", ["break", "drop", "loop ends", "cancel"])
def test_an_async_generator_that_is_left_has_ended_in_silence(recorder, caplog, capfd, leaves):
    released = []

    @agent
    async def walker():
        try:
            for number in range(9):
                yield number
                await asyncio.sleep(0)
        finally:
            await asyncio.sleep(0)
            released.append(True)

    async def consume():
        async for _ in walker():
            if leaves == "cancel":
                await asyncio.sleep(60)
            break

    async def main():
        if leaves == "cancel":
            task = asyncio.create_task(consume())
            await asyncio.sleep(0.01)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        elif leaves == "loop ends":
            main.kept = walker()
            await main.kept.__anext__()
            return
        else:
            await consume()
        gc.collect()
        for _ in range(9):
            await asyncio.sleep(0)

    with caplog.at_level(logging.DEBUG):
        asyncio.run(main())
    span = recorder.one("invoke_agent walker")
    assert released == [True]
    assert span.status.is_unset
    assert span.attributes["ams.output"] == "[0]"
    assert [record for record in caplog.records if record.levelno > logging.DEBUG] == []
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("is_async", [False, True])
def test_an_error_is_the_same_object_with_one_frame_more(recorder, is_async):
    error = Refused("no")

    @agent
    def fails():
        yield "a"
        raise error

    @agent
    async def afails():
        yield "a"
        raise error

    async def consume():
        async for _ in afails():
            pass

    with pytest.raises(Refused) as caught:
        asyncio.run(consume()) if is_async else list(fails())
    assert caught.value is error
    assert error.__context__ is None
    names = [frame.name for frame in traceback.extract_tb(error.__traceback__)]
    assert names[-2:] == ["ams_sdk_call", "afails" if is_async else "fails"]
    assert names.count("ams_sdk_call") == 1
    span = recorder.one("invoke_agent afails" if is_async else "invoke_agent fails")
    assert span.attributes["error.type"].endswith("Refused")
    assert [event.name for event in span.events] == ["exception"]
    assert "a" in span.attributes["gen_ai.output.messages"]


@tool(name="inner")
def failing():
    raise Refused


@tool(name="inner")
def failing_generator():
    yield 1
    raise Refused


@tool(name="inner")
async def failing_async_generator():
    yield 1
    raise Refused


async def consumed(iterator):
    return [item async for item in iterator]


INNER = {
    "function": failing,
    "generator": lambda: list(failing_generator()),
    "async generator": lambda: asyncio.run(consumed(failing_async_generator())),
}


@agent(name="outer")
def outer_function(inside):
    inside()


@agent(name="outer")
def outer_generator(inside):
    yield 1
    inside()


@agent(name="outer")
async def outer_async_generator(inside):
    yield 1
    await asyncio.to_thread(inside)


OUTER = {
    "function": outer_function,
    "generator": lambda inside: list(outer_generator(inside)),
    "async generator": lambda inside: asyncio.run(consumed(outer_async_generator(inside))),
}


@pytest.mark.parametrize("inner", INNER)
@pytest.mark.parametrize("outer", OUTER)
def test_an_error_that_passes_through_is_recorded_where_it_arose_alone(recorder, inner, outer):
    with pytest.raises(Refused):
        OUTER[outer](INNER[inner])
    events = {span.name: [event.name for event in span.events] for span in recorder.spans}
    assert events == {"execute_tool inner": ["exception"], "invoke_agent outer": []}


def test_what_the_consumer_throws_is_not_the_context_of_what_comes_later(recorder):
    @agent
    def walker():
        with contextlib.suppress(Refused):
            yield 1
        raise KeyError

    generator = walker()
    next(generator)
    with pytest.raises(KeyError) as caught:
        generator.throw(Refused())
    assert caught.value.__context__ is None


def test_an_item_is_not_kept_alive_while_its_consumer_works(recorder):
    class Item:
        pass

    @tool
    def walker():
        yield Item()
        yield None

    generator = walker()
    item = next(generator)
    reference = weakref.ref(item)
    del item
    gc.collect()
    assert reference() is None


def test_without_output_no_item_is_looked_at(unconfigured_recorder):
    class Hostile:
        def __repr__(self):
            raise AssertionError("looked at")

    recorder = unconfigured_recorder.configure()

    @agent(capture="input")
    def walker(question):
        yield Hostile()

    list(walker("why"))
    attributes = recorder.one("invoke_agent walker").attributes
    assert "gen_ai.input.messages" in attributes
    assert not {"gen_ai.output.messages", "ams.output"} & attributes.keys()


def test_a_secret_that_is_split_between_items_is_masked_also_beside_others():
    key = "sk-ant-" + "api03-" + "A1b2C3d4" * 8
    streamed = Streamed()
    for item in ("key: " + key[:20], key[20:], "", {"usage": 3}, "and ", "more"):
        streamed.add(item)
    assert json.loads(streamed.render()) == ["key: [redacted]", {"usage": 3}, "and more"]


def test_empty_texts_take_no_room():
    streamed = Streamed()
    for _ in range(10_000):
        streamed.add("")
    assert streamed._parts == []
    assert json.loads(streamed.render()) == ""


def test_what_is_thrown_is_recorded_and_the_traceback_has_our_frame_once(recorder):
    @tool
    def walker():
        yield 1

    generator = walker()
    next(generator)
    with pytest.raises(Refused) as caught:
        generator.throw(Refused())
    names = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert names.count("ams_sdk_call") == 1
    assert [event.name for event in recorder.one("execute_tool walker").events] == ["exception"]


def test_one_exception_that_is_raised_twice_is_recorded_twice(recorder):
    error = Refused()

    @tool
    def fails():
        raise error

    for _ in range(2):
        with pytest.raises(Refused):
            fails()
    assert [len(span.events) for span in recorder.spans] == [1, 1]


def test_a_generator_that_can_be_awaited_still_can(state):
    @tool
    @types.coroutine
    def old():
        yield from asyncio.sleep(0).__await__()
        return 3

    async def main():
        return await old()

    assert asyncio.run(main()) == 3


@given(st.lists(st.text(max_size=4_000), max_size=12))
def test_texts_are_joined_and_bounded(items):
    streamed = Streamed()
    for item in items:
        streamed.add(item)
    whole = "".join(items)
    text = json.loads(streamed.render())
    if not items:
        assert text == []
    elif len(whole) > 8_192:
        assert text.endswith(f"…[+{len(whole) - 8_192} characters]")
    else:
        assert len(text) <= 8_192 + 64


@given(
    st.lists(
        st.one_of(st.text(max_size=9), st.integers(), st.none(), st.lists(st.integers(), max_size=3)), max_size=150
    )
)
def test_items_of_any_kind_are_a_list_that_is_bounded(items):
    streamed = Streamed()
    for item in items:
        streamed.add(item)
    rendered = json.loads(streamed.render())
    if isinstance(rendered, list):
        others = [one for one in items if not isinstance(one, str)]
        assert len(rendered) <= 101
        assert [one for one in rendered if not isinstance(one, str)] == others[: len(rendered)] or len(items) > 100
    else:
        assert all(isinstance(item, str) for item in items)
