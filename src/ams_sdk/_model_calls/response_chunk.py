"""One chunk of a stream, of any provider's shape, is added to the draft of the response."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from ams_sdk._model_calls.message_part import Part, joined, part_of, parts_of
from ams_sdk._model_calls.messages import called
from ams_sdk._model_calls.model_response import finish_reason_of, response_of
from ams_sdk._model_calls.shape import count, field, items, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from ams_sdk._model_calls.response_draft import ResponseDraft

    _Read: TypeAlias = Callable[[ResponseDraft, Any], None]

__all__ = ["add_chunk"]


def add_chunk(draft: ResponseDraft, chunk: object) -> None:
    """Add a chunk; what nobody knows is passed over."""
    if (plain := text(chunk)) is not None:
        draft.grow(0, "text", plain)
        return
    kind = text(field(chunk, "type"))
    draft.learn(chunk)
    if kind is None or (kind not in _EVENTS and field(chunk, "object") is not None):
        _untyped(draft, chunk)
    elif read := _EVENTS.get(kind):
        read(draft, chunk)


def _place(event: object, name: str = "index") -> int:
    return count(field(event, name)) or 0


def _untyped(draft: ResponseDraft, chunk: object) -> None:
    """OpenAI's Chat Completions and all who speak like it, Gemini, Ollama, Bedrock."""
    choices, candidates = field(chunk, "choices"), field(chunk, "candidates")
    for choice in items(choices):
        _delta(draft, field(choice, "delta", "message"), _place(choice))
        draft.take(_place(choice), parts_of(field(choice, "text")))
        draft.stopped(_place(choice), finish_reason_of(choice))
    for candidate in items(candidates):
        draft.take(_place(candidate), parts_of(field(field(candidate, "content"), "parts")))
        draft.stopped(_place(candidate), finish_reason_of(candidate))
    if choices is None and candidates is None:
        _other(draft, chunk)


def _other(draft: ResponseDraft, chunk: object) -> None:
    inner = field(chunk, "data")
    if field(inner, "choices") is not None and field(inner, "data") is None:  # Mistral's
        add_chunk(draft, inner)
    if (message := field(chunk, "message")) is not None:  # Ollama's
        _delta(draft, message)
    draft.grow(0, "text", text(field(chunk, "response")) or "")
    draft.stopped(0, finish_reason_of(chunk))
    for name, read in _BEDROCK.items():
        if (inner := field(chunk, name)) is not None:
            read(draft, inner)


def _delta(draft: ResponseDraft, delta: object, index: int = 0) -> None:
    draft.grow(index, "reasoning", joined(field(delta, "reasoning_content", "reasoning", "thinking")))
    draft.take(index, parts_of(field(delta, "content")))
    if refusal := text(field(delta, "refusal")):
        draft.begin(index, "refusal", Part(type="refusal"))
        draft.extend(index, "refusal", refusal)
    for call in items(field(delta, "tool_calls")):
        inner = field(call, "function", "custom")
        arguments = field(inner, "arguments", "input")
        place = field(call, "index")
        if place is None or (arguments is not None and text(arguments) is None):  # whole, as Ollama's are
            draft.take(index, [called(call)])
        else:
            draft.call(index, ("call", count(place)), field(call, "id"), field(inner, "name"))
            draft.extend(index, ("call", count(place)), text(arguments))


def _message_start(draft: ResponseDraft, event: object) -> None:
    draft.learn(field(event, "message"))


def _block_start(draft: ResponseDraft, event: object) -> None:
    key, block = ("block", _place(event)), field(event, "content_block")
    part = part_of(block)
    content = part.pop("content", None) if part["type"] in {"text", "reasoning"} else None
    arguments = part.get("arguments")
    if part["type"] == "tool_call" and type(arguments) is dict and not arguments:
        part.pop("arguments", None)  # empty, and to be followed by its JSON
    draft.begin(0, key, part)
    draft.extend(0, key, text(content))


def _block_delta(draft: ResponseDraft, event: object) -> None:
    draft.extend(0, ("block", _place(event)), text(field(field(event, "delta"), "text", "thinking", "partial_json")))


def _message_delta(draft: ResponseDraft, event: object) -> None:
    draft.stopped(0, finish_reason_of(field(event, "delta")))


def _response_created(draft: ResponseDraft, event: object) -> None:
    draft.learn(field(event, "response"))


def _response_done(draft: ResponseDraft, event: object) -> None:
    draft.end(response_of(field(event, "response")))


def _item_added(draft: ResponseDraft, event: object) -> None:
    item = field(event, "item")
    if text(field(item, "type")) in {"function_call", "custom_tool_call"}:
        draft.call(0, ("item", _place(event, "output_index")), field(item, "call_id", "id"), field(item, "name"))


def _item_arguments(draft: ResponseDraft, event: object) -> None:
    draft.extend(0, ("item", _place(event, "output_index")), text(field(event, "delta")))


def _text_delta(draft: ResponseDraft, event: object) -> None:
    draft.grow(0, "text", text(field(event, "delta")) or "")


def _thought_delta(draft: ResponseDraft, event: object) -> None:
    draft.grow(0, "reasoning", text(field(event, "delta")) or "")


def _wrapped_chunk(draft: ResponseDraft, event: object) -> None:
    """OpenAI's own reader of streams wraps the chunks, and adds events that repeat them."""
    inner = field(event, "chunk")
    if text(field(inner, "type")) is None:
        add_chunk(draft, inner)


def _said(draft: ResponseDraft, chunk: object) -> None:
    """LangChain's."""
    _delta(draft, chunk)
    draft.stopped(0, finish_reason_of(field(chunk, "response_metadata")))


def _cohere_delta(draft: ResponseDraft, event: object) -> None:
    draft.take(0, parts_of(field(field(field(event, "delta"), "message"), "content")))


def _cohere_call(draft: ResponseDraft, event: object) -> None:
    call, key = field(field(field(event, "delta"), "message"), "tool_calls"), ("call", _place(event))
    draft.call(0, key, field(call, "id"), field(field(call, "function"), "name"))
    draft.extend(0, key, text(field(field(call, "function"), "arguments")))


def _cohere_end(draft: ResponseDraft, event: object) -> None:
    draft.learn(field(event, "delta"))
    draft.stopped(0, finish_reason_of(field(event, "delta")))


def _bedrock_start(draft: ResponseDraft, event: object) -> None:
    if (use := field(field(event, "start"), "toolUse")) is not None:
        draft.call(0, ("block", _place(event, "contentBlockIndex")), field(use, "toolUseId"), field(use, "name"))


def _bedrock_delta(draft: ResponseDraft, event: object) -> None:
    delta = field(event, "delta")
    draft.grow(0, "reasoning", text(field(field(delta, "reasoningContent"), "text")) or "")
    draft.grow(0, "text", text(field(delta, "text")) or "")
    key = ("block", _place(event, "contentBlockIndex"))
    draft.extend(0, key, text(field(field(delta, "toolUse"), "input")))


def _bedrock_stop(draft: ResponseDraft, event: object) -> None:
    draft.stopped(0, finish_reason_of(event))


def _bedrock_metadata(draft: ResponseDraft, event: object) -> None:
    draft.learn(event)


_EVENTS: Final[dict[str, _Read]] = {
    # Anthropic
    "message_start": _message_start,
    "content_block_start": _block_start,
    "content_block_delta": _block_delta,
    "message_delta": _message_delta,
    # OpenAI's Responses
    "response.created": _response_created,
    "response.output_item.added": _item_added,
    "response.function_call_arguments.delta": _item_arguments,
    "response.custom_tool_call_input.delta": _item_arguments,
    "response.output_text.delta": _text_delta,
    "response.reasoning_summary_text.delta": _thought_delta,
    "response.reasoning_text.delta": _thought_delta,
    "response.completed": _response_done,
    "response.incomplete": _response_done,
    "response.failed": _response_done,
    "chunk": _wrapped_chunk,
    "AIMessageChunk": _said,
    # Cohere
    "content-delta": _cohere_delta,
    "tool-call-start": _cohere_call,
    "tool-call-delta": _cohere_call,
    "message-end": _cohere_end,
}
_BEDROCK: Final[dict[str, _Read]] = {
    "contentBlockStart": _bedrock_start,
    "contentBlockDelta": _bedrock_delta,
    "messageStop": _bedrock_stop,
    "metadata": _bedrock_metadata,
}
