"""Each span goes to the test in which it was started, or its parent was; none goes to the test that happens to run."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Final

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
_REMEMBERED_SINKS: Final = 64
"""So many tests back, a span that begins below one of theirs is known to be theirs."""


class SpanSink:
    """The spans of one test.

    Attributes:
        changed: notified whenever a span ends here, or arrives from elsewhere.
    """

    def __init__(self) -> None:
        self.changed: threading.Condition = threading.Condition(threading.RLock())
        self._identities: set[int] = set()
        self._tops: set[int] = set()
        self._open: dict[int, ReadableSpan] = {}
        self._ended: list[ReadableSpan] = []
        self._captured: list[CapturedSpan] = []
        self._is_closed = False
        self._changes = 0

    def after_fork(self) -> None:
        """Another thread of the parent may have held the lock at the moment of the fork."""
        self.changed = threading.Condition(threading.RLock())

    def knows(self, identity: int) -> bool:
        """Whether a span with these ids began here."""
        return identity in self._identities

    def started(self, identity: int, span: ReadableSpan, *, is_top: bool) -> None:
        """A span of this test begins; ``is_top`` if what is above it in this process is none of the test's."""
        with self.changed:
            self._identities.add(identity)
            if is_top:
                self._tops.add(identity)
            if not self._is_closed:
                self._open[identity] = span

    def ended(self, identity: int, span: ReadableSpan) -> None:
        """It has ended; too late for a test that is over."""
        with self.changed:
            self._open.pop(identity, None)
            if not self._is_closed:
                self._ended.append(span)
            self._changes += 1
            self.changed.notify_all()

    def arrived(self, spans: Iterable[CapturedSpan]) -> None:
        """Spans have come from somewhere; those that began here are known, the others are a child process's."""
        with self.changed:
            new = [span for span in spans if not self.knows(int(span.trace_id + span.span_id, 16))]
            self._identities.update(int(span.trace_id + span.span_id, 16) for span in new)
            self._captured += new
            self._changes += 1
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
            seen = self._changes
            if condition():
                return True
            with self.changed:  # not while the condition is asked, which may wait for what is traced meanwhile
                while self._changes == seen:
                    left = deadline - time.monotonic()
                    if left <= 0:
                        return False
                    self.changed.wait(left)

    def close(self) -> None:
        """The test is over: what it has is kept, and no more comes."""
        with self.changed:
            self.spans()
            self._is_closed = True
            self._open.clear()


class SpanRouter(SpanProcessor):
    """Hands each span to a sink; one for the process, on each provider that serves while a test runs."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._sinks: deque[SpanSink] = deque(maxlen=_REMEMBERED_SINKS)
        self._active: list[SpanSink] = []
        self._of_open: dict[int, SpanSink] = {}

    def after_fork(self) -> None:
        """The same."""
        self._lock = threading.RLock()
        for sink in self._sinks:
            sink.after_fork()

    def begin(self, sink: SpanSink) -> None:
        """Spans that start from now on are this sink's."""
        with self._lock:
            self._active.append(sink)
            self._sinks.append(sink)

    def end(self, sink: SpanSink) -> None:
        """Its test is over."""
        with self._lock:
            self._active.remove(sink)
            # What never ends would keep the sink, and all that it holds, for as long as the process lives.
            self._of_open = {identity: one for identity, one in self._of_open.items() if one is not sink}
        sink.close()

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:  # noqa: ARG002 -- OpenTelemetry's
        """Decide whose it is."""
        with guard("routing a span that starts to its test"):
            if span.instrumentation_scope is not None and span.instrumentation_scope.name in _RUNNERS:
                return
            identity = identity_of(span)
            with self._lock:
                sink, is_top = self._sink_for(span)
                if sink is not None:
                    self._of_open[identity] = sink
            if sink is not None:
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

    def _sink_for(self, span: ReadableSpan) -> tuple[SpanSink | None, bool]:
        is_below = span.parent is not None and not span.parent.is_remote
        if span.parent is not None:
            # A thread of an earlier test that still runs belongs to that one, also if it was told by headers.
            above = span.parent.trace_id << 64 | span.parent.span_id
            for sink in reversed(self._sinks):
                if sink.knows(above):
                    return sink, False
        return (self._active[-1] if self._active else None), is_below


router: Final = SpanRouter()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=router.after_fork)


def identity_of(span: ReadableSpan) -> int:
    context = span.get_span_context()
    return 0 if context is None else context.trace_id << 64 | context.span_id
