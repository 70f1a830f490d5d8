"""A value becomes JSON text: bounded before anything is scanned, redacted, and cut visibly."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, cast

from ams_sdk._capture import rules
from ams_sdk._capture.contents import HIDDEN, HIDDEN_BY_NAME, MAX_ITEMS, Entries, Inner, Items, contents
from ams_sdk._capture.cut_end import WINDOW, without_cut_secret
from ams_sdk._capture.introspection import Unreadable, text_of, type_name
from ams_sdk._capture.json_text import cut_text, is_like_json, redact_json
from ams_sdk._capture.mask_counts import MARKED, NAME, count_masked
from ams_sdk._capture.redaction import redact_text
from ams_sdk._capture.rules import REDACTED
from ams_sdk._capture.schemas import DESCRIBING, described, is_schema
from ams_sdk._capture.secret_names import VALUES, hides_value, holds_secret

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["CutText", "render", "render_text"]

MAX_TEXT: Final = 8_192
"""Characters kept of one string."""
MAX_KEPT: Final = MAX_TEXT + WINDOW
"""Characters of a longer one that have to be kept until it is rendered: what follows may show that a secret is cut."""
MAX_TOTAL: Final = 32_768
"""Characters of all strings of one value together."""
MAX_NODES: Final = 2_000
"""Values rendered in all."""
MAX_DEPTH: Final = 8
MAX_BITS: Final = 1_024
"""Of an integer; Python refuses to print one of some thousands of digits, and no reader wants it."""

# Made once: json.dumps makes one at every call that asks for anything but its defaults.
_encode: Final = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":")).encode


def render(value: object) -> str:
    """The value as JSON text.

    Takes time in proportion to what is kept, not to what the value holds. Raises no ``Exception`` for any value. Code
    of the value's class runs only as a ``__repr__`` that is likely to be cheap (see ``contents``); what it raises
    becomes a mark in the text if it is an ``Exception``, and passes otherwise.
    """
    if type(value) is str or type(value) is CutText:
        return _encode(render_text(value))
    try:
        return _encode(_Renderer().node(value, 0))
    except RecursionError:  # the caller stands close to the limit
        return '"<not rendered: RecursionError>"'


class CutText(str):
    """The beginning of a text, as much as is looked at, so that the rest need not be kept; rendered as the whole is.

    Attributes:
        size: the characters of the whole text.
    """

    __slots__ = ("size",)

    size: int

    @classmethod
    def of(cls, text: str) -> CutText:
        """Cut a text."""
        cut = cls(text[:MAX_KEPT])
        cut.size = len(text)
        return cut


def render_text(text: str, limit: int = MAX_TEXT, size: int | None = None) -> str:
    """One string: cut, made encodable as UTF-8, redacted. JSON stays JSON.

    Args:
        text: the string, or its beginning: as much as will be kept, and ``WINDOW`` characters more.
        limit: the most characters that are kept.
        size: the characters of the whole string, if that is not ``text``.
    """
    if size is None:
        if is_harmless(text) and len(text) <= limit:
            return text
        size = text.size if type(text) is CutText else str.__len__(text)
    cut = text if size <= limit and type(text) is str else str.__getitem__(text, slice(limit + WINDOW))
    if not cut.isascii():
        cut = cut.encode("utf-8", "replace").decode("utf-8")  # lone surrogates cannot be sent
    if is_like_json(cut):
        return redact_json(cut if size <= limit else cut_text(cut, limit, size))
    if size <= limit:
        return redact_text(cut)
    return f"{redact_text(without_cut_secret(cut, limit, size))}…[+{size - limit} characters]"


def is_harmless(text: str) -> bool:
    """Whether a text is so short and plain that nothing is to be done to it, at a fraction of the cost of doing it."""
    # Nothing so short is a secret without a sign before it.
    return (
        type(text) is str
        and len(text) < rules.current.shortest
        and text.isascii()
        and "=" not in text
        and ":" not in text
    )


class _Renderer:
    """The budget of one rendering."""

    __slots__ = ("_nodes", "_total")

    def __init__(self) -> None:
        self._nodes = MAX_NODES
        self._total = MAX_TOTAL

    def node(self, value: object, depth: int, *, describes: bool = False) -> object:
        """What is shown of a value; ``describes``: its names are those of what its entries only describe."""
        self._nodes -= 1
        kind = type(value)
        # Exactly these types: a subclass may do anything.
        if kind is str or kind is CutText:
            return self._text(cast("str", value))
        if value is None or kind is bool:
            return value
        if kind is int or kind is float:
            return _number(cast("float", value))
        if value is HIDDEN or value is HIDDEN_BY_NAME:
            count_masked(MARKED if value is HIDDEN else NAME)
            return REDACTED
        if depth >= MAX_DEPTH or self._nodes <= 0:
            return self._text(f"…[{type_name(kind)}]")
        return self._compound(value, kind, depth, describes=describes)

    def _text(self, text: str) -> str:
        if is_harmless(text) and len(text) <= self._total:
            self._total -= len(text)
            return text
        rendered = render_text(text, max(0, min(MAX_TEXT, self._total)))
        self._total -= len(rendered)
        return rendered

    def _compound(self, value: object, kind: type, depth: int, *, describes: bool) -> object:
        try:
            content = contents(value, kind)
        except Unreadable as error:  # one bad value must not cost its neighbours
            return self._text(f"<{type_name(kind)}: {error}>")
        if describes and kind is list:  # the names of what is required are no pair of a name and a value
            content = Items(cast("list[object]", value)[:MAX_ITEMS], len(cast("list[object]", value)))
        if type(content) is Entries:
            return self._entries(list(content.entries), content.size, depth, describes=describes)
        if type(content) is Items:
            return self._items(content.items, content.size, depth)
        if type(content) is Inner:
            return self.node(content.value, depth + 1, describes=describes)
        return self._text(cast("str", content))

    def _entries(
        self, entries: list[tuple[object, object]], size: int, depth: int, *, describes: bool
    ) -> dict[str, object]:
        rendered: dict[str, object] = {}
        hidden = _hidden_value(entries) if 1 < len(entries) <= _MOST_OF_ENTRY else None
        for key, item in entries:
            if self._nodes <= 0:
                break
            plain = text_of(key)
            name = self._text(str(self.node(key, MAX_DEPTH - 1)) if plain is None else plain)
            if name in rendered:  # what was different may look the same
                name = f"{name} ({len(rendered)})"
            shown = item
            if plain is not None and item is not HIDDEN and (plain == hidden or holds_secret(plain, item)):
                shown = described(item) if describes and is_schema(item) else HIDDEN_BY_NAME
            rendered[name] = self.node(shown, depth + 1, describes=plain in DESCRIBING)
        if len(rendered) < size:
            rendered["…"] = f"[+{size - len(rendered)} entries]"
        return rendered

    def _items(self, items: Iterable[object], size: int, depth: int) -> list[object]:
        rendered: list[object] = []
        for item in items:
            if self._nodes <= 0:
                break
            rendered.append(self.node(item, depth + 1))
        if len(rendered) < size:
            rendered.append(f"…[+{size - len(rendered)} items]")
        return rendered


_MOST_OF_ENTRY: Final = 16
"""A name and a value, and what else is said of one variable, header or cookie."""


def _hidden_value(entries: list[tuple[object, object]]) -> str | None:
    plain = {name: item if name in VALUES else text_of(item) for name, item in entries if type(name) is str}
    return None if VALUES.isdisjoint(plain) else hides_value(plain)


def _number(value: float) -> object:
    if isinstance(value, int):
        return value if value.bit_length() <= MAX_BITS else f"…[integer of {value.bit_length()} bits]"
    return value if value - value == 0 else str(value)  # JSON has no NaN and no infinity
