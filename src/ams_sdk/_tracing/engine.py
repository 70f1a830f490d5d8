"""One configured engine: exporters with their pipelines, and the provider that feeds them."""

from __future__ import annotations

import threading
import time
import uuid
from typing import TYPE_CHECKING

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

from ams_sdk import _semconv
from ams_sdk._tracing.pipeline import Pipeline
from ams_sdk._tracing.processor import PipelineProcessor
from ams_sdk._tracing.provider import OwnProvider, ProviderChoice
from ams_sdk._version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Tracer

    from ams_sdk._config import Settings
    from ams_sdk._tracing.pipeline import Counts

__all__ = ["Engine"]


class Engine:
    """Spans of decorated calls, on their way out.

    Args:
        settings: the settings of the SDK.
        exporters: where spans go, by the name under which ``stats()`` shows them.
        provider: a provider of the application's, to be used whatever the global one is.
    """

    def __init__(
        self, settings: Settings, exporters: Mapping[str, SpanExporter], provider: TracerProvider | None = None
    ) -> None:
        self._settings = settings
        self.pipelines = {name: Pipeline(exporter, name) for name, exporter in exporters.items()}
        self._choice = ProviderChoice(self._own_provider, self._processor, provider)

    def tracer(self) -> Tracer:
        """The tracer of the provider that serves now."""
        return self._choice.tracer()

    def flush(self, timeout: float) -> bool:
        """Send what has ended before this call; False if not all of it was sent within ``timeout`` seconds."""
        deadline = time.monotonic() + _bounded(timeout)
        # A list: every pipeline is asked, also after one has failed.
        sent = [pipeline.flush(max(0.0, deadline - time.monotonic())) for pipeline in self.pipelines.values()]
        return all(sent)

    def shutdown(self, timeout: float) -> bool:
        """Send what is there and stop, within ``timeout`` seconds; False if something was not sent.

        A provider of the application's goes on, without us.
        """
        deadline = time.monotonic() + _bounded(timeout)
        self._choice.release()
        for pipeline in self.pipelines.values():
            pipeline.close()
        sent = [pipeline.join(deadline) for pipeline in self.pipelines.values()]
        return all(sent)

    def after_fork(self) -> None:
        """Begin anew in the child of a fork."""
        self._choice.after_fork()
        for pipeline in self.pipelines.values():
            pipeline.after_fork()

    def counts(self) -> dict[str, Counts]:
        """What became of the spans, by exporter."""
        return {name: pipeline.counts() for name, pipeline in self.pipelines.items()}

    def _processor(self, only_related: bool) -> PipelineProcessor:  # noqa: FBT001 -- a callback with one argument
        def flush(timeout: float) -> bool:
            # The application flushes its own provider, after each request perhaps: our platform may cost it no more
            # than it may cost its end.
            return self.flush(min(timeout, self._settings.exit_timeout) if only_related else timeout)

        return PipelineProcessor(tuple(self.pipelines.values()), flush, only_related=only_related)

    def _own_provider(self) -> OwnProvider:
        rate = self._settings.sample_rate
        return OwnProvider(
            sampler=None if rate is None else ParentBased(TraceIdRatioBased(rate)),
            resource=_resource(self._settings),
            shutdown_on_exit=False,  # the end of the program has one deadline, and it is ours
        )


def _bounded(timeout: float) -> float:
    # What a lock can wait for; infinity is a fair way to say "as long as it takes".
    return max(0.0, min(timeout, threading.TIMEOUT_MAX / 2))


def _resource(settings: Settings) -> Resource:
    attributes = {
        _semconv.DISTRO_NAME: _semconv.SCOPE,
        _semconv.DISTRO_VERSION: __version__,
        _semconv.SERVICE_INSTANCE_ID: str(uuid.uuid4()),
    }
    if settings.service_name:
        attributes[_semconv.SERVICE_NAME] = settings.service_name
    if settings.environment:
        attributes[_semconv.DEPLOYMENT_ENVIRONMENT] = settings.environment
    return Resource.create(attributes)
