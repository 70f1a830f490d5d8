"""How long something took, or how far away it is, in the unit that a person would choose."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["human", "relative"]

_MINUTE: Final = 60_000_000_000
_MOST_DAYS: Final = 99_999


def human(nanoseconds: int) -> str:
    """Write a duration with about three digits: ``850 ns``, ``3.40 ms``, ``1.24 s``, ``2 min 05 s``, ``3 d 04 h``."""
    if nanoseconds < 0:
        return f"-{human(-nanoseconds)}"
    if nanoseconds < 1_000:  # noqa: PLR2004 -- the next unit begins
        return f"{nanoseconds} ns"
    if nanoseconds >= _MINUTE:  # before any division: a number from elsewhere may be too large for a float
        return _two_units(nanoseconds // 1_000_000_000)
    value = nanoseconds / 1_000
    # Each limit is where rounding would write the next unit's first number, "1000 µs" for example.
    for unit, limit in (("µs", 999.5), ("ms", 999.5)):
        if value < limit:
            return f"{_three_digits(value)} {unit}"
        value /= 1_000
    return f"{_three_digits(min(value, 59.9))} s"


def relative(moment: datetime, now: datetime) -> str:
    """Write when ``moment`` is, seen from ``now``: ``3 min ago``, ``in 7 h``."""
    distance = abs(moment - now) // timedelta(seconds=1)
    for seconds, name in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
        if distance >= seconds:
            amount = f"{distance // seconds} {name}"
            return f"in {amount}" if moment > now else f"{amount} ago"
    return "now"


def _three_digits(value: float) -> str:
    for limit, digits in ((9.995, 2), (99.95, 1)):
        if value < limit:
            return f"{value:.{digits}f}"
    return f"{value:.0f}"


def _two_units(seconds: int) -> str:
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days > _MOST_DAYS:
        return f"> {_MOST_DAYS} d"
    if days:
        return f"{days} d {hours:02d} h"
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {seconds:02d} s"
