"""What a value comes to when it is recorded, one level at a time, and whether anything of it is lost on the way."""

from __future__ import annotations

import json
from collections import deque
from datetime import date, time, timedelta
from decimal import Decimal
from pathlib import PurePath
from types import MemberDescriptorType
from typing import TYPE_CHECKING, Final, NamedTuple, cast
from uuid import UUID

from ams_sdk._capture import HIDDEN, render
from ams_sdk._capture.contents import Entries, Inner, Items, contents
from ams_sdk._capture.fields import field_names
from ams_sdk._capture.introspection import (
    MISSING,
    Unreadable,
    attempt,
    attribute,
    defined,
    mro,
    names_of,
    state,
    text_of,
    type_name,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "ATOMS",
    "Form",
    "declares_fields",
    "entries_by_text",
    "form_of",
    "has_own_equality",
    "hidden_fields",
    "is_json",
    "state_of",
]

ATOMS: Final = frozenset({str, bool, int, float, type(None)})
"""Exactly these types: a subclass has its own idea of what it is equal to."""
_JSON: Final = ATOMS | {dict, list, tuple}
_TOLD_BY_TEXT: Final = (str, date, time, timedelta, Decimal, UUID, PurePath, complex)
"""Their text is all that there is to them."""
_SEQUENCES: Final[tuple[type[object], ...]] = (list, set, frozenset, deque, tuple)
_LIBRARIES: Final = ("numpy.", "pandas.")
_SUMMARIZED: Final = frozenset({"ndarray", "DataFrame", "Series", "Index"})
_HEAP: Final = 1 << 9
_IMMUTABLE: Final = 1 << 8
"""Flags of a type; a class that is written in Python has the first and not the second."""


class Form(NamedTuple):
    """What one level of a value comes to.

    Attributes:
        value: an atom, a list, or a dictionary with texts for names; what is in it is as it was.
        is_whole: whether two values that come to the same are the same.
    """

    value: object
    is_whole: bool = True


def is_json(value: object) -> bool:
    """Whether JSON has such a value, or takes it for a list; what is in it aside."""
    return type(value) in _JSON


def form_of(value: object) -> Form:
    """What a value that JSON does not have comes to; its own fields are not masked."""
    kind = type(value)
    try:
        whole = _whole(value, kind)
        content = contents(value, kind) if whole is None else Inner(whole)
    except Unreadable as error:
        return Form(f"<{type_name(kind)}: {error}>", is_whole=False)
    if type(content) is Inner:
        return Form(content.value)
    if type(content) is Items:
        items = list(content.items)
        return Form(items, is_whole=len(items) == content.size)
    if type(content) is Entries:
        entries = [(name, _unhidden(value, name) if item is HIDDEN else item) for name, item in content.entries]
        return Form(entries_by_text(entries), is_whole=len(entries) == content.size and not _is_summarized(kind))
    text = cast("str", content)
    is_told = issubclass(kind, _TOLD_BY_TEXT) or type_name(kind).startswith(_LIBRARIES)
    return Form(text, is_whole=is_told and not text.startswith("…["))


def _whole(value: object, kind: type) -> object:
    """All of a container, of which ``contents`` has the beginning; None of anything else."""
    is_named_tuple = defined(kind, "_fields") is not MISSING
    if issubclass(kind, dict):
        return dict(attempt(vars(dict)["items"], value))
    base: type[object] | None = next((base for base in _SEQUENCES if issubclass(kind, base)), None)
    if base is None or (base is tuple and is_named_tuple):
        return None
    return attempt(list[object], vars(base)["__iter__"](value))


def _is_summarized(kind: type) -> bool:
    names = map(type_name, mro(kind))
    return any(name.startswith(_LIBRARIES) and name.rpartition(".")[2] in _SUMMARIZED for name in names)


def entries_by_text(entries: Iterable[tuple[object, object]]) -> dict[str, object]:
    """Entries by the names that they are recorded with: JSON has texts only."""
    named: dict[str, object] = {}
    for key, item in entries:
        name = text_of(key)
        if name is None:
            name = str(next(iter(json.loads(render({key: None})))))
        named[f"{name} ({len(named)})" if name in named else name] = item
    return named


def has_own_equality(value: object) -> bool:
    """Whether the value's class says what it is equal to."""
    return any("__eq__" in names_of(base) for base in mro(type(value)) if base is not object)


def state_of(value: object) -> dict[str, object] | None:
    """All that an object of a class in Python holds; None of another, which may hold what nobody sees."""
    bases = [base for base in mro(type(value)) if base is not object]
    if any(base.__flags__ & (_HEAP | _IMMUTABLE) != _HEAP for base in bases):
        return None
    slots = [name for base in bases for name, slot in names_of(base).items() if type(slot) is MemberDescriptorType]
    found = {name: attribute(value, name) for name in slots}
    return {**state(value), **{name: item for name, item in found.items() if item is not MISSING}}


def declares_fields(value: object) -> bool:
    """Whether the value's class is a dataclass, a model of pydantic or a class of attrs."""
    try:
        return bool(field_names(type(value)))
    except Unreadable:
        return False


def hidden_fields(value: object) -> frozenset[str]:
    """The fields that the value's class says are not to be shown."""
    try:
        return frozenset(name for name, is_shown in field_names(type(value)) if not is_shown)
    except Unreadable:
        return frozenset()


def _unhidden(value: object, name: object) -> object:
    found = attribute(value, name) if isinstance(name, str) else MISSING
    return HIDDEN if found is MISSING else found
