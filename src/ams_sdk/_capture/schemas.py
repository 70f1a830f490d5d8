"""A schema of JSON describes a parameter, whatever its name: what is no secret there, and what may be one.

What a model is told of a tool is ``{"properties": {"password": {"type": "string"}}}``, and would be no schema any more
if its parameters were masked by their names.
"""

from __future__ import annotations

from typing import Any, Final, TypeGuard

from ams_sdk._capture.mask_counts import NAME, count_masked
from ams_sdk._capture.rules import REDACTED

__all__ = ["DESCRIBING", "described", "is_schema"]

_NAMED: Final = frozenset({"properties", "patternProperties", "$defs", "definitions"})
DESCRIBING: Final = frozenset({*_NAMED, "required"})
"""What stands under these names is called as a parameter is, and is none: its schema, or its name."""
_DEEPEST: Final = 8
_TYPES: Final = frozenset({"array", "boolean", "integer", "null", "number", "object", "string"})
_TELLING: Final = ("$ref", "anyOf", "oneOf", "allOf", "enum", "const")
_SCHEMA: Final = frozenset({"anyOf", "oneOf", "allOf", "items", "prefixItems", "not", "additionalProperties"})
_ABOUT: Final = frozenset(
    {
        *("$ref", "type", "title", "description", "format", "pattern", "required", "nullable", "readOnly", "writeOnly"),
        *("deprecated", "minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
        *("multipleOf", "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties"),
        *("contentEncoding", "contentMediaType", "$schema", "$id", "$comment", "discriminator"),
    }
)


def described(schema: dict[Any, Any], depth: int = _DEEPEST) -> dict[Any, Any]:
    """The schema of what has the name of a secret, without the values in it, as ``default``, ``enum`` and ``examples``.

    The same object if it has none.
    """
    return _changed(schema, {name: _without_values(name, item, depth) for name, item in schema.items()})


def is_schema(value: object) -> TypeGuard[dict[Any, Any]]:
    """Whether what has the name of a parameter is its schema."""
    if not _is_dict(value):
        return False
    kind: object = value.get("type")
    if type(kind) is str:
        return kind.lower() in _TYPES  # Google's are in upper case
    if _is_list(kind):
        return all(type(one) is str and one in _TYPES for one in kind)
    return any(name in value for name in _TELLING)


def _without_values(name: object, value: object, depth: int) -> object:
    if type(name) is not str:
        return _hidden(value)
    if name in _ABOUT:
        return value
    if depth > 0 and name in _SCHEMA:
        if _is_dict(value):
            return described(value, depth - 1)
        if _is_list(value) and all(map(_is_dict, value)):
            left = [described(one, depth - 1) for one in value]
            return left if any(one is not other for one, other in zip(left, value, strict=True)) else value
    if depth > 0 and name in _NAMED and _is_dict(value):
        return _changed(value, {key: described(one, depth - 1) for key, one in value.items() if is_schema(one)})
    return _hidden(value)


def _is_dict(value: object) -> TypeGuard[dict[Any, Any]]:
    return type(value) is dict


def _is_list(value: object) -> TypeGuard[list[Any]]:
    return type(value) is list


def _changed(given: dict[Any, Any], left: dict[Any, Any]) -> dict[Any, Any]:
    is_same = left.keys() == given.keys() and all(left[name] is item for name, item in given.items())
    return given if is_same else left


def _hidden(value: object) -> object:
    if _is_list(value):
        if not value or (len(value) == 1 and _is_empty(value[0])):
            return value
    elif value is None or type(value) is bool or _is_empty(value):
        return value
    count_masked(NAME)
    return [REDACTED] if _is_list(value) else REDACTED


def _is_empty(value: object) -> bool:
    return type(value) is str and value in {"", REDACTED}
