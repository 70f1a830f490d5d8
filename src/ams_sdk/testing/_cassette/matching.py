"""Which recorded exchange answers a request, and what to say when none does."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlsplit

from ams_sdk._capture import redact_text
from ams_sdk.testing._cassette.exchange import text_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ams_sdk.testing._cassette.exchange import Exchange, RecordedRequest

__all__ = ["is_same", "nearest", "told_difference"]

_MOST_LINES: Final = 40
_LONGEST_LINE: Final = 118


def is_same(recorded: RecordedRequest, asked: RecordedRequest) -> bool:
    """Whether one stands for the other: method, address and body; headers do not count.

    The query is compared without order, JSON as values. Numbers are equal as in Python, 1 and 1.0 too.
    """
    return recorded.method == asked.method and _place(recorded) == _place(asked) and recorded.body == asked.body


def nearest(exchanges: Sequence[Exchange], asked: RecordedRequest) -> Exchange | None:
    """The exchange whose request is most like this one; None if there is none."""

    def likeness(exchange: Exchange) -> tuple[bool, bool, float]:
        recorded = exchange.request
        matcher = difflib.SequenceMatcher(None, text_of(asked).splitlines(), text_of(recorded).splitlines())
        return _place(recorded) == _place(asked), recorded.method == asked.method, matcher.ratio()

    return max(exchanges, key=likeness, default=None)


def told_difference(recorded: RecordedRequest, asked: RecordedRequest) -> str:
    """The lines in which two requests differ, at most so many as a screen has; secrets masked."""
    before, after = _lines(recorded), _lines(asked)
    lines = list(difflib.unified_diff(before, after, "recorded", "asked now", n=2, lineterm=""))
    if len(lines) > _MOST_LINES:
        lines[_MOST_LINES:] = [f"… and {len(lines) - _MOST_LINES} lines more"]
    return "\n".join(line if len(line) <= _LONGEST_LINE else f"{line[: _LONGEST_LINE - 1]}…" for line in lines)


def _place(request: RecordedRequest) -> tuple[Any, ...]:
    parts = urlsplit(request.url)
    return parts.scheme, parts.netloc, parts.path, sorted(parse_qsl(parts.query, keep_blank_values=True))


def _lines(request: RecordedRequest) -> list[str]:
    return redact_text(text_of(request)).splitlines()
