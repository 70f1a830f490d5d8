"""Whether a recorded value is the whole value: not masked, not cut, and not only its type."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, cast

from ams_sdk._capture import REDACTED

__all__ = ["flaw"]

_CUT: Final = re.compile(r"…\[\+\d+ (?:characters|items|entries|messages)\]|^…\[.*\]$|^\[\+\d+ entries\]$", re.DOTALL)
_ONLY_TYPE: Final = re.compile(r"<(?:\w+\.)+\w+(?:: .*)?>|<\w+: \d+ bytes>|<not rendered: \w+>", re.DOTALL)
_OMITTED: Final = "omitted"


def flaw(value: object, path: str) -> str | None:
    """What is missing of a value, and where, as a part of a sentence; None if it is whole.

    Args:
        value: a JSON value.
        path: how the value is called.
    """
    found = _flaw(value, "")
    if found is None:
        return None
    place, problem = found
    return f"{path}{f' (at {place})' if place else ''} {problem}"


def _flaw(value: object, place: str) -> tuple[str, str] | None:
    """Where something is missing, and what of it."""
    if isinstance(value, str):
        problem = _problem_of_text(value)
        return (place, problem) if problem else None
    if isinstance(value, Mapping):
        entries = cast("Mapping[str, object]", value)
        if entries.get("type") == _OMITTED:
            return place, "was cut"
        found = (_flaw(item, place if name == "…" else f"{place}.{name}".lstrip(".")) for name, item in entries.items())
        return next((one for one in found if one), None)
    if isinstance(value, Sequence):
        items = cast("Sequence[object]", value)
        return next((one for at, item in enumerate(items) if (one := _flaw(item, f"{place}[{at}]"))), None)
    return None


def _problem_of_text(text: str) -> str:
    if REDACTED in text:
        return "was masked"
    if _CUT.search(text):
        return "was cut"
    return f"was recorded by its type only ({text[:60]})" if _ONLY_TYPE.fullmatch(text) else ""
