"""The way of finished spans out of the process: a bounded queue, and one worker thread that empties it into an outlet.

Callers only append. The worker takes what has gathered after a short delay, or at once when it is worth a batch.
Nothing here waits without a deadline, and no deadline is stretched by an outlet that does not come back: it is left
behind.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from ams_sdk._background import THREADS, untraced
from ams_sdk._guard import guard
from ams_sdk._tracing.lone_thread import LoneThread
from ams_sdk._tracing.span_queue import AFTER_SHUTDOWN, SpanQueue

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from opentelemetry.sdk.trace import ReadableSpan

    from ams_sdk._tracing.span_queue import Mark, Pack

__all__ = ["Counts", "Outlet", "Pipeline"]

MAX_BYTES: Final = 64 * 2**20
"""About how much memory the spans of one queue may hold."""
BATCH_BYTES: Final = 2**20
"""As much in the queue is not waited with."""
MAX_BATCH: Final = 512
"""Spans that the outlet gets at a time."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the spans of one pipeline, in spans where nothing else is said.

    Attributes:
        created: put in.
        exported: arrived.
        failed: given up after the outlet failed.
        for_others: arrived, of processes that are gone; not among the others here.
        dropped: by reason, never tried.
        waiting: queued or being sent; of those, ``spooled`` are on disk and survive the process.
        retried: attempts after the first, in batches.
        bytes: sent, as they went over the wire.
        seconds: processor time of the pipeline's threads.
    """

    created: int = 0
    exported: int = 0
    failed: int = 0
    for_others: int = 0
    dropped: dict[str, int] = field(default_factory=dict[str, int])
    waiting: int = 0
    spooled: int = 0
    retried: int = 0
    bytes: int = 0
    seconds: float = 0.0


class Outlet(Protocol):
    """Where the spans of a pipeline go; used by its worker, but for ``open``, ``flush``, ``hurry`` and ``counts``."""

    is_quick: bool
    """Whether ``take`` and ``seal`` never wait, so that the caller can do it where no worker can be started."""

    pack: Pack | None
    """Makes a span smaller while it waits, see ``SpanQueue``."""

    def open(self) -> None:
        """Start what threads it needs: there is something to send, and an interpreter that ends starts none."""
        ...

    def take(self, spans: Sequence[ReadableSpan | None], /) -> None:
        """Take finished spans; they need not be sent yet. None stands for one that was kept before."""
        ...

    def seal(self) -> None:
        """Let go of what was taken so far: nothing more is coming for now."""
        ...

    def flush(self, deadline: float, /) -> bool:
        """Wait until everything sealed so far has arrived; False if it has not by then."""
        ...

    def hurry(self) -> None:
        """The program ends: what fails from now on is not tried again."""
        ...

    def close(self) -> None:
        """Nothing more comes."""
        ...

    def join(self, deadline: float, /) -> bool:
        """Wait for threads of its own after ``close``; answers whether everything has arrived."""
        ...

    def after_fork(self) -> None:
        """Begin anew in the child of a fork, without what the parent has to send."""
        ...

    def counts(self) -> Counts:
        """What became of the spans that were taken."""
        ...


class Pipeline:
    """A queue, and a daemon thread that empties it into one outlet.

    Args:
        outlet: where the spans go.
        name: shown in the thread's name and in ``stats()``.
        delay: the most seconds that the first span of a batch waits for others.
        first: what keeps a finished span before ``submit`` comes back; True if the outlet need not be given it.

    Attributes:
        submit: takes a finished span and about how many bytes it holds; never waits, never raises.
    """

    submit: Callable[[ReadableSpan, int], None]

    def __init__(
        self, outlet: Outlet, name: str, delay: float = 0.1, first: Callable[[ReadableSpan], bool] | None = None
    ) -> None:
        self.name = name
        self._outlet = outlet
        self._delay = delay
        self._first = first
        self._begin()

    def after_fork(self) -> None:
        """Begin anew in the child of a fork: it has no worker, and must not send the parent's spans a second time."""
        self._begin()
        self._outlet.after_fork()

    def _begin(self) -> None:
        self._queue = SpanQueue(MAX_BYTES, BATCH_BYTES, self._start, self._outlet.pack)
        self._worker = LoneThread(self._work, self.name, self._queue.renew_lock)
        self._is_open = False
        self._end: Mark | None = None
        self._seconds = 0.0
        self.submit = self._queue.put if self._first is None else self._keep_and_put

    def open(self) -> None:
        """Start the worker of an outlet that the caller cannot empty the queue into when the interpreter ends."""
        if not self._outlet.is_quick:
            self._start()

    def refuse(self) -> None:
        """Count a span that ended after the shutdown."""
        self._queue.drop(AFTER_SHUTDOWN)

    def flush(self, timeout: float) -> bool:
        """Send what was submitted before this call.

        Args:
            timeout: the most seconds to wait.

        Returns:
            Whether all of it was sent. False after the timeout, or if the outlet failed.
        """
        if threading.current_thread().name.startswith(THREADS):
            return False  # from inside an exporter: it would wait for itself
        deadline = time.monotonic() + timeout
        failures = self._outlet.counts().failed
        mark = self._end or self._queue.mark()
        passed = mark.passed.wait(timeout)
        return passed and self._outlet.flush(deadline) and self._outlet.counts().failed == failures

    def save(self, timeout: float) -> None:
        """Let the outlet have what was submitted before this call, and wait for that, but not for its arrival."""
        # Also with nothing in the queue: the worker may have taken it out, and not have let go of it yet.
        if self._end is None and (len(self._queue) or self._queue.taken):
            self._queue.mark().passed.wait(timeout)

    def close(self) -> None:
        """Take no more spans and hurry with those that are there; see ``join``."""
        self._end = self._queue.close()  # also with nothing to send: the worker closes the outlet, not the caller
        with guard(f"{self.name}: telling the exporter to hurry"):
            self._outlet.hurry()
        # From Python 3.12 on no thread can be started once the interpreter ends; and in a signal handler that comes
        # while one is started, none will before the handler is done.
        if self._outlet.is_quick and self._worker.give_up():
            self._empty()
            self._finish()

    def join(self, deadline: float) -> bool:
        """Wait until the worker is done, but not beyond the deadline.

        Args:
            deadline: a reading of ``time.monotonic``.

        Returns:
            Whether everything was sent.
        """
        if not self._worker.join(deadline):
            return False
        return self._outlet.join(deadline) and not len(self._queue)

    def counts(self) -> Counts:
        """What became of the spans so far."""
        queue, out = self._queue, self._outlet.counts()
        dropped = {reason: queue.dropped.get(reason, 0) for reason in queue.dropped.copy()}
        for reason, spans in out.dropped.items():
            dropped[reason] = dropped.get(reason, 0) + spans
        queued = len(queue)
        return Counts(
            created=queue.taken + queued + sum(queue.dropped.values()),
            exported=out.exported,
            failed=out.failed,
            for_others=out.for_others,
            dropped=dropped,
            waiting=queued + out.waiting,
            spooled=out.spooled,
            retried=out.retried,
            bytes=out.bytes,
            seconds=self._seconds + out.seconds,
        )

    def _keep_and_put(self, span: ReadableSpan, size: int) -> None:
        is_kept = False
        if self._first is not None and not self._queue.is_closed:
            with guard(f"{self.name}: writing a span to disk"):
                is_kept = self._first(span)
        self._queue.put(None if is_kept else span, 0 if is_kept else size)

    def _start(self) -> bool:
        is_running = self._worker.start()
        if is_running and not self._is_open:
            # Here and not in the worker, which a short program may not wait for: see ``Outlet.open``.
            self._outlet.open()
            self._is_open = True
        return is_running

    def _work(self) -> None:
        queue, end = self._queue, False
        with untraced():
            while not end:
                queue.wait()
                queue.gather(self._delay)
                end = self._empty()
                self._seconds = time.thread_time()
            self._finish()

    def _finish(self) -> None:
        self._queue.finish()
        with guard(f"{self.name}: shutting the exporter down", BaseException):
            self._outlet.close()

    def _empty(self) -> bool:
        """Take out what is there; True if that was the end."""
        while True:
            spans, mark = self._queue.take(MAX_BATCH)
            if spans:
                with guard(f"{self.name}: sending spans", BaseException):
                    self._outlet.take(spans)
            if mark is not None or not spans:
                with guard(f"{self.name}: sending spans", BaseException):
                    self._outlet.seal()
            if mark is not None:
                mark.passed.set()
                if mark.is_end:
                    return True
            elif not spans:
                return False
