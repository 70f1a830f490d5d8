"""A thread of which one runs at a time, whatever happens while it is started."""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING, Final

from ams_sdk._background import THREADS
from ams_sdk._guard import raised_by_a_signal_handler

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["LoneThread"]

_NOBODY: Final = object()


class _Start:
    """One try to start a thread.

    Where it is not sure that a thread will come, another try is made that shares its ``claims``. Whichever thread is
    first works, and the other does nothing.

    Whether it has ended is noted here: what a signal handler raises in ``Thread.is_alive`` or ``Thread.join`` may make
    Python 3.11 take a thread that runs for one that has ended.
    """

    __slots__ = ("_work", "claims", "ended", "is_going_on", "is_sure", "thread")

    def __init__(self, work: Callable[[], None], name: str, claims: dict[None, object]) -> None:
        self._work = work
        self.claims = claims
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._run, name=name, daemon=True)
        self.is_going_on = True
        self.is_sure = False

    def claim(self, claimant: object) -> object:
        """Answers with who has claimed it; a dictionary does that in one step, which no signal interrupts."""
        return self.claims.setdefault(None, claimant)

    @property
    def worker(self) -> _Start | None:
        """The one whose thread works, or surely will, or has; this one, or another that shares the claims."""
        claimant = self.claims.get(None)
        if claimant is None:
            return self if self.is_sure else None
        return claimant if isinstance(claimant, _Start) else None

    @property
    def runs(self) -> bool:
        """Whether there is a thread that works, or surely will."""
        worker = self.worker
        return worker is not None and not worker.ended.is_set()

    def _run(self) -> None:
        if self.claim(self) is self:
            try:
                self._work()
            finally:
                self.ended.set()


class LoneThread:
    """A daemon thread that is started when there is something to do.

    A signal handler of the program may raise while ``Thread.start`` waits. Python may then have started the thread, or
    not, or have started one that fails before it runs anything. So after a start that was interrupted there is another,
    unless its thread has begun; and should both threads come, one of them works.

    gevent may take the place of threads after this was made, as in a worker that is forked first and patched then. A
    lock from before would hold up everything in the process when the thread waits for it, so there are new ones.

    Args:
        work: what it does; its end is the thread's.
        name: shown behind what the names of all threads of the SDK begin with.
        renew: makes anew the locks that the thread waits for; called before a start, when no thread works.
    """

    def __init__(self, work: Callable[[], None], name: str, renew: Callable[[], None]) -> None:
        self._work = work
        self._name = f"{THREADS}{name}"
        self._renew = renew
        self._latest: _Start | None = None
        self._begin()

    def _begin(self) -> None:
        self._lock_type = threading.Lock
        # Reentrant: a signal handler of the program may end a span while its thread is in here.
        self._lock = threading.RLock()

    @property
    def is_running(self) -> bool:
        """Whether it runs, or is being started."""
        latest = self._latest
        return latest is not None and (latest.is_going_on or latest.runs)

    def start(self) -> bool:
        """Start it if it does not run.

        Returns:
            Whether it runs for sure. False if no thread can be started, as when the interpreter ends, and in a signal
            handler that comes while it is started.
        """
        latest = self._latest
        if latest is not None and latest.runs and not latest.is_going_on:
            return True
        with self._lock:  # another thread may be starting it, and be interrupted
            latest = self._latest
            if latest is not None:
                if latest.is_going_on:
                    return False
                if latest.runs:
                    return True
            return self._start_another(latest)

    def _start_another(self, before: _Start | None) -> bool:
        handled_by_the_program = sys.exception()
        # A thread whose start was interrupted may come after all.
        claims = before.claims if before is not None and before.claims.get(None) is None else {}
        latest = _Start(self._work, self._name, claims)
        if self._latest is not before:  # a signal handler came while that was made, and was here
            return self.start()
        self._latest = latest
        if threading.Lock is not self._lock_type:
            self._renew()
            self._begin()
        try:
            latest.thread.start()
            latest.is_sure = True
        except Exception as error:
            # What Python does on the way out of an interrupted start may fail in turn, and hide what interrupted it.
            raised: BaseException | None = error
            while raised is not None and raised is not handled_by_the_program:
                if not isinstance(raised, Exception) or raised_by_a_signal_handler(raised):  # Ctrl-C, for example
                    raise raised  # noqa: B904 -- what it hides is of no interest
                raised = raised.__context__
            if not isinstance(error, RuntimeError):  # a limit on threads, or an interpreter that is ending
                raise
        finally:
            latest.is_going_on = False
        return latest.runs

    def give_up(self) -> bool:
        """Let no thread begin of which it is not sure that it will.

        Returns:
            Whether none works then, nor will before it is started again.
        """
        latest = self._latest
        if latest is None:
            return True
        if latest.worker is None:
            latest.claim(_NOBODY)
        return not latest.runs

    def join(self, deadline: float) -> bool:
        """Wait for its end; False if it still runs. The thread itself does not wait.

        Args:
            deadline: a reading of ``time.monotonic``.
        """
        worker = None if self._latest is None else self._latest.worker
        if worker is None or worker.thread is threading.current_thread():
            return True
        if not worker.ended.wait(max(0.0, deadline - time.monotonic())):
            return False
        worker.thread.join(max(0.0, deadline - time.monotonic()))
        return True
