"""logfire: `logfire.configure()` and `@logfire.instrument`."""

from __future__ import annotations

import inspect

import logfire
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from tests.rows.exporter import FileExporter
from tests.rows.seen import read
from tests.rows.subject import NoSuchThing, Setup, Typed
from tests.rows.subjects import open_telemetry

_NOTHING = object()


def _yields(function) -> bool:
    return inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)


class Logfire:
    name = "logfire"
    distributions = ("logfire",)
    typed = Typed("import logfire\ndeco = logfire.instrument", 'deco("heron")')
    note = (
        "`logfire.configure(token=…)` and `@logfire.instrument`, with `allow_generator=True` on generators, "
        "as its documentation says"
    )
    secret = None
    inject = staticmethod(open_telemetry.inject)
    extract = staticmethod(open_telemetry.extract)
    arrived = staticmethod(open_telemetry.arrived)

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.records = setup.state != "unconfigured" and setup.file is not None

    def configure(self) -> None:
        if self.setup.state == "unconfigured":
            return
        file, address = self.setup.file, self.setup.address
        logfire.configure(
            send_to_logfire=address is not None,
            token="pylf_v1_us_0123456789" if address else None,
            console=False,
            additional_span_processors=[SimpleSpanProcessor(FileExporter(file))] if file else None,
            data_dir=self.setup.folder / "logfire",
            advanced=logfire.AdvancedOptions(base_url=address),
        )

    def close(self) -> None:
        logfire.shutdown()

    def tool(self, function=_NOTHING, /, *, name=None, entrypoint=None):
        if entrypoint is not None:
            raise NoSuchThing("there is no way to decorate a class and name its entry method")
        if function is _NOTHING:
            return lambda function: self._instrument(function, *filter(None, [name]))
        return self._instrument(function) if _yields(function) else logfire.instrument(function)

    @staticmethod
    def _instrument(function, *name):
        options = {"allow_generator": True} if _yields(function) else {}
        return logfire.instrument(*name, **options)(function)

    agent = tool

    def spans(self):
        logfire.force_flush()
        return read(self.setup.file)


SUBJECT = Logfire
