"""Each span goes to the test in which it was started, or its parent was; none goes to the test that happens to run."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final
from weakref import WeakSet, ref

from opentelemetry.sdk.trace import SpanProcessor

from ams_sdk._guard import guard
from ams_sdk.testing._trace.readable import captured

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import ReadableSpan, Span

    from ams_sdk.testing._trace.captured_span import CapturedSpan

__all__ = ["SpanRouter", "SpanSink", "router"]

_RUNNERS: Final = frozenset({"pytest-opentelemetry"})
"""Tracers of what runs the tests; their spans are none of a test's."""
_GENERATION: Final = 32_768
"""Of so many spans at least, and at most of twice as many, is it known in which test they began; some 7 MB."""


class SpanSink:
    """The spans of one test.

    Attributes:
        changed: notified whenever a span starts or ends here, or arrives from elsewhere.
        changes: how often that was.
    """

    def __init__(self) -> None:
        self.changed: threading.Condition = threading.Condition(threading.RLock())
        self._begun: set[int] = set()
        self._arrived: set[int] = set()
        self._tops: set[int] = set()
        self._open: dict[int, ReadableSpan] = {}
        self._ended: list[ReadableSpan] = []
        self._captured: list[CapturedSpan] = []
        self._is_closed = False
        self.changes: int = 0

    def after_fork(self) -> None:
        """Another thread of the parent may have held the lock at the moment of the fork."""
        self.changed = threading.Condition(threading.RLock())

    def knows(self, identity: int) -> bool:
        """Whether a span with these ids began here, or has arrived."""
        return identity in self._begun or identity in self._arrived

    def started(self, identity: int, span: ReadableSpan, *, is_top: bool) -> None:
        """A span of this test begins; ``is_top`` if what is above it in this process is none of the test's."""
        with self.changed:
            self._begun.add(identity)
            if is_top:
                self._tops.add(identity)
            if not self._is_closed:
                self._open[identity] = span
            self.changes += 1
            self.changed.notify_all()

    def ended(self, identity: int, span: ReadableSpan) -> None:
        """It has ended; too late for a test that is over."""
        with self.changed:
            self._open.pop(identity, None)
            if not self._is_closed:
                self._ended.append(span)
            self.changes += 1
            self.changed.notify_all()

    def arrived(self, spans: Iterable[CapturedSpan]) -> None:
        """Spans have come from somewhere; those that began here are known, the others are a child process's."""
        with self.changed:
            new = [span for span in spans if not self.knows(int(span.trace_id + span.span_id, 16))]
            self._arrived.update(int(span.trace_id + span.span_id, 16) for span in new)
            self._captured += new
            self.changes += 1
            self.changed.notify_all()

    def spans(self) -> list[CapturedSpan]:
        """What has ended, in that order, without secrets."""
        with self.changed:
            # Not when it ends: what it costs to look for secrets is nothing that the code under test should wait for.
            waiting, self._ended = self._ended, []
            self._captured += map(self._capture, waiting)
            return list(self._captured)

    def open_spans(self) -> list[CapturedSpan]:
        """What has begun and not ended."""
        with self.changed:
            return list(map(self._capture, self._open.values()))

    def _capture(self, span: ReadableSpan) -> CapturedSpan:
        found = captured(span)
        return replace(found, parent_id=None) if identity_of(span) in self._tops else found

    def wait_for(self, condition: Callable[[], bool], timeout: float) -> bool:
        """Wait until the condition holds, asked again whenever something has changed; False if it does not in time."""
        deadline = time.monotonic() + timeout
        while True:
            seen = self.changes
            if condition():
                return True
            if not self.wait_for_change(seen, deadline):
                return condition()  # may go by something that nobody is told of

    def wait_for_change(self, seen: int, deadline: float) -> bool:
        """Wait until there were more changes than ``seen``; False if there are none before the deadline."""
        with self.changed:  # not while the condition is asked, which may wait for what is traced meanwhile
            while self.changes == seen:
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self.changed.wait(left)
        return True

    def close(self) -> set[int]:
        """The test is over: what it has is kept, and no more comes; answers what has arrived from elsewhere."""
        with self.changed:
            self.spans()
            self._is_closed = True
            self._open.clear()
            return self._arrived


class SpanRouter(SpanProcessor):
    """Hands each span to a sink; one for the process, on each provider that serves while a test runs."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._sinks: WeakSet[SpanSink] = WeakSet()
        self._active: list[SpanSink] = []
        self._of_open: dict[int, SpanSink] = {}
        self._began_in = BeganIn()

    def after_fork(self) -> None:
        """The same."""
        self._lock = threading.RLock()
        for sink in self._sinks:
            sink.after_fork()

    def begin(self, sink: SpanSink) -> None:
        """Spans that start from now on are this sink's."""
        with self._lock:
            self._active.append(sink)
            self._sinks.add(sink)

    def end(self, sink: SpanSink) -> None:
        """Its test is over."""
        with self._lock:
            self._active.remove(sink)
            # What never ends would keep the sink, and all that it holds, for as long as the process lives.
            self._of_open = {identity: one for identity, one in self._of_open.items() if one is not sink}
        arrived = sink.close()  # without the lock: another thread may have the sink's, and start a span
        with self._lock:
            for identity in arrived:
                self._began_in.add(identity, ref(sink))

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:  # noqa: ARG002 -- OpenTelemetry's
        """Decide whose it is."""
        with guard("routing a span that starts to its test"):
            if span.instrumentation_scope is not None and span.instrumentation_scope.name in _RUNNERS:
                return
            identity = identity_of(span)
            with self._lock:
                test, is_top = self._test_of(span)
                if test is None:
                    return
                self._began_in.add(identity, test)
                sink = test()
                if sink is None or sink not in self._active:  # its test is over
                    return
                self._of_open[identity] = sink
            sink.started(identity, span, is_top=is_top)

    def on_end(self, span: ReadableSpan) -> None:
        """Hand it over."""
        with guard("routing a span that has ended to its test"):
            identity = identity_of(span)
            with self._lock:
                sink = self._of_open.pop(identity, None)
            if sink is not None:
                sink.ended(identity, span)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:  # noqa: ARG002 -- the same
        """Nothing waits here."""
        return True

    def _test_of(self, span: Span) -> tuple[ref[SpanSink] | None, bool]:
        is_below = span.parent is not None and not span.parent.is_remote
        if span.parent is not None:
            # A thread of an earlier test that still runs belongs to that one, also if it was told by headers.
            above = span.parent.trace_id << 64 | span.parent.span_id
            test = self._began_in.get(above)
            if test is not None:
                return test, False
            for sink in reversed(self._active):
                if sink.knows(above):  # it has arrived from elsewhere
                    return ref(sink), False
        return (ref(self._active[-1]) if self._active else None), is_below


class BeganIn:
    """In which test a span began; of the oldest spans it is forgotten.

    A test is held weakly: of one that is over, only that it was another one is known.
    """

    def __init__(self) -> None:
        self._newer: dict[int, ref[SpanSink]] = {}
        self._older: dict[int, ref[SpanSink]] = {}

    def add(self, identity: int, test: ref[SpanSink]) -> None:
        """A span has begun."""
        if len(self._newer) >= _GENERATION:
            self._older, self._newer = self._newer, {}
        self._newer[identity] = test

    def get(self, identity: int) -> ref[SpanSink] | None:
        """Its test, if it is known."""
        return self._newer.get(identity) or self._older.get(identity)


router: Final = SpanRouter()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=router.after_fork)


def identity_of(span: ReadableSpan) -> int:
    context = span.get_span_context()
    return 0 if context is None else context.trace_id << 64 | context.span_id
