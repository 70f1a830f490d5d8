"""A decorated call and its span: what the call's code does to it, what it keeps alive, and what several do at once."""

import asyncio
import contextvars
import copy
import gc
import json
import logging
import signal
import sys
import threading
import weakref

import pytest
from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace import Span as SdkSpan
from opentelemetry.trace import INVALID_SPAN, NonRecordingSpan, SpanContext, SpanKind, StatusCode, TraceFlags
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from tests.sdk.tracing.interleaving import AnotherThread, at_each_line
from tests.sdk.tracing.two_providers import Kept, Listening, own_provider, stock_provider

import ams_sdk
from ams_sdk import agent, tool
from ams_sdk._capture import MAX_TEXT
from ams_sdk._decorators import definition_of
from ams_sdk._tracing import call_span
from ams_sdk._tracing.call_span import CallSpan, UnsampledSpan
from ams_sdk._tracing.size import SPAN
from ams_sdk._tracing.span import RecordingSpan

ARGUMENTS, RESULT = "gen_ai.tool.call.arguments", "gen_ai.tool.call.result"


@tool
def look(where, *more, **named):
    return where


@agent
def walker(where):
    return look(where)


@pytest.fixture
def kept():
    return Kept()


@pytest.fixture
def provider(kept):
    return own_provider(kept)


def begun(provider, *args, function=look, captures=True, **kwargs):
    return provider.get_tracer("test").start_call(definition_of(function), args, kwargs, None, captures)


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


class Thing:
    def __repr__(self):
        return "Thing()"

    @tool
    def method(self, where):
        return where


def test_neither_the_arguments_nor_self_live_longer_for_the_sake_of_the_span(provider, kept):
    thing, argument, result = Thing(), Thing(), Thing()
    gone = [weakref.ref(one) for one in (thing, argument, result)]
    begun(provider, thing, argument, function=Thing.method).returned(result)
    begun(provider, thing, "up", function=Thing.method).returned("up")
    del thing, argument, result
    gc.collect()
    assert [one() for one in gone] == [None] * 3
    assert len(kept.spans) == 2


@pytest.mark.parametrize("fails", [False, True])
def test_a_span_does_not_keep_the_context_of_its_call_alive(provider, kept, fails):
    variable = contextvars.ContextVar("the program's")
    thing, parent = Thing(), provider.get_tracer("test").start_span("parent")
    gone = weakref.ref(thing), weakref.ref(parent)

    def run(thing, parent):
        variable.set(thing)
        otel_context.attach(trace.set_span_in_context(parent, otel_context.set_value("mine", thing)))
        call = begun(provider, "up")
        call.failed(ValueError()) if fails else call.returned("up")

    contextvars.Context().run(run, thing, parent)
    del thing, parent
    gc.collect()
    assert [one() for one in gone] == [None, None]
    assert len(kept.spans) == 1


def test_a_span_does_not_keep_an_exception_alive(recorder):
    class Local(Exception):  # noqa: N818 -- a user's name
        pass

    @tool
    def work():
        raise Local

    with pytest.raises(Local) as raised:
        work()
    gone = weakref.ref(raised.value)
    del raised
    gc.collect()
    assert gone() is None
    assert recorder.one("execute_tool work").status.status_code is StatusCode.ERROR


def test_what_is_large_is_cut_at_once_and_its_size_is_told(provider, kept):
    large = "x" * (10 * MAX_TEXT)
    begun(provider, large, {large: large}, named=large).returned(large)
    (call,) = kept.spans
    assert call._args is None
    assert len(call.attributes[ARGUMENTS]) < 5 * MAX_TEXT
    assert len(call.attributes[RESULT]) < 1.1 * MAX_TEXT
    held = sum(len(value) for value in call.attributes.values())
    assert held < kept.sizes[0] < held + 2 * SPAN


def test_an_integer_of_a_million_digits_costs_nothing(provider):
    call = begun(provider, 10**1_000_000)
    call.returned(10**1_000_000)
    assert "integer of 3321929 bits" in call.attributes[ARGUMENTS]
    assert "integer of 3321929 bits" in call.attributes[RESULT]


def test_the_size_of_what_the_code_writes_is_told(provider, kept):
    for looks in (False, True):
        call = begun(provider, "up")
        if looks:
            assert call.attributes
        call.set_attribute("large", "x" * 100_000)
        call.set_attribute("items", ["x" * 100_000])
        call.add_event("event", {"large": "x" * 100_000})
        call.returned("up")
    assert [300_000 < size < 700_000 for size in kept.sizes] == [True, True]


def test_without_content_a_call_records_neither_arguments_nor_result(provider):
    call = begun(provider, "up", captures=False)
    call.returned("up")
    assert not {ARGUMENTS, RESULT} & call.attributes.keys()


def test_an_agent_says_of_itself_what_its_definition_says_also_where_its_identity_was_rewritten(provider, kept):
    call = begun(provider, "up", function=walker)
    call._context = SpanContext(7, 8, is_remote=False, trace_flags=TraceFlags(1))
    call.returned("up")
    assert list(call.own_attributes()) == ["ams.run.id", "gen_ai.input.messages", "gen_ai.output.messages"]


def test_threads_and_tasks_have_the_right_parents_and_ids_of_their_own(recorder):
    @agent
    async def many(number):
        async def step(index):
            await asyncio.sleep(0)
            return await asyncio.to_thread(look, f"{number}.{index}")

        return await asyncio.gather(*map(step, range(4)))

    @tool
    def in_a_thread(number):
        return asyncio.run(many(number))

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=in_a_thread, args=(number,)) for number in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    spans = {span.context.span_id: span for span in recorder.spans}
    assert len(recorder.spans) == len(spans) == 16 * 6
    for span in spans.values():
        if span.name == "execute_tool look":
            run = spans[span.parent.span_id]
            outer = spans[run.parent.span_id]
            number = json.loads(span.attributes[ARGUMENTS])["where"].split(".")[0]
            assert json.loads(run.attributes["ams.input"]) == {"number": int(number)}
            assert (outer.parent, span.context.trace_id) == (None, outer.context.trace_id)


def test_many_threads_at_once_lose_no_span(recorder):
    together = threading.Barrier(8)

    def work():
        together.wait()
        for number in range(200):
            walker(str(number))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    spans = recorder.spans
    assert len(spans) == len({span.context.span_id for span in spans}) == 8 * 200 * 2
    assert len({span.context.trace_id for span in spans}) == 8 * 200


WHERE = {
    "holding": RecordingSpan._hold,
    "attributes": RecordingSpan._attributes.fget,
    "events": RecordingSpan._events.fget,
    "links": RecordingSpan._links.fget,
}


@pytest.mark.parametrize("where", WHERE)
def test_two_threads_that_write_on_one_span_lose_nothing(provider, where):
    def write(letter, value):
        call.set_attribute(letter, value)
        call.set_attribute("both", letter)
        call.set_attribute(f"mixed {letter}", [letter, None])
        call.add_event(letter)
        call.add_link(SpanContext(1, ord(letter), is_remote=True))

    def run():
        nonlocal call
        call = contextvars.Context().run(begun, provider, "up")
        assert (call.events, call.links) == ((), ()) or another.has_acted
        write("a", "x")
        another.join()
        return call

    call, runs = None, 0
    another = AnotherThread(lambda: write("b", 1))
    for written in at_each_line(WHERE[where], another, run):
        written.returned("up")
        assert {"a", "b", "both", "mixed a", "mixed b"} <= written.attributes.keys()
        assert (len(written.events), len(written.links)) == (2, 2)
        runs += 1
    assert runs > 2


@pytest.mark.parametrize("value", ["plain", ["mixed", None]])
def test_a_span_that_another_thread_ends_takes_an_attribute_or_warns(provider, caplog, value):
    def run():
        nonlocal call
        caplog.clear()
        call = contextvars.Context().run(begun, provider, "up")
        call.set_attribute("late", value)
        warned = [record.getMessage() for record in caplog.records]
        another.join()
        return warned

    call = None
    another = AnotherThread(lambda: call.end())  # noqa: PLW0108 -- whichever call it is then
    runs = 0
    for warned in at_each_line(RecordingSpan.set_attribute, another, run):
        assert warned == [] if "late" in call.attributes else ["Setting attribute on ended span."]
        runs += 1
    assert runs > 3


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="no such signal here")
def test_what_a_signal_handler_of_the_program_raises_while_a_span_ends_is_the_programs(provider, monkeypatch):
    def too_long(*_):
        raise TimeoutError

    before = signal.signal(signal.SIGUSR1, too_long)
    call = begun(provider, "up")
    try:
        monkeypatch.setattr(CallSpan, "_hand_over", lambda _: signal.raise_signal(signal.SIGUSR1))
        with pytest.raises(TimeoutError):
            call.returned("up")
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert trace.get_current_span() is INVALID_SPAN


def injected():
    carrier = {}
    TraceContextTextMapPropagator().inject(carrier)
    return carrier


def test_what_an_unsampled_call_sends_on_says_that_it_is_not_sampled(unconfigured_recorder):
    recorder = unconfigured_recorder.configure(sample_rate=1e-12)
    seen = []

    @tool
    def inner():
        seen.append((injected(), trace.get_current_span()))

    @agent
    def outer():
        seen.append((injected(), trace.get_current_span()))
        inner()
        with trace.get_tracer("a library").start_as_current_span("GET"):
            seen.append((injected(), trace.get_current_span()))

    outer()
    (first, span), (second, _), (third, library) = seen
    assert isinstance(span, UnsampledSpan)
    assert isinstance(span, NonRecordingSpan)
    assert type(library) is NonRecordingSpan
    for carrier in (first, second, third):
        assert carrier["traceparent"].startswith(f"00-{span.get_span_context().trace_id:032x}-")
        assert int(carrier["traceparent"][-2:], 16) & 1 == 0
    assert first == injected_by(span)
    assert trace.get_current_span() is INVALID_SPAN
    assert recorder.spans == ()


def injected_by(span):
    token = otel_context.attach(trace.set_span_in_context(span))
    try:
        return injected()
    finally:
        otel_context.detach(token)


def test_an_unsampled_span_has_one_identity_also_if_two_look_at_once(monkeypatch):
    token = otel_context.attach(otel_context.Context())
    span = UnsampledSpan.begin(otel_context.get_current(), 5)
    found = []

    def make(*args, **kwargs):
        monkeypatch.undo()
        found.append(span.get_span_context())  # as another thread, in the middle of the first look
        return SpanContext(*args, **kwargs)

    monkeypatch.setattr(call_span, "SpanContext", make)
    found.append(span.get_span_context())
    span.failed(ValueError())
    otel_context.detach(token)
    assert found == [span.get_span_context()] * 2
    assert span.get_span_context().is_valid
    assert span.get_span_context().trace_id == 5


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
