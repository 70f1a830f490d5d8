"""Whether a span is sampled: what the sampler will decide, where that is known beforehand, and what it says elsewhere.

Asking one of OpenTelemetry's own samplers costs about a microsecond, most of it to wrap the answer. Their rules are few
and fixed, so they are read off once. Any other sampler, a subclass of those included, is asked for every span.
"""

from __future__ import annotations

from random import getrandbits
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import (
    Decision,
    ParentBased,
    ParentBasedTraceIdRatio,
    StaticSampler,
    TraceIdRatioBased,
)
from opentelemetry.trace import SpanContext, TraceFlags

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.context import Context
    from opentelemetry.sdk.trace.sampling import Sampler
    from opentelemetry.trace import Link, SpanKind
    from opentelemetry.util.types import Attributes

    from ams_sdk._tracing.tracer import OwnTracer

__all__ = ["ASK", "DROPPED", "FLAGS", "LOW_BITS", "RANDOM", "Foresight", "decide"]

ASK: Final = -1
"""Stands for a bound where the sampler has to be asked."""
DROPPED: Final[Any] = object()
"""Stands for the attributes of a span that is not to be made."""
LOW_BITS: Final = (1 << 64) - 1
RANDOM: Final[int] = getattr(TraceFlags, "RANDOM_TRACE_ID", 0)
"""A flag of the second level of W3C Trace Context; 0 where OpenTelemetry does not know it yet."""
FLAGS: Final = {flags: TraceFlags(flags) for flags in (0, 1, RANDOM, RANDOM | 1)}
_ALWAYS: Final = 1 << 64
_BY_PARENT: Final = frozenset({ParentBased, ParentBasedTraceIdRatio})


class Foresight:
    """The bounds below which the low 64 bits of a trace id must be for a span to be sampled.

    Attributes:
        root: for a span without a parent.
        below_sampled: for a child of a sampled span of this process.
        below_unsampled: for a child of an unsampled one.
        keeps_roots: whether every root is sampled.
        is_complete: whether the sampler never has to be asked about spans of this process.
        follows_parents: whether a child is sampled if and only if its parent is.
    """

    __slots__ = ("below_sampled", "below_unsampled", "follows_parents", "is_complete", "keeps_roots", "root")

    def __init__(self, sampler: Sampler) -> None:
        self.root = self.below_sampled = self.below_unsampled = _bound(sampler)
        if type(sampler) in _BY_PARENT:
            parts = vars(sampler)
            self.root = _bound(parts.get("_root"))
            self.below_sampled = _bound(parts.get("_local_parent_sampled"))
            self.below_unsampled = _bound(parts.get("_local_parent_not_sampled"))
        self.keeps_roots = self.root == _ALWAYS
        self.is_complete = ASK not in {self.root, self.below_sampled, self.below_unsampled}
        self.follows_parents = (self.below_sampled, self.below_unsampled) == (_ALWAYS, 0)


def _bound(sampler: object) -> int:
    if type(sampler) is StaticSampler:
        decision = vars(sampler).get("_decision")
        known = {Decision.RECORD_AND_SAMPLE: _ALWAYS, Decision.DROP: 0}
        return known.get(decision, ASK) if isinstance(decision, Decision) else ASK
    if type(sampler) is TraceIdRatioBased and sampler.TRACE_ID_LIMIT == LOW_BITS:
        return sampler.bound
    return ASK


def decide(  # noqa: PLR0913, PLR0917 -- what a sampler is asked
    tracer: OwnTracer,
    foresight: Foresight,
    context: Context | None,
    parent: SpanContext | None,
    name: str,
    kind: SpanKind,
    attributes: Attributes,
    links: Sequence[Link],
) -> tuple[SpanContext, Any, Any]:
    """The identity of a new span, its attributes or ``DROPPED``, and what counts its end if somebody does."""
    generator = tracer.id_generator
    is_stock = type(generator) is RandomIdGenerator
    trace_state: Any = None
    if parent is None:
        trace_id = (getrandbits(128) or 1) if is_stock else generator.generate_trace_id()
        random = RANDOM if is_stock or (RANDOM and generator.is_trace_id_random()) else 0
        bound = foresight.root
    else:
        trace_id, _, is_remote, flags, trace_state, _ = parent
        random = flags & RANDOM
        bound = ASK if is_remote else foresight.below_sampled if flags & 1 else foresight.below_unsampled
    given: Any = attributes
    if bound == ASK:
        result: Any = tracer.sampler.should_sample(context, trace_id, name, kind, attributes, links)
        decision, given, trace_state = result.decision, result.attributes, result.trace_state
    else:
        decision = Decision.RECORD_AND_SAMPLE if trace_id & LOW_BITS < bound else Decision.DROP
    span_id = (getrandbits(64) or 1) if is_stock else generator.generate_span_id()
    trace_flags = FLAGS[random | (decision is Decision.RECORD_AND_SAMPLE)]
    made = SpanContext(trace_id, span_id, is_remote=False, trace_flags=trace_flags, trace_state=trace_state)
    counted = None if tracer._metrics is None else tracer._metrics.start_span(parent, decision)
    return made, DROPPED if decision is Decision.DROP else given, counted
