"""The same thing done many times at the same moment."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["at_once"]

T = TypeVar("T")


def at_once(times: int, act: Callable[[int], T], *, threads: int = 8) -> list[T]:
    """What each call gave; each is told its number, from 0."""
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(act, range(times)))
