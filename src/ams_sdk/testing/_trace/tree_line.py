"""A span as one line of a tree, and an expected line: the same text, in which ``*`` stands for anything.

``name  ✗ error.type  (note)  [attribute=value …]``, the parts two blanks apart. A name that could be read as something
else stands in double quotes, as in JSON; in quotes ``*`` is a ``*``.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from ams_sdk.testing._trace.masked_text import masked

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ams_sdk.testing._trace.forest import Branch

__all__ = ["ANYTHING", "ExpectedLine", "line_of", "plain_name", "seconds_of"]

ANYTHING: Final = "..."
"""The expected line for any number of spans."""
_FAILED: Final = "✗ "
_OPEN: Final = "(open)"
_AMBIGUOUS: Final = re.compile(
    r'\A\Z|\A["\s]|\s\Z|\s\s|[*\x00-\x1f\x7f-\xa0\u2028\u2029\ud800-\udfff]|[^\S ]|\A\.\.\.\Z'
)
_ERROR_AMBIGUOUS: Final = re.compile(_AMBIGUOUS.pattern + r"|[\[\]()]")
_ATTRIBUTE_NAME: Final = re.compile(r"[\w.\-/:]+")
_UNREADABLE: Final = re.compile(r"[^\s\]]*")
_JSON: Final = json.JSONDecoder()


def line_of(
    branch: Branch,
    attributes: Sequence[str] = (),
    *,
    durations: bool = False,
    masking: Callable[[str], str] | None = None,
) -> str:
    """The line of a span.

    Args:
        branch: the span, and where it stands.
        attributes: the names of those to show, as JSON; one that the span does not have is left out.
        durations: show how long it took.
        masking: leaves secrets out of the name, before its quotes and escapes hide what it is.
    """
    tail = _state(branch, durations=durations)
    if attributes:
        tail += _shown_attributes(branch, attributes)
    name = branch.span.name
    return "  ".join([plain_name(name if masking is None else masking(name)), *tail])


def plain_name(name: str) -> str:
    """A name as it stands in a line."""
    return _quoted(name) if _AMBIGUOUS.search(name) else name


def seconds_of(seconds: float | None) -> str:
    """A duration for people."""
    if seconds is None:
        return "open"
    if seconds >= 1:
        return f"{seconds:.2f} s"
    return f"{seconds * 1e3:.1f} ms"


def _quoted(text: str) -> str:
    # Not all of Unicode: what does not show, or ends a line for some programs, is written as an escape.
    kept = json.dumps(text, ensure_ascii=False)
    return re.sub(r"[\x7f-\xa0\u2028\u2029\ud800-\udfff]|[^\S ]", lambda found: f"\\u{ord(found[0]):04x}", kept)


def _state(branch: Branch, *, durations: bool) -> list[str]:
    span, tail = branch.span, list[str]()
    if span.status == "error":
        kind = span.error_type or ""
        tail.append(_FAILED + (_quoted(kind) if _ERROR_AMBIGUOUS.search(kind) else kind))
    if span.end_ns is None:
        tail.append(_OPEN)
    elif durations:
        tail.append(f"({seconds_of(span.duration)})")
    if branch.note:
        tail.append(f"({branch.note})")
    return tail


def _shown_attributes(branch: Branch, names: Sequence[str]) -> list[str]:
    held = branch.span.attributes
    shown = [f"{_attribute_name(name)}={_quoted_value(held[name])}" for name in names if name in held]
    return [f"[{' '.join(shown)}]"] if shown else []


def _attribute_name(name: str) -> str:
    return name if _ATTRIBUTE_NAME.fullmatch(name) else _quoted(name)


def _quoted_value(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return re.sub(r"[\x7f-\xa0\u2028\u2029\ud800-\udfff]", lambda found: f"\\u{ord(found[0]):04x}", text)


class ExpectedLine:
    """One line of an expected tree.

    Attributes:
        text: as it was written.
    """

    __slots__ = ("_attributes", "_literal", "_name", "_tail", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._literal: str | None = None
        self._name: re.Pattern[str] | None = None
        tail = ""
        if text.startswith('"'):
            try:
                self._literal, end = _JSON.raw_decode(text)
                tail = text[end:].strip()
            except ValueError:
                self._literal = None
        if self._literal is None:
            name, _, tail = text.partition("  ")
            if "*" in name:
                self._name = _pattern(name)
            else:
                self._literal = name
        tail = tail.strip()
        self._attributes = _attributes_named(tail)
        self._tail: re.Pattern[str] | str = _pattern(tail) if "*" in tail else tail

    @property
    def is_anything(self) -> bool:
        """Whether it stands for any number of spans."""
        return self.text == ANYTHING

    @property
    def name(self) -> str | None:
        """The name that it asks for, if it asks for one only."""
        return self._literal

    def matches(self, branch: Branch) -> bool:
        """Whether the line of a span, with the attributes that are named here, is this one."""
        name = branch.span.name
        if self._name is None:
            if name != self._literal:
                return False
        elif self._name.fullmatch(name) is None:
            return False
        tail = _state(branch, durations=False)
        if self._attributes:
            tail += _shown_attributes(branch, self._attributes)
        shown = "  ".join(tail)
        return shown == self._tail if isinstance(self._tail, str) else self._tail.fullmatch(shown) is not None

    def line_of(self, branch: Branch) -> str:
        """The line of a span with the attributes that are named here, without secrets in its name."""
        return line_of(branch, self._attributes, masking=masked)


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, re.split(r"\*+", text))), re.DOTALL)


def _attributes_named(tail: str) -> tuple[str, ...]:
    begin = 0
    if tail.startswith(_FAILED + '"'):
        try:
            _, begin = _JSON.raw_decode(tail, len(_FAILED))
        except ValueError:
            begin = 0
    start = -2 if tail.startswith("[") else tail.find("  [", begin)
    if not tail.endswith("]") or start == -1:
        return ()
    names: list[str] = []
    at = start + len("  [")
    while at < len(tail) - 1:
        found = _name_at(tail, at)
        if found is None:
            break
        name, at = found
        names.append(name)
        try:
            _, at = _JSON.raw_decode(tail, at)
        except ValueError:
            unreadable = _UNREADABLE.match(tail, at)
            at = len(tail) if unreadable is None else unreadable.end()
        at += 1
    return tuple(names)


def _name_at(tail: str, at: int) -> tuple[str, int] | None:
    if tail[at] == '"':
        try:
            name, end = _JSON.raw_decode(tail, at)
        except ValueError:
            return None
    else:
        found = _ATTRIBUTE_NAME.match(tail, at)
        if found is None:
            return None
        name, end = found[0], found.end()
    return (name, end + 1) if tail[end : end + 1] == "=" else None
