"""Finished spans go into the pipelines: all of our own provider's, and related ones of an application's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry import context as otel_context
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.trace import INVALID_SPAN_CONTEXT

from ams_sdk import _semconv
from ams_sdk._decorators.invocation import RUN_KEY
from ams_sdk._guard import guard

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import ReadableSpan, Span
    from opentelemetry.trace import SpanContext

    from ams_sdk._tracing.pipeline import Pipeline

__all__ = ["PipelineProcessor"]


class PipelineProcessor(SpanProcessor):
    """Hands sampled spans to every pipeline.

    Args:
        pipelines: where spans go.
        flush: what ``force_flush`` does; it gets the timeout in seconds.
        only_related: take just the spans of this SDK, those with GenAI attributes and those made inside a run. For a
            provider that belongs to the application, whose other spans are none of the platform's business.
    """

    def __init__(self, pipelines: Sequence[Pipeline], flush: Callable[[float], bool], *, only_related: bool) -> None:
        self._pipelines = tuple(pipelines)
        self._flush = flush
        self._only_related = only_related
        self._inside_runs: set[int] = set()
        self._detached = False

    def detach(self) -> None:
        """Take nothing from now on; for a provider that cannot forget a processor."""
        self._detached = True
        self._inside_runs.clear()

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Remember which spans of an application are made inside a run."""
        if self._only_related and not self._detached:
            with guard("looking at a span that starts"):
                if otel_context.get_value(RUN_KEY, parent_context) is not None:
                    self._inside_runs.add(_identity(span))

    def on_end(self, span: ReadableSpan) -> None:
        """Queue the span, if it is sampled and ours to take."""
        with guard("queueing a finished span"):
            related = not self._only_related or self._is_related(span)
            if not related or not _ids(span).trace_flags.sampled:
                return
            for pipeline in self._pipelines:
                if self._detached:
                    pipeline.refuse()
                else:
                    pipeline.submit(span)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Send what is queued; False if that did not succeed in time."""
        return self._detached or self._flush(timeout_millis / 1_000)

    def shutdown(self) -> None:
        """The provider goes down; what is queued is the engine's to send."""
        self.detach()

    def _is_related(self, span: ReadableSpan) -> bool:
        identity = _identity(span)
        inside = identity in self._inside_runs
        self._inside_runs.discard(identity)
        scope = span.instrumentation_scope
        return (
            inside
            or (scope is not None and scope.name == _semconv.SCOPE)
            or any(name.startswith("gen_ai.") for name in span.attributes or ())
        )


def _identity(span: ReadableSpan) -> int:
    ids = _ids(span)
    return ids.trace_id << 64 | ids.span_id


def _ids(span: ReadableSpan) -> SpanContext:
    return span.get_span_context() or INVALID_SPAN_CONTEXT
