"""JSON values, and JSON Schemas as agents and tools have them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy  # noqa: TC002 -- the public types stay resolvable at run time
from pydantic import JsonValue

from ams_sdk.testing._strategies.bounds import check_choice, check_sizes
from ams_sdk.testing._strategies.texts import texts

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn

__all__ = ["JsonObject", "SchemaType", "json_schemas", "json_values"]

JsonObject: TypeAlias = dict[str, JsonValue]
SchemaType = Literal["string", "integer", "number", "boolean", "null", "array", "object"]
"""A type of JSON Schema."""

_TYPES: Final[tuple[SchemaType, ...]] = get_args(SchemaType)
_LEAVES: Final = ("string", "integer", "number", "boolean", "null")
_LARGEST: Final = 2**53 - 1  # that every JSON library keeps (RFC 8259, section 6)
_PROPERTY_NAMES: Final = st.one_of(
    st.sampled_from(["query", "limit", "url", "path"]), texts(min_size=1, max_size=8).filter(str.isprintable)
)
_FORMATS: Final = ("date-time", "email", "uri", "uuid")


def json_values(*, max_leaves: int = 6) -> SearchStrategy[JsonValue]:
    """Any JSON value that every platform keeps: numbers are finite, whole ones fit into 53 bits.

    Args:
        max_leaves: at most about so many values that hold no others.

    Raises:
        ConfigurationError: a size is none.
    """
    check_sizes("json_values", 1, max_leaves=max_leaves)
    leaves: SearchStrategy[JsonValue] = st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-_LARGEST, _LARGEST),
        st.floats(allow_nan=False, allow_infinity=False),
        texts(max_size=8),
    )
    return st.recursive(
        leaves,
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts(max_size=6), inner, max_size=3)),
        max_leaves=max_leaves,
    )


def json_schemas(
    *,
    type: SchemaType | None = "object",  # noqa: A002 -- JSON Schema's word
    max_depth: int = 2,
    max_properties: int = 4,
) -> SearchStrategy[JsonObject]:
    """JSON Schemas (draft 2020-12) as tools have them: types, properties, items, enumerations, bounds, descriptions.

    Args:
        type: of what the schema describes; None for any.
        max_depth: how many arrays and objects may lie within each other.
        max_properties: of one object.

    Raises:
        ConfigurationError: there is no such type, or a size is none.
    """
    check_choice("json_schemas", "type", type, _TYPES)
    check_sizes("json_schemas", max_depth=max_depth)
    check_sizes("json_schemas", max_properties=max_properties)
    return _schemas(type, max_depth, max_properties)


@st.composite
def _schemas(draw: DrawFn, wanted: SchemaType | None, depth: int, most: int) -> JsonObject:
    kind = wanted or draw(st.sampled_from(_TYPES if depth else _LEAVES))
    schema: JsonObject = {"type": kind}
    if kind == "string":
        schema |= draw(st.one_of(st.just(_nothing()), _choices(), _format()))
    elif kind in {"integer", "number"} and draw(st.booleans()):
        low, high = sorted(draw(st.tuples(st.integers(-100, 100), st.integers(-100, 100))))
        schema |= {"minimum": low, "maximum": high}
    elif kind == "array" and depth:
        schema["items"] = draw(_schemas(None, depth - 1, most))
    elif kind == "object" and depth:
        inner = st.dictionaries(_PROPERTY_NAMES, _schemas(None, depth - 1, most), max_size=most)
        properties = draw(inner)
        schema["properties"] = {**properties}
        needed = [name for name in properties if draw(st.booleans())]
        if needed:
            schema["required"] = [*needed]
        if draw(st.booleans()):
            schema["additionalProperties"] = False
    if draw(st.booleans()):
        schema["description"] = draw(texts(max_size=12))
    return schema


def _nothing() -> JsonObject:
    return {}


def _choices() -> SearchStrategy[JsonObject]:
    chosen = st.lists(texts(max_size=6), min_size=1, max_size=3, unique=True)
    return chosen.map(lambda values: {"enum": [*values]})


def _format() -> SearchStrategy[JsonObject]:
    return st.sampled_from(_FORMATS).map(lambda name: {"format": name})
