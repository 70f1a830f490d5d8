"""What a value holds, as far as it will be shown: a text, another value, some items, or some entries.

Values of known types are read with the functions of those types themselves, so a subclass that overrides them runs no
code here. No more is read than will be shown, and nothing that can be read only once.

Of other types there is what a ``__repr__`` written in Python says, if all that it does is to write down plain
attributes (see ``plain_repr``). Everything else is shown as the name of its type only.
"""

from __future__ import annotations

import gc
import types
from collections import ChainMap, OrderedDict, UserDict, UserList, UserString, deque
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from itertools import islice
from operator import methodcaller
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias, cast
from uuid import UUID

from ams_sdk._capture.fields import field_names
from ams_sdk._capture.introspection import (
    MISSING,
    attempt,
    attribute,
    defined,
    mro,
    state,
    text_of,
    type_name,
)
from ams_sdk._capture.plain_repr import plain_repr
from ams_sdk._capture.secret_names import holds_secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

__all__ = ["HIDDEN", "HIDDEN_BY_NAME", "MAX_ITEMS", "Content", "Entries", "Inner", "Items", "contents"]

MAX_ITEMS: Final = 100
"""Items kept of one list or mapping."""
HIDDEN: Final = object()
"""Stands for a value that the program has marked as not to be shown."""
HIDDEN_BY_NAME: Final = object()
"""Stands for one whose name gives it away."""


class Items(NamedTuple):
    """The first items of ``size``."""

    items: Iterable[object]
    size: int


class Entries(NamedTuple):
    """The first entries of ``size``."""

    entries: Iterable[tuple[object, object]]
    size: int


class Inner(NamedTuple):
    """Another value, which is what this one comes to."""

    value: object


Content: TypeAlias = str | Items | Entries | Inner


def contents(value: object, kind: type) -> Content:
    """What to show of a value of this type.

    Raises:
        Unreadable: the value's own code was needed and raised.
    """
    # Types are looked up by identity and by name: a metaclass may define how they are hashed and compared.
    if read := _READERS.get(id(kind)):
        return read(value)
    for base in mro(kind):
        name = type_name(base)
        if name.rpartition(".")[2] in _SECRET_TYPES:
            return Inner(HIDDEN)
        if read := _READERS.get(id(base)) or _READERS_BY_NAME.get(name):
            return read(value)
    if names := field_names(kind):
        found = [(name, _field(value, kind, name), shown) for name, shown in names]
        entries = [(name, HIDDEN if shown is False else item) for name, item, shown in found if item is not MISSING]
        more = attribute(value, "__pydantic_extra__")  # what a model holds beside its fields
        if type(more) is dict:
            entries += attempt(_first, more.items())
        return Entries(entries[:MAX_ITEMS], len(entries))
    return plain_repr(value, kind) or f"<{type_name(kind)}>"


_SECRET_TYPES: Final = frozenset({"SecretStr", "SecretBytes", "Secret"})


def _field(value: object, kind: type, name: str) -> object:
    found = attribute(value, name)
    if found is MISSING:
        default = defined(kind, name)  # a field that is not initialized has only that
        return default if defined(type(default), "__get__") is MISSING else MISSING
    return found


def _type_of(value: object) -> str:
    return type_name(type(value))


def _first(items: Iterable[Any]) -> list[Any]:
    return list(islice(items, MAX_ITEMS))


def _sequence(items: Sequence[object], size: int) -> Items:
    # A pair of a name and a value is an entry, as in the headers of HTTP.
    if size == len(items) == len(_PAIR) and (name := text_of(items[0])) is not None and holds_secret(name, items[1]):
        return Items((name, HIDDEN_BY_NAME), size)
    return Items(items, size)


_PAIR: Final = ("name", "value")


def _list(value: list[object]) -> Items:
    return _sequence(vars(list)["__getitem__"](value, slice(MAX_ITEMS)), vars(list)["__len__"](value))


def _tuple(value: tuple[object, ...]) -> Items | Entries:
    items: tuple[object, ...] = vars(tuple)["__getitem__"](value, slice(MAX_ITEMS))
    size: int = vars(tuple)["__len__"](value)
    names = defined(type(value), "_fields")  # a named tuple
    if type(names) is tuple and len(cast("tuple[object, ...]", names)) == size:
        return Entries(list(zip(cast("tuple[object, ...]", names), items, strict=False)), size)
    return _sequence(items, size)


def _range(value: range) -> Items:
    # len() refuses what does not fit into a machine word.
    return Items(list(value[:MAX_ITEMS]), (value[-1] - value[0]) // value.step + 1 if value else 0)


def _view(value: Any) -> Items:  # noqa: ANN401 -- the types of views of mappings have no names
    return Items(attempt(_first, value), len(value))


def _proxy(value: types.MappingProxyType[object, object]) -> Content:
    # The proxy's own methods would call those of the mapping, whatever it is.
    return Inner(gc.get_referents(value)[0])


def _exception(value: BaseException) -> Entries:
    args: tuple[object, ...] = vars(BaseException)["args"].__get__(value)
    entries: list[tuple[object, object]] = [("type", _type_of(value))]
    if args:
        entries.append(("message", args[0] if len(args) == 1 else args))
    return Entries(entries, len(entries))


def _decimal(value: Decimal) -> str:
    size = Decimal.__sizeof__(value)  # a number of a million digits takes its time to print
    return str(Decimal.__str__(value)) if size <= _MAX_DECIMAL_BYTES else f"…[{_type_of(value)} of {size} bytes]"


_MAX_DECIMAL_BYTES: Final = 1_024


def _fraction(value: Fraction) -> Entries:
    parts = ("numerator", "denominator")
    return Entries([(part, attribute(value, f"_{part}")) for part in parts], len(parts))


def _type(value: type) -> str:
    return f"<{type_name(value)}>"


def _mock(value: object) -> str:
    name = state(value).get("_mock_name")
    return f"<{_type_of(value)} {name}>" if type(name) is str else f"<{_type_of(value)}>"


def _array(value: Any) -> Entries:  # noqa: ANN401 -- numpy is not imported here
    entries: list[tuple[object, object]] = [("type", _type_of(value)), *_shape(value)]
    first = attempt(_first_of_array, value)
    return Entries([*entries, ("first", first)], len(entries) + 1)


def _first_of_array(value: Any) -> object:  # noqa: ANN401 -- numpy is not imported here
    return value.flat[:5].tolist()


def _scalar(value: Any) -> Content:  # noqa: ANN401 -- numpy is not imported here
    item = attempt(methodcaller("item"), value)
    # Python has no number for some of them.
    return attempt(str, value) if type(item) is type(value) else Inner(item)


def _frame(value: Any) -> Entries:  # noqa: ANN401 -- pandas is not imported here
    columns = attempt(lambda: [*zip(_first(value.dtypes.index), map(str, _first(value.dtypes)), strict=False)])
    entries = [("type", _type_of(value)), ("shape", attempt(lambda: value.shape)), ("dtype", dict(columns))]
    return Entries(entries, len(entries))


def _shape(value: Any) -> list[tuple[str, object]]:  # noqa: ANN401 -- numpy and pandas are not imported here
    return [("shape", attempt(lambda: value.shape)), ("dtype", attempt(lambda: str(value.dtype)))]


def _series(value: Any) -> Entries:  # noqa: ANN401 -- pandas is not imported here
    entries: list[tuple[object, object]] = [("type", _type_of(value)), *_shape(value)]
    return Entries(entries, len(entries))


def _bytes(value: bytes) -> str:
    return f"<{_type_of(value)}: {bytes.__len__(value)} bytes>"


def _entries_by(kind: type) -> Callable[[Any], Entries]:
    items, size = vars(kind)["items"], vars(dict)["__len__"]
    return lambda value: Entries(attempt(_first, items(value)), size(value))


def _items_by(kind: type) -> Callable[[Any], Items]:
    iterate, size = vars(kind)["__iter__"], vars(kind)["__len__"]
    return lambda value: Items(attempt(_first, iterate(value)), size(value))


_MAPPINGS: Final[tuple[dict[object, object], ...]] = ({}, OrderedDict())
_VIEWS: Final = tuple(type(view()) for held in _MAPPINGS for view in (held.keys, held.values, held.items))

_BY_TYPE: Final[dict[type, Callable[[Any], Content]]] = {
    dict: _entries_by(dict),
    OrderedDict: _entries_by(OrderedDict),
    list: _list,
    tuple: _tuple,
    set: _items_by(set),
    frozenset: _items_by(frozenset),
    deque: _items_by(deque),
    range: _range,
    **dict.fromkeys(_VIEWS, _view),
    types.MappingProxyType: _proxy,
    types.SimpleNamespace: lambda value: Inner(state(value)),
    UserDict: lambda value: Inner(state(value).get("data")),
    UserList: lambda value: Inner(state(value).get("data")),
    UserString: lambda value: Inner(state(value).get("data")),
    ChainMap: lambda value: Inner(state(value).get("maps")),
    BaseException: _exception,
    type: _type,
    Enum: lambda value: Inner(state(value).get("_value_")),
    str: lambda value: cast("str", value),
    int: lambda value: Inner(int.__int__(value)),
    float: lambda value: Inner(float.__float__(value)),
    complex: complex.__repr__,
    bytes: _bytes,
    bytearray: lambda value: f"<{_type_of(value)}: {bytearray.__len__(value)} bytes>",
    memoryview: lambda value: f"<memoryview: {attempt(lambda: value.nbytes)} bytes>",
    # The time zone may be the user's.
    datetime: lambda value: attempt(datetime.isoformat, value, " "),
    date: lambda value: attempt(date.isoformat, value),
    time: lambda value: attempt(time.isoformat, value),
    timedelta: lambda value: attempt(timedelta.__str__, value),
    Decimal: _decimal,
    Fraction: _fraction,
    UUID: lambda value: attempt(UUID.__str__, value),
    PurePath: lambda value: attempt(PurePath.__str__, value),
}
_READERS: Final = {id(kind): read for kind, read in _BY_TYPE.items()}
# Types of libraries that are not imported for this.
_READERS_BY_NAME: Final[dict[str, Callable[[Any], Content]]] = {
    "unittest.mock.NonCallableMock": _mock,
    "numpy.ndarray": _array,
    "numpy.generic": _scalar,
    "pandas.DataFrame": _frame,
    "pandas.core.frame.DataFrame": _frame,
    "pandas.Series": _series,
    "pandas.core.series.Series": _series,
    "pandas.Index": _series,
    "pandas.core.indexes.base.Index": _series,
    # datetimes by their bases, and not as datetime reads them
    "pandas.Timestamp": lambda value: attempt(str, value),
    "pandas._libs.tslibs.timestamps.Timestamp": lambda value: attempt(str, value),
    "pandas.api.typing.NaTType": lambda _: "NaT",
    "pandas._libs.tslibs.nattype.NaTType": lambda _: "NaT",
}
_SIZES: Final[dict[int, Callable[[Any], int]]] = {
    id(kind): vars(kind)["__len__"] for kind in (bytes, dict, frozenset, list, set, str, tuple, deque, bytearray)
}
