"""How many tokens a call took, in the names and by the rules of the GenAI conventions.

Input tokens include those that came from a cache and those that went into one, output tokens include reasoning. OpenAI
counts so; Anthropic and Bedrock count what is cached apart, Gemini counts thoughts apart.
"""

from __future__ import annotations

from typing import Any, Final

from ams_sdk import _semconv
from ams_sdk._model_calls.shape import count, field, within

__all__ = ["usage_of"]

_IN: Final = ("prompt_tokens", "input_tokens", "promptTokenCount", "prompt_token_count", "inputTokens")
_OUT: Final = ("completion_tokens", "output_tokens", "candidatesTokenCount", "candidates_token_count", "outputTokens")
_IN_DETAILS: Final = ("prompt_tokens_details", "input_tokens_details", "input_token_details")
_OUT_DETAILS: Final = ("completion_tokens_details", "output_tokens_details", "output_token_details")
_READ_APART: Final = ("cache_read_input_tokens", "cacheReadInputTokens")
_WRITTEN_APART: Final = ("cache_creation_input_tokens", "cacheWriteInputTokens")
_READ: Final = ("cached_tokens", "cache_read")
_WRITTEN: Final = ("cache_write_tokens", "cache_creation")
_READ_WITHIN: Final = ("cachedContentTokenCount", "cached_content_token_count", "prompt_cache_hit_tokens")
_THOUGHTS: Final = ("thoughtsTokenCount", "thoughts_token_count")
_TOOL_PROMPTS: Final = ("toolUsePromptTokenCount", "tool_use_prompt_token_count")


def usage_of(response: object) -> dict[str, int]:
    """The counts that a response or a chunk holds, by the names of the attributes."""
    usage = field(response, "usage", "usageMetadata", "usage_metadata")
    if usage is None:
        usage = field(response, "meta")  # Cohere, version 1
    found = _without_usage(response) if usage is None else _counts(within(usage, "tokens", "billed_units"))
    return {name: counted for name, counted in found.items() if counted is not None}


def _without_usage(response: object) -> dict[str, int | None]:
    """Ollama's two counts."""
    return {
        _semconv.USAGE_INPUT_TOKENS: _count(response, "prompt_eval_count"),
        _semconv.USAGE_OUTPUT_TOKENS: _count(response, "eval_count"),
    }


def _counts(usage: object) -> dict[str, int | None]:
    sent, details = _count(usage, *_IN), field(usage, *_IN_DETAILS)
    made, made_details = _count(usage, *_OUT), field(usage, *_OUT_DETAILS)
    read_apart, written_apart = _count(usage, *_READ_APART), _count(usage, *_WRITTEN_APART)
    thoughts = _count(usage, *_THOUGHTS)
    return {
        _semconv.USAGE_INPUT_TOKENS: _sum(sent, read_apart, written_apart, _count(usage, *_TOOL_PROMPTS)),
        _semconv.USAGE_OUTPUT_TOKENS: _sum(made, thoughts),
        _semconv.USAGE_CACHE_READ_TOKENS: _first(read_apart, _count(details, *_READ), _count(usage, *_READ_WITHIN)),
        _semconv.USAGE_CACHE_WRITE_TOKENS: _first(written_apart, _count(details, *_WRITTEN)),
        _semconv.USAGE_REASONING_TOKENS: _first(thoughts, _count(made_details, "reasoning_tokens", "reasoning")),
        _semconv.USAGE_AUDIO_INPUT_TOKENS: _count(details, "audio_tokens") or None,
        _semconv.USAGE_AUDIO_OUTPUT_TOKENS: _count(made_details, "audio_tokens") or None,
    }


def _count(value: Any, *names: str) -> int | None:  # noqa: ANN401 -- anybody's
    return count(field(value, *names))


def _first(*counts: int | None) -> int | None:
    return next((one for one in counts if one is not None), None)


def _sum(counted: int | None, *more: int | None) -> int | None:
    if counted is None and all(one is None for one in more):
        return None
    return count((counted or 0) + sum(one or 0 for one in more))
