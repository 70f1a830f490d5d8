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

_THREAD: Final = "the thread"
_STARTER: Final = "whoever started it"


class _Start:
    """One try to start a thread; whoever claims it first decides whether that thread does anything."""

    __slots__ = ("_work", "claims", "is_going_on", "is_sure", "thread")

    def __init__(self, work: Callable[[], None], name: str) -> None:
        self._work = work
        self.claims: dict[None, str] = {}
        self.thread = threading.Thread(target=self._run, name=name, daemon=True)
        self.is_going_on = True
        self.is_sure = False

    def claim(self, claimant: str) -> str:
        """Answers with who has claimed it; a dictionary does that in one step, which no signal interrupts."""
        return self.claims.setdefault(None, claimant)

    @property
    def runs(self) -> bool:
        """Whether there is a thread that works, or is about to."""
        return (self.is_sure or self.claims.get(None) is _THREAD) and self.thread.is_alive()

    def _run(self) -> None:
        if self.claim(_THREAD) is _THREAD:
            self._work()


class LoneThread:
    """A daemon thread that is started when there is something to do.

    A signal handler of the program may raise while ``Thread.start`` waits. Python may then have started the thread, or
    not, or have started one that fails before it runs anything. So a thread whose start was interrupted is replaced
    unless it has begun, and one that was replaced does nothing if it comes after all.

    Args:
        work: what it does; its end is the thread's.
        name: shown behind what the names of all threads of the SDK begin with.
    """

    def __init__(self, work: Callable[[], None], name: str) -> None:
        self._work = work
        self._name = f"{THREADS}{name}"
        # Reentrant: a signal handler of the program may end a span while its thread is in here.
        self._lock = threading.RLock()
        self._latest: _Start | None = None

    @property
    def is_running(self) -> bool:
        """Whether it runs, or is being started."""
        latest = self._latest
        return latest is not None and (latest.is_going_on or latest.runs)

    @property
    def is_being_started(self) -> bool:
        """Whether somebody is starting it, a frame below a signal handler for example."""
        latest = self._latest
        return latest is not None and latest.is_going_on

    def start(self) -> bool:
        """Start it if it does not run.

        Returns:
            Whether it runs for sure. False if no thread can be started, as when the interpreter ends, and in a signal
            handler that comes while it is started.
        """
        latest = self._latest
        if latest is not None and latest.is_sure and latest.thread.is_alive():
            return True
        with self._lock:  # another thread may be starting it, and be interrupted
            latest = self._latest
            if latest is not None:
                if latest.is_going_on:
                    return False
                if latest.runs or (latest.claim(_STARTER) is _THREAD and latest.thread.is_alive()):
                    return True
            return self._start_another(latest)

    def _start_another(self, before: _Start | None) -> bool:
        handled_by_the_program = sys.exception()
        latest = _Start(self._work, self._name)
        if self._latest is not before:  # a signal handler came while that was made, and was here
            return self.start()
        self._latest = latest
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
            if not isinstance(error, RuntimeError):
                raise
            if latest.claim(_STARTER) is _STARTER:
                self._latest = None  # a limit on threads, or an interpreter that is ending: the next one tries
        finally:
            latest.is_going_on = False
        return latest.is_sure

    def join(self, deadline: float) -> bool:
        """Wait for its end; False if it still runs. The thread itself does not wait.

        Args:
            deadline: a reading of ``time.monotonic``.
        """
        latest = self._latest
        if latest is None or not latest.thread.is_alive() or latest.thread is threading.current_thread():
            return True
        latest.thread.join(max(0.0, deadline - time.monotonic()))
        return not latest.thread.is_alive()
