"""The ways in which a process ends, and what is done at each.

- The interpreter ends: ``atexit``.
- A child of ``multiprocessing`` ends: it skips ``atexit`` and runs finalizers of its own.
- SIGTERM, where the program has not said what to do at it: what has ended is brought to disk, and the process ends by
  the signal, as it would have.
- ``os._exit`` and SIGKILL: nothing runs. What is on disk by then is sent by the next process.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ams_sdk._guard import guard

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

__all__ = ["unwatch", "watch", "watch_child"]

_EXIT_PRIORITY: Final = 100
"""Among the finalizers of multiprocessing: before those that close its queues and pools."""


class _Watched:
    def __init__(self) -> None:
        self.at_exit: Callable[[], None] | None = None
        self.save: Callable[[], None] | None = None


_watched: Final = _Watched()


def watch(at_exit: Callable[[], None], save: Callable[[], None], *, handles_sigterm: bool) -> None:
    """Call ``at_exit`` when the process ends in good order, and ``save`` before SIGTERM ends it, if asked to."""
    if _watched.at_exit is None:
        _watched.at_exit, _watched.save = at_exit, save
        atexit.register(_end)
        _watch_multiprocessing()
        if _imports_for_multiprocessing():
            watch_child()
    with guard("looking at what is done at SIGTERM"):
        if handles_sigterm and not _is_multiprocessing_child() and _nobody_handles_sigterm():
            signal.signal(signal.SIGTERM, _terminate)


def _nobody_handles_sigterm() -> bool:
    # Only the main thread may set a handler. One that was set in C, by what embeds Python, is not known to it.
    is_main = threading.current_thread() is threading.main_thread()
    return is_main and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL and not _is_caught(signal.SIGTERM)


def _is_caught(number: int) -> bool:
    """Whether there is a handler, by what Linux says of this process (proc(5), ``SigCgt``); False elsewhere."""
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("SigCgt:"):
                return bool(int(line.split()[1], 16) >> (number - 1) & 1)
    return False


def _is_multiprocessing_child() -> bool:
    # Its parent ends it by SIGTERM, and waits: at once is when it should go.
    process = sys.modules.get("multiprocessing.process")
    return process is not None and process.parent_process() is not None


def _imports_for_multiprocessing() -> bool:
    # A child that is spawned, or made by a fork server, imports the program first, and forgets all finalizers then.
    process = sys.modules.get("multiprocessing.process")
    return process is not None and getattr(process.current_process(), "_inheriting", False)


def unwatch() -> None:
    """Leave SIGTERM as it was found."""
    with guard("leaving SIGTERM"):
        is_main = threading.current_thread() is threading.main_thread()
        if is_main and signal.getsignal(signal.SIGTERM) is _terminate:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


def watch_child() -> None:
    """In what may become a child of multiprocessing, which first forgets the finalizers that it finds."""
    if finalizers := sys.modules.get("multiprocessing.util"):
        finalizers.register_after_fork(_watched, _watch_multiprocessing)


def _watch_multiprocessing(_watched_in_parent: object = None) -> None:
    finalizers = sys.modules.get("multiprocessing.util")
    if finalizers is not None and _is_multiprocessing_child():
        finalizers.Finalize(None, _end, exitpriority=_EXIT_PRIORITY)
        unwatch()


def _end() -> None:
    if _watched.at_exit is not None:
        _watched.at_exit()
    if isinstance(getattr(sys, "last_value", None), KeyboardInterrupt):
        # An interpreter that ends by Ctrl-C ends by the signal, unless it has run code from a text since, which a class
        # made by an import in our threads may have done. It takes note of the interruption again when one passes.
        with contextlib.suppress(KeyboardInterrupt):
            exec("raise KeyboardInterrupt", {})  # noqa: S102 -- see above


def _terminate(number: int, _frame: FrameType | None) -> None:
    with guard("saving spans at SIGTERM"):
        if _watched.save is not None:
            _watched.save()
    # A handler that the program has installed since may have passed the signal on; then the end is its to decide.
    if signal.getsignal(number) is _terminate:
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
