"""What a span says of the content of its call: arguments, results, messages, decoded from the JSON on it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, cast

from ams_sdk import _semconv

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ams_sdk.testing._trace.captured_span import CapturedSpan

__all__ = [
    "NOT_RECORDED",
    "NotRecorded",
    "RequestedCall",
    "decoded",
    "input_of",
    "output_of",
    "requested_calls",
    "responses",
]


class NotRecorded:
    """Stands for content that is not on the span."""

    def __repr__(self) -> str:
        return "<not recorded>"


NOT_RECORDED: Final = NotRecorded()
_INPUTS: Final = (_semconv.AMS_INPUT, _semconv.TOOL_ARGUMENTS)
_OUTPUTS: Final = (_semconv.AMS_OUTPUT, _semconv.TOOL_RESULT)


class RequestedCall:
    """A call of a tool that a model has asked for.

    Attributes:
        name: of the tool.
        arguments: as the model has written them, decoded.
        call_id: the model's own name of the call, if it gave one.
    """

    __slots__ = ("arguments", "call_id", "name")

    def __init__(self, name: str, arguments: Any, call_id: str | None) -> None:  # noqa: ANN401 -- any JSON value
        self.name: str = name
        self.arguments: Any = arguments
        self.call_id: str | None = call_id

    def __repr__(self) -> str:
        return f"RequestedCall({self.name!r}, {self.arguments!r})"


def input_of(span: CapturedSpan) -> Any:  # noqa: ANN401 -- any JSON value
    """What went in, decoded; ``NOT_RECORDED`` if the span does not say."""
    return _content(span, _INPUTS, _semconv.INPUT_MESSAGES)


def output_of(span: CapturedSpan) -> Any:  # noqa: ANN401 -- any JSON value
    """What came out, in the same way."""
    return _content(span, _OUTPUTS, _semconv.OUTPUT_MESSAGES)


def decoded(span: CapturedSpan, attribute: str) -> Any:  # noqa: ANN401 -- any JSON value
    """The value of an attribute that holds JSON; a text that is none stays as it is.

    What the decorators write is JSON always. Of a text that somebody else wrote nobody knows, so one is read as JSON
    only if it begins as an object, an array or a string does.
    """
    value = span.attributes.get(attribute, NOT_RECORDED)
    if not isinstance(value, str):
        return list(value) if isinstance(value, tuple) else value
    if span.scope_name != _semconv.SCOPE and not value.lstrip().startswith(("{", "[", '"')):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def requested_calls(span: CapturedSpan) -> Iterator[RequestedCall]:
    """The calls of tools that a model's answer asks for."""
    for part in _parts(span, _semconv.OUTPUT_MESSAGES):
        if part.get("type") == "tool_call" and isinstance(part.get("name"), str):
            identity = part.get("id")
            yield RequestedCall(
                part["name"], _parsed(part.get("arguments", {})), identity if isinstance(identity, str) else None
            )


def responses(span: CapturedSpan) -> Iterator[tuple[str, Any]]:
    """What tools have answered, by the model's own name of the call, as a later call of the model was told."""
    for part in _parts(span, _semconv.INPUT_MESSAGES):
        if part.get("type") == "tool_call_response" and isinstance(part.get("id"), str):
            # "result" is what pydantic-ai writes.
            found = part.get("response", part.get("result", NOT_RECORDED))
            if not isinstance(found, NotRecorded):
                yield part["id"], _parsed(found)


def _content(span: CapturedSpan, names: Sequence[str], messages: str) -> Any:  # noqa: ANN401 -- any JSON value
    for name in names:
        if name in span.attributes:
            return decoded(span, name)
    found = decoded(span, messages)
    return _single_text(found)


def _single_text(messages: Any) -> Any:  # noqa: ANN401 -- any JSON value
    """The text, if there is one message and it is one text; otherwise the messages."""
    match messages:
        case [{"parts": [{"type": "text", "content": str(text)}]}]:
            return text
        case _:
            return messages


def _parts(span: CapturedSpan, attribute: str) -> Iterator[Mapping[str, Any]]:
    for message in _objects(decoded(span, attribute)):
        yield from _objects(message.get("parts"))


def _objects(value: object) -> list[Mapping[str, Any]]:
    """The objects in an array."""
    items = cast("Sequence[object]", value) if isinstance(value, list) else ()
    return [cast("Mapping[str, Any]", item) for item in items if isinstance(item, dict)]


def _parsed(value: Any) -> Any:  # noqa: ANN401 -- any JSON value
    if not isinstance(value, str) or not value.lstrip().startswith(("{", "[", '"')):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value
