"""OpenAI's chat completions: ``POST /v1/chat/completions``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from ams_sdk.testing._model import openai_errors
from ams_sdk.testing._model.document import Refused, items_at, object_at, objects_of, required_text, text_at
from ams_sdk.testing._model.model_request import ModelMessage, ModelRequest, OfferedTool, ToolResult, merged
from ams_sdk.testing._model.reply import CREATED, Event
from ams_sdk.testing._model.step import ModelToolCall, Refusal, Thinking

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ams_sdk.testing._model.model_request import Api
    from ams_sdk.testing._model.reply import Reply
    from ams_sdk.testing._model.step import Piece

__all__ = ["OpenAIChat", "content_text", "read_chat"]

Document = dict[str, object]
_READ: Final = frozenset({"model", "messages", "tools", "stream"})
_INSTRUCTIONS: Final = frozenset({"system", "developer"})


class OpenAIChat:
    """The dialect of chat completions."""

    api: Api = "openai.chat"

    def read(self, document: Mapping[str, object]) -> ModelRequest:
        """What a request asks.

        Raises:
            Refused: OpenAI would not take it, or it wants what a script cannot give.
        """
        if document.get("n") not in (None, 1):
            raise Refused("A FakeLLM gives one choice for each request: leave 'n' out, or ask n times.", param="n")
        if document.get("functions") is not None:
            raise Refused(
                "A FakeLLM offers tools by 'tools'; 'functions' is what OpenAI had before.", param="functions"
            )
        if document.get("stream_options") is not None and document.get("stream") is not True:
            raise Refused("'stream_options' is only allowed when 'stream' is true.", param="stream_options")
        return read_chat(document, self.api)

    def whole(self, reply: Reply) -> dict[str, object]:
        """An answer as one document."""
        message: dict[str, object] = {
            "role": "assistant",
            "content": "".join(_spoken(piece) for piece in reply.pieces) or _none_beside_others(reply),
            "refusal": "".join(piece.text for piece in reply.pieces if isinstance(piece, Refusal)) or None,
            "annotations": [],
        }
        if reply.calls:
            message["tool_calls"] = [_tool_call(call) for call in reply.calls]
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _reason(reply)}
        return _envelope(reply, "chat.completion") | {"choices": [choice], "usage": _usage(reply)}

    def events(self, reply: Reply) -> Iterator[Event]:
        """The same in chunks: the role, the deltas, why it ends, the usage if it was asked for, ``[DONE]``."""
        wants_usage = object_at(reply.request.parameters, "stream_options").get("include_usage") is True
        envelope = _envelope(reply, "chat.completion.chunk") | ({"usage": None} if wants_usage else {})

        def chunk(delta: dict[str, object], reason: str | None = None, after: float = 0.0) -> Event:
            choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
            return Event(None, envelope | {"choices": [choice]}, after)

        yield chunk({"role": "assistant", "content": None if reply.calls else "", "refusal": None})
        calls = 0
        for piece in reply.pieces:
            for delta in _deltas(piece, calls):
                yield chunk(delta, after=reply.turn.delay)
            calls += isinstance(piece, ModelToolCall)
        if reply.turn.failure:
            yield Event(None, openai_errors.document(openai_errors.refused(reply.turn.failure)))
        if reply.breaks_off:
            return
        yield chunk({}, _reason(reply))
        if wants_usage:
            yield Event(None, envelope | {"choices": [], "usage": _usage(reply)})
        yield Event(None, "[DONE]")

    def refusal(self, refused: Refused, _request_id: str, /) -> dict[str, object]:
        """An error as a document."""
        return openai_errors.document(refused)


def read_chat(document: Mapping[str, object], api: Api) -> ModelRequest:
    """Messages and tools in OpenAI's words.

    Raises:
        Refused: they are not right.
    """
    model = required_text(document, "model")
    if not items_at(document, "messages"):
        raise Refused("'messages' must be a list with at least one message.", param="messages")
    messages = objects_of(document["messages"], "messages")
    system = [content_text(one.get("content")) for one in messages if text_at(one, "role") in _INSTRUCTIONS]
    return ModelRequest(
        api,
        model,
        "\n".join(system),
        merged(_messages(messages)),
        tuple(_tools(document)),
        {name: value for name, value in document.items() if name not in _READ},
        document.get("stream") is True,
        document,
    )


def content_text(content: object) -> str:
    """The text of a message's content: a text, or pieces of which some have one."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    pieces = [cast("Document", piece) for piece in cast("list[object]", content) if isinstance(piece, dict)]
    return "".join(text_at(piece, "text") or text_at(piece, "refusal") for piece in pieces)


def _messages(messages: list[dict[str, object]]) -> Iterator[ModelMessage]:
    waiting: dict[str, str] = {}
    for number, message in enumerate(messages):
        role, place = text_at(message, "role"), f"messages.[{number}]"
        if role != "tool":
            _refuse_waiting(waiting, place)
        if role == "tool":
            yield ModelMessage("tool", tool_results=(_result(message, waiting, place),))
        elif role == "assistant":
            calls = tuple(_read_calls(message, place))
            waiting = {call.call_id or "": call.name for call in calls}
            yield ModelMessage("assistant", content_text(message.get("content")), calls)
        elif role == "user":
            if message.get("content") is None:
                raise Refused("A user's message needs 'content'.", param=f"{place}.content")
            yield ModelMessage("user", content_text(message["content"]))
        elif role not in _INSTRUCTIONS:
            known = "system, developer, user, assistant and tool"
            raise Refused(f"'role' is one of {known}, not {message.get('role')!r:.40}.", param=f"{place}.role")
    _refuse_waiting(waiting, "messages")


def _refuse_waiting(waiting: dict[str, str], place: str) -> None:
    if waiting:
        raise Refused(
            "An assistant message with 'tool_calls' must be followed by a tool message for each 'tool_call_id'. "
            f"There is none for: {', '.join(waiting)}.",
            param=place,
        )


def _result(message: dict[str, object], waiting: dict[str, str], place: str) -> ToolResult:
    call_id = message.get("tool_call_id")
    if not isinstance(call_id, str) or call_id not in waiting:
        asked = f"it has asked for {', '.join(waiting)}" if waiting else "there is no call without a result before it"
        raise Refused(
            "A message of the role 'tool' must answer a tool call of the assistant message before it: "
            f"'tool_call_id' is {call_id!r}, and {asked}.",
            param=f"{place}.tool_call_id",
        )
    return ToolResult(call_id, waiting.pop(call_id), content_text(message.get("content")))


def _read_calls(message: dict[str, object], place: str) -> Iterator[ModelToolCall]:
    for number, call in enumerate(objects_of(message.get("tool_calls"), f"{place}.tool_calls")):
        function = object_at(call, "function") or object_at(call, "custom")
        name, call_id = text_at(function, "name"), text_at(call, "id")
        if not name or not call_id:
            raise Refused("A tool call needs 'id' and a function's 'name'.", param=f"{place}.tool_calls[{number}]")
        yield ModelToolCall(name, text_at(function, "arguments") or text_at(function, "input"), call_id)


def _tools(document: Mapping[str, object]) -> Iterator[OfferedTool]:
    for number, tool in enumerate(objects_of(document.get("tools"), "tools")):
        kind = text_at(tool, "type")
        name = text_at(object_at(tool, kind), "name")
        if not name:
            raise Refused("A tool is {'type': 'function', 'function': {'name': …}}.", param=f"tools[{number}]")
        yield OfferedTool(name, tool)


def _spoken(piece: Piece) -> str:
    return "" if isinstance(piece, ModelToolCall | Thinking | Refusal) else piece.text


def _none_beside_others(reply: Reply) -> str | None:
    return None if any(isinstance(piece, ModelToolCall | Refusal) for piece in reply.pieces) else ""


def _deltas(piece: Piece, number: int) -> Iterator[dict[str, object]]:
    if isinstance(piece, ModelToolCall):
        begun = _tool_call(piece) | {"function": {"name": piece.name, "arguments": ""}}
        yield {"tool_calls": [{"index": number, **begun}]}
        for part in piece.deltas:
            yield {"tool_calls": [{"index": number, "function": {"arguments": part}}]}
    elif not isinstance(piece, Thinking):
        name = "refusal" if isinstance(piece, Refusal) else "content"
        for part in piece.deltas:
            yield {name: part}


def _tool_call(call: ModelToolCall) -> dict[str, object]:
    function = {"name": call.name, "arguments": call.arguments_json}
    return {"id": call.call_id, "type": "function", "function": function}


def _reason(reply: Reply) -> str:
    return reply.turn.finish_reason or ("tool_calls" if reply.calls else "stop")


def _envelope(reply: Reply, kind: str) -> dict[str, object]:
    return {
        "id": reply.ids.new("chatcmpl-"),
        "object": kind,
        "created": CREATED,
        "model": reply.request.model,
        "service_tier": "default",
        "system_fingerprint": "fp_fake",
    }


def _usage(reply: Reply) -> dict[str, object]:
    usage = reply.usage
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning_tokens,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }
