"""OpenAI's responses: ``POST /v1/responses``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ams_sdk.testing._model import openai_errors
from ams_sdk.testing._model.document import object_at, objects_of, text_at
from ams_sdk.testing._model.reply import CREATED, Event
from ams_sdk.testing._model.responses_item import item_events, item_of
from ams_sdk.testing._model.responses_request import Conversations, read_responses

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ams_sdk.testing._model.document import Refused
    from ams_sdk.testing._model.model_request import Api, ModelRequest
    from ams_sdk.testing._model.reply import Reply

__all__ = ["OpenAIResponses"]

_INCOMPLETE: Final = {"length": "max_output_tokens", "content_filter": "content_filter"}
_ECHOED: Final[dict[str, object]] = {
    "instructions": None,
    "max_output_tokens": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "reasoning": {"effort": None, "summary": None},
    "service_tier": "default",
    "temperature": 1.0,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}
"""What a response repeats of its request, and what it says if that was not there."""


class OpenAIResponses:
    """The dialect of responses; it keeps conversations, so each fake model has one of its own."""

    api: Api = "openai.responses"

    def __init__(self) -> None:
        self._kept = Conversations()

    def read(self, document: Mapping[str, object]) -> ModelRequest:
        """What a request asks.

        Raises:
            Refused: OpenAI would not take it, or it wants what a script cannot give.
        """
        return read_responses(document, self._kept)

    def whole(self, reply: Reply) -> dict[str, object]:
        """An answer as one document."""
        return self._finished(reply, reply.ids.new("resp_"), [item_of(piece, reply) for piece in reply.pieces])

    def events(self, reply: Reply) -> Iterator[Event]:
        """The same as numbered events: the response, each item with its parts and deltas, the response at its end."""
        response_id = reply.ids.new("resp_")
        begun = _response(reply, response_id, "in_progress", [])
        number = 0
        items: list[dict[str, object]] = []
        for name in ("response.created", "response.in_progress"):
            yield Event(name, {"type": name, "response": begun, "sequence_number": number})
            number += 1
        for index, piece in enumerate(reply.pieces):
            items.append(item_of(piece, reply))
            is_cut = reply.breaks_off and index == len(reply.pieces) - 1
            for name, fields, after in item_events(piece, items[-1], delay=reply.turn.delay, is_cut=is_cut):
                yield Event(name, {"type": name, "output_index": index, **fields, "sequence_number": number}, after)
                number += 1
        if reply.turn.failure:
            said = openai_errors.error_object(openai_errors.refused(reply.turn.failure))
            problem = {name: said[name] for name in ("code", "message", "param")}
            yield Event("error", {"type": "error", **problem, "sequence_number": number})
        if reply.breaks_off:
            return
        done = self._finished(reply, response_id, items)
        name = f"response.{done['status']}"
        yield Event(name, {"type": name, "response": done, "sequence_number": number})

    def refusal(self, refused: Refused, _request_id: str, /) -> dict[str, object]:
        """An error as a document."""
        return openai_errors.document(refused)

    def _finished(self, reply: Reply, response_id: str, items: list[dict[str, object]]) -> dict[str, object]:
        reason = _INCOMPLETE.get(reply.turn.finish_reason or "")
        if reply.request.parameters.get("store") is not False:
            self._kept.keep(response_id, [*self._kept.items_of(reply.request.json), *items])
        response = _response(reply, response_id, "incomplete" if reason else "completed", items)
        return response | {"incomplete_details": {"reason": reason} if reason else None, "usage": _usage(reply)}


def _response(reply: Reply, response_id: str, status: str, items: list[dict[str, object]]) -> dict[str, object]:
    asked = reply.request.json
    echoed = {name: asked[name] if asked.get(name) is not None else usual for name, usual in _ECHOED.items()}
    # A tool may be sent without what the provider says of it.
    echoed["tools"] = [_tool(tool) for tool in objects_of(asked.get("tools"), "tools")]
    echoed["text"] = {"format": {"type": "text"}} | object_at(asked, "text")
    return {
        "id": response_id,
        "object": "response",
        "created_at": CREATED,
        "status": status,
        "background": False,
        "error": None,
        "incomplete_details": None,
        "model": reply.request.model,
        "output": items,
        "usage": None,
        **echoed,
    }


def _tool(tool: dict[str, object]) -> dict[str, object]:
    if text_at(tool, "type") != "function":
        return tool
    usual: dict[str, object] = {"description": None, "parameters": dict[str, object](), "strict": True}
    return usual | tool


def _usage(reply: Reply) -> dict[str, object]:
    usage = reply.usage
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_tokens, "cache_write_tokens": 0},
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.total_tokens,
    }
