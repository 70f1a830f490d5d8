"""What OpenTelemetry's GenAI conventions say of a span, as a check: what is missing, of the wrong type, or not theirs.

Source: the commit of the conventions that ``ams_sdk._semconv`` names. Each departure is a short text, the same for
every span that departs in this way, so that one can be left out by its text.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, cast

from ams_sdk import _semconv as names

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ams_sdk.testing._trace.captured_span import CapturedSpan

__all__ = ["DEPARTURES_OF_STATUS", "departures", "departures_of_status"]

_INFERENCE: Final = names.INFERENCE_OPERATIONS
_OPERATIONS: Final = frozenset(
    {
        *_INFERENCE,
        *(names.OPERATION_EMBEDDINGS, names.OPERATION_RETRIEVAL, names.OPERATION_FETCH_RESPONSE, names.OPERATION_PLAN),
        *(names.OPERATION_CREATE_AGENT, names.OPERATION_INVOKE_AGENT, names.OPERATION_INVOKE_WORKFLOW),
        *(names.OPERATION_EXECUTE_TOOL, *names.MEMORY_OPERATIONS),
    }
)
_SUBJECT: Final[Mapping[str, str]] = {
    names.OPERATION_INVOKE_AGENT: names.AGENT_NAME,
    names.OPERATION_CREATE_AGENT: names.AGENT_NAME,
    names.OPERATION_PLAN: names.AGENT_NAME,
    names.OPERATION_INVOKE_WORKFLOW: names.WORKFLOW_NAME,
    names.OPERATION_EXECUTE_TOOL: names.TOOL_NAME,
    names.OPERATION_RETRIEVAL: names.DATA_SOURCE_ID,
    **dict.fromkeys(_INFERENCE | {names.OPERATION_EMBEDDINGS}, names.REQUEST_MODEL),
}
"""What follows the operation in a span's name."""
_REQUIRED: Final[Mapping[str, str]] = {
    names.OPERATION_EXECUTE_TOOL: names.TOOL_NAME,
    **dict.fromkeys(
        _INFERENCE | {names.OPERATION_EMBEDDINGS, names.OPERATION_FETCH_RESPONSE, names.OPERATION_CREATE_AGENT},
        names.PROVIDER_NAME,
    ),
}
_KINDS: Final[Mapping[str, frozenset[str]]] = {
    **dict.fromkeys(
        (names.OPERATION_INVOKE_WORKFLOW, names.OPERATION_PLAN, names.OPERATION_EXECUTE_TOOL), frozenset({"internal"})
    ),
    **dict.fromkeys(
        _INFERENCE | {names.OPERATION_EMBEDDINGS, names.OPERATION_INVOKE_AGENT}, frozenset({"internal", "client"})
    ),
}
_TEXT, _WHOLE, _NUMBER, _TRUE, _TEXTS, _JSON = "string", "int", "double", "true", "string[]", "JSON"
_TYPES: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        (
            *(
                names.OPERATION_NAME,
                names.PROVIDER_NAME,
                names.AGENT_NAME,
                names.AGENT_DESCRIPTION,
                names.WORKFLOW_NAME,
            ),
            *(names.CONVERSATION_ID, names.DATA_SOURCE_ID, names.OUTPUT_TYPE, names.PROMPT_NAME, names.PROMPT_VERSION),
            *(names.REQUEST_MODEL, names.REQUEST_REASONING_LEVEL, names.REQUEST_PREVIOUS_RESPONSE_ID),
            *(names.RESPONSE_ID, names.RESPONSE_MODEL, names.TOOL_NAME, names.TOOL_TYPE, names.TOOL_DESCRIPTION),
            *(names.TOOL_CALL_ID, names.TOOL_RESULT, names.MCP_METHOD_NAME, names.MCP_SESSION_ID),
            *(names.MCP_RESOURCE_URI, names.MCP_PROTOCOL_VERSION, names.JSONRPC_REQUEST_ID, names.SERVER_ADDRESS),
            names.ERROR_TYPE,
        ),
        _TEXT,
    ),
    **dict.fromkeys(
        (
            *(names.REQUEST_MAX_TOKENS, names.REQUEST_TOP_K, names.REQUEST_CHOICE_COUNT, names.SERVER_PORT),
            *(names.USAGE_INPUT_TOKENS, names.USAGE_OUTPUT_TOKENS, names.USAGE_CACHE_READ_TOKENS),
            *(names.USAGE_CACHE_WRITE_TOKENS, names.USAGE_REASONING_TOKENS, names.USAGE_AUDIO_INPUT_TOKENS),
            *(names.USAGE_AUDIO_OUTPUT_TOKENS, names.EMBEDDINGS_DIMENSION_COUNT, names.REQUEST_SEED),
        ),
        _WHOLE,
    ),
    **dict.fromkeys(
        (
            *(names.REQUEST_TEMPERATURE, names.REQUEST_TOP_P, names.REQUEST_FREQUENCY_PENALTY),
            *(names.REQUEST_PRESENCE_PENALTY, names.RESPONSE_TIME_TO_FIRST_CHUNK),
        ),
        _NUMBER,
    ),
    **dict.fromkeys((names.CONVERSATION_COMPACTED, names.REQUEST_STREAM), _TRUE),
    **dict.fromkeys(
        (names.REQUEST_STOP_SEQUENCES, names.REQUEST_ENCODING_FORMATS, names.RESPONSE_FINISH_REASONS), _TEXTS
    ),
    **dict.fromkeys(
        (
            *(names.TOOL_ARGUMENTS, names.TOOL_DEFINITIONS, names.INPUT_MESSAGES, names.OUTPUT_MESSAGES),
            names.SYSTEM_INSTRUCTIONS,
        ),
        _JSON,
    ),
}
"""Every attribute of the conventions that can be on such a span; another one in their namespaces is none of theirs."""
_GEN_AI: Final = "gen_ai."
_NAMESPACES: Final = (_GEN_AI, "mcp.")
_PARTS: Final[Mapping[str, frozenset[str]]] = {
    "text": frozenset({"content"}),
    "reasoning": frozenset({"content"}),
    "tool_call": frozenset({"name"}),
    "tool_call_response": frozenset({"response"}),
    "blob": frozenset({"modality", "content"}),
    "file": frozenset({"modality", "file_id"}),
    "uri": frozenset({"modality", "uri"}),
}
_ROLES: Final = frozenset({"system", "user", "assistant", "tool"})


_OK: Final = "status OK, which is the application's to say"
_NO_TYPE: Final = "an error without error.type"
_NO_ERROR: Final = "error.type without an error"
DEPARTURES_OF_STATUS: Final = (_OK, _NO_TYPE, _NO_ERROR)
"""What ``departures_of_status`` may say."""


def departures(span: CapturedSpan) -> list[str]:
    """In what a span departs from the conventions, each once; none for a span that is none of theirs.

    A span that is open has not said all, so that something is missing is no departure.
    """
    if names.MCP_METHOD_NAME in span.attributes:
        found = [*_of_an_mcp_span(span)]
    elif span.operation is not None:
        found = [*_of_an_operation(span, span.operation)]
    elif names.OPERATION_NAME in span.attributes:
        found = list[str]()  # it is no text, which is said of each attribute
    elif span.end_ns is not None and any(name.startswith(_GEN_AI) for name in span.attributes):
        return [f"attributes of {_GEN_AI}* without {names.OPERATION_NAME}"]
    else:
        return []
    return list(dict.fromkeys([*found, *_of_attributes(span), *_of_content(span)]))


def departures_of_status(span: CapturedSpan) -> list[str]:
    """In what the status of a span of theirs departs from the conventions."""
    if span.operation is None and names.MCP_METHOD_NAME not in span.attributes:
        return []
    found: list[str] = []
    if span.status == "ok":
        found.append(_OK)
    if span.status == "error" and names.ERROR_TYPE not in span.attributes:
        found.append(_NO_TYPE)
    if span.status != "error" and names.ERROR_TYPE in span.attributes:
        found.append(_NO_ERROR)
    return found


def _of_an_operation(span: CapturedSpan, operation: str) -> Iterator[str]:
    if operation not in _OPERATIONS:
        yield f"unknown operation {operation}"
    subject = span.attributes.get(_SUBJECT.get(operation, ""))
    if span.name != (f"{operation} {subject}" if subject else operation):
        yield f"{operation}: the span's name is not the operation and its subject"
    if span.kind not in _KINDS.get(operation, {span.kind}):
        yield f"{operation}: kind {span.kind.upper()}"
    required = _REQUIRED.get(operation)
    if required is not None and required not in span.attributes and span.end_ns is not None:
        yield f"{operation}: no {required}"


def _of_an_mcp_span(span: CapturedSpan) -> Iterator[str]:
    method = span.attributes[names.MCP_METHOD_NAME]
    target = span.attributes.get(names.TOOL_NAME) or span.attributes.get(names.PROMPT_NAME)
    if span.name != (f"{method} {target}" if target else method):
        yield "mcp: the span's name is not the method and its target"
    if span.kind not in {"client", "server"}:
        yield f"mcp: kind {span.kind.upper()}"


def _of_attributes(span: CapturedSpan) -> Iterator[str]:
    for name, value in span.attributes.items():
        kind = _TYPES.get(name)
        if kind is None and name.startswith(_NAMESPACES):
            yield f"no such attribute: {name}"
        elif kind is None and "." not in name:
            yield f"an attribute without a namespace: {name}"
        elif kind is not None and not _is(kind, value):
            yield f"{name} is no {kind}"


def _is(kind: str, value: object) -> bool:
    if kind == _WHOLE:
        return type(value) is int and value >= 0
    if kind == _NUMBER:
        return type(value) is float
    if kind == _TRUE:
        return value is True
    if kind == _TEXTS:
        return isinstance(value, (tuple, list)) and all(
            isinstance(one, str) and one for one in cast("Sequence[Any]", value)
        )
    if kind == _JSON:
        return _read(value) is not None
    return isinstance(value, str) and value != ""


def _read(value: object) -> Any:  # noqa: ANN401 -- any JSON value
    try:
        return json.loads(cast("str", value))
    except (TypeError, ValueError, RecursionError):
        return None


def _of_content(span: CapturedSpan) -> Iterator[str]:
    for name in (names.INPUT_MESSAGES, names.OUTPUT_MESSAGES):
        messages = _read(span.attributes.get(name, "[]"))
        if not isinstance(messages, list):
            yield f"{name} is no list"
            continue
        for message in cast("Sequence[Any]", messages):
            yield from (f"{name}: {text}" for text in _of_a_message(message))
    instructions = _read(span.attributes.get(names.SYSTEM_INSTRUCTIONS, "[]"))
    for part in _objects(instructions):
        if part.get("type") != "text" or not isinstance(part.get("content"), str):
            yield f"{names.SYSTEM_INSTRUCTIONS}: a part that is no text"
    definitions = _read(span.attributes.get(names.TOOL_DEFINITIONS, "[]"))
    for tool in _objects(definitions):
        if not isinstance(tool.get("type"), str) or not isinstance(tool.get("name"), str):
            yield f"{names.TOOL_DEFINITIONS}: a tool without type or name"
        elif not isinstance(tool.get("description", ""), str):
            yield f"{names.TOOL_DEFINITIONS}: description is null"


def _objects(value: object) -> list[Mapping[str, Any]]:
    """The items of an array as objects; one that is none counts as an object without anything."""
    items = cast("Sequence[object]", value) if isinstance(value, list) else ()
    return [cast("Mapping[str, Any]", item) if isinstance(item, dict) else {} for item in items]


def _of_a_message(message: Any) -> Iterator[str]:  # noqa: ANN401 -- any JSON value
    if not isinstance(message, dict):
        yield "a message that is no object"
        return
    said = cast("Mapping[str, Any]", message)
    if said.get("role") not in _ROLES:
        yield f"role {said.get('role')}"
    if not isinstance(said.get("name", ""), str):
        yield "name is null"
    if said.get("finish_reason", "none") == "":
        yield "finish_reason is empty"
    parts = said.get("parts")
    for part in cast("Sequence[Any]", parts) if isinstance(parts, list) else [None]:
        yield from _of_a_part(part)


def _of_a_part(part: Any) -> Iterator[str]:  # noqa: ANN401 -- any JSON value
    said: Mapping[str, Any] = cast("Mapping[str, Any]", part) if isinstance(part, dict) else {}
    if not isinstance(said.get("type"), str):
        yield "a part without a type"
        return
    if missing := _PARTS.get(said["type"], frozenset[str]()) - said.keys():
        yield f"{said['type']} without {', '.join(sorted(missing))}"
    elif said["type"] == "tool_call" and isinstance(said.get("arguments"), str):
        yield "tool_call: arguments are a string, not what it says"
