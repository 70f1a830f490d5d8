"""The fields that a class declares: dataclasses, pydantic models, attrs classes."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, cast

from ams_sdk._capture.introspection import MISSING, attempt, defined

__all__ = ["field_names"]


def field_names(kind: type) -> list[tuple[str, bool]]:
    """Name by name, and whether its author shows it: one with ``repr=False`` is not to be shown.

    Empty for a class that declares no fields.

    Raises:
        Unreadable: the declarations are not what they seem.
    """
    if defined(kind, "__dataclass_fields__") is not MISSING:
        return attempt(_dataclass_fields, kind)
    declared = defined(kind, "__pydantic_fields__")
    if type(declared) is dict:
        return attempt(_pydantic_fields, cast("dict[str, Any]", declared))
    declared = defined(kind, "__attrs_attrs__")
    if issubclass(type(declared), tuple):
        return attempt(_attrs_fields, cast("tuple[Any, ...]", declared))
    return []


def _dataclass_fields(kind: Any) -> list[tuple[str, bool]]:  # noqa: ANN401 -- a dataclass, if it is what it seems
    return [(field.name, field.repr) for field in fields(kind)]


def _pydantic_fields(declared: dict[str, Any]) -> list[tuple[str, bool]]:
    return [(name, field.repr) for name, field in declared.items()]


def _attrs_fields(declared: tuple[Any, ...]) -> list[tuple[str, bool]]:
    return [(field.name, field.repr is not False) for field in declared]  # a function says how to show it
