"""Times and durations as people type them on a command line, and times as they read them."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from typing import Final

import click

__all__ = ["later", "local", "moment", "seconds"]

_UNITS: Final = {"ms": 0.001, "s": 1, "min": 60, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_AMOUNT: Final = re.compile(rf"(\d+(?:\.\d+)?)\s*({'|'.join(_UNITS)})", re.ASCII)


def moment(text: str) -> datetime:
    """Read ``2h`` (that long ago), or a date or time as ISO 8601 has it; without a zone it is local time.

    Raises:
        click.BadParameter: it is neither.
    """
    try:
        amount = _amount(text)
        if amount is not None:
            return datetime.now(UTC) - timedelta(seconds=amount)
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError, OSError):
        raise click.BadParameter("write for example 2h, 2026-01-31 or 2026-01-31T12:00:00Z.") from None


def later(text: str) -> datetime:
    """Read ``90d`` (from now on), or a date or time as ISO 8601 has it; without a zone it is local time.

    Raises:
        click.BadParameter: it is neither.
    """
    try:
        amount = _amount(text)
        if amount is not None:
            return datetime.now(UTC) + timedelta(seconds=amount)
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError, OSError):
        raise click.BadParameter("write for example 12h, 90d or 2027-01-31.") from None


def seconds(text: str) -> float:
    """Read ``500ms``, ``2s`` or ``1.5min``; a bare number is seconds.

    Raises:
        click.BadParameter: it is no duration.
    """
    try:
        amount = _amount(text)
        amount = float(text) if amount is None else amount
    except ValueError:
        amount = math.nan
    if not (math.isfinite(amount) and amount >= 0):
        raise click.BadParameter("write for example 500ms, 2s or 1.5min.")
    return amount


def local(time: datetime, layout: str = "%Y-%m-%d %H:%M") -> str:
    """Write an aware time in the zone of this machine."""
    try:
        return time.astimezone().strftime(layout)
    except (OverflowError, OSError, ValueError):  # the first or last year there is, in a zone that leaves it
        return time.strftime(layout)


def _amount(text: str) -> float | None:
    match = _AMOUNT.fullmatch(text.strip())
    return float(match[1]) * _UNITS[match[2]] if match else None
