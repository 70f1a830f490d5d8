"""What time it is on the platform: this machine's, moved on by the test."""

from __future__ import annotations

import math
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ams_sdk._errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["PlatformClock"]


class PlatformClock:
    """A clock that tests move.

    Args:
        source: seconds since 1970; the machine's clock if not given.
    """

    def __init__(self, source: Callable[[], float] | None = None) -> None:
        self._source = source or time.time
        self._ahead = timedelta()
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """The present moment, in UTC."""
        return datetime.fromtimestamp(self._source(), UTC) + self._ahead

    def advance(self, seconds: float) -> None:
        """Move it on.

        Raises:
            ConfigurationError: the seconds are no number, or would turn it back.
        """
        is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
        if not (is_number and math.isfinite(seconds) and seconds >= 0):
            raise ConfigurationError(
                f"advance({seconds!r}) cannot be done: write seconds of 0 or more. "
                "For a clock that is wrong use fault(ClockSkew(-60), times=None)."
            )
        with self._lock:
            self._ahead += timedelta(seconds=seconds)

    def reset(self) -> None:
        """Go with the source again."""
        with self._lock:
            self._ahead = timedelta()
