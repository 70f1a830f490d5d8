"""One configured engine: pipelines to where spans go, and the provider that feeds them."""

from __future__ import annotations

import contextlib
import threading
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace.propagation import _SPAN_KEY  # pyright: ignore[reportPrivateUsage] -- there is no public name

from ams_sdk import _semconv
from ams_sdk._background import THREADS, importing
from ams_sdk._decorators import invocation
from ams_sdk._errors import ConfigurationError
from ams_sdk._guard import guard, hold_back
from ams_sdk._tracing.current_context import current_context
from ams_sdk._tracing.otlp_environment import GrpcExporter, OtlpEnvironment
from ams_sdk._tracing.outlets import ExporterOutlet, OtlpOutlet
from ams_sdk._tracing.pipeline import Pipeline
from ams_sdk._tracing.processor import PipelineProcessor
from ams_sdk._tracing.provider import OwnProvider
from ams_sdk._tracing.provider_choice import ProviderChoice
from ams_sdk._tracing.sender import Sender
from ams_sdk._tracing.spool import Spool, spool_root
from ams_sdk._tracing.tracer import OwnTracer
from ams_sdk._version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import httpx
    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Tracer

    from ams_sdk._client import Destination
    from ams_sdk._config import Settings
    from ams_sdk._connection import Connection
    from ams_sdk._decorators import AgentDefinition, Definition
    from ams_sdk._decorators.runtime import Call
    from ams_sdk._tracing.pipeline import Counts

__all__ = ["Engine"]

PLATFORM: Final = "platform"
COLLECTOR: Final = "otlp"
METRICS: Final = "metrics"
_LEFT_FOR_THE_REST: Final = 0.3
"""Seconds of the time for the end that are not spent on waiting for the network."""


class Engine:
    """Spans on their way out.

    Args:
        settings: the settings of the SDK.
        connection: the platform, with a credential; None goes without.
        exporters: OpenTelemetry exporters that get every span too.
        provider: a provider of the application's, to be used whatever the global one is.
        transport: an httpx transport to reach the platform by; without ``spool_dir`` nothing is kept on disk then.
        otlp: what the environment says of OTLP.
        guests: processors of others that an earlier engine's provider has had.

    Raises:
        ConfigurationError: the environment says something of OTLP that cannot be used.
    """

    def __init__(  # noqa: PLR0913 -- what ``configure`` is given
        self,
        settings: Settings,
        *,
        connection: Connection | None = None,
        exporters: Sequence[SpanExporter] = (),
        provider: TracerProvider | None = None,
        transport: httpx.BaseTransport | None = None,
        otlp: OtlpEnvironment | None = None,
        guests: Sequence[SpanProcessor] = (),
    ) -> None:
        self._settings = settings
        self._captures = settings.capture_content
        self._id_of: Callable[[AgentDefinition], str | None] = lambda _: None
        self._senders: dict[str, Sender] = {}
        self.pipelines: dict[str, Pipeline] = {}
        otlp = otlp or OtlpEnvironment()
        if connection is not None:
            _ = otlp.timeout, otlp.compresses(default=False)  # what cannot be used is told now, not by a thread
            self._add_otlp(PLATFORM, lambda: otlp.platform(connection), connection, transport)
        if otlp.protocol == "grpc":
            self._add_exporter(COLLECTOR, GrpcExporter())
        elif otlp.protocol:
            _ = otlp.timeout, otlp.compresses(default=False)
            self._add_otlp(COLLECTOR, otlp.collector, otlp.address()[0], None)
        for number, exporter in enumerate(exporters, 1):
            self._add_exporter(f"{type(exporter).__name__} {number}", exporter)
        if settings.metrics:
            self._add_metrics(None if connection is None else (lambda: otlp.platform(connection)))
        self._choice = ProviderChoice(self._own_provider, self._processor, provider, guests)
        self.tracer = self._choice.tracer

    def begin(self, definition: Definition, args: tuple[Any, ...], kwargs: dict[str, Any], /) -> Call | None:
        """Start the span of a decorated call; None if the call is not to be traced. Raises nothing of the SDK's."""
        try:
            choice = self._choice
            tracer = choice.current if trace._TRACER_PROVIDER is choice.seen else choice.tracer()
            own = tracer if type(tracer) is OwnTracer else None
            if own is not None and own.drops_roots and current_context().get(_SPAN_KEY) is None:
                return None
            agent_id = self._id_of(definition) if definition.is_agent else None  # type: ignore[arg-type]  # it is one
            if own is not None:
                return own.start_call(definition, args, kwargs, agent_id, self._captures)
            return invocation.begin(tracer, definition, args, kwargs, agent_id, self._captures)
        except Exception as error:
            if not hold_back(f"{definition.name}: starting its span", error):
                raise
            return None

    def start(self) -> Tracer:
        """Choose the provider, and let what was left behind be sent."""
        tracer = self.tracer()  # first: a provider of the application's may refuse, and then no thread is left behind
        for sender in self._senders.values():
            sender.look_around()
        for pipeline in self.pipelines.values():
            pipeline.open()
        return tracer

    def provider(self) -> TracerProvider | None:
        """The provider that serves now; None before the start and after the end."""
        if self._choice.serving is not None:
            self.tracer()  # the application may have set another one
        return self._choice.serving

    def ask_for_ids(self, id_of: Callable[[AgentDefinition], str | None]) -> None:
        """At each run of an agent, ask this for the agent's id on the platform."""
        self._id_of = id_of

    def submit_job(self, job: Callable[[], None]) -> None:
        """Run this in the background before the spans that come later are sent to the platform."""
        self._senders[PLATFORM].submit_job(job)

    def flush(self, timeout: float) -> bool:
        """Send what has ended before this call; False if not all of it was sent within ``timeout`` seconds."""
        deadline = time.monotonic() + _bounded(timeout)
        # A list: every pipeline is asked, also after one has failed.
        sent = [pipeline.flush(max(0.0, deadline - time.monotonic())) for pipeline in self.pipelines.values()]
        return all(sent)

    def guests(self) -> tuple[SpanProcessor, ...]:
        """The processors that others have added to our provider."""
        return self._choice.guests()

    def suspend(self) -> None:
        """Let another engine serve for a while; what has begun here is still sent."""
        self._choice.suspend()

    def resume(self) -> None:
        """Serve again."""
        self._choice.resume()

    def shutdown(self, timeout: float, *, keep_guests: bool = False) -> bool:
        """Send what is there and stop, within ``timeout`` seconds; False if something was not sent.

        A provider of the application's goes on, without us. Processors that others have added to ours are shut down
        with it, unless they are kept for the provider that comes next.
        """
        timeout = _bounded(timeout)
        deadline = time.monotonic() + max(timeout / 2, timeout - _LEFT_FOR_THE_REST)
        guests = () if keep_guests else self._choice.guests()
        self._choice.release()
        leaving = threading.Thread(target=_shut_down, args=(guests,), name=f"{THREADS}guests", daemon=True)
        if guests:
            with contextlib.suppress(RuntimeError):  # from Python 3.12 on an interpreter that ends starts no thread
                leaving.start()
            if leaving.ident is None:
                _shut_down(guests)
        for pipeline in self.pipelines.values():
            pipeline.close()
        sent = [pipeline.join(deadline) for pipeline in self.pipelines.values()]
        if leaving.ident is not None:
            leaving.join(max(0.0, deadline - time.monotonic()))
        return all(sent)

    def save(self, timeout: float) -> None:
        """Have on disk, within ``timeout`` seconds, what has ended before this call."""
        deadline = time.monotonic() + timeout
        for pipeline in self.pipelines.values():
            pipeline.save(max(0.0, deadline - time.monotonic()))

    def after_fork(self) -> None:
        """Begin anew in the child of a fork."""
        self._choice.after_fork()
        for pipeline in self.pipelines.values():
            pipeline.after_fork()

    def counts(self) -> dict[str, Counts]:
        """What became of the spans, by exporter."""
        return {name: pipeline.counts() for name, pipeline in self.pipelines.items()}

    def _add_exporter(self, name: str, exporter: SpanExporter) -> None:
        self._add(name, Pipeline(ExporterOutlet(exporter, name), name, self._delay))

    def _add_otlp(
        self,
        name: str,
        destination: Callable[[], Destination],
        connection: Connection,
        transport: httpx.BaseTransport | None,
    ) -> None:
        def open_intake() -> Any:  # noqa: ANN401 -- a SpanIntake
            from ams_sdk._client import SpanIntake  # noqa: PLC0415 -- heavy; this runs in the sender's thread

            return SpanIntake(destination(), transport)

        spool = self._spool(connection, kept_by_default=transport is None)
        sender = self._senders[name] = Sender(open_intake, connection, spool, name)
        outlet = OtlpOutlet(sender, spool)
        first = outlet.keep if spool is not None and self._settings.durable else None
        self._add(name, Pipeline(outlet, name, self._delay, first))

    def _add_metrics(self, destination: Callable[[], Destination] | None) -> None:
        from ams_sdk._tracing.metrics import MetricsOutlet  # noqa: PLC0415 -- only if it is asked for

        def own_provider() -> Any:  # noqa: ANN401 -- a MeterProvider, or None
            if destination is None:
                return None
            with importing:
                from ams_sdk._tracing.metrics_export import own_meter_provider  # noqa: PLC0415 -- heavy
            return own_meter_provider(destination, _resource(self._settings))

        self._add(METRICS, Pipeline(MetricsOutlet(own_provider), METRICS, self._delay))

    def _add(self, name: str, pipeline: Pipeline) -> None:
        self.pipelines[name] = pipeline

    @property
    def _delay(self) -> float:
        # Half of the interval: the other half is there to encode and to write.
        return self._settings.flush_interval / 2

    def _spool(self, connection: Connection, *, kept_by_default: bool) -> Spool | None:
        folder = self._settings.spool_dir
        if folder is None and not kept_by_default:
            return None
        if folder is not None and folder.lower() == "none":
            return None
        try:
            root = spool_root() if folder is None else Path(folder).expanduser()
            return Spool(root, connection.endpoint, connection.identity())
        except (OSError, RuntimeError, ConfigurationError) as error:  # this user has no home: memory is what is left
            hold_back("finding the folder of the spool", error)
            return None

    def _processor(self, only_related: bool) -> PipelineProcessor:  # noqa: FBT001 -- a callback with one argument
        def flush(timeout: float) -> bool:
            # The application flushes its own provider, after each request perhaps: our platform may cost it no more
            # than it may cost its end.
            return self.flush(min(timeout, self._settings.exit_timeout) if only_related else timeout)

        return PipelineProcessor(
            tuple(self.pipelines.values()), flush, only_related=only_related, end_timeout=self._settings.exit_timeout
        )

    def _own_provider(self) -> OwnProvider:
        rate = self._settings.sample_rate
        return OwnProvider(
            sampler=None if rate is None else ParentBased(TraceIdRatioBased(rate)),
            resource=_resource(self._settings),
            shutdown_on_exit=False,  # the end of the program has one deadline, and it is ours
        )


def _shut_down(processors: Sequence[SpanProcessor]) -> None:
    for processor in processors:
        with guard("shutting down a processor that was added to our provider", BaseException):
            processor.shutdown()


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
