"""One call of a model is one span: the outer one, if a framework and the library below it are both traced.

Otherwise the call's tokens would count twice. Official instrumentors see to it among themselves; this is for what does
not know of them: frameworks that trace themselves, model libraries that do, other projects' instrumentors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan

from ams_sdk import _semconv

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.context import Context
    from opentelemetry.trace import Span, SpanContext, Tracer

__all__ = ["TRACE_THEMSELVES", "SelectiveTracer", "outer_call"]

TRACE_THEMSELVES: Final = frozenset({"com.anthropic.sdk.python"})
"""Scopes of model libraries that take their tracer from the global provider and know of no span around theirs."""

_OPERATIONS: Final[frozenset[object]] = _semconv.INFERENCE_OPERATIONS | {_semconv.OPERATION_EMBEDDINGS}
_OPENINFERENCE_KIND: Final = "openinference.span.kind"
_OPENINFERENCE_CALLS: Final[frozenset[object]] = frozenset({"LLM", "EMBEDDING"})


def outer_call(context: Context | None, attributes: Mapping[str, object] | None) -> SpanContext | None:
    """Return the span of the model's call inside of which a span with these attributes would be the same call again.

    Args:
        context: where the span would be made; None for the present one.
        attributes: what it would start with.
    """
    if not _is_call(attributes):
        return None
    outer = trace.get_current_span(context)
    is_within = isinstance(outer, _StandIn) or _is_call(getattr(outer, "attributes", None))
    return outer.get_span_context() if is_within else None


class _StandIn(NonRecordingSpan):
    """What stands for a span that was left out; a third one below it is the same call too."""


def _is_call(attributes: Mapping[str, object] | None) -> bool:
    return attributes is not None and (
        attributes.get(_semconv.OPERATION_NAME) in _OPERATIONS
        or attributes.get(_OPENINFERENCE_KIND) in _OPENINFERENCE_CALLS
    )


class SelectiveTracer(trace.Tracer):
    """A tracer that leaves spans out; below one that is left out it is as if it were not there.

    Args:
        tracer: makes the spans.
    """

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def tracer(self) -> Tracer:
        """What makes the spans now."""
        return self._tracer

    def stand_in(self, context: Context | None, attributes: Mapping[str, object] | None) -> Span | None:
        """What stands for a span that is left out; None for one that is to be made.

        Args:
            context: where the span would be made; None for the present one.
            attributes: what it would start with.
        """
        outer = outer_call(context, attributes)
        return None if outer is None else _StandIn(outer)

    def start_span(self, name: str, context: Context | None = None, *args: Any, **kwargs: Any) -> Span:  # noqa: ANN401 -- passed on
        """As OpenTelemetry has it."""
        stand_in = self.stand_in(context, _attributes(args, kwargs))
        return self.tracer().start_span(name, context, *args, **kwargs) if stand_in is None else stand_in

    def start_as_current_span(self, name: str, context: Context | None = None, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 -- passed on; a context manager and a decorator
        """As OpenTelemetry has it."""
        stand_in = self.stand_in(context, _attributes(args, kwargs))
        if stand_in is None:
            return self.tracer().start_as_current_span(name, context, *args, **kwargs)
        return trace.use_span(stand_in)


def _attributes(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Mapping[str, object] | None:
    by_position = args[1] if len(args) > 1 else None  # after the kind
    found: Mapping[str, object] | None = kwargs.get("attributes", by_position)
    return found
