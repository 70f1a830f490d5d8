"""Finished spans go into the pipelines: all of our own provider's, and related ones of an application's."""

from __future__ import annotations

from collections import deque
from time import time_ns
from typing import TYPE_CHECKING, Final

from opentelemetry import context as otel_context
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.trace import INVALID_SPAN_CONTEXT

from ams_sdk import _semconv
from ams_sdk._decorators.run import RUN_KEY, RUN_OF_SPAN, Run
from ams_sdk._decorators.token_totals import totals_of
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
_MOST_TIMES_AWAY: Final = 256
"""So many times back it is known that a span which ends late began while this one was suspended."""


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
        self._runs: dict[int, Run] = {}
        self.is_detached = False
        self._suspended_at: int | None = None
        self._away: deque[tuple[int, int]] = deque(maxlen=_MOST_TIMES_AWAY)

    def suspend(self) -> None:
        """Take no span that begins from now on."""
        self._suspended_at = time_ns()

    def resume(self) -> None:
        """Take what begins from now on, and what had begun before."""
        if self._suspended_at is not None:
            self._away.append((self._suspended_at, time_ns()))
            self._suspended_at = None

    def detach(self) -> None:
        """Take nothing from now on; for a provider that cannot forget a processor."""
        self.is_detached = True
        self._runs.clear()

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Remember which spans of an application are made inside a run."""
        if self._only_related and not self.is_detached:
            with guard("looking at a span that starts"):
                run = otel_context.get_value(RUN_KEY, parent_context)
                if isinstance(run, Run):
                    self._runs[_identity(span)] = run
                    if not _is_decorated(span):
                        totals_of(run).begun(_ids(span).span_id, span.parent.span_id if span.parent else 0)
                    if len(self._runs) > _MOST_OPEN_SPANS:  # an application may leave spans open for ever
                        self._runs.pop(next(iter(self._runs)), None)

    def on_end(self, span: ReadableSpan) -> None:
        """Queue the span, if it is sampled and ours to take."""
        with guard("queueing a finished span"):
            if (self._away or self._suspended_at is not None) and self._is_from_away(span.start_time or 0):
                return
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

    def _is_from_away(self, start: int) -> bool:
        since = self._suspended_at
        return (since is not None and start >= since) or any(left <= start < back for left, back in self._away)

    def _is_related(self, span: ReadableSpan) -> bool:
        run = self._runs.pop(_identity(span), None)
        scope = span.instrumentation_scope
        if run is not None:
            setattr(span, RUN_OF_SPAN, run)
            if run.totals is not None and not _is_decorated(span):
                run.totals.ended(_ids(span).span_id, span.attributes or {})
        return (
            run is not None
            or (scope is not None and scope.name == _semconv.SCOPE)
            or any(name.startswith("gen_ai.") for name in span.attributes or ())
        )


def _is_decorated(span: ReadableSpan) -> bool:
    """Whether it is the span of a decorated call: of our spans only those of model calls tell of tokens themselves."""
    scope = span.instrumentation_scope
    if scope is None or scope.name != _semconv.SCOPE:
        return False
    operation = (span.attributes or {}).get(_semconv.OPERATION_NAME)
    return operation not in _semconv.INFERENCE_OPERATIONS and operation != _semconv.OPERATION_EMBEDDINGS


def _identity(span: ReadableSpan) -> int:
    ids = _ids(span)
    return ids.trace_id << 64 | ids.span_id


def _ids(span: ReadableSpan) -> SpanContext:
    return span.get_span_context() or INVALID_SPAN_CONTEXT
