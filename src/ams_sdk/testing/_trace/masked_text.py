"""What may be printed in a failure: without secrets, without addresses of objects, cut to a line."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final, cast

from ams_sdk._capture import REDACTED, is_secret_name, redact_line

__all__ = ["WIDTH", "MaskedParts", "Masking", "cut", "masked", "one_line", "shown"]

WIDTH: Final = 120
"""Columns of a failure's text."""
_LONGEST_VALUE: Final = 2_000
_DEEPEST: Final = 8
_MOST_ITEMS: Final = 50
_ADDRESS: Final = re.compile(r" at 0x[0-9a-fA-F]+")
_UNSEEN: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_ESCAPES: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}

Masking = Callable[[str], str]
"""From a text to what may be printed of it."""


class MaskedParts(str):
    """A text whose parts are masked already, and which is nobody's: masked as a whole, its own words could be lost."""

    __slots__ = ()


def masked(text: str) -> str:
    """A text without its secrets, by the rules that hold for everything that leaves the process."""
    return redact_line(text)


def one_line(text: str) -> str:
    """A text in which nothing ends the line or moves the cursor."""
    return _UNSEEN.sub(_escape, text)


def cut(text: str, width: int = WIDTH) -> str:
    """A text of so many columns at most."""
    return text if len(text) <= width else f"{text[: max(width - 1, 0)]}…"


def shown(value: object, width: int = _LONGEST_VALUE, *, name: str = "") -> str:
    """A value as Python writes it, without secrets, on one line.

    Args:
        value: anything; what cannot be written is named by its class.
        width: columns.
        name: what it is called, which may be the name of a secret.
    """
    if name and is_secret_name(name) and _hides(value):
        return repr(REDACTED)
    try:
        text = _ADDRESS.sub("", repr(_bounded(value, _DEEPEST)))
    except Exception:  # noqa: BLE001 -- the user's own __repr__
        text = f"<{type(value).__name__}>"
    return cut(one_line(masked(text)), width)


def _hides(value: object) -> bool:
    """Whether a value whose name is that of a secret is one: a number is none, nor is nothing."""
    return isinstance(value, (str, bytes, list, tuple, dict)) and bool(cast("object", value))


def _bounded(value: object, depth: int) -> object:
    """Containers without the secrets that their names give away, and not larger than somebody reads."""
    if type(value) is str:
        return masked(value)[:_LONGEST_VALUE]  # before it is written: escapes would hide what it is
    if depth <= 0 or type(value) not in {dict, list, tuple, set, frozenset}:
        return value
    if isinstance(value, Mapping):
        entries = list(cast("Mapping[object, object]", value).items())
        kept: dict[object, object] = {
            key: REDACTED
            if isinstance(key, str) and is_secret_name(key) and _hides(item)
            else _bounded(item, depth - 1)
            for key, item in entries[:_MOST_ITEMS]
        }
        if len(entries) > _MOST_ITEMS:
            kept[_Bare("…")] = _Bare(f"{len(entries) - _MOST_ITEMS} more")
        return kept
    if isinstance(value, (set, frozenset)):
        # A set has no order of its own, and a failure reads the same every time.
        items = sorted(map(repr, cast("Collection[object]", value)))
        return _Bare("{" + ", ".join(items) + "}") if items else _Bare("set()")
    there = list(cast("Sequence[object]", value))
    left = [_bounded(item, depth - 1) for item in there[:_MOST_ITEMS]]
    if len(there) > _MOST_ITEMS:
        left.append(_Bare(f"… {len(there) - _MOST_ITEMS} more"))
    return tuple(left) if isinstance(value, tuple) else left


class _Bare(str):
    """A text that is written without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def _escape(found: re.Match[str]) -> str:
    return _ESCAPES.get(found[0]) or f"\\u{ord(found[0]):04x}"
