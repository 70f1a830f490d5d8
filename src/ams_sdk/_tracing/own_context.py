"""The identities of spans that were made here, without the checks of ids that come from elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from opentelemetry.trace import SpanContext
from opentelemetry.trace.span import DEFAULT_TRACE_STATE

from ams_sdk._tracing.decision import FLAGS, RANDOM

if TYPE_CHECKING:
    from opentelemetry.trace import TraceFlags, TraceState

__all__ = ["IS_PLAIN_TUPLE", "SAMPLED", "own_context"]

SAMPLED: Final = FLAGS[RANDOM | 1]
"""The flags of what is sampled in a trace that begins here."""

_new_tuple: Final[Any] = vars(tuple)["__new__"]
_EXAMPLE: Final = SpanContext(1 << 127, 1 << 63, is_remote=False, trace_flags=FLAGS[1])
IS_PLAIN_TUPLE: Final = tuple(_EXAMPLE) == (1 << 127, 1 << 63, False, FLAGS[1], DEFAULT_TRACE_STATE, True)
"""Whether the constructor of a span context does nothing but check; ``own_context`` is right only then."""


def own_context(
    trace_id: int, span_id: int, flags: TraceFlags = SAMPLED, state: TraceState = DEFAULT_TRACE_STATE
) -> SpanContext:
    """The context of a span in this process.

    Args:
        trace_id: of 128 bits and not 0, as it was made here; it is not checked.
        span_id: of 64 bits and not 0, the same.
        flags: whether the span is sampled.
        state: the trace's.
    """
    made: SpanContext = _new_tuple(SpanContext, (trace_id, span_id, False, flags, state, True))
    return made
