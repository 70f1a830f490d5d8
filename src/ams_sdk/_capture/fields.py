"""The fields that a class declares: dataclasses, pydantic models, attrs classes."""

from __future__ import annotations

import sys
import weakref
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final, cast

from ams_sdk._capture.introspection import MISSING, attempt, defined, mro, names_of
from ams_sdk._capture.secret import is_marked_secret, marks_secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["field_names"]

_Fields = list[tuple[str, bool]]

# By the identity of a class, since a metaclass may define how it is hashed; with what tells that it is still that class
# and still has these declarations, and without a reference that would keep either alive.
_known: Final[dict[int, tuple[weakref.ref[type], int, _Fields]]] = {}


def field_names(kind: type) -> _Fields:
    """Name by name, and whether it is shown: not if its author marked it, by ``Secret`` or by ``repr=False``.

    Empty for a class that declares no fields.

    Raises:
        Unreadable: the declarations are not what they seem.
    """
    found = _declared(kind)
    if found is None:
        return []
    declared, read = found
    known = _known.get(id(kind))
    if known is not None and known[0]() is kind and known[1] == id(declared):
        return known[2]
    names = attempt(read, kind, declared)
    # A class that goes takes its entry along, before another one can have its identity.
    key = id(kind)
    _known[key] = weakref.ref(kind, lambda _: _known.pop(key, None)), id(declared), names
    return names


def _declared(kind: type) -> tuple[object, Callable[[Any, Any], _Fields]] | None:
    declared = defined(kind, "__dataclass_fields__")
    if declared is not MISSING:
        return declared, _dataclass_fields
    declared = defined(kind, "__pydantic_fields__")
    if type(declared) is dict:
        return cast("object", declared), _pydantic_fields
    declared = defined(kind, "__attrs_attrs__")
    if issubclass(type(declared), tuple):
        return declared, _attrs_fields
    return None


def _dataclass_fields(kind: Any, _declared: object) -> _Fields:  # noqa: ANN401 -- a dataclass, if it is what it seems
    scopes = list(_scopes(kind))
    return [(field.name, field.repr and not _is_marked(field.type, scopes)) for field in fields(kind)]


def _pydantic_fields(kind: type, declared: dict[str, Any]) -> _Fields:
    scopes = list(_scopes(kind))
    # The outermost Annotated is taken apart by pydantic.
    return [
        (name, field.repr and not any(map(marks_secret, field.metadata)) and not _is_marked(field.annotation, scopes))
        for name, field in declared.items()
    ]


def _attrs_fields(kind: type, declared: tuple[Any, ...]) -> _Fields:
    scopes = list(_scopes(kind))
    # Where ``repr`` is a function, it says how to show it.
    return [(field.name, field.repr is not False and not _is_marked(field.type, scopes)) for field in declared]


def _is_marked(annotation: object, scopes: list[Mapping[str, Any]]) -> bool:
    # Written as text, it is to be read in the module of the base that declares the field; any of them will do.
    if issubclass(type(annotation), str):
        return any(is_marked_secret(annotation, scope) for scope in scopes)
    return is_marked_secret(annotation)


def _scopes(kind: type) -> Iterator[Mapping[str, Any]]:
    for base in mro(kind):
        module = sys.modules.get(str(names_of(base).get("__module__", "")))
        if module is not None and base is not object:
            yield {**vars(module), **names_of(base)}
