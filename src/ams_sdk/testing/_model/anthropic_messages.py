"""Anthropic's messages: ``POST /v1/messages``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ams_sdk.testing._model.anthropic_request import read_messages
from ams_sdk.testing._model.anthropic_threads import AnthropicThreads
from ams_sdk.testing._model.openai_errors import refused as refused_for
from ams_sdk.testing._model.reply import Event
from ams_sdk.testing._model.step import ModelToolCall, Refusal, Thinking

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ams_sdk.testing._model.document import Refused
    from ams_sdk.testing._model.model_request import Api, ModelRequest
    from ams_sdk.testing._model.reply import Reply
    from ams_sdk.testing._model.step import Piece

__all__ = ["AnthropicMessages"]

_STOP_REASONS: Final = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
}
_ERROR_TYPES: Final = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_SERVER: Final = 500


class AnthropicMessages:
    """The dialect of messages; it keeps threads, so each fake model has one of its own."""

    api: Api = "anthropic.messages"

    def __init__(self) -> None:
        self._threads = AnthropicThreads()

    def read(self, document: Mapping[str, object]) -> ModelRequest:
        """What a request asks.

        Raises:
            Refused: Anthropic would not take it.
        """
        return replace(read_messages(self._threads.whole(document), needs_max_tokens=True), json=document)

    def whole(self, reply: Reply) -> dict[str, object]:
        """An answer as one document."""
        content = [_block(piece, reply) for piece in reply.pieces if _is_shown(piece)]
        end = {"stop_reason": _stop_reason(reply), "stop_sequence": None}
        envelope = _envelope(reply)
        self._threads.keep(str(envelope["id"]), reply.request.json, content)
        return envelope | {"content": content, **end, "usage": _usage(reply, reply.usage.output_tokens)}

    def events(self, reply: Reply) -> Iterator[Event]:
        """The same as events: the message, each block with its deltas, a ping, why it ends and the usage."""
        begun: dict[str, object] = {
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": _usage(reply, 1),
        }
        envelope = _envelope(reply)
        yield _event("message_start", message=envelope | begun)
        content: list[dict[str, object]] = []
        shown = [piece for piece in reply.pieces if _is_shown(piece)]
        if not shown:
            yield _event("ping")
        for index, piece in enumerate(shown):
            block = _block(piece, reply)
            content.append(block)
            yield _event("content_block_start", index=index, content_block=block | _EMPTY[str(block["type"])])
            if index == 0:
                yield _event("ping")
            for delta in _deltas(piece):
                yield _event("content_block_delta", reply.turn.delay, index=index, delta=delta)
            if reply.breaks_off and index == len(shown) - 1:
                break
            if isinstance(piece, Thinking):
                signature = {"type": "signature_delta", "signature": block["signature"]}
                yield _event("content_block_delta", index=index, delta=signature)
            yield _event("content_block_stop", index=index)
        if reply.turn.failure:
            yield Event("error", self.refusal(refused_for(reply.turn.failure), reply.request_id))
        if reply.breaks_off:
            return
        self._threads.keep(str(envelope["id"]), reply.request.json, content)
        delta = {"stop_reason": _stop_reason(reply), "stop_sequence": None}
        yield _event("message_delta", delta=delta, usage=_usage(reply, reply.usage.output_tokens))
        yield _event("message_stop")

    def refusal(self, refused: Refused, request_id: str, /) -> dict[str, object]:
        """An error as a document."""
        usual = _ERROR_TYPES.get(refused.status, "api_error" if refused.status >= _SERVER else "invalid_request_error")
        place = f"{refused.param}: " if refused.param else ""
        problem: dict[str, object] = {"type": refused.code or usual, "message": f"{place}{refused.message}"}
        if refused.details is not None:
            problem["details"] = refused.details
        return {"type": "error", "error": problem, "request_id": request_id}


_EMPTY: Final[dict[str, dict[str, object]]] = {
    "text": {"text": ""},
    "thinking": {"thinking": "", "signature": ""},
    "tool_use": {"input": {}},
}
"""What a block is before its first delta."""


def _event(name: str, after: float = 0.0, /, **fields: object) -> Event:
    return Event(name, {"type": name, **fields}, after)


def _is_shown(piece: Piece) -> bool:
    # A text block is never empty; a model that says nothing answers without a block.
    return isinstance(piece, ModelToolCall | Thinking) or bool(piece.text)


def _block(piece: Piece, reply: Reply) -> dict[str, object]:
    if isinstance(piece, ModelToolCall):
        return {"type": "tool_use", "id": piece.call_id, "name": piece.name, "input": _input(piece)}
    if isinstance(piece, Thinking):
        signature = piece.signature or reply.ids.new("sig_")
        return {"type": "thinking", "thinking": piece.text, "signature": signature}
    return {"type": "text", "text": piece.text, "citations": None}


def _input(call: ModelToolCall) -> dict[str, object]:
    try:
        return call.arguments
    except ValueError:
        # Whole, the arguments are an object, so what is no JSON can only stand in it as a text.
        return {"INVALID_JSON": call.arguments_json}


def _deltas(piece: Piece) -> list[dict[str, object]]:
    if isinstance(piece, ModelToolCall):
        # The first is empty, as Anthropic's are.
        return [{"type": "input_json_delta", "partial_json": part} for part in ("", *piece.deltas)]
    if isinstance(piece, Thinking):
        return [{"type": "thinking_delta", "thinking": part} for part in piece.deltas]
    return [{"type": "text_delta", "text": part} for part in piece.deltas]


def _stop_reason(reply: Reply) -> str:
    if reply.turn.finish_reason is not None:
        return _STOP_REASONS[reply.turn.finish_reason]
    if reply.calls:
        return "tool_use"
    return "refusal" if any(isinstance(piece, Refusal) for piece in reply.pieces) else "end_turn"


def _envelope(reply: Reply) -> dict[str, object]:
    return {"id": reply.ids.new("msg_"), "type": "message", "role": "assistant", "model": reply.request.model}


def _usage(reply: Reply, output_tokens: int) -> dict[str, object]:
    # Here, what came from the cache is not part of input_tokens.
    return {
        "input_tokens": reply.usage.input_tokens - reply.usage.cached_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": reply.usage.cached_tokens,
        "output_tokens": output_tokens,
    }
