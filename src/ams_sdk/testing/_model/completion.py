"""The fake model as an object: what it answers with when nobody speaks HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from ams_sdk._errors import ConfigurationError
from ams_sdk.testing._model.document import Refused
from ams_sdk.testing._model.openai_chat import read_chat
from ams_sdk.testing._model.step import ModelToolCall, ModelUsage, Refusal, Thinking

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ams_sdk.testing._model.model_request import ModelRequest
    from ams_sdk.testing._model.reply import Reply
    from ams_sdk.testing._model.step import Failure, FinishReason

__all__ = ["Completion", "CompletionChunk", "ModelError", "chunks_of", "completion_of", "read_object"]

Messages = str | Iterable[Mapping[str, object]]
Tools = Iterable[str | Mapping[str, object] | Callable[..., object]]


class ModelError(Exception):
    """A scripted ``error(…)``, met by a program that calls the fake model as an object.

    Attributes:
        status: the HTTP status that a provider would have answered with.
        code: the error's code, if the script gives one.
        retry_after: seconds to wait, if the script says so.
    """

    def __init__(self, failure: Failure) -> None:
        self.status: int = failure.status
        self.code: str | None = failure.code
        self.retry_after: float | None = failure.retry_after
        super().__init__(failure.message or f"Error {failure.status} (scripted).")


@dataclass(frozen=True, slots=True)
class Completion:
    """One answer.

    Attributes:
        text: all that was said, empty if nothing was.
        thinking: all that was thought.
        refusal: why the model refuses; None if it does not.
    """

    id: str
    model: str
    text: str
    tool_calls: tuple[ModelToolCall, ...]
    thinking: str
    refusal: str | None
    finish_reason: FinishReason
    usage: ModelUsage

    @property
    def message(self) -> dict[str, object]:
        """The answer as a message to go on with, in OpenAI's words."""
        made: dict[str, object] = {"role": "assistant", "content": self.text or self.refusal}
        if self.tool_calls:
            made["tool_calls"] = [
                {
                    "id": call.call_id,
                    "type": "function",
                    "function": {"name": call.name, "arguments": call.arguments_json},
                }
                for call in self.tool_calls
            ]
        return made


@dataclass(frozen=True, slots=True)
class CompletionChunk:
    """A part of an answer; the last has the finish reason and the usage.

    Attributes:
        tool_call: a part of a call: name and id in the first, then its arguments piece by piece.
        tool_index: which of the calls it is, from 0 on.
    """

    text: str = ""
    thinking: str = ""
    refusal: str = ""
    tool_call: ModelToolCall | None = None
    tool_index: int | None = None
    finish_reason: FinishReason | None = None
    usage: ModelUsage | None = None


def read_object(  # noqa: PLR0913 -- what a request consists of
    messages: Messages,
    tools: Tools | None,
    model: str,
    system: str | None,
    parameters: Mapping[str, object],
    *,
    stream: bool,
) -> ModelRequest:
    """What an object is asked, in OpenAI's words or as a text.

    Raises:
        ConfigurationError: a provider would not take it.
    """
    if not isinstance(messages, Iterable):
        raise ConfigurationError(f"A model is asked with a text or a list of messages, not with {messages!r:.80}.")
    if isinstance(tools, str) or not isinstance(tools, Iterable | None):
        raise ConfigurationError(f"tools={tools!r:.80} cannot be used: write a list of names or functions, tools=[…].")
    listed: list[object] = [{"role": "user", "content": messages}] if isinstance(messages, str) else list(messages)
    if system is not None:
        listed.insert(0, {"role": "system", "content": system})
    document = {**parameters, "model": model, "messages": listed, "tools": [_tool(one) for one in tools or ()]}
    try:
        return read_chat({**document, "stream": stream}, "object")
    except Refused as refused:
        place = f" ({refused.param})" if refused.param else ""
        raise ConfigurationError(f"A provider would refuse this request: {refused.message}{place}") from None


def completion_of(reply: Reply) -> Completion:
    """A reply as one answer."""
    refusals = [piece.text for piece in reply.pieces if isinstance(piece, Refusal)]
    return Completion(
        reply.ids.new("completion_"),
        reply.request.model,
        "".join(_text_of(piece) for piece in reply.pieces),
        tuple(reply.calls),
        "".join(piece.text for piece in reply.pieces if isinstance(piece, Thinking)),
        "".join(refusals) if refusals else None,
        _reason(reply),
        reply.usage,
    )


def chunks_of(reply: Reply) -> Iterator[CompletionChunk]:
    """A reply in parts; one that breaks off has no last one."""
    calls = 0
    for piece in reply.pieces:
        if isinstance(piece, ModelToolCall):
            yield CompletionChunk(tool_call=ModelToolCall(piece.name, "", piece.call_id), tool_index=calls)
            for part in piece.deltas:
                yield CompletionChunk(tool_call=ModelToolCall(piece.name, part, piece.call_id), tool_index=calls)
            calls += 1
            continue
        for part in piece.deltas:
            if isinstance(piece, Thinking):
                yield CompletionChunk(thinking=part)
            elif isinstance(piece, Refusal):
                yield CompletionChunk(refusal=part)
            else:
                yield CompletionChunk(text=part)
    if not reply.breaks_off:
        yield CompletionChunk(finish_reason=_reason(reply), usage=reply.usage)


def _text_of(piece: object) -> str:
    if isinstance(piece, ModelToolCall | Thinking | Refusal):
        return ""
    return cast("str", getattr(piece, "text", ""))


def _reason(reply: Reply) -> FinishReason:
    return reply.turn.finish_reason or ("tool_calls" if reply.calls else "stop")


def _tool(tool: object) -> Mapping[str, object]:
    if isinstance(tool, str):
        return {"type": "function", "function": {"name": tool}}
    if isinstance(tool, Mapping):
        given = cast("Mapping[str, object]", tool)
        # Anthropic's form and that of the responses interface have the name at the top.
        return given if "name" not in given else {"type": "function", "function": given}
    name: object = getattr(tool, "name", None) or getattr(tool, "__name__", None)
    if not isinstance(name, str):
        raise ConfigurationError(f"A tool is a name, a definition or a function with a name, not {tool!r:.80}")
    return {"type": "function", "function": {"name": name}}
