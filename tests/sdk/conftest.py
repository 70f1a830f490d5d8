"""Spans of decorated calls, as an application's exporter sees them."""

from __future__ import annotations

import threading

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from tests.sdk.span_sink import Sink

import ams_sdk


class Recorder:
    """Configures the SDK to keep its spans here."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()

    def configure(self, **settings):
        ams_sdk.configure(exporters=[self.exporter], **settings)
        return self

    @property
    def spans(self):
        assert ams_sdk.flush()
        return self.exporter.get_finished_spans()

    def one(self, name):
        (span,) = [span for span in self.spans if span.name == name]
        return span


@pytest.fixture
def recorder():
    return Recorder().configure()


@pytest.fixture
def unconfigured_recorder():
    return Recorder()


@pytest.fixture
def sink():
    """A real HTTP server on loopback that takes spans, as badly as a test wants."""
    server = Sink()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.released.set()
    server.shutdown()
    server.server_close()
    thread.join()
