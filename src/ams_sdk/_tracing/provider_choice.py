"""Whose tracer provider serves.

There is one set by the application: it is joined, and stays the application's. There is none: ours serves as the
global one, without using up OpenTelemetry's permission to set it once, so that a provider which the application sets
later takes over without a word, and is joined then. A global provider that cannot be joined is left alone, and ours
serves in private.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from opentelemetry import trace
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

from ams_sdk import _semconv
from ams_sdk._guard import guard
from ams_sdk._version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from opentelemetry.trace import Tracer

    from ams_sdk._tracing.processor import PipelineProcessor
    from ams_sdk._tracing.provider import OwnProvider

__all__ = ["ProviderChoice", "watchers"]

watchers: Final[list[SpanProcessor]] = []
"""Processors that a provider gets when it begins to serve: the testing kit sees all spans, whoever's it is."""


class ProviderChoice:
    """The provider that serves, and the tracer from it.

    Args:
        own: makes our provider, at most once, and only if it is needed.
        processor: makes a processor; the argument says whether only related spans are to be taken.
        given: the provider that the application told us to use.
        guests: processors of others that our provider has had before it was configured anew.

    Attributes:
        seen: the global provider that ``current`` was chosen for.
        current: the tracer of the provider that serves.
        serving: that provider; None before the first one was chosen, and after the end.
    """

    def __init__(
        self,
        own: Callable[[], OwnProvider],
        processor: Callable[[bool], PipelineProcessor],
        given: TracerProvider | None = None,
        guests: Sequence[SpanProcessor] = (),
    ) -> None:
        self._expected = tuple(guests)
        self._make_own = own
        self._make_processor = processor
        self._given = given
        # Reentrant: a provider, or a signal handler, may call decorated functions while this thread is in here.
        self._lock = threading.RLock()
        self._choosing = False
        self._own: OwnProvider | None = None
        self._attached: dict[int, tuple[TracerProvider, PipelineProcessor]] = {}
        self.seen: object = None
        self.current: Tracer = trace.NoOpTracer()
        self.serving: TracerProvider | None = None

    def tracer(self) -> Tracer:
        """The tracer of the provider that serves now."""
        # The function is asked only while there is none: it may load one that the environment names.
        seen = trace._TRACER_PROVIDER or trace.get_tracer_provider()
        if seen is not self.seen:
            with self._lock:
                if seen is not self.seen and not self._choosing:
                    self._choosing = True
                    try:
                        self._choose(seen)
                    finally:
                        self._choosing = False
        return self.current

    def after_fork(self) -> None:
        """Another thread of the parent may have held the lock at the moment of the fork."""
        self._lock = threading.RLock()
        self._choosing = False

    def guests(self) -> tuple[SpanProcessor, ...]:
        """The processors that others have added to our provider."""
        ours = [processor for provider, processor in self._attached.values() if provider is self._own]
        composite = None if self._own is None else self._own._active_span_processor
        found = getattr(composite, "_span_processors", ())
        return tuple(one for one in found if all(one is not processor for processor in (*ours, *watchers)))

    def suspend(self) -> None:
        """Let somebody else serve for a while; spans that have begun are still taken."""
        with self._lock:
            self._leave_global()
            for provider, processor in self._attached.values():
                processor.suspend()
                self._dismiss_watchers(provider)

    def resume(self) -> None:
        """Serve again."""
        with self._lock:
            for provider, processor in self._attached.values():
                processor.resume()
                self._call_watchers(provider)
        self.tracer()

    def release(self) -> None:
        """Leave every provider as it was found."""
        with self._lock:
            self._leave_global()
            for provider, processor in self._attached.values():
                processor.detach()
                self._dismiss_watchers(provider)
                if provider is not self._own:  # a run that is still open there is counted as lost when it ends
                    with guard("leaving a provider"):
                        _remove(provider, processor)
            self._attached.clear()

    def _leave_global(self) -> None:
        if self._own is not None and trace._TRACER_PROVIDER is self._own:
            trace._TRACER_PROVIDER = None
        self.seen = self.serving = None
        self.current = trace.NoOpTracer()

    def _choose(self, seen: object) -> None:
        if self._given is not None:
            chosen = self._join(self._given)
        elif isinstance(seen, TracerProvider) and seen is not self._own:
            chosen = self._join(seen)
        else:
            chosen = self._serve()
            if isinstance(seen, trace.ProxyTracerProvider) and _serve_globally(chosen):
                seen = chosen
        self.current = chosen.get_tracer(_semconv.SCOPE, __version__, _semconv.SCHEMA_URL)
        self.serving = chosen
        self.seen = seen

    def _serve(self) -> OwnProvider:
        if self._own is None:
            self._own = self._make_own()
            self._attach(self._own, only_related=False)
            for guest in self._expected:
                self._own.add_span_processor(guest)
        return self._own

    def _join(self, provider: TracerProvider) -> TracerProvider:
        if id(provider) not in self._attached:
            self._attach(provider, only_related=True)
        return provider

    def _attach(self, provider: TracerProvider, *, only_related: bool) -> None:
        processor = self._make_processor(only_related)
        provider.add_span_processor(processor)
        self._attached[id(provider)] = provider, processor
        self._call_watchers(provider)

    def _call_watchers(self, provider: TracerProvider) -> None:
        for watcher in watchers:
            provider.add_span_processor(watcher)

    def _dismiss_watchers(self, provider: TracerProvider) -> None:
        for watcher in watchers:
            with guard("leaving a provider"):
                _remove(provider, watcher)


def _serve_globally(provider: OwnProvider) -> bool:
    if trace._TRACER_PROVIDER is not None:  # another thread has set one meanwhile; the next call joins it
        return False
    # set_tracer_provider works once in a process: a provider that the application sets later would have no effect.
    trace._TRACER_PROVIDER = provider
    provider.is_lent = True
    return True


def _remove(provider: TracerProvider, processor: SpanProcessor) -> None:
    # There is no public way to remove a processor; a detached one that stays does no harm.
    composite = provider._active_span_processor
    if not hasattr(composite, "_span_processors"):
        return
    with composite._lock:
        composite._span_processors = tuple(one for one in composite._span_processors if one is not processor)
