"""Whose tracer provider serves.

There is one set by the application: it is joined, and stays the application's. There is none: ours serves as the
global one, without using up OpenTelemetry's permission to set it once, so that a provider which the application sets
later takes over without a word, and is joined then. A global provider that cannot be joined is left alone, and ours
serves in private.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from ams_sdk import _semconv
from ams_sdk._guard import guard
from ams_sdk._version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.trace import Tracer

    from ams_sdk._tracing.processor import PipelineProcessor

__all__ = ["ProviderChoice"]


class ProviderChoice:
    """The provider that serves, and the tracer from it.

    Args:
        own: makes our provider, at most once, and only if it is needed.
        processor: makes a processor; the argument says whether only related spans are to be taken.
        given: the provider that the application told us to use.
    """

    def __init__(
        self,
        own: Callable[[], TracerProvider],
        processor: Callable[[bool], PipelineProcessor],
        given: TracerProvider | None = None,
    ) -> None:
        self._make_own = own
        self._make_processor = processor
        self._given = given
        self._lock = threading.Lock()
        self._own: TracerProvider | None = None
        self._attached: dict[int, tuple[TracerProvider, PipelineProcessor]] = {}
        self._seen: object = None
        self._tracer: Tracer = trace.NoOpTracer()

    def tracer(self) -> Tracer:
        """The tracer of the provider that serves now."""
        seen = trace.get_tracer_provider()
        if seen is not self._seen:
            with self._lock:
                if seen is not self._seen:
                    self._choose(seen)
        return self._tracer

    def release(self) -> None:
        """Leave every provider as it was found."""
        with self._lock:
            if self._own is not None and trace._TRACER_PROVIDER is self._own:  # noqa: SLF001 -- see _serve_globally
                trace._TRACER_PROVIDER = None  # noqa: SLF001
            for provider, processor in self._attached.values():
                processor.detach()
                with guard("leaving a provider"):
                    _remove(provider, processor)
            self._attached.clear()
            self._seen = None
            self._tracer = trace.NoOpTracer()

    def _choose(self, seen: object) -> None:
        if self._given is not None:
            chosen = self._join(self._given)
        elif isinstance(seen, TracerProvider) and seen is not self._own:
            chosen = self._join(seen)
        else:
            chosen = self._serve()
            if isinstance(seen, trace.ProxyTracerProvider):
                _serve_globally(chosen)
                seen = chosen
        self._tracer = chosen.get_tracer(_semconv.SCOPE, __version__, _semconv.SCHEMA_URL)
        self._seen = seen

    def _serve(self) -> TracerProvider:
        if self._own is None:
            self._own = self._make_own()
            self._attach(self._own, only_related=False)
        return self._own

    def _join(self, provider: TracerProvider) -> TracerProvider:
        if id(provider) not in self._attached:
            self._attach(provider, only_related=True)
        return provider

    def _attach(self, provider: TracerProvider, *, only_related: bool) -> None:
        processor = self._make_processor(only_related)
        provider.add_span_processor(processor)
        self._attached[id(provider)] = provider, processor


def _serve_globally(provider: TracerProvider) -> None:
    # set_tracer_provider works once in a process: a provider that the application sets later would have no effect.
    trace._TRACER_PROVIDER = provider  # noqa: SLF001


def _remove(provider: TracerProvider, processor: PipelineProcessor) -> None:
    # There is no public way to remove a processor; a detached one that stays does no harm.
    composite = provider._active_span_processor  # noqa: SLF001
    with composite._lock:  # noqa: SLF001
        composite._span_processors = tuple(one for one in composite._span_processors if one is not processor)  # noqa: SLF001
