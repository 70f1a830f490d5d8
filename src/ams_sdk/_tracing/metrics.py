"""Durations and counts of runs and tool calls as OpenTelemetry metrics, made from finished spans by a worker.

Source: the GenAI conventions' metrics, at the commit that ``_semconv`` names. Each histogram asks for the buckets that
they recommend. Only what happens in this process is counted, and a run counts its own calls: those of an agent that it
calls are that agent's.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final

from opentelemetry import metrics

from ams_sdk import _semconv
from ams_sdk._decorators.run import RUN_OF_SPAN
from ams_sdk._guard import guard
from ams_sdk._tracing.call_span import CallSpan
from ams_sdk._tracing.pipeline import Counts
from ams_sdk._version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from opentelemetry.metrics import Histogram, Meter, MeterProvider
    from opentelemetry.sdk.trace import ReadableSpan

    from ams_sdk._tracing.span_queue import Pack

__all__ = ["MetricsOutlet"]

_SECONDS: Final = tuple(0.01 * 2**power for power in range(14))
_LONG_SECONDS: Final = tuple(0.1 * 2**power for power in range(13))
_CALLS: Final = tuple(2**power for power in range(8))
_MOST_OPEN_RUNS: Final = 10_000


class MetricsOutlet:
    """What a pipeline empties into when metrics are asked for.

    Args:
        own_provider: makes a meter provider where the application has none; None if there is nowhere to send to.
    """

    is_quick = True
    pack: Pack | None = None

    def __init__(self, own_provider: Callable[[], Any]) -> None:
        self._make_own = own_provider
        self._begin()

    def _begin(self) -> None:
        self._own: Any = None
        self._recorder: _Recorder | None = None
        self._counted = 0

    def open(self) -> None:
        """It has no threads."""

    def take(self, spans: Sequence[ReadableSpan | None]) -> None:
        """Record them."""
        if self._recorder is None:
            self._recorder = _Recorder(self._provider())
        for span in spans:
            if span is not None:
                self._recorder.record(span)
        self._counted += len(spans)

    def seal(self) -> None:
        """Nothing is kept here."""

    def flush(self, _deadline: float) -> bool:
        """What was taken was recorded; when metrics are sent is their provider's affair."""
        return True

    def hurry(self) -> None:
        """Nothing is sent here."""

    def close(self) -> None:
        """Let our own provider send what it has; the application's is the application's."""
        if self._own is not None:
            with guard("metrics: shutting the provider down"):
                self._own.shutdown()

    def join(self, _deadline: float) -> bool:
        """Nothing is left behind here."""
        return True

    def after_fork(self) -> None:
        """Meters are not shared with the parent."""
        self._begin()

    def counts(self) -> Counts:
        """How many spans were looked at."""
        return Counts(exported=self._counted)

    def _provider(self) -> MeterProvider:
        theirs = metrics.get_meter_provider()
        # The proxy stands for a provider that nobody has set; it has no public name.
        if type(theirs).__name__ == "_ProxyMeterProvider":
            self._own = self._make_own()
        return self._own or theirs


class _Recorder:
    def __init__(self, provider: MeterProvider) -> None:
        meter = provider.get_meter(_semconv.SCOPE, __version__, _semconv.SCHEMA_URL)
        self._runs = _histogram(meter, _semconv.INVOKE_AGENT_DURATION, "s", _LONG_SECONDS)
        self._tools = _histogram(meter, _semconv.EXECUTE_TOOL_DURATION, "s", _SECONDS)
        self._inference_calls = _histogram(meter, _semconv.INVOKE_AGENT_INFERENCE_CALLS, "{inference_call}", _CALLS)
        self._tool_calls = _histogram(meter, _semconv.INVOKE_AGENT_TOOL_CALLS, "{tool_call}", _CALLS)
        # By the span of the run: calls of models, calls of tools.
        self._open: OrderedDict[int, list[int]] = OrderedDict()

    def record(self, span: ReadableSpan) -> None:
        said = _said_by(span)
        match said.get(_semconv.OPERATION_NAME):
            case _semconv.OPERATION_INVOKE_AGENT:
                self._record_run(span, said)
            case _semconv.OPERATION_EXECUTE_TOOL:
                named = _picked(said, _semconv.TOOL_NAME, _semconv.TOOL_TYPE, _semconv.AGENT_NAME, _semconv.ERROR_TYPE)
                self._tools.record(_seconds(span), named)
                self._count(span, 1)
            case operation if operation in _semconv.INFERENCE_OPERATIONS:
                self._count(span, 0)
            case _:
                pass

    def _record_run(self, span: ReadableSpan, said: Mapping[str, Any]) -> None:
        self._runs.record(_seconds(span), _picked(said, _semconv.AGENT_NAME, _semconv.ERROR_TYPE))
        context = span.get_span_context()
        models, tools = self._open.pop(context.span_id if context else 0, (0, 0))
        named = _picked(said, _semconv.AGENT_NAME)
        self._inference_calls.record(models, named)
        self._tool_calls.record(tools, named)

    def _count(self, span: ReadableSpan, which: int) -> None:
        run = span.run if type(span) is CallSpan else getattr(span, RUN_OF_SPAN, None)
        if run is None:
            return
        # A run ends after its calls, and a worker gets spans as they end.
        calls = self._open.setdefault(run.span.span_id, [0, 0])
        calls[which] += 1
        if len(self._open) > _MOST_OPEN_RUNS:
            self._open.popitem(last=False)


def _histogram(meter: Meter, name: str, unit: str, buckets: Sequence[float]) -> Histogram:
    return meter.create_histogram(name, unit, explicit_bucket_boundaries_advisory=buckets)


def _said_by(span: ReadableSpan) -> Mapping[str, Any]:
    if type(span) is CallSpan:
        held = span._held  # before the question: an exporter's thread may look into the span at any moment
        if span.is_untouched:
            run = {} if span.run is None else {_semconv.AGENT_NAME: span.run.agent}
            return {**span.definition.attributes, **run, **(held or {})}
    return span.attributes or {}


def _picked(said: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: said[name] for name in names if name in said}


def _seconds(span: ReadableSpan) -> float:
    return ((span.end_time or 0) - (span.start_time or 0)) / 1e9
