"""Attributes that others wrote on spans lose their secrets: by the attribute's name, and by what is in its text.

What has nothing to mask comes back as the same object, so that it need not be copied.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, Final, cast

from ams_sdk._capture import rules
from ams_sdk._capture.cut_end import WINDOW, without_cut_secret
from ams_sdk._capture.json_text import cut_text, redact_json
from ams_sdk._capture.mask_counts import NAME, count_masked
from ams_sdk._capture.redaction import redact_shapes
from ams_sdk._capture.rendering import is_harmless
from ams_sdk._capture.rules import REDACTED, Rules
from ams_sdk._capture.schemas import DESCRIBING, described, is_schema
from ams_sdk._capture.secret_names import hides_value, holds_secret
from ams_sdk._guard import hold_back

__all__ = ["MAX_VALUE", "redact_attributes", "redact_line", "redact_name"]

MAX_VALUE: Final = 65_536
"""Characters kept of one attribute, of all texts in it together."""
MAX_PARTS: Final = 10_000
"""Values looked into in one attribute; of longer sequences the rest is left out."""
MAX_DEPTH: Final = 100

_HARMLESS: Final = frozenset({bool, int, float, type(None)})
_HIDDEN_BYTES: Final = REDACTED.encode()
_PAIR: Final = 2


def redact_attributes(attributes: dict[str, Any]) -> dict[str, Any]:
    """Attributes without what is a secret by its name or by its shape; the same object if there is none.

    Values are cut to ``MAX_VALUE`` before they are searched. One that cannot be read is masked.
    """
    changed: dict[str, Any] = {}
    for name, value in list(attributes.items()):
        if type(value) in _HARMLESS:
            continue
        try:
            left = redact_attribute(name, value)
        except RecursionError:
            left = "<nested too deeply>"
        except Exception as error:
            if not hold_back("redacting an attribute", error):
                raise
            left = REDACTED
        if left is not value:
            changed[name] = left
    left = {**attributes, **changed} if changed else attributes
    return left if _clean_names.issuperset(left) else _with_redacted_names(left)


_clean_names: Final[set[object]] = set()
"""Names that hold no secret: the same ones come back all the time."""


def _with_redacted_names(attributes: dict[str, Any]) -> dict[str, Any]:
    left: dict[object, Any] = {}
    for name, value in attributes.items():
        left[_redacted_name(name, left)] = value
    return attributes if left.keys() == attributes.keys() else cast("dict[str, Any]", left)


def _redacted_name(name: object, others: Mapping[object, object]) -> object:
    """A name of an entry, which is none of the others: what was different may look the same."""
    if not isinstance(name, str) or (shown := redact_name(name)) is name:
        return name
    return f"{shown} ({len(others)})" if shown in others else shown


def redact_name(name: str) -> str:
    """What something is called, without a secret in it; rules of the user's are for what is said, not for names."""
    if name in _clean_names or not rules.current.searches:
        return name
    plain = name[:]
    shown = redact_shapes(plain)
    if shown is not plain:
        return shown
    if type(name) is str and len(name) <= _LONGEST_CLEAN:
        if len(_clean_names) >= _MOST_CLEAN:
            _clean_names.clear()
        _clean_names.add(name)
    return name


def redact_attribute(name: object, value: object) -> object:
    """One value; the same object if nothing is masked."""
    is_named = isinstance(name, str) and holds_secret(name, value)
    if type(value) is str and not is_named:
        return redact_line(value)
    return _hidden(value) if is_named else _Part().redacted(value, MAX_DEPTH)


def redact_line(text: str) -> str:
    """One text that others wrote: a span's name, a description; cut to ``MAX_VALUE``."""
    if is_harmless(text) or _clean.has(text):
        return text
    by = rules.current
    left = _Part().text(text)
    if left is text:
        _clean.add(text, by)
    return left


class _Clean:
    """Short texts that hold no secret: the same addresses, models and routes come back all the time."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held: tuple[Rules, set[str]] = rules.current, set[str]()

    def has(self, text: str) -> bool:
        by, texts = self._held
        return text in texts and by is rules.current

    def add(self, text: str, by: Rules) -> None:
        # What a rule of the program's own says of a text may change.
        if type(text) is not str or len(text) > _LONGEST_CLEAN or by.custom or by is not rules.current:
            return
        held = self._held
        if held[0] is not by or len(held[1]) >= _MOST_CLEAN:
            self._held = held = by, set[str]()
        held[1].add(text)


_MOST_CLEAN: Final = 1_024
_LONGEST_CLEAN: Final = 128
_clean: Final = _Clean()


class _Part:
    """The budget of one attribute."""

    __slots__ = ("_left", "_parts")

    def __init__(self) -> None:
        self._left = MAX_VALUE
        self._parts = MAX_PARTS

    def text(self, text: str) -> str:
        size = str.__len__(text)
        plain = text if type(text) is str else str.__getitem__(text, slice(None))
        if size > self._left:
            plain = cut_text(plain, self._left)
        self._left -= min(size, self._left)
        left = redact_json(plain)
        return text if left is plain and size == len(plain) else left

    def redacted(self, value: object, depth: int, *, describes: bool = False) -> object:
        """The value without its secrets; ``describes``: its names are those of what its entries only describe."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, bytes):
            return self._bytes(value)
        if not isinstance(value, (Sequence, Mapping)) or isinstance(value, range):
            return value
        self._parts -= 1
        if depth <= 0:
            raise RecursionError("an attribute is nested too deeply")
        if self._parts < 0:
            return "…[too many values]"
        if isinstance(value, Mapping):
            return self._mapping(cast("Mapping[object, object]", value), depth, describes=describes)
        return self._sequence(cast("Sequence[object]", value), depth, describes=describes)

    def _bytes(self, value: bytes) -> bytes:
        kept, missing = value[: self._left], len(value) - self._left
        try:
            text = kept.decode("utf-8", "ignore" if missing > 0 else "strict")
        except UnicodeDecodeError:  # no text
            text = ""
        shown = text
        if missing > 0:
            more = value[: self._left + WINDOW].decode("utf-8", "ignore")
            shown = without_cut_secret(more, len(text), len(more) + max(0, missing - WINDOW))
        self._left -= len(kept)
        left = redact_json(shown)
        if missing <= 0:
            return value if left is text else left.encode("utf-8", "replace")
        # What is no text has lost more than the half of a character at its end.
        is_text = len(text.encode()) + 4 > len(kept)
        return (left.encode("utf-8", "replace") if is_text else kept) + f"…[+{missing} bytes]".encode()

    def _sequence(self, value: Sequence[object], depth: int, *, describes: bool) -> object:
        if type(value) in {list, tuple} and _HARMLESS.issuperset(map(type, value)):
            return value
        items = list(islice(value, max(self._parts, 0)))
        if not describes and len(items) == _PAIR and isinstance(items[0], str) and holds_secret(items[0], items[1]):
            left = [items[0], _hidden(items[1])]
        else:
            left = [item if type(item) in _HARMLESS else self.redacted(item, depth - 1) for item in items]
        self._parts -= len(items)
        missing = len(value) - len(items)
        if missing > 0:
            return (*left, f"…[+{missing} items]")
        return tuple(left) if any(one is not other for one, other in zip(left, items, strict=True)) else value

    def _mapping(self, value: Mapping[object, object], depth: int, *, describes: bool) -> object:
        entries = list(islice(value.items(), max(self._parts, 0)))
        self._parts -= len(entries)
        hidden = hides_value(dict(entries))
        left: dict[object, object] = {}
        for name, item in entries:
            shown = _redacted_name(name, left)
            if isinstance(name, str) and (name == hidden or holds_secret(name, item)):
                schema = item if describes and is_schema(item) else None
                left[shown] = _hidden(item) if schema is None else self.redacted(described(schema), depth - 1)
            else:
                left[shown] = self.redacted(item, depth - 1, describes=isinstance(name, str) and name in DESCRIBING)
        missing = len(value) - len(entries)
        if missing > 0:
            left["…"] = f"[+{missing} entries]"
            return left
        is_same = all(name in left and left[name] is item for name, item in entries)
        return value if is_same else left


def _hidden(value: object) -> object:
    """A value whose name is that of a secret: whether there is one may be seen, and a number is none."""
    is_bytes = isinstance(value, bytes)  # never compared with a text: "python -b" warns of that
    if isinstance(value, (int, float)) or value is None or value == (_HIDDEN_BYTES if is_bytes else REDACTED):
        return value
    if not isinstance(value, (str, bytes, Sequence, Mapping)) or len(cast("Sequence[object]", value)) == 0:
        return value  # pyright: ignore[reportUnknownVariableType] -- of one of these types
    hidden: object = _HIDDEN_BYTES if is_bytes else REDACTED
    if isinstance(value, (list, tuple)):
        items = cast("Sequence[object]", value)
        if _HARMLESS.issuperset(map(type, items)) or tuple(items) == (REDACTED,):
            return items
        hidden = (REDACTED,)
    count_masked(NAME)
    return hidden
