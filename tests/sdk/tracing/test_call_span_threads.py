"""Decorated calls in several threads and tasks at once, and spans that several write on."""

import asyncio
import contextvars
import json
import signal
import sys
import threading

import pytest
from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.trace import INVALID_SPAN, NonRecordingSpan, SpanContext
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from tests.sdk.tracing.decorated_calls import ARGUMENTS, begun, look, walker
from tests.sdk.tracing.interleaving import AnotherThread, at_each_line

from ams_sdk import agent, tool
from ams_sdk._tracing import call_span
from ams_sdk._tracing.call_span import CallSpan, UnsampledSpan
from ams_sdk._tracing.span import RecordingSpan


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
