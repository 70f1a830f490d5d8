"""What a model answered, read off whatever a client gives back: decoded JSON or an object, of any provider's shape."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from ams_sdk._model_calls.message_part import AsText, Part, part_of, parts_of, reasoning, text_part
from ams_sdk._model_calls.messages import Message, message_of
from ams_sdk._model_calls.shape import field as field_of
from ams_sdk._model_calls.shape import is_list, is_read_once, items, length, text
from ams_sdk._model_calls.token_usage import usage_of

__all__ = ["ModelResponse", "finish_reason_of", "id_of", "model_of", "response_of"]


@dataclass(slots=True)
class ModelResponse:
    """What is known of an answer.

    Attributes:
        messages: one a choice, not rendered yet.
        reasons: why the model stopped, one a choice, in the provider's words.
        usage: counts of tokens by the names of their attributes.
        dimensions: of an embedding.
        error: the provider's code, if it failed and the client did not raise.
    """

    messages: list[Message] = field(default_factory=list[Message])
    reasons: list[str | None] = field(default_factory=list["str | None"])
    id: str | None = None
    model: str | None = None
    usage: dict[str, int] = field(default_factory=dict[str, int])
    dimensions: int | None = None
    error: str | None = None


def response_of(response: object) -> ModelResponse:
    """Read a response. What is nowhere known becomes a message with the value's JSON."""
    found = ModelResponse(id=id_of(response), model=model_of(response), usage=usage_of(response))
    plain = text(response)
    if plain is not None:
        found.messages = [_answer(text_part(plain))]
    elif not any(read(response, found) for read in _READERS):
        is_empty = response is None or bool(found.usage) or is_read_once(response)
        found.messages = [] if is_empty else [_answer(text_part(AsText(response)))]
    return found


def id_of(response: object) -> str | None:
    """The provider's id of a response or of the chunks of one."""
    return text(field_of(response, "id", "responseId", "response_id", "generation_id"))


def model_of(response: object) -> str | None:
    """The model that answered."""
    return text(field_of(response, "model", "modelVersion", "model_version", "model_name"))


def finish_reason_of(choice: object) -> str | None:
    """Why the model stopped, in the provider's words, whatever the provider calls the reason."""
    return text(field_of(choice, "finish_reason", "finishReason", "stop_reason", "stopReason", "done_reason"))


def _answer(*parts: Part) -> Message:
    return Message("assistant", list(parts))


def _choices(response: object, found: ModelResponse) -> bool:
    """OpenAI's Chat Completions, and all who speak like it; the older Completions have only texts."""
    choices = field_of(response, "choices")
    for choice in items(choices):
        message = field_of(choice, "message", "delta")
        said = message_of(message, "assistant") if message is not None else _answer(*parts_of(field_of(choice, "text")))
        found.messages.append(said)
        found.reasons.append(finish_reason_of(choice))
    return is_list(choices)


def _candidates(response: object, found: ModelResponse) -> bool:
    """Gemini's."""
    candidates = field_of(response, "candidates")
    for candidate in items(candidates):
        content = field_of(candidate, "content")
        found.messages.append(message_of(content, "assistant") if content is not None else _answer())
        found.reasons.append(finish_reason_of(candidate))
    blocked = text(field_of(field_of(response, "promptFeedback", "prompt_feedback"), "blockReason", "block_reason"))
    if blocked and not found.reasons:
        found.reasons.append(blocked)
    return is_list(candidates) or blocked is not None


def _output(response: object, found: ModelResponse) -> bool:
    """OpenAI's Responses: items, of which all together are the answer. Bedrock's Converse: a message."""
    output = field_of(response, "output")
    if (message := field_of(output, "message")) is not None:
        found.messages = [message_of(message, "assistant")]
        found.reasons = [finish_reason_of(response)]
        return True
    status = text(field_of(response, "status"))
    if not is_list(output) or (status is None and text(field_of(response, "object")) != "response"):
        return False
    parts = [part for item in items(output) for part in _item_parts(item)]
    found.messages = [_answer(*parts)] if parts else []
    found.reasons = [text(field_of(field_of(response, "incomplete_details"), "reason")) or status]
    if status == "failed":
        found.error = text(field_of(field_of(response, "error"), "code")) or status
    return True


def _item_parts(item: object) -> list[Part]:
    return parts_of(field_of(item, "content")) if text(field_of(item, "type")) == "message" else [part_of(item)]


def _message(response: object, found: ModelResponse) -> bool:
    """Ollama's chat, and Cohere's: one message."""
    message = field_of(response, "message")
    if message is None or (text(message) is not None and field_of(response, "done") is None):
        return False
    found.messages = [message_of(message, "assistant")]
    found.reasons = [finish_reason_of(response)]
    return True


def _content(response: object, found: ModelResponse) -> bool:
    """Anthropic's Messages, and LangChain's: the response is the message."""
    if field_of(response, "content") is None or field_of(response, "role", "type") is None:
        return False
    found.messages = [Message("assistant", message_of(response, "assistant").parts)]
    about = field_of(response, "response_metadata")  # LangChain's
    found.reasons = [finish_reason_of(response) or finish_reason_of(about)]
    found.model = found.model or model_of(about)
    return True


def _single_text(response: object, found: ModelResponse) -> bool:
    """Ollama's generate, Cohere's first version, Hugging Face's."""
    plain = text(field_of(response, "response", "text", "generated_text", "completion", "outputText", "generation"))
    if plain is None:
        return False
    thought = text(field_of(response, "thinking"))
    found.messages = [_answer(*([reasoning(thought)] if thought else []), text_part(plain))]
    found.reasons = [finish_reason_of(response)]
    return True


def _embeddings(response: object, found: ModelResponse) -> bool:
    """Of any provider: numbers, of which only the count is kept."""
    held = field_of(response, "data", "embeddings", "embedding")
    if not is_list(held) and is_list(numbers := field_of(held, "float", "float_", "values")):
        held = numbers
    first = _first(held)
    if not is_list(first):
        first = field_of(first, "embedding", "values") if first is not None and not _is_number(first) else held
    if not is_list(first) or not _is_number(_first(first)):
        return False
    found.dimensions = length(first)
    return True


def _first(value: object) -> Any:  # noqa: ANN401 -- anybody's
    return next(iter(items(value)), None)


def _is_number(value: object) -> bool:
    return type(value) is float or type(value) is int


_READERS: Final = (_choices, _candidates, _output, _message, _content, _single_text, _embeddings)
