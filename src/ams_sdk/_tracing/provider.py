"""Whose tracer provider serves.

There is one set by the application: it is joined, and stays the application's. There is none: ours serves as the
global one, without using up OpenTelemetry's permission to set it once, so that a provider which the application sets
later takes over without a word, and is joined then. A global provider that cannot be joined is left alone, and ours
serves in private.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from ams_sdk import _semconv
from ams_sdk._guard import guard
from ams_sdk._version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.trace import Span, Tracer
    from opentelemetry.util.types import Attributes

    from ams_sdk._tracing.processor import PipelineProcessor

__all__ = ["OwnProvider", "ProviderChoice"]


class OwnProvider(TracerProvider):
    """Our provider. Its tracers are lent: each span is started with the provider that serves then.

    A library takes its tracer when it is imported and keeps it for ever, so one that had been given a real tracer of
    ours would miss the provider that the application sets later, or that a new configuration brings.
    """

    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> Tracer:
        """A tracer that asks at each span who serves."""
        return _LentTracer((instrumenting_module_name, instrumenting_library_version, schema_url, attributes))

    def real_tracer(self, *scope: Any) -> Tracer:  # noqa: ANN401 -- the arguments of get_tracer
        """A tracer of this provider."""
        return super().get_tracer(*scope)


class _LentTracer(trace.Tracer):
    def __init__(self, scope: tuple[Any, ...]) -> None:
        self._scope = scope
        self._seen: object = None
        self._real: Tracer = trace.NoOpTracer()

    def _serving(self) -> Tracer:
        provider = trace.get_tracer_provider()
        if provider is not self._seen:
            if isinstance(provider, OwnProvider):
                self._real = provider.real_tracer(*self._scope)
            elif isinstance(provider, trace.ProxyTracerProvider):
                self._real = trace.NoOpTracer()
            else:
                self._real = provider.get_tracer(*self._scope)
            self._seen = provider
        return self._real

    def start_span(self, *args: Any, **kwargs: Any) -> Span:  # noqa: ANN401 -- OpenTelemetry's arguments, passed on
        return self._serving().start_span(*args, **kwargs)

    def start_as_current_span(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 -- the same
        return self._serving().start_as_current_span(*args, **kwargs)


class ProviderChoice:
    """The provider that serves, and the tracer from it.

    Args:
        own: makes our provider, at most once, and only if it is needed.
        processor: makes a processor; the argument says whether only related spans are to be taken.
        given: the provider that the application told us to use.
    """

    def __init__(
        self,
        own: Callable[[], OwnProvider],
        processor: Callable[[bool], PipelineProcessor],
        given: TracerProvider | None = None,
    ) -> None:
        self._make_own = own
        self._make_processor = processor
        self._given = given
        # Reentrant: a provider, or a signal handler, may call decorated functions while this thread is in here.
        self._lock = threading.RLock()
        self._choosing = False
        self._own: OwnProvider | None = None
        self._attached: dict[int, tuple[TracerProvider, PipelineProcessor]] = {}
        self._seen: object = None
        self._tracer: Tracer = trace.NoOpTracer()

    def tracer(self) -> Tracer:
        """The tracer of the provider that serves now."""
        seen = trace.get_tracer_provider()
        if seen is not self._seen:
            with self._lock:
                if seen is not self._seen and not self._choosing:
                    self._choosing = True
                    try:
                        self._choose(seen)
                    finally:
                        self._choosing = False
        return self._tracer

    def after_fork(self) -> None:
        """Another thread of the parent may have held the lock at the moment of the fork."""
        self._lock = threading.RLock()
        self._choosing = False

    def release(self) -> None:
        """Leave every provider as it was found."""
        with self._lock:
            if self._own is not None and trace._TRACER_PROVIDER is self._own:  # noqa: SLF001 -- see _serve_globally
                trace._TRACER_PROVIDER = None  # noqa: SLF001
            for provider, processor in self._attached.values():
                processor.detach()
                if provider is not self._own:  # a run that is still open there is counted as lost when it ends
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
        take = chosen.real_tracer if isinstance(chosen, OwnProvider) else chosen.get_tracer
        self._tracer = take(_semconv.SCOPE, __version__, _semconv.SCHEMA_URL)
        self._seen = seen

    def _serve(self) -> OwnProvider:
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
