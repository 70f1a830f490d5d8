"""langfuse: `Langfuse()` and `@observe`."""

from __future__ import annotations

from langfuse import Langfuse as Client
from langfuse import observe
from opentelemetry import trace
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from tests.rows.exporter import FileExporter
from tests.rows.seen import read
from tests.rows.subject import NoSuchThing, Setup, Typed, closed_port
from tests.rows.subjects import open_telemetry

_NOTHING = object()


class Nowhere(SpanExporter):
    """Takes spans and does nothing with them."""

    def export(self, spans):  # noqa: ARG002 -- the exporter's interface
        return SpanExportResult.SUCCESS


class Langfuse:
    name = "langfuse"
    distributions = ("langfuse",)
    typed = Typed("from langfuse import observe as deco", 'deco(name="heron")')
    note = "`Langfuse(public_key=…, secret_key=…, base_url=…)` and `@observe`; called, with `as_type=`"
    secret = None
    inject = staticmethod(open_telemetry.inject)
    extract = staticmethod(open_telemetry.extract)
    arrived = staticmethod(open_telemetry.arrived)

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.records = setup.state != "unconfigured" and setup.file is not None
        self._client = None

    def configure(self) -> None:
        if self.setup.state == "unconfigured":
            return
        self._client = Client(
            public_key="pk-lf-0",
            secret_key="sk-lf-0",
            base_url=self.setup.address or closed_port(),
            # It has no mode without a backend.
            span_exporter=None if self.setup.address else Nowhere(),
        )
        if self.setup.file:
            trace.get_tracer_provider().add_span_processor(SimpleSpanProcessor(FileExporter(self.setup.file)))

    def close(self) -> None:
        if self._client is not None:
            self._client.shutdown()

    def tool(self, function=_NOTHING, /, *, name=None, entrypoint=None):
        return self._observe(function, name, entrypoint, "tool")

    def agent(self, function=_NOTHING, /, *, name=None, entrypoint=None):
        return self._observe(function, name, entrypoint, "agent")

    def _observe(self, function, name, entrypoint, kind):
        if entrypoint is not None:
            raise NoSuchThing("there is no way to decorate a class and name its entry method")
        if function is not _NOTHING:
            return observe(function)
        return observe(name=name, as_type=kind) if name else observe(as_type=kind)

    def spans(self):
        if self._client is not None:
            self._client.flush()
        return read(self.setup.file)


SUBJECT = Langfuse
