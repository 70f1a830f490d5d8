"""What a test that fails is told of the platform: short, and without secrets."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Final

from ams_sdk._capture.redaction import scan

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["PlatformAssertionError", "failure", "masked", "nearest", "plain", "printable"]

_MOST_LINES: Final = 60
_LONGEST_LINE: Final = 400
_REDACTED: Final = "[redacted]"


class PlatformAssertionError(AssertionError):
    """What the platform got, or keeps, is not what the test says."""

    __module__ = "ams_sdk.testing"  # by which users know it


def failure(lines: Sequence[str], secrets: Iterable[str]) -> PlatformAssertionError:
    """The error for these lines, at most 60 of them.

    Args:
        lines: what is told, the most important first.
        secrets: texts that must not be shown.
    """
    split = [part for line in lines for part in line.splitlines() or [""]]
    if len(split) > _MOST_LINES:
        left_out = len(split) - _MOST_LINES + 1
        split = [*split[: _MOST_LINES - 1], f"({left_out} more lines)"]
    cut = (line if len(line) <= _LONGEST_LINE else f"{line[: _LONGEST_LINE - 1]}…" for line in split)
    text = "\n".join(cut)
    for secret in secrets:
        if secret:
            text = text.replace(secret, _REDACTED)
    return PlatformAssertionError(text)


def masked(text: str) -> str:
    """A text that came from outside, without what looks like a secret.

    Not for a whole failure: in ``password: expected …`` the second word would pass for one.
    """
    return scan(text)[0]


def printable(text: str) -> str:
    """The text with an escape for each character that would act on a terminal."""
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)


def plain(text: str) -> str:
    """A text that came from outside, fit to be shown."""
    return printable(masked(text))


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The name that is most like another, if any is."""
    known = list(names)
    found = difflib.get_close_matches(name.lower(), [one.lower() for one in known], 1, 0.6)
    return next((one for one in known if found and one.lower() == found[0]), None)
