"""What other threads, tasks and processes do is waited for."""

from __future__ import annotations

import threading
from functools import partial

import anyio
import pytest
from opentelemetry.sdk.trace import TracerProvider

from ams_sdk import ConfigurationError
from ams_sdk.testing._trace.capture import TraceCapture
from ams_sdk.testing._trace.failure import TraceAssertionError
from ams_sdk.testing._trace.routing import SpanRouter, SpanSink


@pytest.fixture
def sink():
    return SpanSink()


@pytest.fixture
def tracer(sink):
    router = SpanRouter()
    router.begin(sink)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(router)
    yield provider.get_tracer("t")
    provider.shutdown()


@pytest.fixture
def trace(sink):
    return TraceCapture(sink)


class Asked:
    """Asks in the test's place, and lets another thread begin once that was in vain."""

    def __init__(self, question, work):
        self._question = question
        self._thread = threading.Thread(target=work)

    def __call__(self, trace):
        try:
            return self._question(trace)
        finally:
            if self._thread.ident is None:
                self._thread.start()

    def join(self):
        self._thread.join()


def test_a_span_that_begins_wakes_up_who_waits(tracer, trace):
    asked = Asked(lambda trace: trace.open_spans, lambda: tracer.start_span("open"))
    trace.wait(until=asked)
    asked.join()
    assert [span.name for span in trace.open_spans] == ["open"]


def test_an_assertion_that_fails_is_not_true_yet(tracer, trace):
    asked = Asked(lambda trace: trace.one(name="s"), lambda: tracer.start_span("s").end())
    trace.wait(until=asked)
    asked.join()
    anyio.run(lambda: trace.wait_async(until=lambda trace: trace.one(name="s")))


def test_at_the_timeout_the_last_assertion_that_failed_is_shown(trace, tracer):
    tracer.start_span("other").end()

    async def until(trace):
        return trace.one(name="s")

    ways = [
        lambda: trace.wait(until=lambda trace: trace.one(name="s"), timeout=0.01),
        lambda: anyio.run(lambda: trace.wait_async(until=until, timeout=0.01)),
    ]
    for way in ways:
        with pytest.raises(TraceAssertionError, match="It last said:\n  One span with") as caught:
            way()
        assert isinstance(caught.value.__cause__, TraceAssertionError)


def test_what_is_said_at_the_timeout_counts_what_is_there(trace, tracer):
    tracer.start_span("a").end()
    tracer.start_span("b")
    with pytest.raises(TraceAssertionError, match=r"0 s for 2 spans to end; 1 has ended and 1 is open\."):
        trace.wait(spans=2, timeout=0)


def test_what_notifies_nobody_is_asked_for_once_more_at_the_end(trace):
    answers = iter([False, True])
    trace.wait(until=lambda _: next(answers), timeout=0)
    answers = iter([False, True])
    anyio.run(lambda: trace.wait_async(until=lambda _: next(answers), timeout=0))


def test_who_only_asserts_is_told_to_say_true(trace):
    def asserts(trace):
        assert list(trace.spans) == []

    with pytest.raises(TraceAssertionError, match="write until=lambda trace: … or True"):
        trace.wait(until=asserts, timeout=0)
    trace.wait(until=lambda trace: asserts(trace) or True, timeout=0)


class Untrue:
    async def __call__(self, _):
        return False


async def untrue(trace):
    return False


@pytest.mark.parametrize("until", [untrue, partial(untrue), Untrue()])
def test_an_asynchronous_function_is_awaited_or_refused(trace, until):
    with pytest.raises(ConfigurationError, match=r"write a plain one, or await wait_async\(until=…\)"):
        trace.wait(until=until, timeout=0)
    with pytest.raises(TraceAssertionError, match="Waited 0 s"):
        anyio.run(lambda: trace.wait_async(until=until, timeout=0))


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_an_asynchronous_function_may_wait_for_other_tasks(tracer, trace, backend):
    if backend == "trio":
        pytest.importorskip("trio")

    async def main():
        async with anyio.create_task_group() as tasks:
            may_begin = anyio.Event()

            async def work():
                await may_begin.wait()
                tracer.start_span("s").end()

            async def until(trace):
                await anyio.lowlevel.checkpoint()
                may_begin.set()
                return trace.find(name="s")

            tasks.start_soon(work)
            await trace.wait_async(until=until)

    anyio.run(main, backend=backend)


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"spans": 1, "until": untrue},
        {"spans": "1"},
        {"spans": -1},
        {"spans": True},
        {"until": True},
        {"spans": 1, "timeout": "1"},
        {"spans": 1, "timeout": -1},
        {"spans": 1, "timeout": float("inf")},
        {"until": lambda trace: (span for span in trace.spans)},
        {"until": lambda trace: filter(None, trace.spans)},
    ],
)
def test_what_cannot_be_waited_for_is_refused(trace, asked):
    asked = {"timeout": 0, **asked}
    with pytest.raises(ConfigurationError, match=r"wait\("):
        trace.wait(**asked)
    with pytest.raises(ConfigurationError, match=r"wait\("):
        anyio.run(lambda: trace.wait_async(**asked))
