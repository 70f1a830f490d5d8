"""OpenTelemetry's current context is ours: what others put there we see, and what we put there they see."""

import asyncio
import contextvars
import os
import subprocess
import sys
import threading

from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import baggage, propagate, trace
from opentelemetry import context as otel_context
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, TraceState
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from ams_sdk import agent, tool
from ams_sdk._tracing.current_context import attach_context, current_context, detach_context

W3C = CompositePropagator([TraceContextTextMapPropagator(), W3CBaggagePropagator()])


@tool
def look(where):
    return injected()


@agent
def walker(where):
    return look(where)


def injected():
    carrier = {}
    W3C.inject(carrier)
    return carrier


def test_what_is_attached_is_what_opentelemetry_sees():
    before = otel_context.get_current()
    mine = otel_context.set_value("mine", 1)
    token = attach_context(mine)
    assert otel_context.get_current() is current_context() is mine
    detach_context(token)
    assert otel_context.get_current() is current_context() is before


def test_what_opentelemetry_attaches_is_what_is_seen():
    token = otel_context.attach(otel_context.set_value("mine", 1))
    assert current_context() is otel_context.get_current()
    otel_context.detach(token)


def test_a_context_that_is_detached_elsewhere_is_left_alone(caplog):
    token = contextvars.copy_context().run(attach_context, otel_context.Context())
    detach_context(token)
    assert caplog.records == []


def test_each_thread_and_each_task_has_its_own():
    seen = []

    def look_around(value):
        token = attach_context(otel_context.set_value("mine", value))
        seen.append(current_context()["mine"])
        detach_context(token)

    async def main():
        await asyncio.gather(*(asyncio.to_thread(look_around, number) for number in range(4)))

    thread = threading.Thread(target=look_around, args=("thread",))
    thread.start()
    thread.join()
    asyncio.run(main())
    assert sorted(map(str, seen)) == ["0", "1", "2", "3", "thread"]
    assert "mine" not in current_context()


remotes = st.builds(
    SpanContext,
    st.integers(1, 2**128 - 1),
    st.integers(1, 2**64 - 1),
    st.just(True),  # noqa: FBT003 -- a value to draw
    st.sampled_from([0, 1, 2, 3]).map(TraceFlags),
    st.sampled_from([TraceState(), TraceState([("vendor", "1"), ("other", "2")])]),
)


@given(remotes, st.dictionaries(st.sampled_from("ab"), st.text("xyz", min_size=1, max_size=3)))
def test_a_trace_and_its_baggage_go_in_and_out_through_decorated_calls(recorder, remote, entries):
    recorder.exporter.clear()
    context = trace.set_span_in_context(NonRecordingSpan(remote), otel_context.Context())
    for name, value in entries.items():
        context = baggage.set_baggage(name, value, context)
    sent = {}
    W3C.inject(sent, context)
    token = otel_context.attach(W3C.extract(sent, otel_context.Context()))
    carrier = walker("up")
    otel_context.detach(token)
    went_out = W3C.extract(carrier, otel_context.Context())
    span = trace.get_current_span(went_out).get_span_context()
    assert span.trace_id == remote.trace_id
    assert span.trace_flags.sampled == remote.trace_flags.sampled
    assert dict(span.trace_state) == dict(remote.trace_state)
    assert baggage.get_all(went_out) == entries
    if remote.trace_flags.sampled:
        call, run = recorder.one("execute_tool look"), recorder.one("invoke_agent walker")
        assert (run.parent.span_id, call.context.span_id) == (remote.span_id, span.span_id)
        assert run.parent.is_remote
        assert dict(run.context.trace_state) == dict(remote.trace_state)
    else:
        assert recorder.spans == ()


def test_the_global_propagator_carries_a_decorated_call(recorder):
    @tool
    def work():
        carrier = {}
        propagate.inject(carrier)
        return carrier

    carrier = work()
    span = recorder.one("execute_tool work").context
    flags = f"{span.trace_flags:02x}"
    assert carrier["traceparent"] == f"00-{span.trace_id:032x}-{span.span_id:016x}-{flags}"


ANOTHER = """
import threading

from opentelemetry.context.context import Context, _RuntimeContext


class Stack(_RuntimeContext, threading.local):
    def __init__(self):
        self.contexts = [Context()]

    def attach(self, context):
        self.contexts.append(context)
        return len(self.contexts)

    def get_current(self):
        return self.contexts[-1]

    def detach(self, token):
        if token != len(self.contexts):
            raise ValueError("not the last one")
        self.contexts.pop()
"""
PROGRAM = """
from opentelemetry import context, trace
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import ams_sdk
from ams_sdk._tracing.current_context import attach_context, detach_context

exporter = InMemorySpanExporter()
ams_sdk.configure(exporters=[exporter])


@ams_sdk.tool
def look():
    assert context._RUNTIME_CONTEXT.contexts[-1] is context.get_current()
    with trace.get_tracer("a library").start_as_current_span("GET"):
        pass


look()
assert len(context._RUNTIME_CONTEXT.contexts) == 1
token = attach_context(context.Context())
attach_context(context.Context())
detach_context(token)
ams_sdk.shutdown()
library, call = exporter.get_finished_spans()
print(type(context._RUNTIME_CONTEXT).__name__, library.parent == call.context, call.parent)
"""


def test_another_implementation_of_the_context_is_asked(tmp_path):
    found = tmp_path / "another_context-1.0.dist-info"
    found.mkdir()
    (found / "METADATA").write_text("Metadata-Version: 2.1\nName: another-context\nVersion: 1.0\n", encoding="utf-8")
    (found / "entry_points.txt").write_text(
        "[opentelemetry_context]\nanother = another_context:Stack\n", encoding="utf-8"
    )
    (tmp_path / "another_context.py").write_text(ANOTHER, encoding="utf-8")
    path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=os.environ | {"PYTHONPATH": path, "OTEL_PYTHON_CONTEXT": "another"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("Stack True None\n", "")
