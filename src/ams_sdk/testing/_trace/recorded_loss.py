"""What the marks in a recorded value say is missing of it, and whether that could be what is expected."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from ams_sdk._capture import REDACTED, render_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["could_have_been", "has_marks", "items_left_out", "loss_of", "names_left_out"]

MASKED: Final = "masked when it was recorded: expect mock.ANY, or assert on what the platform or the tool got"
PARTLY_MASKED: Final = "a secret in it was masked when it was recorded"
CUT: Final = "cut when it was recorded"
REPLACED: Final = "what cannot be sent of it was replaced when it was recorded"
_ATOMS: Final = (str, bool, int, float, type(None))
_REST: Final = "…"
_CUT_TEXT: Final = re.compile(r'(?:,?")?…(?:":")?\[\+\d+ characters\]')
_CUT_VALUE: Final = re.compile(r"…\[(?!\+)(?:integer of (\d+) bits|[^\]]*)\]")
_LEFT_OUT: Final = re.compile(r"…?\[\+(\d+) (?:(items|entries)|characters)\]")


def loss_of(expected: object, got: object) -> str:
    """Why nobody can tell whether what was recorded as ``got`` was the expected value; empty if it was another one."""
    if not isinstance(got, str):
        return ""
    if got == REDACTED:
        return "" if expected is None else MASKED  # that there is nothing is no secret
    found = _CUT_VALUE.fullmatch(got)
    if found is not None:
        if type(expected) not in _ATOMS:
            return CUT
        bits = expected.bit_length() if isinstance(expected, int) else None
        return CUT if found[1] is not None and bits == int(found[1]) else ""
    if isinstance(expected, str) and could_have_been(expected, got):
        return CUT if _CUT_TEXT.search(got) else PARTLY_MASKED if REDACTED in got else REPLACED
    return ""


def has_marks(text: str) -> bool:
    """Whether something of a recorded text is missing."""
    return REDACTED in text or _CUT_TEXT.search(text) is not None


def could_have_been(text: str, got: str) -> bool:
    """Whether this text may have been recorded as that one: what is not masked is there, up to where it was cut."""
    cut = _CUT_TEXT.search(got)
    parts = (got if cut is None else got[: cut.start()]).split(REDACTED)
    is_marked = cut is not None or len(parts) > 1
    return (is_marked and _follow(text, parts, is_cut=cut is not None)) or render_text(text) == got


def _follow(text: str, parts: Sequence[str], *, is_cut: bool) -> bool:
    """Whether a text begins with the first part, has the others after it, something between, and ends with the last."""
    if not text.startswith(parts[0]):
        return False
    at = len(parts[0])
    for part in parts[1:-1] if not is_cut else parts[1:]:
        at = text.find(part, at + 1)
        if at < 0:
            return False
        at += len(part)
    return is_cut or (len(text) > at + len(parts[-1]) and text.endswith(parts[-1]))


def items_left_out(items: Sequence[object]) -> int | None:
    """How many items of a recorded list are not in it; -1 for an unknown number, None if all are."""
    found = _LEFT_OUT.fullmatch(items[-1]) if items and isinstance(items[-1], str) else None
    if found is None:
        return None
    return int(found[1]) if found[2] else -1


def names_left_out(entries: Mapping[str, object]) -> int | None:
    """How many entries of a recorded object are not in it under their names; -1 and None as above."""
    rest = entries.get(_REST)
    found = _LEFT_OUT.fullmatch(rest) if isinstance(rest, str) else None
    if any(REDACTED in name or _CUT_TEXT.search(name) for name in entries) or (found is not None and not found[2]):
        return -1
    return None if found is None else int(found[1])
