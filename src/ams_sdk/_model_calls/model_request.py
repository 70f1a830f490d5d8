"""What a model is asked, as far as it is known before it answers: the attributes that its span starts with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, get_args

from ams_sdk import _semconv
from ams_sdk._capture import render_text
from ams_sdk._errors import ConfigurationError
from ams_sdk._model_calls.attribute_value import masked
from ams_sdk._model_calls.shape import count, items, number, text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from opentelemetry.util.types import AttributeValue

__all__ = ["Capture", "ModelRequest", "Operation"]

Operation: TypeAlias = Literal["chat", "generate_content", "text_completion", "embeddings"]
Capture: TypeAlias = Literal["all", "input", "output", "none"]

_UNKNOWN: Final = "unknown"
_OPERATIONS: Final = get_args(Operation)
_CAPTURES: Final = get_args(Capture)


class ModelRequest:
    """The request; what cannot be used is passed over, since it may come from the program's data.

    Attributes:
        problem: what is wrong with the provider, the operation or what to capture. A decorator raises it; a call that
            has begun goes on with the nearest thing: an unknown provider, ``chat``, no content.
    """

    __slots__ = ("_model", "_options", "_provider", "captures_input", "captures_output", "operation", "problem")

    def __init__(
        self, provider: str, model: str | None, operation: Operation, capture: Capture, options: Mapping[str, object]
    ) -> None:
        self.problem: ConfigurationError | None = _problem(provider, operation, capture)
        if self.problem is not None:
            provider = provider if isinstance(provider, str) and provider.strip() else _UNKNOWN
            operation = operation if operation in _OPERATIONS else "chat"
            capture = capture if capture in _CAPTURES else "none"
        self._provider = provider
        self._model = model
        self._options = options
        self.operation: Operation = operation
        self.captures_input: bool = capture in {"all", "input"}
        self.captures_output: bool = capture in {"all", "output"}

    def span_name(self) -> str:
        """``{operation} {model}``, the operation alone if the model is not known."""
        model = masked(self._model)
        return f"{self.operation} {model}" if model else self.operation

    def attributes(self) -> dict[str, AttributeValue]:
        """All that is known, none of it content."""
        found: dict[str, AttributeValue] = {
            _semconv.OPERATION_NAME: self.operation,
            _semconv.PROVIDER_NAME: masked(self._provider) or "",
        }
        if model := masked(self._model):
            found[_semconv.REQUEST_MODEL] = model
        for name, value in self._options.items():
            if value is not None:
                attribute, read = _OPTIONS[name]
                if (shown := read(value)) is not None:
                    found[attribute] = shown
        if _semconv.SERVER_ADDRESS not in found:
            found.pop(_semconv.SERVER_PORT, None)
        return found


def _problem(provider: object, operation: object, capture: object) -> ConfigurationError | None:
    if not isinstance(provider, str) or not provider.strip():
        told = f'model_call(provider={provider!r}): write whose API it is, such as "openai" or "anthropic".'
    elif operation not in _OPERATIONS:
        told = f"model_call(operation={operation!r}): write one of {', '.join(_OPERATIONS)}."
    elif capture not in _CAPTURES:
        told = f"model_call(capture={capture!r}): write one of {', '.join(_CAPTURES)}."
    else:
        return None
    return ConfigurationError(told)


def _sequences(value: Any) -> tuple[str, ...] | None:  # noqa: ANN401 -- of the program
    plain = text(value)
    found = [plain] if plain is not None else [one for item in items(value) if (one := text(item)) is not None]
    return tuple(render_text(one) for one in found) or None


def _choices(value: object) -> int | None:
    found = count(value)
    return None if found == 1 else found  # one is what everybody asks for


_Reader: TypeAlias = "Callable[[Any], AttributeValue | None]"
_OPTIONS: Final[dict[str, tuple[str, _Reader]]] = {
    "server_address": (_semconv.SERVER_ADDRESS, masked),
    "server_port": (_semconv.SERVER_PORT, count),
    "conversation_id": (_semconv.CONVERSATION_ID, masked),
    "temperature": (_semconv.REQUEST_TEMPERATURE, number),
    "max_tokens": (_semconv.REQUEST_MAX_TOKENS, count),
    "top_p": (_semconv.REQUEST_TOP_P, number),
    "top_k": (_semconv.REQUEST_TOP_K, count),
    "seed": (_semconv.REQUEST_SEED, count),
    "stop_sequences": (_semconv.REQUEST_STOP_SEQUENCES, _sequences),
    "frequency_penalty": (_semconv.REQUEST_FREQUENCY_PENALTY, number),
    "presence_penalty": (_semconv.REQUEST_PRESENCE_PENALTY, number),
    "choice_count": (_semconv.REQUEST_CHOICE_COUNT, _choices),
    "output_type": (_semconv.OUTPUT_TYPE, masked),
    "reasoning_level": (_semconv.REQUEST_REASONING_LEVEL, masked),
    "previous_response_id": (_semconv.REQUEST_PREVIOUS_RESPONSE_ID, masked),
}
