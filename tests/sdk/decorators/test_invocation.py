"""What is recorded of a call."""

import asyncio
import contextlib
import contextvars
import json
import logging
import sys
import threading
import time
from types import SimpleNamespace

import pytest
from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode

import ams_sdk
from ams_sdk import agent, tool
from ams_sdk._background import untraced
from ams_sdk._decorators import failure, invocation
from ams_sdk._tracing.tracer import OwnTracer


@tool
def search(query: str, limit: int = 3, password: str = "") -> list[str]:
    """Look something up."""
    if query == "nothing":
        raise LookupError(f"no {query}, password=hunter2")
    return [query] * limit


@agent(version="1.2.0")
async def researcher(question: str) -> str:
    """Answers questions."""
    return search(question, limit=1)[0]


def test_a_run_with_a_tool(recorder):
    assert asyncio.run(researcher("otters")) == "otters"
    run, call = recorder.one("invoke_agent researcher"), recorder.one("execute_tool search")
    run_id = f"{run.context.trace_id:032x}-{run.context.span_id:016x}"
    assert dict(run.attributes) == {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": "researcher",
        "gen_ai.agent.description": "Answers questions.",
        "gen_ai.input.messages": '[{"role":"user","parts":[{"type":"text","content":"otters"}]}]',
        "gen_ai.output.messages": '[{"role":"assistant","parts":[{"type":"text","content":"otters"}]}]',
        "ams.agent.version": "1.2.0",
        "code.function.name": f"{__name__}.researcher",
        "ams.run.id": run_id,
    }
    assert dict(call.attributes) == {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "search",
        "gen_ai.tool.type": "function",
        "gen_ai.tool.description": "Look something up.",
        "gen_ai.agent.name": "researcher",
        "gen_ai.tool.call.arguments": '{"query":"otters","limit":1}',
        "gen_ai.tool.call.result": '["otters"]',
        "code.function.name": f"{__name__}.search",
        "ams.run.id": run_id,
    }
    assert call.parent == run.context
    assert run.parent is None
    for span in (run, call):
        assert (span.kind, span.status.status_code, span.events) == (SpanKind.INTERNAL, StatusCode.UNSET, ())
    assert run.start_time <= call.start_time <= call.end_time <= run.end_time
    assert run.instrumentation_scope.name == "ams_sdk"
    assert run.resource.attributes["telemetry.distro.name"] == "ams_sdk"


def test_an_agent_with_structured_arguments(recorder):
    @agent
    def planner(goal, *steps, **options):
        return {"goal": goal}

    planner("fly", 1, 2, deep=True)
    span = recorder.one("invoke_agent planner")
    assert json.loads(span.attributes["ams.input"]) == {"goal": "fly", "*args": [1, 2], "deep": True}
    assert json.loads(span.attributes["ams.output"]) == {"goal": "fly"}


def test_arguments_are_recorded_as_they_were_at_the_start(recorder):
    @tool
    def empty(items):
        items.clear()

    empty([1, 2])
    assert recorder.one("execute_tool empty").attributes["gen_ai.tool.call.arguments"] == '{"items":[1,2]}'


def test_an_exception_is_recorded_once_where_it_arose(recorder):
    with pytest.raises(LookupError):
        asyncio.run(researcher("nothing"))
    run, call = recorder.one("invoke_agent researcher"), recorder.one("execute_tool search")
    for span in (run, call):
        assert span.status.status_code is StatusCode.ERROR
        assert span.status.description == "no nothing, password=[redacted]"
        assert span.attributes["error.type"] == "LookupError"
    (event,) = call.events
    assert event.name == "exception"
    assert event.attributes["exception.type"] == "LookupError"
    assert event.attributes["exception.message"] == "no nothing, password=[redacted]"
    assert "raise LookupError" in event.attributes["exception.stacktrace"]
    assert "hunter2" not in event.attributes["exception.stacktrace"]
    assert run.events == ()


def test_an_exception_that_replaces_another_is_recorded_where_it_arose_too(recorder):
    @agent
    def careful():
        try:
            search("nothing")
        except LookupError as error:
            raise ValueError("gave up") from error

    with pytest.raises(ValueError, match="gave up"):
        careful()
    assert [event.attributes["exception.type"] for event in recorder.one("invoke_agent careful").events] == [
        "ValueError"
    ]


def test_an_exception_that_was_handled_is_the_tools_alone(recorder):
    @agent
    def forgiving():
        try:
            return search("nothing")
        except LookupError:
            return []

    forgiving()
    assert recorder.one("execute_tool search").status.status_code is StatusCode.ERROR
    run = recorder.one("invoke_agent forgiving")
    assert run.status.status_code is StatusCode.UNSET
    assert "error.type" not in run.attributes


def test_an_exception_without_a_readable_message(recorder, held_back):
    class Mute(Exception):  # noqa: N818 -- a user's name
        def __str__(self) -> str:
            raise RuntimeError("no words")

    @tool
    def fail():
        raise Mute

    with pytest.raises(Mute):
        fail()
    span = recorder.one("execute_tool fail")
    assert span.attributes["error.type"].endswith("Mute")
    assert span.status.status_code is StatusCode.ERROR
    assert {place for place, _ in held_back} == {"reading an exception's message"}
    held_back.clear()


def test_the_names_of_error_types():
    assert failure.error_type(ValueError()) == "ValueError"
    assert failure.error_type(json.JSONDecodeError("", "", 0)) == "json.decoder.JSONDecodeError"


class Cancelled(BaseException):
    pass


@pytest.mark.parametrize("error", [asyncio.CancelledError, GeneratorExit, Cancelled])
def test_cancellation_is_no_error(recorder, monkeypatch, error):
    monkeypatch.setitem(sys.modules, "trio", SimpleNamespace(Cancelled=Cancelled))

    @tool
    def stop():
        raise error

    with pytest.raises(error):
        stop()
    span = recorder.one("execute_tool stop")
    assert (span.status.status_code, span.events) == (StatusCode.UNSET, ())
    assert "error.type" not in span.attributes


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_other_base_exceptions_are_errors(recorder, error):
    @tool
    def stop():
        raise error

    with pytest.raises(error):
        stop()
    assert recorder.one("execute_tool stop").attributes["error.type"] == error.__name__


def test_without_content_nothing_of_the_data_is_recorded(unconfigured_recorder):
    recorder = unconfigured_recorder.configure(capture_content=False)
    asyncio.run(researcher("otters"))
    with pytest.raises(LookupError):
        search("nothing")
    for span in recorder.spans:
        everything = (
            f"{dict(span.attributes)} {[dict(event.attributes) for event in span.events]} {span.status.description}"
        )
        assert "otters" not in everything
        assert "nothing" not in everything
    failed = [span for span in recorder.spans if span.status.status_code is StatusCode.ERROR]
    assert [span.attributes["error.type"] for span in failed] == ["LookupError"]


def test_an_unsampled_call_records_nothing(unconfigured_recorder):
    recorder = unconfigured_recorder.configure(sample_rate=0)
    assert asyncio.run(researcher("otters")) == "otters"
    assert recorder.spans == ()


def test_spans_of_the_application_join_the_trace(recorder):
    with trace.get_tracer("the application").start_as_current_span("request") as request:
        asyncio.run(researcher("otters"))
    run = recorder.one("invoke_agent researcher")
    assert run.parent == request.get_span_context()


def test_the_context_is_left_as_it_was(recorder):
    before = trace.get_current_span()
    with pytest.raises(LookupError):
        search("nothing")
    assert trace.get_current_span() is before


def test_concurrent_runs_keep_apart(recorder):
    @agent
    async def worker(number):
        await asyncio.sleep(0)
        return search(str(number))

    async def main():
        await asyncio.gather(*(worker(number) for number in range(50)))

    asyncio.run(main())
    runs = {span.context.span_id: span for span in recorder.spans if span.name == "invoke_agent worker"}
    calls = [span for span in recorder.spans if span.name == "execute_tool search"]
    assert (len(runs), len(calls)) == (50, 50)
    assert len({span.context.trace_id for span in runs.values()}) == 50
    for call in calls:
        run = runs[call.parent.span_id]
        assert json.loads(run.attributes["ams.input"])["number"] == int(
            json.loads(call.attributes["gen_ai.tool.call.arguments"])["query"]
        )


def test_threads_trace_too(recorder):
    threads = [threading.Thread(target=search, args=(str(number),)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(recorder.spans) == 8


def test_a_failing_engine_leaves_the_call_alone(recorder, held_back, monkeypatch):
    def broken(*_):
        raise RuntimeError("broken")

    monkeypatch.setattr(OwnTracer, "start_call", broken)
    assert search("otters") == ["otters"] * 3
    assert {place for place, _ in held_back} == {"search: starting its span"}
    held_back.clear()


def test_a_failing_recording_leaves_the_call_alone(recorder, held_back, monkeypatch, caplog):
    monkeypatch.setattr(invocation.content, "arguments", lambda *_: 1 / 0)
    monkeypatch.setattr(invocation.content, "result", lambda *_: 1 / 0)
    with caplog.at_level(logging.DEBUG, "ams_sdk"):
        assert search(["otters"]) == [["otters"]] * 3
    assert {place for place, _ in held_back} == {"search: recording its arguments", "search: recording its result"}
    held_back.clear()
    assert recorder.one("execute_tool search").status.status_code is StatusCode.UNSET


def test_a_detached_sdk_records_nothing(recorder):
    ams_sdk.shutdown()
    search("otters")
    assert recorder.exporter.get_finished_spans() == ()


@pytest.mark.parametrize("part", ["arguments", "result"])
def test_an_interrupt_while_content_is_recorded_ends_the_span_and_leaves_its_context(recorder, monkeypatch, part):
    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as interrupted:
        interrupted.setattr(invocation.content, part, interrupt)
        with pytest.raises(KeyboardInterrupt):
            search(["otters"])
    assert not trace.get_current_span().get_span_context().is_valid
    search("again")
    first, second = recorder.spans
    assert (first.parent, second.parent) == (None, None)


def test_a_task_that_is_torn_down_in_another_context_prints_nothing(recorder, caplog):
    @agent
    async def waits():
        await asyncio.sleep(0)

    coroutine = waits()
    contextvars.copy_context().run(coroutine.send, None)
    coroutine.close()
    assert caplog.records == []
    assert len(recorder.spans) == 1


def test_calls_under_suppressed_instrumentation_are_not_traced(recorder):
    with untraced():
        assert asyncio.run(researcher("otters")) == "otters"
    assert recorder.spans == ()


def test_a_log_handler_that_is_traced_does_not_feed_itself(sink):
    class Handler(logging.Handler):
        def emit(self, record):
            search(record.getMessage(), 1)

    sink.answers = [200]
    ams_sdk.configure(endpoint=sink.url, api_key="the-key")
    root, handler = logging.getLogger(), Handler()
    root.addHandler(handler)
    level = root.level
    root.setLevel(logging.DEBUG)
    try:
        for _ in range(3):
            search("otters", 1)
            assert ams_sdk.flush()
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
    assert ams_sdk.stats().exported == {"platform": 3}


def test_a_positional_argument_and_a_keyword_of_one_name_are_both_recorded(recorder):
    @tool
    def odd(x, /, **more):
        return x, more

    odd(1, x=2)
    assert recorder.one("execute_tool odd").attributes["gen_ai.tool.call.arguments"] == '{"x":1,"**x":2}'


@pytest.mark.parametrize("fails", [True, False])
def test_the_time_that_recording_takes_is_not_the_calls(recorder, monkeypatch, fails):
    ended = []

    class Slow(Exception):  # noqa: N818 -- a user's name
        def __str__(self) -> str:
            ended.append(time.time_ns())
            return "slow"

    @tool
    def work():
        if fails:
            raise Slow
        return Slow()

    with contextlib.suppress(Slow):
        work()
    span = recorder.one("execute_tool work")
    assert ended == [] or span.end_time <= ended[0]
    assert [event.timestamp <= span.end_time for event in span.events] == [True] * fails
