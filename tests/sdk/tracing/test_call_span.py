"""A decorated call and its span: what the call's code does to it and reads of it, and what others do."""

import copy
import json
import logging

import pytest
from opentelemetry import trace
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace import Span as SdkSpan
from opentelemetry.trace import INVALID_SPAN, SpanContext, SpanKind, StatusCode, TraceFlags
from tests.sdk.tracing.decorated_calls import ARGUMENTS, RESULT, begun, walker
from tests.sdk.tracing.two_providers import Listening, stock_provider

import ams_sdk
from ams_sdk import tool
from ams_sdk._tracing.call_span import CallSpan


def test_it_is_a_span_of_the_sdk(provider):
    call = begun(provider, "up")
    assert type(call) is CallSpan
    assert isinstance(call, SdkSpan)
    assert isinstance(call, ReadableSpan)
    assert trace.get_current_span() is call
    call.returned("up")
    assert trace.get_current_span() is INVALID_SPAN
    assert (call.events, call.links, call.status.status_code) == ((), (), StatusCode.UNSET)


def test_nothing_is_rendered_for_a_call_of_plain_values(provider, kept):
    call = begun(provider, "up", 1, True, None, 2.5, named="x")  # noqa: FBT003 -- a plain value
    call.returned("up")
    assert kept.spans == [call]
    assert call._arguments is None
    assert call.is_untouched
    assert json.loads(call.attributes[ARGUMENTS]) == {"where": "up", "*args": [1, True, None, 2.5], "named": "x"}
    assert call.attributes[RESULT] == '"up"'


def test_the_code_of_a_call_writes_on_its_span(recorder):
    @tool
    def work():
        span = trace.get_current_span()
        span.set_attribute("mine", 1)
        span.set_attributes({"more": "x", "items": ["a"]})
        span.add_event("halfway", {"n": 1})
        span.add_link(SpanContext(1, 2, is_remote=True))
        span.set_status(StatusCode.OK)
        span.update_name("renamed")
        return "done"

    work()
    span = recorder.one("renamed")
    assert (span.attributes["mine"], span.attributes["more"], span.attributes["items"]) == (1, "x", ("a",))
    assert span.attributes[RESULT] == '"done"'
    assert [event.name for event in span.events] == ["halfway"]
    assert span.links[0].context.span_id == 2
    assert span.status.status_code is StatusCode.OK


def test_the_code_of_a_call_reads_its_span(recorder):
    @tool
    def work(where):
        span = trace.get_current_span()
        before = dict(span._attributes), span.attributes[ARGUMENTS], span._limits.max_span_attributes, span._parent
        span.set_attribute("late", ["mixed", None])
        return before[1:]

    assert work("up") == ('{"where":"up"}', 128, None)
    span = recorder.one("execute_tool work")
    assert json.loads(span.attributes[RESULT]) == ['{"where":"up"}', 128, None]
    assert span.attributes["late"] == ("mixed", None)


def test_the_code_of_a_call_replaces_all_attributes(recorder):
    @tool
    def work():
        trace.get_current_span()._attributes = {"mine": 1}
        return "done"

    work()
    assert dict(recorder.one("execute_tool work").attributes) == {"mine": 1, RESULT: '"done"'}


@pytest.mark.parametrize("fails", [False, True])
def test_a_span_that_its_own_code_ends_is_sent_once_and_as_it_was_then(provider, kept, caplog, fails):
    call = begun(provider, "up")
    trace.get_current_span().end(77)
    call.failed(ValueError()) if fails else call.returned("late")
    assert (kept.spans, call.end_time) == ([call], 77)
    assert RESULT not in call.attributes
    assert "error.type" not in call.attributes
    assert trace.get_current_span() is INVALID_SPAN
    assert {record.levelno for record in caplog.records} == {logging.WARNING}


def test_after_its_end_nothing_changes_and_everything_warns(provider, caplog):
    call = begun(provider, "up")
    call.returned("up")
    for change in (
        lambda: call.set_attribute("a", 1),
        lambda: call.set_attributes({"a": 1}),
        lambda: call.set_attributes({}),
        lambda: call.add_event("late"),
        lambda: call.add_link(SpanContext(1, 2, is_remote=True)),
        lambda: call.set_status(StatusCode.ERROR),
        lambda: call.update_name("late"),
        lambda: call.record_exception(ValueError()),
        call.end,
    ):
        caplog.clear()
        change()
        assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert (call.name, call.events, call.links) == ("execute_tool look", (), ())
    assert "a" not in call.attributes
    assert call.status.status_code is StatusCode.UNSET


def test_values_are_kept_as_the_sdk_keeps_them(provider, caplog):
    class Mute:
        """It has no text of its own."""

    call = begun(provider, "up")
    items = ["a"]
    stock = stock_provider(Listening()).get_tracer("test").start_span("work")
    for span in (call, stock):
        for name, value in {"items": items, "bytes": b"x", "mute": Mute(), "mixed": [1, None], "": 1}.items():
            span.set_attribute(name, value)
        span.set_attribute("items", items)
    items.append("later")
    names = {"items", "bytes", "mute", "mixed", ""}
    assert {name: call.attributes[name] for name in names & call.attributes.keys()} == dict(stock.attributes)
    told = [record.getMessage() for record in caplog.records]
    assert told[: len(told) // 2] == told[len(told) // 2 :]
    assert told
    call.returned("up")


def test_what_others_read_of_a_finished_call_is_there(provider):
    call = begun(provider, "up")
    call.set_status(StatusCode.OK)
    call.returned("up")
    readable = call._readable_span()
    copies = [copy.deepcopy(readable)] if hasattr(BoundedAttributes, "__deepcopy__") else []  # not in older ones
    for span in (call, readable, *copies):
        assert (span._name, span._kind, span._parent) == ("execute_tool look", SpanKind.INTERNAL, None)
        assert span._context == call.get_span_context()
        assert span._status.status_code is StatusCode.OK
        assert span._start_time <= span._end_time
        assert (tuple(span._events), tuple(span._links)) == ((), ())
        assert span._instrumentation_scope.name == "test"
        assert span._attributes[RESULT] == '"up"'
    assert type(readable) is ReadableSpan
    assert call.to_json() == readable.to_json()


def test_a_processor_that_is_added_during_a_call_gets_it(provider, kept):
    listening = Listening()
    call = begun(provider, "up")
    provider.add_span_processor(listening)
    call.returned("up")
    assert (listening.started, kept.spans) == ([], listening.ended)
    assert type(kept.spans[0]) is ReadableSpan
    assert kept.spans[0].attributes[RESULT] == '"up"'


def test_processors_of_others_see_the_arguments_at_the_start_and_the_result_at_the_end(provider):
    seen = []

    class Looks(SpanProcessor):
        def on_start(self, span, **_):
            seen.append(dict(span.attributes))

        def on_end(self, span):
            seen.append(dict(span.attributes))

    provider.add_span_processor(Looks())
    begun(provider, "up").returned("down")
    assert seen[0][ARGUMENTS] == '{"where":"up"}'
    assert seen[1] == {**seen[0], RESULT: '"down"'}


def test_what_may_change_is_recorded_as_it_was(provider):
    items, found = ["a"], {"b": 1}
    call = begun(provider, items)
    items.append("later")
    call.returned(found)
    found["later"] = 1
    assert (call.attributes[ARGUMENTS], call.attributes[RESULT]) == ('{"where":["a"]}', '{"b":1}')


def test_without_content_a_call_records_neither_arguments_nor_result(provider):
    call = begun(provider, "up", captures=False)
    call.returned("up")
    assert not {ARGUMENTS, RESULT} & call.attributes.keys()


def test_an_agent_says_of_itself_what_its_definition_says_also_where_its_identity_was_rewritten(provider, kept):
    call = begun(provider, "up", function=walker)
    call._context = SpanContext(7, 8, is_remote=False, trace_flags=TraceFlags(1))
    call.returned("up")
    assert list(call.own_attributes()) == ["ams.run.id", "gen_ai.input.messages", "gen_ai.output.messages"]


def test_stats_count_every_span_of_a_decorated_call(recorder):
    for _ in range(3):
        walker("up")
    assert ams_sdk.flush()
    assert ams_sdk.stats().exported == {"InMemorySpanExporter 1": 6}


@pytest.mark.parametrize("is_read", [False, True])
def test_a_call_has_one_identity_whenever_somebody_asks_for_it(provider, kept, is_read):
    outer = begun(provider, "up")
    inner = begun(provider, "down")
    context = inner.get_span_context() if is_read else None
    assert inner.parent is outer.get_span_context()
    inner.returned("down")
    outer.returned("up")
    found = inner.get_span_context()
    assert context is None or found is context
    assert found is inner.context
    assert (found.is_valid, found.is_remote, found.trace_flags.sampled) == (True, False, True)
    assert not found.trace_state
    assert found.trace_id == outer.context.trace_id
    assert found.span_id != outer.context.span_id
    assert found == SpanContext(found.trace_id, found.span_id, is_remote=False, trace_flags=found.trace_flags)


def test_an_identity_that_somebody_writes_is_the_calls(provider, kept):
    call, other = begun(provider, "up"), SpanContext(1, 2, is_remote=False, trace_flags=TraceFlags(0))
    call._context = other
    assert (call.context, call.get_span_context()) == (other, other)
    call.returned("up")
    assert kept.spans == []  # it says that it is not sampled
