"""Spans go to the test in which they, or what is above them, began."""

from __future__ import annotations

import threading
import time
from weakref import ref

import pytest
from opentelemetry import context, trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from ams_sdk.testing._trace import routing
from ams_sdk.testing._trace.captured_span import CapturedSpan
from ams_sdk.testing._trace.routing import SpanRouter, SpanSink


@pytest.fixture
def router():
    return SpanRouter()


@pytest.fixture
def tracer(router):
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(router)
    yield provider.get_tracer("t")
    provider.shutdown()


@pytest.fixture
def sink(router):
    sink = SpanSink()
    router.begin(sink)
    return sink


def names(sink):
    return [span.name for span in sink.spans()]


def test_a_span_that_ends_too_late_is_not_in_the_next_test(router, tracer, sink):
    late = tracer.start_span("late")
    router.end(sink)
    following = SpanSink()
    router.begin(following)
    late.end()
    tracer.start_span("of the next").end()
    assert names(following) == ["of the next"]
    assert names(sink) == []


def test_what_begins_below_a_span_of_an_earlier_test_is_that_ones(router, tracer, sink):
    parent = tracer.start_span("parent")
    below = trace.set_span_in_context(parent)
    router.end(sink)
    following = SpanSink()
    router.begin(following)
    child = tracer.start_span("child", context=below)
    tracer.start_span("grandchild", context=trace.set_span_in_context(child)).end()
    child.end()
    parent.end()
    assert names(following) == []


def test_what_begins_below_a_span_of_a_test_long_ago_is_that_ones_and_that_test_is_not_kept(router, tracer, sink):
    parent = tracer.start_span("parent")
    below = trace.set_span_in_context(parent)
    for number in range(300):
        router.end(sink)
        if number == 1:  # the first is kept by its fixture
            earlier = ref(sink)
        sink = SpanSink()
        router.begin(sink)
        tracer.start_span("of the running test").end()
        with tracer.start_as_current_span("child", context=below):
            tracer.start_span("grandchild").end()
        assert names(sink) == ["of the running test"]
    assert earlier() is None


def test_of_the_oldest_spans_it_is_forgotten_in_which_test_they_began(router, tracer, sink, monkeypatch):
    monkeypatch.setattr(routing, "_GENERATION", 100)
    parent = tracer.start_span("parent")
    router.end(sink)
    following = SpanSink()
    router.begin(following)
    for _ in range(1000):
        tracer.start_span("s").end()
    tracer.start_span("child", context=trace.set_span_in_context(parent)).end()
    assert names(following)[-1] == "child"
    assert len(router._began_in._newer) + len(router._began_in._older) <= 200


def test_what_begins_below_a_span_that_arrived_from_elsewhere_is_that_tests(router, tracer, sink):
    sink.arrived([CapturedSpan("child", "a" * 32, "b" * 16, 1, 2)])
    ids = SpanContext(int("a" * 32, 16), int("b" * 16, 16), is_remote=True, trace_flags=TraceFlags(1))
    told = trace.set_span_in_context(NonRecordingSpan(ids))
    tracer.start_span("answer", context=told).end()
    router.end(sink)
    following = SpanSink()
    router.begin(following)
    tracer.start_span("late answer", context=told).end()
    assert names(sink) == ["child", "answer"]
    assert names(following) == []


def test_what_begins_below_a_span_of_another_process_is_the_running_tests(router, tracer, sink):
    remote = NonRecordingSpan(SpanContext(1, 2, is_remote=True, trace_flags=TraceFlags(1)))
    for _ in range(2):
        tracer.start_span("request", context=trace.set_span_in_context(remote)).end()
        assert names(sink) == ["request"]
        router.end(sink)
        sink = SpanSink()
        router.begin(sink)


def test_what_begins_below_a_span_from_before_all_tests_is_the_running_tests(router, tracer):
    session = tracer.start_span("of the whole session")
    sink = SpanSink()
    router.begin(sink)
    tracer.start_span("inside", context=trace.set_span_in_context(session)).end()
    session.end()
    assert [(span.name, span.parent_id) for span in sink.spans()] == [("inside", None)]


def test_spans_of_what_runs_the_tests_are_none_of_a_tests(router, sink):
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(router)
    with provider.get_tracer("pytest-opentelemetry").start_as_current_span("test_x.py::call"):
        provider.get_tracer("t").start_span("inside").end()
    assert [(span.name, span.parent_id) for span in sink.spans()] == [("inside", None)]
    provider.shutdown()


def test_without_a_test_nothing_is_kept(router, tracer):
    tracer.start_span("nobody's").end()
    assert router._of_open == {}
    assert router.force_flush()


def test_a_span_that_was_begun_before_the_router_came_is_nobodys(router, sink):
    provider = TracerProvider(shutdown_on_exit=False)
    span = provider.get_tracer("t").start_span("early")
    provider.add_span_processor(router)
    span.end()
    assert names(sink) == []
    provider.shutdown()


def test_open_spans_are_seen_and_leave_when_they_end(tracer, sink):
    span = tracer.start_span("open")
    (found,) = sink.open_spans()
    assert (found.name, found.end_ns) == ("open", None)
    span.end()
    assert sink.open_spans() == []
    assert [one.end_ns is None for one in sink.spans()] == [False]


def test_secrets_are_masked(tracer, sink):
    tracer.start_span("call", attributes={"password": "hunter2hunter2", "text": "sk-proj-" + "a1B2" * 12}).end()
    (span,) = sink.spans()
    assert "hunter2" not in str(span)
    assert "a1B2" not in str(span)


def test_spans_of_many_threads_all_arrive(tracer, sink):
    def work():
        for _ in range(200):
            tracer.start_span("s").end()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(sink.spans()) == 1600


def test_what_arrives_from_elsewhere_is_added_once_and_only_if_it_did_not_begin_here(tracer, sink):
    tracer.start_span("here").end()
    (here,) = sink.spans()
    child = CapturedSpan("child", "a" * 32, "b" * 16, 1, 2)
    sink.arrived([here, child])
    sink.arrived([child])
    assert names(sink) == ["here", "child"]


def test_waiting_wakes_up_when_a_span_ends_and_not_by_asking_again_and_again(tracer, sink):
    asked = []

    def is_there():
        asked.append(time.monotonic())
        return len(sink.spans()) == 2

    def work():
        for _ in range(2):
            time.sleep(0.05)  # in which somebody who polls would ask
            tracer.start_span("s").end()

    thread = threading.Thread(target=work)
    thread.start()
    assert sink.wait_for(is_there, 5)
    thread.join()
    assert len(asked) <= 5  # two begin and end


def test_waiting_ends_in_time(sink):
    began = time.monotonic()
    assert not sink.wait_for(lambda: False, 0.05)
    assert 0.05 <= time.monotonic() - began < 2


def test_the_current_context_is_not_touched(tracer, sink):
    before = context.get_current()
    with tracer.start_as_current_span("s"):
        pass
    assert context.get_current() == before


def test_the_condition_may_wait_for_what_is_traced_meanwhile(tracer, sink):
    def is_there():
        thread = threading.Thread(target=lambda: tracer.start_span("s").end())
        thread.start()
        thread.join(5)
        return not thread.is_alive()

    assert sink.wait_for(is_there, 5)


def test_a_test_may_end_while_another_thread_reads_its_spans_and_starts_one(router, tracer, sink):
    reads, ends = threading.Event(), threading.Event()

    def read():
        with sink.changed:  # as while a redaction rule of the program's runs, which may be traced
            reads.set()
            ends.wait(5)
            tracer.start_span("of the rule").end()

    reading = threading.Thread(target=read, daemon=True)
    reading.start()
    assert reads.wait(5)
    ending = threading.Thread(target=router.end, args=(sink,), daemon=True)
    ending.start()
    while sink in router._active:  # it has begun, and comes to the sink
        threading.Event().wait(0.001)
    ends.set()
    for thread in (reading, ending):
        thread.join(5)
        assert not thread.is_alive()


def test_what_headers_carry_from_an_earlier_test_is_that_ones(router, tracer, sink):
    early = tracer.start_span("early")
    ids = early.get_span_context()
    router.end(sink)
    following = SpanSink()
    router.begin(following)
    carried = NonRecordingSpan(SpanContext(ids.trace_id, ids.span_id, is_remote=True, trace_flags=TraceFlags(1)))
    tracer.start_span("late", context=trace.set_span_in_context(carried)).end()
    assert names(following) == []


def test_a_span_that_never_ends_does_not_keep_its_test(router, tracer, sink):
    tracer.start_span("never ended")
    router.end(sink)
    assert router._of_open == {}
