"""What can be learned of a value without running code of its class.

``isinstance``, ``getattr`` and even ``type.__name__`` may run code of the user: a ``__class__`` property, a
``__getattr__``, a metaclass. These functions read what the interpreter itself reads.
"""

from __future__ import annotations

from types import GetSetDescriptorType, MemberDescriptorType
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = [
    "MISSING",
    "Unreadable",
    "attempt",
    "attribute",
    "defined",
    "mro",
    "names_of",
    "state",
    "text_of",
    "type_name",
]

MISSING: Final = object()

_T = TypeVar("_T")
_mro: Final[Callable[[type], tuple[type, ...]]] = vars(type)["__mro__"].__get__
names_of: Final[Callable[[type], Mapping[str, object]]] = vars(type)["__dict__"].__get__
"""What a class itself defines."""
_module: Final[Callable[[type], object]] = vars(type)["__module__"].__get__
_qualname: Final[Callable[[type], str]] = vars(type)["__qualname__"].__get__


class Unreadable(Exception):  # noqa: N818 -- not an error of ours, but what became of a value
    """Code of the value's class raised; the message names what."""


def attempt(call: Callable[..., _T], *args: Any) -> _T:  # noqa: ANN401 -- whatever the call takes
    """Call what may run the user's code.

    The only place where any exception is caught: one that a signal handler raises between lines of this package is the
    caller's.

    Raises:
        Unreadable: the call raised an ``Exception``. Anything else passes.
    """
    try:
        return call(*args)
    except Exception as error:  # noqa: BLE001 -- the code is the user's, and may do anything
        raise Unreadable(type_name(type(error))) from None


def mro(kind: type) -> tuple[type, ...]:
    """The type and its bases, nearest first."""
    return _mro(kind)


def type_name(kind: type) -> str:
    """``module.QualifiedName``, the name alone for built-in types."""
    try:
        module = _module(kind)
    except AttributeError:  # made without a module
        module = None
    name = _qualname(kind)
    return f"{module}.{name}" if type(module) is str and module != "builtins" else name


def defined(kind: type, name: str) -> object:
    """What the nearest class that defines the name holds, not bound to anything, or ``MISSING``."""
    for base in _mro(kind):
        names = names_of(base)
        if name in names:
            return names[name]
    return MISSING


def state(value: object) -> dict[str, object]:
    """The instance's own attributes; empty if it has none, or a property in their place."""
    slot = defined(type(value), "__dict__")
    if type(slot) is GetSetDescriptorType or type(slot) is MemberDescriptorType:
        found: object = slot.__get__(value, type(value))
        if type(found) is dict:
            return cast("dict[str, object]", found)
    return {}


def attribute(value: object, name: str) -> object:
    """An attribute that is stored in the instance or in a slot, or ``MISSING``; properties are not run."""
    own = state(value)
    if name in own:
        return own[name]
    slot = defined(type(value), name)
    return _in_slot(value, slot) if type(slot) is MemberDescriptorType else MISSING


def _in_slot(value: object, slot: MemberDescriptorType) -> object:
    try:
        return slot.__get__(value, type(value))
    except AttributeError:  # not set
        return MISSING


def text_of(value: object) -> str | None:
    """The text of a string or of bytes, as the names of HTTP headers are; None for anything else."""
    kind = type(value)
    if kind is str:
        return cast("str", value)
    if issubclass(kind, str):
        return str.__getitem__(cast("str", value), slice(None))
    if issubclass(kind, bytes):
        return bytes.__getitem__(cast("bytes", value), slice(_LONGEST_NAME)).decode("utf-8", "backslashreplace")
    return None


_LONGEST_NAME: Final = 8_192
