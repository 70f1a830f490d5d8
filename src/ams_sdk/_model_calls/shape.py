"""Values whose shape nobody promised: a field by any of its names, the items of a list, a text, a count.

Clients of model providers answer with decoded JSON, pydantic models, dataclasses or classes of their own, all with the
same names in them. What an instance stores is read and no code of its class runs: a property may wait for the network,
or read the stream that the program wants to read.
"""

from __future__ import annotations

import math
from collections import deque
from enum import Enum
from itertools import islice
from types import MemberDescriptorType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ams_sdk._capture.contents import MAX_ITEMS
from ams_sdk._capture.introspection import MISSING, attribute, defined, mro, state, text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["Ends", "count", "ends", "field", "is_list", "is_read_once", "items", "length", "number", "text", "within"]

_MAX_COUNT: Final = 2**63
_get: Final[Any] = vars(dict)["get"]


class _List(NamedTuple):
    """How a type of lists is read, whatever a subclass makes of it."""

    iterate: Callable[[object], Iterator[object]]
    size: Callable[[object], int]


_LISTS: Final = {id(kind): _List(vars(kind)["__iter__"], vars(kind)["__len__"]) for kind in (list, tuple, deque)}


class Ends(NamedTuple):
    """The first item and the last ones of a list, and how many between them were left out."""

    first: Sequence[object]
    omitted: int
    last: Sequence[object]


def field(value: object, *names: str) -> Any:  # noqa: ANN401 -- anything, to be read with the other functions
    """What the value holds under the first of these names that is there, or None. None itself counts as not there."""
    if value is None:  # as it is for most of the fields that are looked into
        return None
    is_mapping = issubclass(type(value), dict)
    own = value if is_mapping else state(value)
    for name in names:
        if (found := _get(own, name)) is not None:
            return found
    return None if is_mapping else _of_class(value, names)


def _of_class(value: object, names: tuple[str, ...]) -> object:
    """The same of what lies in slots, of what a pydantic model holds beside its fields, and of defaults."""
    more: Any = attribute(value, "__pydantic_extra__")
    is_model = type(more) is dict
    for name in names:
        found: object = _get(more, name) if is_model else None
        if found is None:
            found = _in_class(value, name)
        if found is not None:
            return found
    return None


def _in_class(value: object, name: str) -> object:
    found = defined(type(value), name)
    if type(found) is MemberDescriptorType:
        found = attribute(value, name)
    return None if found is MISSING or defined(type(found), "__get__") is not MISSING else found


def within(value: object, *names: str) -> Any:  # noqa: ANN401 -- as above
    """What the value holds under one of these names, or the value itself, where there is no such wrapping."""
    # Never "or": whether a value is true is for its class to say, and that would run its code.
    found: object = field(value, *names)
    return value if found is None else found


def is_list(value: object) -> bool:
    """Whether it is a list, a tuple or a deque. Anything else may be readable only once."""
    return _list_type(value) is not None


def is_read_once(value: object) -> bool:
    """Whether whoever reads it takes it from the program: an iterator, a stream, a coroutine."""
    return any(defined(type(value), name) is not MISSING for name in ("__next__", "__anext__", "__await__"))


def items(value: object) -> list[object]:
    """The first items of a list, none of anything else."""
    return _slice(value, 0, MAX_ITEMS)


def length(value: object) -> int:
    """How many items a list holds, 0 of anything else."""
    kind = _list_type(value)
    return 0 if kind is None else kind.size(value)


def ends(value: object) -> Ends:
    """The first item of a list and as many of the last ones as are shown."""
    size = length(value)
    start = max(1, size - MAX_ITEMS + 1)
    return Ends(_slice(value, 0, 1), start - 1, _slice(value, start, size))


def _slice(value: object, start: int, stop: int) -> list[object]:
    kind = _list_type(value)
    return [] if kind is None else list(islice(kind.iterate(value), start, stop))


def _list_type(value: object) -> _List | None:
    return next((kind for base in mro(type(value)) if (kind := _LISTS.get(id(base))) is not None), None)


def text(value: object) -> str | None:
    """The text of a string or of an enumeration's member, None of anything else."""
    kind = type(value)
    if kind is str:
        return text_of(value)
    if issubclass(kind, Enum):
        own = state(value)
        return text_of(own.get("_value_")) or text_of(own.get("_name_"))
    return text_of(value) if issubclass(kind, str) else None


def count(value: object) -> int | None:
    """A number of things that an OpenTelemetry attribute can hold, or None."""
    kind = type(value)
    if kind is bool or not issubclass(kind, int | float):
        return None
    whole: int
    if issubclass(kind, int):
        whole = vars(int)["__int__"](value)
    elif (exact := number(value)) is None or not exact.is_integer():
        return None
    else:
        whole = int(exact)
    return whole if 0 <= whole < _MAX_COUNT else None


def number(value: object) -> float | None:
    """A finite number, or None."""
    kind = type(value)
    if kind is bool or not issubclass(kind, int | float):
        return None
    try:
        found: float = vars(int if issubclass(kind, int) else float)["__float__"](value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None
