"""The ``__repr__`` of a class of the user's, read without the instance.

A repr may load what it shows from a database, take a lock that the caller holds, call a decorated function, or change
what it is of. So it is never given the instance: it is called with a stand-in that has copies of the plain attributes
that it names, and nothing else, and only if its code does no more than to write them down. An object of the user's
keeps its helpful repr where that is certain to be harmless; of others there is none.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from functools import lru_cache
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final, NoReturn, cast
from uuid import UUID
from weakref import WeakKeyDictionary

from ams_sdk._capture.introspection import MISSING, attempt, attribute, defined
from ams_sdk._capture.rules import REDACTED
from ams_sdk._capture.secret_names import holds_secret

if TYPE_CHECKING:
    import dis
    from collections.abc import Callable, Iterable

__all__ = ["plain_repr"]

_LONGEST: Final = 1_000
"""Characters of a text, items of a list, of an attribute that is copied."""
_MOST_NAMES: Final = 32
_PLAIN: Final = frozenset({bool, type(None), float, date, timedelta, Decimal, UUID})
_ZONES: Final = frozenset({timezone, type(None)})
_HOLDING: Final = frozenset({list, tuple, set, frozenset})
_ABOUT_THE_TYPE: Final = frozenset({"__class__", "__name__", "__qualname__"})
_GLOBALS: Final[dict[str, object]] = {"len": len, "repr": repr, "str": str, "type": type}
_NOT_ITS_OWN: Final = _GLOBALS.keys() | {"format", "join"}
"""Names that need not be those of attributes."""

_STEPS: Final = (
    *("RESUME", "NOP", "NOT_TAKEN", "CACHE", "POP_TOP", "COPY", "SWAP", "PUSH_NULL", "EXTENDED_ARG"),
    *("LOAD_FAST", "STORE_FAST", "LOAD_CONST", "LOAD_SMALL_INT", "LOAD_ATTR", "LOAD_METHOD", "LOAD_GLOBAL"),
    *("PRECALL", "CALL", "KW_NAMES", "RETURN_", "CONVERT_VALUE", "TO_BOOL", "UNARY_NOT"),
    *("FORMAT_", "BUILD_STRING", "BUILD_TUPLE", "BUILD_LIST", "BUILD_SLICE", "BINARY_"),
    *("COMPARE_OP", "IS_OP", "CONTAINS_OP", "POP_JUMP_", "JUMP_FORWARD", "JUMP_IF_"),
)
"""Beginnings of the names of what the interpreter may do: write down, choose, look up. It cannot repeat anything."""
_HARMLESS_OPERATORS: Final = frozenset({"+", "%", "[]", ""})
"""Not those by which little becomes much."""


def plain_repr(value: object, kind: type) -> str | None:
    """What the object's own repr says; None if that could run anything but the repr, or needs anything but plain data.

    Attributes with the name of a secret are masked.

    Raises:
        Unreadable: the repr raised.
    """
    written = defined(kind, "__repr__")
    if type(written) is not FunctionType:
        return None
    names = _names(written)
    if names is None:
        return None
    found = _copies(value, kind, names)
    if found is None:
        return None
    try:
        text: object = attempt(written, _stand_in(_name(kind), _qualified(kind), _module_of(kind))(found))
    except _AskedForMore:
        return None
    return text if type(text) is str else None


class _AskedForMore(BaseException):  # so that no "except Exception" in a repr takes it for its own
    """A repr wanted its instance, and not only attributes of it."""


def _names(written: FunctionType) -> frozenset[str] | None:
    """The attributes that a repr reads; None if it does more than that."""
    try:
        return _known[written]
    except KeyError:
        found = _known[written] = _names_in(written)
        return found


_known: Final[WeakKeyDictionary[FunctionType, frozenset[str] | None]] = WeakKeyDictionary()


def _names_in(written: FunctionType) -> frozenset[str] | None:
    import dis  # noqa: PLC0415 -- heavy, and most programs pass no such object

    code = written.__code__
    is_simple = code.co_argcount == 1 and not (
        code.co_kwonlyargcount
        or code.co_freevars
        or code.co_cellvars
        or code.co_flags & _SPECIAL
        or len(code.co_names) > _MOST_NAMES
        or any(written.__globals__.get(name, known) is not known for name, known in _GLOBALS.items())
    )
    if not is_simple or not all(map(_is_harmless, dis.get_instructions(code))):
        return None
    return frozenset(code.co_names) - _ABOUT_THE_TYPE


_name: Final[Callable[[type], str]] = vars(type)["__name__"].__get__
_qualified: Final[Callable[[type], str]] = vars(type)["__qualname__"].__get__
_SPECIAL: Final = 0x04 | 0x08 | 0x20 | 0x80 | 0x200
"""``inspect.CO_VARARGS``, ``CO_VARKEYWORDS``, ``CO_GENERATOR``, ``CO_COROUTINE``, ``CO_ASYNC_GENERATOR``."""


def _is_harmless(step: dis.Instruction) -> bool:
    if not step.opname.startswith(_STEPS) or "BACKWARD" in step.opname:
        return False
    if step.opname.startswith("LOAD_GLOBAL"):
        return step.argval in _GLOBALS
    if step.opname == "BINARY_OP":
        return step.argrepr in _HARMLESS_OPERATORS
    return True


def _copies(value: object, kind: type, names: Iterable[str]) -> dict[str, object] | None:
    """The plain attributes of these names; None if one is not plain, or is what the class makes of it."""
    copies: dict[str, object] = {}
    for name in names:
        found = attribute(value, name)
        if found is MISSING:
            found = defined(kind, name)
            if found is MISSING and name in _NOT_ITS_OWN:
                continue
        if holds_secret(name, found):
            copies[name] = REDACTED
            continue
        copy = _copy(found)
        if copy is MISSING:
            return None
        copies[name] = copy
    return copies


def _copy(found: object) -> object:
    """A value that no code of the user's comes with, or ``MISSING``."""
    kind = type(found)
    if kind is dict:
        return _copy_of_entries(cast("dict[object, object]", found))
    if kind in _HOLDING and len(cast("list[object]", found)) <= _LONGEST:
        items = list(cast("list[object]", found))
        return cast("Any", kind)(items) if all(map(_is_single, items)) else MISSING
    return found if _is_single(found) else MISSING


def _is_single(item: object) -> bool:
    kind = type(item)
    if kind is int:
        return cast("int", item).bit_length() <= _LONGEST
    if kind is str or kind is bytes:
        return len(cast("str", item)) <= _LONGEST
    if kind is datetime:
        return type(cast("datetime", item).tzinfo) in _ZONES
    return kind in _PLAIN


def _copy_of_entries(found: dict[object, object]) -> object:
    if len(found) > _LONGEST:
        return MISSING
    copied = dict(found)
    if not all(_is_single(part) for entry in copied.items() for part in entry):
        return MISSING
    return {name: REDACTED if type(name) is str and holds_secret(name, item) else item for name, item in copied.items()}


@lru_cache(maxsize=256)  # what makes types makes garbage that only the collector frees
def _stand_in(name: str, qualified: str, module: str) -> type[_StandIn]:
    return type(name, (_StandIn,), {"__slots__": (), "__qualname__": qualified, "__module__": module})


def _module_of(kind: type) -> str:
    module = defined(kind, "__module__")
    return module if type(module) is str else ""


def _ask_for_more(*_: object) -> NoReturn:
    raise _AskedForMore


class _StandIn:
    __slots__ = ("__dict__",)

    def __init__(self, found: dict[str, object]) -> None:
        self.__dict__.update(found)

    if not TYPE_CHECKING:  # whatever is asked of it
        __getattr__ = __repr__ = __str__ = __format__ = __bool__ = __len__ = __iter__ = __call__ = _ask_for_more
        __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __contains__ = __getitem__ = _ask_for_more
        __add__ = __radd__ = __mod__ = __rmod__ = __index__ = __hash__ = _ask_for_more
