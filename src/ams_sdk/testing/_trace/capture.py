"""The spans of a running test, those of its child processes included."""

from __future__ import annotations

import time
from collections.abc import Awaitable
from functools import partial
from typing import TYPE_CHECKING, cast

import anyio.to_thread

from ams_sdk.testing._trace.awaited import Awaited, check_timeout
from ams_sdk.testing._trace.failure import TraceAssertionError
from ams_sdk.testing._trace.view import TraceView

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ams_sdk.testing._trace.routing import SpanSink

__all__ = ["TraceCapture"]


class TraceCapture(TraceView):
    """What was traced in a test so far: by decorators, by any instrumentation, and in processes that the test started.

    A span is there when it has ended; ``open_spans`` are those that have not. What another thread or process does is
    waited for with ``wait``.

    Args:
        sink: where the spans of the test go.
        heard: when the test's models were asked over HTTP, in nanoseconds since 1970, in order.
    """

    def __init__(self, sink: SpanSink, heard: Callable[[], Sequence[int]] = tuple) -> None:
        super().__init__(sink.spans, sink.open_spans)
        self._sink = sink
        self._heard = heard

    @property
    def heard_by_models(self) -> Sequence[int]:
        """When the test's scripted models were asked over HTTP, in nanoseconds since 1970, in order."""
        return self._heard()

    def wait(
        self,
        *,
        spans: int | None = None,
        until: Callable[[TraceCapture], object] | None = None,
        timeout: float = 5.0,
    ) -> None:
        """Wait for what other threads, tasks or processes still do.

        It wakes up when a span has started or ended here or has arrived from a process that the test started, asks
        again then, and once more at the end of the time.

        Args:
            spans: so many have ended.
            until: this is true of the capture, for example ``lambda trace: trace.agents("researcher")``; an assertion
                that fails in it is not true yet.
            timeout: the most seconds to wait.

        Raises:
            TraceAssertionError: it did not come in time; the failure shows what there is.
            ConfigurationError: there is nothing to wait for, or two things, or the timeout is no number of seconds;
                or the function has to be awaited.
        """
        __tracebackhide__ = True
        awaited = Awaited(spans, until)
        check_timeout(timeout)
        if not self._sink.wait_for(lambda: awaited.is_there(self), timeout):
            raise TraceAssertionError(awaited.late(self, timeout), self) from awaited.failure

    async def wait_async(
        self,
        *,
        spans: int | None = None,
        until: Callable[[TraceCapture], object] | None = None,
        timeout: float = 5.0,  # noqa: ASYNC109 -- as in wait()
    ) -> None:
        """``wait`` for asyncio and trio: the other tasks of the event loop go on meanwhile.

        ``until`` is called in another thread; what it gives back is awaited here if it is a coroutine.
        """
        __tracebackhide__ = True
        awaited = Awaited(spans, until)
        check_timeout(timeout)
        deadline = time.monotonic() + timeout
        is_over = False
        while True:
            seen = self._sink.changes
            if await self._is_there(awaited):
                return
            if is_over:
                raise TraceAssertionError(awaited.late(self, timeout), self) from awaited.failure
            wait = partial(self._sink.wait_for_change, seen, deadline)
            is_over = not await anyio.to_thread.run_sync(wait, abandon_on_cancel=True)

    async def _is_there(self, awaited: Awaited) -> bool:
        found: object = await anyio.to_thread.run_sync(awaited.ask, self, abandon_on_cancel=True)
        if isinstance(found, Awaitable):
            try:
                found = await cast("Awaitable[object]", found)
            except AssertionError as failure:
                awaited.failure = failure
                return False
        return awaited.is_true(found)
