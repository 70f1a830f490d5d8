"""The way of finished spans out of the process: a bounded queue and one worker thread for each exporter.

Callers only append. The worker sends what has gathered after a short delay, or at once when a batch is full. Nothing
here waits without a deadline, and no deadline is stretched by an exporter that does not come back: it is left behind.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from opentelemetry.sdk.trace.export import SpanExportResult

from ams_sdk._client.background import THREADS
from ams_sdk._client.exchange import untraced
from ams_sdk._guard import guard

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter

__all__ = ["Counts", "Pipeline"]

MAX_QUEUE: Final = 50_000
"""Spans; one more is dropped and counted."""
MAX_BATCH: Final = 512
DELAY: Final = 0.2
"""Seconds that the first span of a batch waits for others."""

AFTER_SHUTDOWN: Final = "after shutdown"


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the spans of one pipeline, in spans; ``waiting`` are queued or being sent."""

    exported: int
    failed: int
    dropped: dict[str, int]
    waiting: int


class Pipeline:
    """A queue, and a daemon thread that empties it into one exporter.

    Args:
        exporter: where the spans go; called from the worker thread only, with instrumentation suppressed.
        name: shown in the thread's name and in ``stats()``.
    """

    def __init__(self, exporter: SpanExporter, name: str) -> None:
        self.name = name
        self._exporter = exporter
        self._begin()

    def after_fork(self) -> None:
        """Begin anew in the child of a fork: it has no worker, and must not send the parent's spans a second time."""
        self._begin()

    def _begin(self) -> None:
        self._queue: deque[ReadableSpan] = deque()
        self._jobs: deque[Callable[[], None]] = deque()
        self._condition = threading.Condition()
        self._worker: threading.Thread | None = None
        self._submitted = 0
        self._done = 0
        self._jobs_submitted = 0
        self._jobs_done = 0
        self._exported = 0
        self._failed = 0
        self._dropped: Counter[str] = Counter()
        self._hurried_until = 0
        self._closing = False

    def submit(self, span: ReadableSpan) -> None:
        """Take a finished span; never blocks on the network, never raises."""
        with self._condition:
            if self._closing:
                self._dropped[AFTER_SHUTDOWN] += 1
            elif len(self._queue) >= MAX_QUEUE:
                self._dropped["queue full"] += 1
            else:
                self._queue.append(span)
                self._submitted += 1
                if self._worker is None or len(self._queue) in {1, MAX_BATCH}:
                    self._wake()

    def refuse(self) -> None:
        """Count a span that ended after the shutdown."""
        with self._condition:
            self._dropped[AFTER_SHUTDOWN] += 1

    def submit_job(self, job: Callable[[], None]) -> None:
        """Let the worker run this before it sends what comes later, for example the registration of an agent."""
        with self._condition:
            if not self._closing:
                self._jobs.append(job)
                self._jobs_submitted += 1
                self._wake()

    def flush(self, timeout: float) -> bool:
        """Send what was submitted before this call.

        Args:
            timeout: the most seconds to wait.

        Returns:
            Whether all of it was sent. False after the timeout, or if the exporter failed.
        """
        deadline = time.monotonic() + timeout
        with self._condition:
            failures, target, jobs = self._failed, self._submitted, self._jobs_submitted
            self._hurried_until = max(self._hurried_until, target)
            self._condition.notify_all()
            finished = self._condition.wait_for(
                lambda: self._done >= target and self._jobs_done >= jobs, max(0.0, deadline - time.monotonic())
            )
            return finished and self._failed == failures

    def close(self) -> None:
        """Take no more spans and hurry with those that are there; see ``join``."""
        with self._condition:
            self._wake()  # also with nothing to send: the worker shuts the exporter down, not the caller
            self._closing = True
        with guard(f"{self.name}: telling the exporter to hurry"):
            hurry = getattr(self._exporter, "hurry", None)
            if hurry is not None:
                hurry()

    def join(self, deadline: float) -> bool:
        """Wait until the worker is done, but not beyond the deadline.

        Args:
            deadline: a reading of ``time.monotonic``.

        Returns:
            Whether everything was sent.
        """
        worker = self._worker
        if worker is not None and worker is not threading.current_thread():
            worker.join(max(0.0, deadline - time.monotonic()))
        with self._condition:
            return self._done >= self._submitted and not self._failed

    def counts(self) -> Counts:
        """What became of the spans so far."""
        with self._condition:
            return Counts(self._exported, self._failed, dict(self._dropped), self._submitted - self._done)

    def _wake(self) -> None:
        if self._worker is None:
            worker = threading.Thread(target=self._work, name=f"{THREADS}{self.name}", daemon=True)
            # It may fail: a limit on threads, or an interpreter that is ending. The next span tries again.
            with contextlib.suppress(RuntimeError):
                worker.start()
                self._worker = worker
        self._condition.notify_all()

    def _work(self) -> None:
        with untraced():
            while self._wait_for_work():
                self._run_jobs()
                if batch := self._take_batch():
                    self._send(batch)
            with guard(f"{self.name}: shutting the exporter down", BaseException):
                self._exporter.shutdown()

    def _wait_for_work(self) -> bool:
        with self._condition:
            self._condition.wait_for(lambda: self._queue or self._jobs or self._closing)
            if not self._jobs:
                self._condition.wait_for(self._in_a_hurry, DELAY)
            return bool(self._queue or self._jobs or not self._closing)

    def _in_a_hurry(self) -> bool:
        return bool(
            self._closing
            or self._jobs
            or len(self._queue) >= MAX_BATCH
            or self._done < self._hurried_until <= self._submitted
        )

    def _run_jobs(self) -> None:
        while self._jobs:
            job = self._jobs.popleft()
            with guard(f"{self.name}: a job", BaseException):
                job()
            with self._condition:
                self._jobs_done += 1
                self._condition.notify_all()

    def _take_batch(self) -> list[ReadableSpan]:
        with self._condition:
            return [self._queue.popleft() for _ in range(min(MAX_BATCH, len(self._queue)))]

    def _send(self, batch: list[ReadableSpan]) -> None:
        sent = False
        with guard(f"{self.name}: sending spans", BaseException):
            sent = self._exporter.export(batch) is SpanExportResult.SUCCESS
        with self._condition:
            self._done += len(batch)
            self._exported += len(batch) if sent else 0
            self._failed += 0 if sent else len(batch)
            self._condition.notify_all()
