"""Finished spans go into the pipelines: all of our own provider's, and related ones of an application's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from opentelemetry import context as otel_context
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.trace import INVALID_SPAN_CONTEXT

from ams_sdk import _semconv
from ams_sdk._decorators.run import RUN_KEY, RUN_OF_SPAN
from ams_sdk._guard import guard
from ams_sdk._tracing.size import size_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import ReadableSpan, Span
    from opentelemetry.trace import SpanContext

    from ams_sdk._tracing.pipeline import Pipeline

__all__ = ["PipelineProcessor"]


_MOST_OPEN_SPANS: Final = 10_000


class PipelineProcessor(SpanProcessor):
    """Hands sampled spans to every pipeline.

    Args:
        pipelines: where spans go.
        flush: what ``force_flush`` does; it gets the timeout in seconds.
        end_timeout: seconds that ``shutdown`` may take.
        only_related: take just the spans of this SDK, those with GenAI attributes and those made inside a run. For a
            provider that belongs to the application, whose other spans are none of the platform's business.
    """

    def __init__(
        self,
        pipelines: Sequence[Pipeline],
        flush: Callable[[float], bool],
        *,
        only_related: bool,
        end_timeout: float = 2.0,
    ) -> None:
        self._end_timeout = end_timeout
        self.pipelines = tuple(pipelines)
        self._flush = flush
        self._only_related = only_related
        self._runs: dict[int, object] = {}
        self.is_detached = False

    def detach(self) -> None:
        """Take nothing from now on; for a provider that cannot forget a processor."""
        self.is_detached = True
        self._runs.clear()

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Remember which spans of an application are made inside a run."""
        if self._only_related and not self.is_detached:
            with guard("looking at a span that starts"):
                run = otel_context.get_value(RUN_KEY, parent_context)
                if run is not None:
                    self._runs[_identity(span)] = run
                    if len(self._runs) > _MOST_OPEN_SPANS:  # an application may leave spans open for ever
                        self._runs.pop(next(iter(self._runs)), None)

    def on_end(self, span: ReadableSpan) -> None:
        """Queue the span, if it is sampled and ours to take."""
        with guard("queueing a finished span"):
            related = not self._only_related or self._is_related(span)
            if related and _ids(span).trace_flags.sampled:
                self.take(span, size_of(span))

    def take(self, span: ReadableSpan, size: int) -> None:
        """Queue a span that is sampled and ours; ``size`` is about how many bytes it holds."""
        for pipeline in self.pipelines:
            pipeline.submit(span, size) if not self.is_detached else pipeline.refuse()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Send what is queued; False if that did not succeed in time."""
        return self.is_detached or self._flush(timeout_millis / 1_000)

    def shutdown(self) -> None:
        """The provider goes down: send what is queued, as OpenTelemetry asks of a processor, and take no more."""
        if not self.is_detached:
            with guard("sending what is queued when a provider goes down"):
                self._flush(self._end_timeout)
            self.detach()

    def _is_related(self, span: ReadableSpan) -> bool:
        run = self._runs.pop(_identity(span), None)
        if run is not None:
            setattr(span, RUN_OF_SPAN, run)
        scope = span.instrumentation_scope
        return (
            run is not None
            or (scope is not None and scope.name == _semconv.SCOPE)
            or any(name.startswith("gen_ai.") for name in span.attributes or ())
        )


def _identity(span: ReadableSpan) -> int:
    ids = _ids(span)
    return ids.trace_id << 64 | ids.span_id


def _ids(span: ReadableSpan) -> SpanContext:
    return span.get_span_context() or INVALID_SPAN_CONTEXT
