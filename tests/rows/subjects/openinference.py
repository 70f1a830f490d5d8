"""openinference-instrumentation: its `TracerProvider`, and `@tracer.tool` and `@tracer.agent`."""

from __future__ import annotations

from openinference.instrumentation import TracerProvider
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from tests.rows.exporter import FileExporter
from tests.rows.seen import read
from tests.rows.subject import NoSuchThing, Setup, Typed
from tests.rows.subjects import open_telemetry

_NOTHING = object()


class OpenInference:
    name = "openinference"
    distributions = ("openinference-instrumentation", "opentelemetry-sdk")
    typed = Typed(
        "from openinference.instrumentation import TracerProvider\n"
        'tracer = TracerProvider().get_tracer("typed")\ndeco = tracer.tool',
        'deco(name="heron")',
    )
    note = (
        "its `TracerProvider` as the global one, an OTLP exporter behind OpenTelemetry's `BatchSpanProcessor`, "
        "`@tracer.tool` and `@tracer.agent`"
    )
    secret = None
    inject = staticmethod(open_telemetry.inject)
    extract = staticmethod(open_telemetry.extract)
    arrived = staticmethod(open_telemetry.arrived)

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.records = setup.state != "unconfigured" and setup.file is not None
        self._provider = TracerProvider()

    def configure(self) -> None:
        if self.setup.state == "unconfigured":
            return
        if self.setup.file:
            self._provider.add_span_processor(SimpleSpanProcessor(FileExporter(self.setup.file)))
        if self.setup.address:
            exporter = OTLPSpanExporter(endpoint=f"{self.setup.address}/v1/traces")
            self._provider.add_span_processor(BatchSpanProcessor(exporter))
        # Where the application has a provider, a program would not set another one.
        if isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
            trace.set_tracer_provider(self._provider)

    def close(self) -> None:
        self._provider.shutdown()

    def tool(self, function=_NOTHING, /, *, name=None, entrypoint=None):
        return self._traced("tool", function, name, entrypoint)

    def agent(self, function=_NOTHING, /, *, name=None, entrypoint=None):
        return self._traced("agent", function, name, entrypoint)

    def _traced(self, kind, function, name, entrypoint):
        if entrypoint is not None:
            raise NoSuchThing("there is no way to decorate a class and name its entry method")
        decorator = getattr(self._provider.get_tracer("rows"), kind)
        if function is not _NOTHING:
            return decorator(function)
        return decorator(name=name) if name else decorator()

    def spans(self):
        self._provider.force_flush()
        return read(self.setup.file)


SUBJECT = OpenInference
