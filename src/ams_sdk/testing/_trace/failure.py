"""What is said when an assertion on a trace fails.

One line says what was expected, then come the nearest candidate and what differs, the tree, and how to go on. At most
``MOST_LINES`` lines of ``WIDTH`` columns; no ids, no times, no secrets, and the same text every time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ams_sdk.testing._trace.folded_rows import folded
from ams_sdk.testing._trace.masked_text import WIDTH, MaskedParts, Masking, cut, masked, one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ams_sdk.testing._trace.folded_rows import Row
    from ams_sdk.testing._trace.view import TraceView

__all__ = ["MOST_LINES", "TraceAssertionError", "failure_text"]

MOST_LINES: Final = 60
_MOST_DETAILS: Final = 24
_MOST_ADVICE: Final = 6
_WIDEST_INDENT: Final = 24


class TraceAssertionError(AssertionError):
    """A trace is not what a test says of it.

    Attributes:
        trace: what was looked at, to go on looking in a debugger.
    """

    __module__ = "ams_sdk.testing"  # by which users know it

    def __init__(self, text: str, trace: TraceView) -> None:
        super().__init__(text)
        self.trace: TraceView = trace


def failure_text(
    expected: str,
    details: Iterable[str] = (),
    *,
    rows: Sequence[Row] = (),
    advice: Iterable[str] = (),
    masking: Masking = masked,
) -> str:
    """Put together what is said.

    Args:
        expected: what was expected, and what was there instead, in one line.
        details: what differs, line by line; indented as they are to be printed.
        rows: the tree.
        advice: what to write, or to change, line by line.
        masking: leaves out secrets.
    """
    parts: list[list[str]] = [_wrapped(expected, masking)[:4]]
    said = [line for detail in details for line in _wrapped(detail, masking)]
    if len(said) > _MOST_DETAILS:
        left = len(said) - _MOST_DETAILS + 1
        said = [*said[: _MOST_DETAILS - 1], f"  … {left} more lines"]
    hints = [line for hint in advice for line in _wrapped(hint, masking)][:_MOST_ADVICE]
    parts += [part for part in (said,) if part]
    if rows:
        used = sum(len(part) + 1 for part in parts) + len(hints) + 1
        parts.append(folded(rows, MOST_LINES - used, masking))
    parts += [part for part in (hints,) if part]
    return "\n\n".join("\n".join(part) for part in parts)


def _wrapped(text: str, masking: Masking) -> list[str]:
    """A text in lines of some 120 columns, broken between words; what hangs over stands under its first word."""
    text = one_line(text if isinstance(text, MaskedParts) else masking(text))
    indent = len(text) - len(text.lstrip(" "))
    lines: list[str] = []
    while len(text) > WIDTH:
        at = text.rfind(" ", indent + 1, WIDTH + 1)
        if at <= indent:
            return [*lines, cut(text)]
        lines.append(text[:at])
        text = " " * min(indent + 2, _WIDEST_INDENT) + text[at:].lstrip(" ")
        indent = len(text) - len(text.lstrip(" "))
        if len(lines) == 3:  # noqa: PLR2004 -- nobody reads a fifth line
            return [*lines, cut(text)]
    return [*lines, text]
