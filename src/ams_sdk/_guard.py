"""The one way from user code into SDK code: what fails in here is counted and logged, and never reaches the user.

Only ``Exception`` is held back: ``KeyboardInterrupt``, ``SystemExit`` and cancellation are the user's and pass. So does
what a signal handler of the program raises, a time limit for example, while SDK code happens to run.
"""

from __future__ import annotations

import contextlib
import inspect
import logging
import os
import signal
import threading
from collections import Counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

__all__ = ["guard", "hold_back", "observers", "raised_by_a_signal_handler", "swallowed"]

logger = logging.getLogger("ams_sdk")

observers: Final[list[Callable[[str, BaseException], None]]] = []
"""Called with the place and the error whenever one is held back; this project's own tests fail on it."""

# Reentrant: a signal handler of the program may run SDK code while this thread is in here.
_lock = threading.RLock()
_counts: Counter[str] = Counter()


class guard:  # noqa: N801 -- reads as the statement it is used in: with guard("…"):
    """Holds back every ``Exception`` that leaves its ``with`` block.

    Args:
        place: where in the SDK this stands, in the user's terms, for example ``agent: recording the result``.
        held: what is held back; more than ``Exception`` only in threads of our own.
    """

    __slots__ = ("_held", "_place")

    def __init__(self, place: str, held: type[BaseException] = Exception) -> None:
        self._place = place
        self._held = held

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        return isinstance(error, self._held) and hold_back(self._place, error)


def hold_back(place: str, error: BaseException) -> bool:
    """Count and log an error that was caught by hand, where a ``with`` block would cost too much on every call.

    False, and nothing is done, if it is the program's after all: what a signal handler raised. Then raise it again.
    """
    if raised_by_a_signal_handler(error):
        return False
    _record(place, error)
    return True


def swallowed() -> dict[str, int]:
    """How many errors were held back in this process, by place."""
    with _lock:
        return dict(_counts)


def _record(place: str, error: BaseException) -> None:
    with _lock:
        _counts[place] += 1
    # Debug: a program that traces must not find the tracer's troubles among its own output. And a filter or a handler
    # of the program may fail on our record; that is no reason to fail here.
    with contextlib.suppress(Exception):
        logger.debug("ams_sdk held back an error in %r", place, exc_info=error)
    for observer in observers:
        observer(place, error)


def raised_by_a_signal_handler(error: BaseException) -> bool:
    """Whether a signal handler of the program raised it, while our code happened to run; then it is the program's."""
    if threading.current_thread() is not threading.main_thread():
        return False  # Python runs signal handlers in the main thread only
    handlers = {_code_of(signal.getsignal(number)) for number in signal.valid_signals()} - {None}
    step = error.__traceback__ if handlers else None
    while step is not None:
        if step.tb_frame.f_code in handlers:
            return True
        step = step.tb_next
    return False


def _code_of(handler: object) -> object:
    if not callable(handler) or handler is signal.default_int_handler:
        return None
    function = handler if inspect.isroutine(handler) else inspect.getattr_static(type(handler), "__call__", None)
    return getattr(getattr(function, "__func__", function), "__code__", None)


def _fresh_lock() -> None:
    global _lock  # noqa: PLW0603 -- another thread of the parent may have held it at the moment of the fork
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_fresh_lock)
