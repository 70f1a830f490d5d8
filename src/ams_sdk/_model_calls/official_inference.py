"""OpenTelemetry's own instrumentations of model clients: told that a call is traced already, they add to it.

Those that are built on ``opentelemetry-util-genai`` look for an inference that is open in the context. If there is
one, they start no span of their own and leave what they learn of the call with it. Nothing is imported for this: where
nobody has imported that package, nobody instruments by it.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from opentelemetry import context as otel_context

from ams_sdk import _semconv
from ams_sdk._model_calls.shape import count, field, items, text

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.util.types import AttributeValue

__all__ = ["learned", "with_inference"]

_MODULE: Final = "opentelemetry.util.genai.invocation"
_OF_INFERENCES: Final = ("CLIENT_INFERENCE_CONTEXT_KEY", "InferenceData")
_OF_EMBEDDINGS: Final = ("CLIENT_EMBEDDING_CONTEXT_KEY", "EmbeddingData")
_COUNTS: Final = {
    _semconv.USAGE_INPUT_TOKENS: "usage_input_tokens",
    _semconv.USAGE_OUTPUT_TOKENS: "usage_output_tokens",
    _semconv.USAGE_CACHE_READ_TOKENS: "usage_cache_read_input_tokens",
    _semconv.USAGE_CACHE_WRITE_TOKENS: "usage_cache_write_input_tokens",
    _semconv.USAGE_REASONING_TOKENS: "usage_reasoning_output_tokens",
    _semconv.USAGE_AUDIO_INPUT_TOKENS: "usage_audio_input_tokens",
    _semconv.USAGE_AUDIO_OUTPUT_TOKENS: "usage_audio_output_tokens",
    _semconv.EMBEDDINGS_DIMENSION_COUNT: "embeddings_dimension_count",
}
_TEXTS: Final = {
    _semconv.RESPONSE_ID: "response_id",
    _semconv.RESPONSE_MODEL: "response_model",
}


def with_inference(context: Context, operation: str) -> tuple[Context, object]:
    """The context with an open inference, and where those below leave what they learn; None if nobody would."""
    module: Any = sys.modules.get(_MODULE)
    names = _OF_EMBEDDINGS if operation == _semconv.OPERATION_EMBEDDINGS else _OF_INFERENCES
    key, make = (getattr(module, name, None) for name in names)
    if not isinstance(key, str) or not callable(make):
        return context, None
    data = make()
    return otel_context.set_value(key, data, context), data


def learned(data: object) -> dict[str, AttributeValue]:
    """What was left there. No content: ours is recorded, or not, by our own rules."""
    found: dict[str, AttributeValue] = {}
    for attribute, name in _COUNTS.items():
        if (counted := count(field(data, name))) is not None:
            found[attribute] = counted
    for attribute, name in _TEXTS.items():
        if plain := text(field(data, name)):
            found[attribute] = plain
    if reasons := tuple(reason for one in items(field(data, "response_finish_reasons")) if (reason := text(one))):
        found[_semconv.RESPONSE_FINISH_REASONS] = reasons
    return found
