"""Where a text is cut, no part of a secret is left: neither of one that ends behind that place, nor of a longer one.

Whether the end of what is kept begins a secret is seen by what follows it, so a window behind the limit is looked at as
well. Whoever keeps the beginning of a text only, keeps ``WINDOW`` characters more than will be shown of it.
"""

from __future__ import annotations

import re
from typing import Final

from ams_sdk._capture import key_shapes, rules
from ams_sdk._capture.escapes import without_escapes
from ams_sdk._capture.mask_counts import KEY, count_masked
from ams_sdk._capture.redaction import masks
from ams_sdk._capture.rules import REDACTED

__all__ = ["WINDOW", "secret_at", "without_cut_secret"]

WINDOW: Final = 512
"""Characters behind the limit: as many as all but a few secrets have, and more than any pattern needs to tell one."""
_BEFORE: Final = 1_024
"""Characters before the limit in which such a secret may begin."""
_LONGEST_WORD: Final = 4_096
"""Characters of a word that began earlier, for a token that is longer."""
# The beginning of a secret that is longer than the window may be too short for its own pattern.
_FRAGMENT: Final = re.compile(
    rf"(?:{key_shapes.FRAGMENT}|(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]*+"
    r"|(?<=://)[^\s/\"'<>@]*+|(?<=(?i:bearer) )\S*+)\Z"
)


def without_cut_secret(text: str, limit: int, size: int) -> str:
    """The first characters of a text, and ``[redacted]`` in place of a secret that goes on where they end.

    Args:
        text: the text, or its beginning: ``limit`` characters, and a window more if there are as many.
        limit: the most characters that are kept.
        size: the characters of the whole text.
    """
    first = secret_at(text, limit, size)
    return text[:limit] if first is None else text[:first] + REDACTED


def secret_at(text: str, limit: int, size: int) -> int | None:
    """Where a secret begins that is divided by the limit; None if there is none."""
    if not rules.current.searches:
        return None
    begin = _word_before(text, limit)
    end = text[begin : limit + WINDOW]
    for first, last, kind in masks(end):
        # A mask may depend on what stands right behind it, so one that ends at the limit counts.
        if begin + first < limit <= begin + last:
            if end[first:last] != REDACTED:
                count_masked(kind)
            return begin + first
    fragment = None if len(text) == size <= limit + WINDOW else _fragment(end)
    if fragment is None or begin + fragment >= limit:
        return None
    if end[fragment:] != REDACTED:
        count_masked(KEY)
    return begin + fragment


def _word_before(text: str, limit: int) -> int:
    """Where to begin, which is never within a word: a part of one may look like what the whole is not."""
    begin = max(0, limit - _BEFORE)
    return begin - len(_last_word(text[max(0, begin - _LONGEST_WORD) : begin]))


def _fragment(end: str) -> int | None:
    """Where the beginning of a secret stands that goes on behind this end."""
    shown = without_escapes(end)
    fragment = _FRAGMENT.search(shown, max(0, len(shown) - len(_last_word(shown)) - len("bearer ")))
    return fragment.start() if fragment else None


def _last_word(text: str) -> str:
    """What stands behind the last blank."""
    words = text.rsplit(maxsplit=1)
    return words[-1] if words and text.endswith(words[-1]) else ""
