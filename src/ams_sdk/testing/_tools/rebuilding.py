"""Values that went through JSON become again what annotations say that they are."""

from __future__ import annotations

import collections.abc
import copy
import json
import typing
from typing import TYPE_CHECKING, Any, Final, cast

from pydantic import TypeAdapter

from ams_sdk._capture import REDACTED, render
from ams_sdk._decorators.annotations import annotations_of, function_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["UNKNOWN", "is_awaitable", "item_annotation", "parameter_annotation", "rebuilt", "return_annotation"]


class _Unknown:
    def __repr__(self) -> str:
        return "<no annotation>"


UNKNOWN: Final = _Unknown()
"""Stands for an annotation that is not there, or cannot be evaluated."""
_DEEPEST: Final = 50
_ATOMS: Final = (str, bool, int, float, type(None))
_AWAITABLES: Final = (collections.abc.Awaitable, collections.abc.Coroutine)
_STREAMS: Final = (
    *(collections.abc.Iterator, collections.abc.Iterable, collections.abc.Generator),
    *(collections.abc.AsyncIterator, collections.abc.AsyncIterable, collections.abc.AsyncGenerator),
)


def return_annotation(function: Callable[..., Any]) -> Any:  # noqa: ANN401 -- an annotation is any value
    """What a function says that it gives back; ``UNKNOWN`` if it does not, or nobody can evaluate it."""
    return parameter_annotation(function, "return")


def parameter_annotation(function: Callable[..., Any], name: str) -> Any:  # noqa: ANN401 -- the same
    """What a function says of one parameter. Each is evaluated alone: one that cannot be must not cost the others."""
    inner = function_of(function)
    try:
        written = annotations_of(inner).get(name, UNKNOWN)
        holder = type("Holder", (), {"__annotations__": {name: written}})
        scope = cast("dict[str, Any]", getattr(inner, "__globals__", {}))
        found = written if written is UNKNOWN else typing.get_type_hints(holder, scope, include_extras=True)[name]
    except Exception:  # noqa: BLE001 -- annotations may be anything
        return UNKNOWN
    return found


def is_awaitable(annotation: Any) -> bool:  # noqa: ANN401 -- the same
    """Whether it says that what is given back has to be awaited."""
    origin = typing.get_origin(annotation) or annotation
    return isinstance(origin, type) and issubclass(origin, _AWAITABLES)


def item_annotation(annotation: Any) -> Any:  # noqa: ANN401 -- the same
    """Of a stream's annotation that of its items, of an awaitable's that of what comes of it."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in _STREAMS and arguments:
        return arguments[0]
    return arguments[-1] if is_awaitable(annotation) and arguments else UNKNOWN


def rebuilt(value: object, annotation: Any) -> Any:  # noqa: ANN401 -- the same
    """A value of the annotated type that would be recorded as this JSON value; if there is none, a copy of the value.

    What is no JSON value is what somebody has made by hand, and stays as it is.
    """
    if not _is_json(value, _DEEPEST):
        return value
    if annotation is not UNKNOWN and annotation is not Any and not _is_atom_for(value, annotation):
        for read in (_strictly, _leniently):
            try:
                found = read(TypeAdapter(annotation), value)
                if _keeps(value, json.loads(render(found))):
                    return found
            except Exception:  # noqa: BLE001, S112 -- of the user's own types, which may refuse in their own way
                continue
    return copy.deepcopy(value)


def _strictly(adapter: TypeAdapter[Any], value: object) -> Any:  # noqa: ANN401 -- the same
    return adapter.validate_json(json.dumps(value), strict=True, by_alias=True, by_name=True)


def _leniently(adapter: TypeAdapter[Any], value: object) -> Any:  # noqa: ANN401 -- the same
    return adapter.validate_python(value, by_alias=True, by_name=True)


def _is_atom_for(value: object, annotation: object) -> bool:
    return isinstance(annotation, type) and type(value) is annotation and isinstance(value, _ATOMS)


def _is_json(value: object, depth: int) -> bool:
    kind = type(value)
    if kind in _ATOMS:
        return True
    if depth and kind is list:
        return all(_is_json(item, depth - 1) for item in cast("list[object]", value))
    if depth and kind is dict:
        entries = cast("dict[object, object]", value).items()
        return all(type(key) is str and _is_json(item, depth - 1) for key, item in entries)
    return False


def _keeps(value: object, recorded: object) -> bool:
    """Whether what would be recorded of a value has all that is in this one; fields with defaults may be added."""
    if isinstance(recorded, str) and (REDACTED in recorded or "…[" in recorded):
        return True  # of what is not shown nobody can tell
    if isinstance(value, dict):
        entries = cast("Mapping[str, object]", value)
        if not isinstance(recorded, dict):
            return False
        there = cast("Mapping[str, object]", recorded)
        return all(name in there and _keeps(item, there[name]) for name, item in entries.items())
    if isinstance(value, list):
        items = cast("list[object]", value)
        others = cast("list[object]", recorded) if isinstance(recorded, list) else []
        if not isinstance(recorded, list) or len(items) != len(others):
            return False
        return all(map(_keeps, items, others)) or sorted(map(repr, items)) == sorted(map(repr, others))  # a set's
    return value == recorded or (
        isinstance(value, str) and isinstance(recorded, str) and _is_same_moment(value, recorded)
    )


def _is_same_moment(value: str, recorded: str) -> bool:
    """Whether two texts are one date or time, however they are written."""
    return value.replace("T", " ").replace("Z", "+00:00") == recorded.replace("T", " ").replace("Z", "+00:00")
