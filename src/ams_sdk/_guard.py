"""The one way from user code into SDK code: what fails in here is counted and logged, and never reaches the user.

Only ``Exception`` is held back. ``KeyboardInterrupt``, ``SystemExit`` and cancellation are the user's and pass.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

__all__ = ["guard", "observers", "swallowed"]

logger = logging.getLogger("ams_sdk")

observers: Final[list[Callable[[str, Exception], None]]] = []
"""Called with the place and the error whenever one is held back; this project's own tests fail on it."""

_lock = threading.Lock()
_counts: Counter[str] = Counter()


class guard:  # noqa: N801 -- reads as the statement it is used in: with guard("…"):
    """Holds back every ``Exception`` that leaves its ``with`` block.

    Args:
        place: where in the SDK this stands, in the user's terms, for example ``agent: recording the result``.
    """

    __slots__ = ("_place",)

    def __init__(self, place: str) -> None:
        self._place = place

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if not isinstance(error, Exception):
            return False
        _hold_back(self._place, error)
        return True


def swallowed() -> dict[str, int]:
    """How many errors were held back in this process, by place."""
    with _lock:
        return dict(_counts)


def _hold_back(place: str, error: Exception) -> None:
    with _lock:
        _counts[place] += 1
    # Debug: a program that traces must not find the tracer's troubles among its own output.
    logger.debug("ams_sdk held back an error in %r", place, exc_info=error)
    for observer in observers:
        observer(place, error)
