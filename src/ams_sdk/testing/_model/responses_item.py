"""The items of which a response consists, whole and as events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from ams_sdk.testing._model.document import items_at
from ams_sdk.testing._model.step import ModelToolCall, Refusal, Thinking

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ams_sdk.testing._model.reply import Reply
    from ams_sdk.testing._model.step import Piece, Text

__all__ = ["item_events", "item_of"]

Item = dict[str, object]
_ENCRYPTED: Final = "reasoning.encrypted_content"


class _Fields(NamedTuple):
    """An event without its number and the place of its item."""

    name: str
    fields: dict[str, object]
    after: float = 0.0


def item_of(piece: Piece, reply: Reply) -> Item:
    """What is said, as a finished item."""
    if isinstance(piece, ModelToolCall):
        call = {"name": piece.name, "call_id": piece.call_id, "arguments": piece.arguments_json}
        return {"id": reply.ids.new("fc_"), "type": "function_call", "status": "completed", **call}
    if isinstance(piece, Thinking):
        wants_hidden = _ENCRYPTED in items_at(reply.request.parameters, "include")
        hidden: Item = {"encrypted_content": reply.ids.new("encrypted_")} if wants_hidden else {}
        return {"id": reply.ids.new("rs_"), "type": "reasoning", "summary": [_summary(piece.text)], **hidden}
    said: Item = {"role": "assistant", "content": [_part(piece, piece.text)]}
    return {"id": reply.ids.new("msg_"), "type": "message", "status": "completed", **said}


def item_events(piece: Piece, item: Item, *, delay: float, is_cut: bool) -> Iterator[_Fields]:
    """The events of an item from its beginning to its end; of one that is cut, to its last delta."""
    yield _Fields("response.output_item.added", {"item": _begun(piece, item)})
    if isinstance(piece, ModelToolCall):
        yield from _argument_events(piece, item, delay, is_cut=is_cut)
    else:
        yield from _part_events(piece, item, delay, is_cut=is_cut)
    if not is_cut:
        yield _Fields("response.output_item.done", {"item": item})


def _begun(piece: Piece, item: Item) -> Item:
    nothing: list[object] = []
    if isinstance(piece, ModelToolCall):
        return item | {"status": "in_progress", "arguments": ""}
    if isinstance(piece, Thinking):
        return item | {"summary": nothing}
    return item | {"status": "in_progress", "content": nothing}


def _argument_events(call: ModelToolCall, item: Item, delay: float, *, is_cut: bool) -> Iterator[_Fields]:
    place = {"item_id": item["id"]}
    for part in call.deltas:
        yield _Fields("response.function_call_arguments.delta", place | {"delta": part}, delay)
    if not is_cut:
        done = {"name": call.name, "arguments": call.arguments_json}
        yield _Fields("response.function_call_arguments.done", place | done)


def _part_events(piece: Text, item: Item, delay: float, *, is_cut: bool) -> Iterator[_Fields]:
    extra: dict[str, object] = {}
    if isinstance(piece, Thinking):
        part, text = "response.reasoning_summary_part", "response.reasoning_summary_text"
        place: dict[str, object] = {"item_id": item["id"], "summary_index": 0}
        empty, whole = _summary(""), _summary(piece.text)
    else:
        part = "response.content_part"
        text = "response.refusal" if isinstance(piece, Refusal) else "response.output_text"
        place = {"item_id": item["id"], "content_index": 0}
        empty, whole = _part(piece, ""), _part(piece, piece.text)
        if not isinstance(piece, Refusal):
            extra["logprobs"] = list[object]()
    yield _Fields(f"{part}.added", place | {"part": empty})
    for delta in piece.deltas:
        yield _Fields(f"{text}.delta", place | {"delta": delta, **extra}, delay)
    if not is_cut:
        said = {"refusal" if isinstance(piece, Refusal) else "text": piece.text}
        yield _Fields(f"{text}.done", place | said | extra)
        yield _Fields(f"{part}.done", place | {"part": whole})


def _summary(text: str) -> Item:
    return {"type": "summary_text", "text": text}


def _part(piece: Text, text: str) -> Item:
    if isinstance(piece, Refusal):
        return {"type": "refusal", "refusal": text}
    nothing: list[object] = []
    return {"type": "output_text", "text": text, "annotations": nothing, "logprobs": nothing}
