"""How often something was masked in this process, by what gave it away."""

from __future__ import annotations

import itertools
import os
import threading
from collections import Counter
from typing import Final

__all__ = ["AUTHORIZATION", "CARD", "CUSTOM", "JWT", "KEY", "MARKED", "NAME", "PEM", "URL", "count_masked", "masked"]

AUTHORIZATION: Final = "authorization"
"""Bearer and basic credentials, and the headers that carry them or cookies."""
CARD: Final = "card"
CUSTOM: Final = "custom"
"""By a rule of the user's, or because one failed."""
JWT: Final = "jwt"
KEY: Final = "key"
"""Keys and tokens in the published shape of their issuer."""
MARKED: Final = "marked"
"""By the program itself: ``Secret``, ``SecretStr``, ``repr=False``."""
NAME: Final = "name"
PEM: Final = "pem"
URL: Final = "url"

_KINDS: Final = (AUTHORIZATION, CARD, CUSTOM, JWT, KEY, MARKED, NAME, PEM, URL)
# Whoever counts takes no lock: a signal handler may raise at any line, and a thread be held up at any. A tick of such
# a counter is one step of the interpreter; whoever reads one ticks it as well, so the readings are counted too.
_ticks: Final = {kind: itertools.count() for kind in _KINDS}
_readings: Counter[str] = Counter()
_lock = threading.RLock()  # among those who read


def count_masked(kind: str) -> None:
    """Count one, of one of the kinds above."""
    next(_ticks[kind])


def masked() -> dict[str, int]:
    """How often something was masked in this process, by kind; of what leaves in two ways, twice."""
    with _lock:
        found = {kind: next(ticks) - _readings[kind] for kind, ticks in _ticks.items()}
        _readings.update(_KINDS)
    return {kind: number for kind, number in found.items() if number}


def _begin_anew() -> None:
    global _lock  # noqa: PLW0603 -- another thread of the parent may have held it at the moment of the fork
    _lock = threading.RLock()
    _ticks.update((kind, itertools.count()) for kind in _KINDS)  # what the parent masked is the parent's
    _readings.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
