"""Why a trace cannot become a test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ams_sdk._errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["listed", "refused"]

_MOST: int = 8


def refused(reason: str, advice: str) -> ConfigurationError:
    """The error that says why, and what to do."""
    return ConfigurationError(f"This trace cannot become a test: {reason}. {advice}")


def listed(names: Iterable[str]) -> str:
    """Some names."""
    there = list(dict.fromkeys(names))
    return ", ".join(there[:_MOST]) + (f" and {len(there) - _MOST} more" if len(there) > _MOST else "")
