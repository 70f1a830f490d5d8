"""The tokens that were used below a span, each counted once although a framework and a client may both count them.

A span that says its tokens speaks for all below it, up to the next decorated call: a framework does not count what a
tool asks of a model. It is the rule by which the SDK itself adds up the tokens of a run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ams_sdk import _semconv

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ams_sdk.testing._trace.captured_span import CapturedSpan
    from ams_sdk.testing._trace.forest import Branch

__all__ = ["MODEL_OPERATIONS", "Usage", "is_spoken_for", "said_usage", "usage_below"]

MODEL_OPERATIONS: Final = frozenset({*_semconv.INFERENCE_OPERATIONS, _semconv.OPERATION_EMBEDDINGS})
# The conventions' names, and before them those that instrumentations still use.
_INPUT: Final = (_semconv.USAGE_INPUT_TOKENS, "gen_ai.usage.prompt_tokens", "llm.token_count.prompt")
_OUTPUT: Final = (_semconv.USAGE_OUTPUT_TOKENS, "gen_ai.usage.completion_tokens", "llm.token_count.completion")
_CACHED: Final = (
    _semconv.USAGE_CACHE_READ_TOKENS,
    "gen_ai.usage.cache_read_input_tokens",
    "llm.token_count.prompt_details.cache_read",
)


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens.

    Attributes:
        input_tokens: that went into models, cached ones among them.
        output_tokens: that came out of them.
        cached_tokens: of those that went in, how many a provider had in its cache.
        is_known: whether any span says how many there were.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    is_known: bool = False

    @property
    def total_tokens(self) -> int:
        """In and out."""
        return self.input_tokens + self.output_tokens

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cached_tokens + other.cached_tokens,
            self.is_known or other.is_known,
        )


def said_usage(span: CapturedSpan) -> Usage:
    """What a span itself says."""
    into, out = _count(span.attributes, _INPUT), _count(span.attributes, _OUTPUT)
    if into is None and out is None:
        return Usage()
    return Usage(into or 0, out or 0, _count(span.attributes, _CACHED) or 0, is_known=True)


def usage_below(top: Branch, inside: Sequence[Branch]) -> Usage:
    """What was used by a span and those that count as inside of it.

    Args:
        top: the span.
        inside: those below it that count, from top to bottom.
    """
    below: dict[int, Usage] = {}
    total = Usage()
    for branch in reversed(inside):
        used = below.pop(branch.index, Usage())
        if _is_decorated(branch.span):
            total += used
            continue
        said = said_usage(branch.span)
        used = said if said.is_known else used
        if used.is_known and branch.parent is not None:
            above = branch.parent.index
            below[above] = below.get(above, Usage()) + used
    found = total + below.get(top.index, Usage())
    own = said_usage(top.span)
    if own.is_known and (not found.is_known or not _is_decorated(top.span)):
        return own
    return found


def is_spoken_for(branch: Branch, top: Branch) -> bool:
    """Whether a span above says the tokens of this one too, at the most the top."""
    for above in branch.above():
        if _is_decorated(above.span):
            return False
        if said_usage(above.span).is_known:
            return True
        if above is top:
            return False
    return False


def _is_decorated(span: CapturedSpan) -> bool:
    return span.scope_name == _semconv.SCOPE and span.operation not in MODEL_OPERATIONS


def _count(attributes: Mapping[str, object], names: tuple[str, ...]) -> int | None:
    for name in names:
        value = attributes.get(name)
        if type(value) is int and value >= 0:
            return value
    return None
