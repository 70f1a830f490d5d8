"""An exception is recorded once, on the span of the call in which it arose."""

import asyncio
import json
import logging
import traceback
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace import sampling
from opentelemetry.sdk.trace.sampling import Decision, SamplingResult
from opentelemetry.trace import StatusCode
from tests.sdk.tracing.two_providers import Listening, stock_provider

from ams_sdk import agent, tool
from ams_sdk._background import untraced
from ams_sdk._decorators.failure import error_type, record_failure
from ams_sdk._decorators.runtime import state


class Broken(Exception):  # noqa: N818 -- a user's name
    pass


@tool
def fails(error):
    raise error


def events(recorder):
    """Of each span, the types of the exceptions that it has recorded."""
    return {span.name: [event.attributes["exception.type"] for event in span.events] for span in recorder.spans}


def statuses(recorder):
    return {span.name: span.status.status_code for span in recorder.spans}


def recorded(error, **options):
    """What ``record_failure`` writes on a span of the SDK's, of an error that was raised here."""
    span = stock_provider(Listening()).get_tracer("test").start_span("work")
    try:
        raise error  # noqa: TRY301 -- for its traceback
    except BaseException as caught:  # noqa: BLE001 -- whatever it is
        record_failure(span, caught, 77, **{"captures": True, **options})
    return span


def test_what_is_recorded_of_an_error():
    span = recorded(Broken("no luck"))
    assert dict(span.attributes) == {"error.type": f"{__name__}.Broken"}
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "no luck")
    (event,) = span.events
    assert (event.name, event.timestamp) == ("exception", 77)
    assert event.attributes["exception.type"] == f"{__name__}.Broken"
    assert event.attributes["exception.message"] == "no luck"
    assert event.attributes["exception.stacktrace"].endswith("Broken: no luck\n")


def test_without_content_the_type_alone_is_recorded():
    span = recorded(Broken("no luck"), captures=False)
    assert span.status.description is None
    assert [dict(event.attributes) for event in span.events] == [{"exception.type": f"{__name__}.Broken"}]


@pytest.mark.parametrize("error", [asyncio.CancelledError(), GeneratorExit()])
def test_a_cancellation_leaves_no_mark(error):
    span = recorded(error)
    assert (dict(span.attributes), span.events, span.status.status_code) == ({}, (), StatusCode.UNSET)


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (ValueError(), "ValueError"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
        (json.JSONDecodeError("", "", 0), "json.decoder.JSONDecodeError"),
        (Broken(), f"{__name__}.Broken"),
        (ExceptionGroup("several", [ValueError()]), "ExceptionGroup"),
    ],
)
def test_the_name_of_an_error(error, name):
    assert error_type(error) == name


@given(st.text("ab\ud800é ", max_size=50) | st.integers(9_000, 20_000).map("x".__mul__))
def test_any_message_is_recorded_cut_and_sendable(message):
    span = recorded(Broken(message))
    (event,) = span.events
    for text in (span.status.description or "", *event.attributes.values()):
        assert len(text.encode()) < 70_000
    assert len(event.attributes["exception.message"]) < 8_300


def test_secrets_in_a_message_are_masked_everywhere():
    span = recorded(Broken("password=hunter2"))
    assert span.status.description == "password=[redacted]"
    assert "hunter2" not in str([dict(event.attributes) for event in span.events])


def test_of_a_deep_stack_the_end_is_recorded():
    def deep(level):
        if not level:
            raise Broken("at the bottom")
        deeper(level - 1)

    def deeper(level):  # two, since Python shows a line that repeats itself a few times only
        deep(level)

    with pytest.raises(Broken) as raised:
        deep(300)
    stack = recorded(raised.value).events[0].attributes["exception.stacktrace"]
    assert 'raise Broken("at the bottom")' in stack
    assert len(stack) < 17_000 < len("".join(traceback.format_exception(raised.value)))


def test_an_error_is_recorded_where_it_arose_and_its_type_on_each_call_above(recorder):
    @tool
    def middle():
        fails(Broken())

    @agent
    def outer():
        middle()

    with pytest.raises(Broken):
        outer()
    assert events(recorder) == {
        "execute_tool fails": [f"{__name__}.Broken"],
        "execute_tool middle": [],
        "invoke_agent outer": [],
    }
    assert set(statuses(recorder).values()) == {StatusCode.ERROR}
    assert {span.attributes["error.type"] for span in recorder.spans} == {f"{__name__}.Broken"}


def in_a_task(error):
    async def main():
        await asyncio.create_task(asyncio.to_thread(fails, error))

    asyncio.run(main())


def in_a_pool(error):
    with ThreadPoolExecutor(1) as pool:
        pool.submit(fails, error).result()


def kept_and_raised_later(error):
    try:
        fails(error)
    except Broken as caught:
        later = caught
    raise later


@pytest.mark.parametrize("way", [in_a_task, in_a_pool, kept_and_raised_later])
def test_an_error_that_comes_back_another_way_is_not_recorded_again(recorder, way):
    @agent
    def outer():
        way(Broken())

    with pytest.raises(Broken):
        outer()
    assert events(recorder) == {"execute_tool fails": [f"{__name__}.Broken"], "invoke_agent outer": []}


def test_an_error_made_of_another_is_recorded_as_well(recorder):
    @agent
    def outer():
        try:
            fails(Broken())
        except Broken as error:
            raise ValueError("gave up") from error

    with pytest.raises(ValueError, match="gave up"):
        outer()
    assert events(recorder) == {"execute_tool fails": [f"{__name__}.Broken"], "invoke_agent outer": ["ValueError"]}


def test_a_group_is_recorded_where_it_arose_and_its_members_where_they_did(recorder):
    @agent
    async def outer():
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.to_thread(fails, Broken()))

    with pytest.raises(ExceptionGroup):
        asyncio.run(outer())
    assert events(recorder) == {"execute_tool fails": [f"{__name__}.Broken"], "invoke_agent outer": ["ExceptionGroup"]}


def test_an_error_of_the_agent_itself_is_recorded_also_after_a_call_that_went_well(recorder):
    @tool
    def works():
        return 1

    @agent
    def outer():
        works()
        raise Broken

    with pytest.raises(Broken):
        outer()
    assert events(recorder) == {"execute_tool works": [], "invoke_agent outer": [f"{__name__}.Broken"]}


def test_an_error_in_a_call_that_is_not_traced_is_recorded_above(recorder):
    @agent
    def outer():
        with untraced():
            fails(Broken())

    with pytest.raises(Broken):
        outer()
    assert events(recorder) == {"invoke_agent outer": [f"{__name__}.Broken"]}


class OnlyAgents(sampling.Sampler):
    def should_sample(self, _context, _trace_id, name, *_):
        return SamplingResult(Decision.RECORD_AND_SAMPLE if "agent" in name else Decision.DROP)

    def get_description(self):
        return "agents"


@pytest.mark.parametrize("whose", ["ours", "the application's"])
def test_an_error_in_a_call_that_is_not_sampled_is_recorded_above(unconfigured_recorder, whose):
    provider = stock_provider(Listening(), sampler=OnlyAgents())
    recorder = unconfigured_recorder.configure(**({} if whose == "ours" else {"provider": provider}))
    if whose == "ours":
        state.runtime.engine.tracer().sampler = OnlyAgents()

    @agent
    def outer():
        fails(Broken())

    with pytest.raises(Broken):
        outer()
    assert events(recorder) == {"invoke_agent outer": [f"{__name__}.Broken"]}


def test_a_message_that_cannot_be_read_costs_nothing_else(held_back):
    class Mute(Exception):  # noqa: N818 -- a user's name
        def __str__(self):
            raise RuntimeError("no words")

    span = recorded(Mute())
    assert span.status.status_code is StatusCode.ERROR
    assert len(span.events) == 1
    assert {place for place, _ in held_back} == {"reading an exception's message"}
    held_back.clear()


def test_a_span_that_has_ended_only_warns(caplog):
    span = stock_provider(Listening()).get_tracer("test").start_span("work")
    span.end()
    record_failure(span, Broken(), 77, captures=True)
    assert {record.levelno for record in caplog.records} == {logging.WARNING}
    assert (dict(span.attributes), span.events) == ({}, ())
