import math
import time

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from ams_sdk import _config
from ams_sdk._tracing import Engine


class Slow(InMemorySpanExporter):
    def export(self, spans):
        time.sleep(0.2)  # what is tested is that the time of two exporters is spent at once, not one after the other
        return super().export(spans)


def engine(*exporters, **settings):
    return Engine(_config.load({}, **settings), exporters=exporters)


def finished(made):
    made.tracer().start_span("work").end()
    return made


def test_the_resource_says_which_program_this_is():
    memory = InMemorySpanExporter()
    made = finished(engine(memory, service_name="shop", environment="test"))
    assert made.shutdown(10)
    (span,) = memory.get_finished_spans()
    attributes = span.resource.attributes
    assert (attributes["service.name"], attributes["deployment.environment.name"]) == ("shop", "test")
    assert attributes["telemetry.distro.name"] == "ams_sdk"
    assert attributes["service.instance.id"]


def test_without_a_name_the_service_is_what_opentelemetry_calls_it():
    memory = InMemorySpanExporter()
    made = finished(engine(memory))
    assert made.shutdown(10)
    attributes = memory.get_finished_spans()[0].resource.attributes
    assert attributes["service.name"].startswith("unknown_service")
    assert "deployment.environment.name" not in attributes


@pytest.mark.parametrize("timeout", [math.inf, 1e300, 1e9])
def test_as_long_as_it_takes_is_a_timeout(timeout):
    memory = InMemorySpanExporter()
    made = finished(engine(memory))
    assert made.flush(timeout)
    assert made.shutdown(timeout)
    assert len(memory.get_finished_spans()) == 1


@pytest.mark.parametrize("timeout", [0, -1, -math.inf])
def test_no_time_is_no_error(timeout):
    made = finished(engine(Slow()))
    assert made.flush(timeout) is False
    made.shutdown(10)


def test_every_exporter_gets_every_span_and_the_flush_asks_all_of_them():
    first, second = Slow(), Slow()
    made = finished(engine(first, second))
    assert made.flush(10)
    assert len(first.get_finished_spans()) == len(second.get_finished_spans()) == 1
    assert {name: count.exported for name, count in made.counts().items()} == {"Slow 1": 1, "Slow 2": 1}
    assert made.shutdown(10)


@pytest.mark.parametrize(("rate", "kept"), [(0.0, 0), (1.0, 50)])
def test_the_sample_rate_decides_for_whole_traces(rate, kept):
    memory = InMemorySpanExporter()
    made = engine(memory, sample_rate=rate)
    for _ in range(50):
        finished(made)
    assert made.shutdown(10)
    assert len(memory.get_finished_spans()) == kept
