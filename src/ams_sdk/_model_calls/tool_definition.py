"""What a model was told of tools becomes the JSON of ``gen_ai.tool.definitions``."""

from __future__ import annotations

from types import FunctionType
from typing import TYPE_CHECKING

from ams_sdk import _semconv
from ams_sdk._decorators import definition_of
from ams_sdk._model_calls.message_part import Part
from ams_sdk._model_calls.shape import field, is_list, items, text, within

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["tool_definitions"]


def tool_definitions(tools: object) -> list[Part]:
    """Each tool of a list, as OpenAI, Anthropic, Google or AWS take them, or as a Python function."""
    listed = items(tools) if is_list(tools) else [] if tools is None else [tools]
    return [definition for tool in listed for definition in _definitions(tool)]


def _definitions(tool: object) -> Iterator[Part]:
    declared = field(tool, "functionDeclarations", "function_declarations")
    if declared is not None:
        for one in items(declared):
            yield _definition(one, one)
    elif type(tool) is FunctionType:
        known = definition_of(tool)
        described = known.description if known else None
        yield _part(_semconv.TOOL_TYPE_FUNCTION, known.name if known else tool.__name__, described, None)
    else:
        yield _definition(tool, within(tool, "function", "toolSpec", "custom"))


def _definition(tool: object, inner: object) -> Part:
    kind, name = text(field(tool, "type")), text(field(inner, "name"))
    schema = field(inner, "parameters", "input_schema", "parametersJsonSchema", "parameters_json_schema", "inputSchema")
    schema = within(schema, "json")  # Bedrock's
    if kind is None and name is None:  # Gemini's own tools: an object with one field, which is the name
        known = next((one for one in _OF_GEMINI if field(tool, one) is not None), "")
        return _part(known or "tool", known or "tool", None, None)
    # Anthropic calls "custom" what everybody else calls a function; OpenAI's custom tools take a text.
    is_function = kind is None or (kind == "custom" and schema is not None)
    return _part(
        _semconv.TOOL_TYPE_FUNCTION if is_function else kind, name or kind, text(field(inner, "description")), schema
    )


_OF_GEMINI = tuple(
    name
    for camel, snake in (
        ("googleSearch", "google_search"),
        ("codeExecution", "code_execution"),
        ("urlContext", "url_context"),
        ("googleMaps", "google_maps"),
        ("fileSearch", "file_search"),
    )
    for name in (camel, snake)
)


def _part(kind: str | None, name: str | None, description: str | None, parameters: object) -> Part:
    part = Part(type=kind, name=name)
    if description:
        part["description"] = description
    if parameters is not None:
        part["parameters"] = parameters
    return part
