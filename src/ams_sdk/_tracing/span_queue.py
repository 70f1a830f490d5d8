"""Finished spans on their way to a worker: a queue that is bounded in bytes and that nobody waits for.

Callers append, which takes no lock: a signal handler or a log handler may end a span at any moment, and threads do it
all the time. What is counted is kept so that it needs none either: each total has one writer, or is put right whenever
the queue is empty.
"""

from __future__ import annotations

import contextlib
import sys
import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

__all__ = ["AFTER_SHUTDOWN", "QUEUE_FULL", "Mark", "Pack", "SpanQueue"]

AFTER_SHUTDOWN: Final = "after shutdown"
QUEUE_FULL: Final = "queue full"


Pack = Callable[[Any], tuple[Any, int] | None]
"""Makes of a queued item one that is smaller, with its size in bytes."""


class Mark:
    """A place in the queue: ``passed`` is set when all that was put in before it has been taken out and dealt with."""

    __slots__ = ("is_end", "passed")

    def __init__(self, *, is_end: bool = False) -> None:
        self.is_end = is_end
        self.passed = threading.Event()


class SpanQueue:
    """The queue, and what wakes its worker.

    Args:
        max_bytes: the most that waits; a span more is dropped and counted.
        batch_bytes: as much is worth a batch, and not waited with.
        start: starts the worker if it does not run; answers whether it does.
        pack: makes of a span something smaller that can be put in instead; None, or an answer of None, leaves it. When
            more waits than an eighth of ``max_bytes``, whoever ends a span packs it: some microseconds that keep the
            queue short, since the worker has nothing left to do then but to pass it on.

    Attributes:
        dropped: spans by reason.
        taken: spans that the worker has taken out.
        is_closed: whether it takes no more.
    """

    def __init__(self, max_bytes: int, batch_bytes: int, start: Callable[[], bool], pack: Pack | None = None) -> None:
        self._max_bytes = max_bytes
        self._pack = pack
        self._plenty = max_bytes if pack is None else max_bytes // 8
        self._batch_bytes = batch_bytes
        self._start = start
        self._waiting: deque[tuple[ReadableSpan | None, int] | Mark] = deque()
        self._append = self._waiting.append
        self._bytes_in = 0
        self._bytes_out = 0
        # Above so many bytes in the queue, the one who put them there looks what is to be done.
        self._attention = _ALWAYS
        self.is_closed = False
        self.renew_lock()
        self._marks = 0
        self._counting = threading.RLock()
        self.dropped: dict[str, int] = {}
        self.taken = 0

    def renew_lock(self) -> None:
        """Before a worker is started: let it wait for a lock of the kind that threads have by now."""
        wake = threading.Lock()
        wake.acquire()
        self._wake = wake

    def put(self, span: ReadableSpan | None, size: int) -> None:
        """Append a span of about ``size`` bytes; wakes the worker if it is not awake."""
        self._append((span, size))
        # Two threads may overwrite each other's sum; it is put right when the queue is empty.
        self._bytes_in = bytes_in = self._bytes_in + size
        if bytes_in - self._bytes_out > self._attention:
            self._attend(bytes_in - self._bytes_out)

    def mark(self) -> Mark:
        """Put in a mark and wake the worker, which does not wait for more then."""
        return self._mark(Mark())

    def close(self) -> Mark:
        """Take no more spans; the mark is passed when all are out."""
        self.is_closed = True
        self._attention = _ALWAYS
        return self._mark(Mark(is_end=True))

    def wake(self) -> None:
        """Let ``wait`` come back."""
        with contextlib.suppress(RuntimeError):  # it is awake already
            self._wake.release()

    def wait(self) -> None:
        """For the worker: wait for the next span or mark."""
        self._attention = _ALWAYS
        # What was put in before the line above has woken nobody.
        if not self._waiting:
            self._wake.acquire()
        self._go_on()

    def gather(self, seconds: float) -> None:
        """For the worker: wait until a batch is full or a mark is put in, at most so long."""
        if not self.is_closed:
            self._attention = self._batch_bytes
        if not self._marks and self._bytes_in - self._bytes_out <= self._batch_bytes:
            self._wake.acquire(timeout=seconds)
        self._go_on()

    def take(self, most: int) -> tuple[list[ReadableSpan | None], Mark | None]:
        """For the worker: up to ``most`` spans, and the mark that comes next, if one does."""
        spans: list[ReadableSpan | None] = []
        mark: Mark | None = None
        pop: Callable[[], Any] = self._waiting.popleft  # by its exact type, which is quicker than isinstance
        size = 0
        try:
            while len(spans) < most:
                item = pop()
                if type(item) is Mark:
                    mark = item
                    self._marks -= 1
                    break
                spans.append(item[0])
                size += item[1]
        except IndexError:
            self._bytes_in = self._bytes_out + size
        self._bytes_out += size
        self.taken += len(spans)
        return spans, mark

    def finish(self) -> None:
        """For the worker, at its end: what came too late is counted."""
        self._attention = _ALWAYS
        while self._waiting:
            spans, mark = self.take(_MANY)
            self.taken -= len(spans)
            self.drop(AFTER_SHUTDOWN, len(spans))
            if mark:
                mark.passed.set()

    def drop(self, reason: str, spans: int = 1) -> None:
        """Count spans that go no further."""
        if spans:
            with self._counting:  # many threads drop at once when there is no room
                self.dropped[reason] = self.dropped.get(reason, 0) + spans

    def __len__(self) -> int:
        return max(0, len(self._waiting) - self._marks)

    def _mark(self, mark: Mark) -> Mark:
        self._marks += 1
        self._append(mark)
        self._start()
        self.wake()
        return mark

    def _go_on(self) -> None:
        self._attention = _ALWAYS if self.is_closed else self._plenty

    def _attend(self, size: int) -> None:
        if self.is_closed:
            self._take_back(AFTER_SHUTDOWN)
        elif size > self._max_bytes:
            self._take_back(QUEUE_FULL)
        elif self._attention != self._plenty:
            if self._start():
                self._attention = self._plenty  # once is enough: the next ones need not wake it again
                self.wake()
        elif self._pack is not None:
            self._pack_last(self._pack)

    def _pack_last(self, pack: Pack) -> None:
        try:
            item = self._waiting.pop()  # whichever is the last now
        except IndexError:  # the worker was faster
            return
        if not isinstance(item, Mark):
            packed = pack(item[0])
            if packed is not None:
                self._bytes_in += packed[1] - item[1]
                item = packed
        self._append(item)

    def _take_back(self, reason: str) -> None:
        try:
            item = self._waiting.pop()  # whichever is the last now: it is as new as this one
        except IndexError:  # the worker was faster
            return
        if isinstance(item, Mark):
            self._append(item)
            return
        self._bytes_in -= item[1]
        self.drop(reason)


_ALWAYS: Final = -sys.maxsize
_MANY: Final = 512
