"""The tracer provider that instrumentors are given: it starts spans with whoever serves then, and leaves some out.

An instrumentor keeps the tracer that it was given for ever, while the SDK may be configured anew, shut down, or join
another provider. And a wrapper may outlive its own removal: a provider that was withdrawn starts nothing any more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry import trace
from opentelemetry.trace import INVALID_SPAN, NonRecordingSpan

from ams_sdk._tracing.model_call import SelectiveTracer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from opentelemetry.context import Context
    from opentelemetry.trace import Span, Tracer
    from opentelemetry.util.types import Attributes

__all__ = ["LentProvider"]


class LentProvider(trace.TracerProvider):
    """A tracer provider for one instrumentor.

    Args:
        serving: gives the provider that serves now, or None.
        begins_traces: whether its spans may be the first ones of a trace.
    """

    def __init__(self, serving: Callable[[], trace.TracerProvider | None], *, begins_traces: bool = True) -> None:
        self._serving = serving
        self.begins_traces = begins_traces
        self._is_withdrawn = False

    def withdraw(self) -> None:
        """Start no more spans, whoever still asks."""
        self._is_withdrawn = True

    def serving(self) -> trace.TracerProvider | None:
        """The provider that serves now; None if there is none, or this one was withdrawn."""
        return None if self._is_withdrawn else self._serving()

    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> Tracer:
        """A tracer that asks at each span who serves."""
        return _LentTracer(self, (instrumenting_module_name, instrumenting_library_version, schema_url, attributes))


class _LentTracer(SelectiveTracer):
    def __init__(self, lent: LentProvider, scope: tuple[Any, ...]) -> None:
        super().__init__(trace.NoOpTracer())
        self._lent = lent
        self._scope = scope
        self._known: tuple[trace.TracerProvider | None, Tracer] = None, self._tracer

    def tracer(self) -> Tracer:
        provider = self._lent.serving()
        known, tracer = self._known
        if known is not provider:
            tracer = self._tracer if provider is None else provider.get_tracer(*self._scope)
            self._known = provider, tracer
        return tracer

    def stand_in(self, context: Context | None, attributes: Mapping[str, object] | None) -> Span | None:
        outer = trace.get_current_span(context).get_span_context()
        if not outer.is_valid and not self._lent.begins_traces:
            return INVALID_SPAN
        if self._lent.serving() is None:
            return NonRecordingSpan(outer)
        return super().stand_in(context, attributes)
