"""The spans of a running test, those of its child processes included."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import anyio.to_thread

from ams_sdk._errors import ConfigurationError
from ams_sdk.testing._trace.failure import TraceAssertionError, failure_text
from ams_sdk.testing._trace.failure_rows import rows_of
from ams_sdk.testing._trace.forest import Forest
from ams_sdk.testing._trace.view import TraceView

if TYPE_CHECKING:
    from collections.abc import Callable

    from ams_sdk.testing._trace.routing import SpanSink

__all__ = ["TraceCapture"]

_ADVICE: Final = (
    "If it takes longer, wait(timeout=…). What another process does arrives only with the fixture ams_server, after it "
    "has flushed or ended."
)


class TraceCapture(TraceView):
    """What was traced in a test so far: by decorators, by any instrumentation, and in processes that the test started.

    A span is there when it has ended; ``open_spans`` are those that have not. What another thread or process does is
    waited for with ``wait``.

    Args:
        sink: where the spans of the test go.
    """

    def __init__(self, sink: SpanSink) -> None:
        super().__init__(sink.spans, sink.open_spans)
        self._sink = sink

    def wait(
        self,
        *,
        spans: int | None = None,
        until: Callable[[TraceCapture], object] | None = None,
        timeout: float = 5.0,
    ) -> None:
        """Wait for what other threads, tasks or processes still do.

        It wakes up when a span has ended here or has arrived from a process that the test started, and asks again then.

        Args:
            spans: so many have ended.
            until: this is true of the capture, for example ``lambda trace: trace.agents("researcher")``.
            timeout: the most seconds to wait.

        Raises:
            TraceAssertionError: it did not come in time; the failure shows what there is.
            ConfigurationError: there is nothing to wait for, or two things, or the timeout is no number of seconds.
        """
        __tracebackhide__ = True
        if (spans is None) == (until is None):
            raise ConfigurationError("wait() takes either spans=, a number, or until=, a function of the capture.")
        if not (math.isfinite(timeout) and timeout >= 0):
            raise ConfigurationError("wait(timeout=…): write a number of seconds, 0 or more.")

        def is_there() -> bool:
            return len(self.spans) >= spans if spans is not None else until is not None and bool(until(self))

        if not self._sink.wait_for(is_there, timeout):
            raise TraceAssertionError(self._late(spans, until, timeout), self)

    async def wait_async(
        self,
        *,
        spans: int | None = None,
        until: Callable[[TraceCapture], object] | None = None,
        timeout: float = 5.0,  # noqa: ASYNC109 -- as in wait()
    ) -> None:
        """``wait`` for asyncio and trio: the other tasks of the event loop go on meanwhile.

        ``until`` is called in another thread.
        """
        __tracebackhide__ = True

        def wait() -> None:
            self.wait(spans=spans, until=until, timeout=timeout)

        await anyio.to_thread.run_sync(wait, abandon_on_cancel=True)

    def _late(self, spans: int | None, until: Callable[[TraceCapture], object] | None, timeout: float) -> str:
        forest = Forest([*self.spans, *self.open_spans])
        there = f"{len(self.spans)} have ended and {len(self.open_spans)} are open"
        what = f"{spans} spans to end" if spans is not None else f"until={getattr(until, '__name__', 'it')} to be true"
        return failure_text(
            f"Waited {timeout:g} s for {what}; {there}.",
            rows=rows_of(forest.branches, {}),
            advice=[_ADVICE],
        )
