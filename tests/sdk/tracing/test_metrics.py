"""Metrics of runs and tool calls, read back from OpenTelemetry's own reader and from a real platform's intake."""

import pytest
from opentelemetry import metrics, trace
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.util._once import Once
from tests.sdk.test_lifecycle import REGISTERED

import ams_sdk
from ams_sdk import agent, tool


@tool
def look(where):
    if where == "nowhere":
        raise LookupError(where)
    return where


@agent
def helper(where):
    return look(where)


@agent
def walker(where):
    with trace.get_tracer("a model library").start_as_current_span(
        "chat", attributes={"gen_ai.operation.name": "chat"}
    ):
        pass
    look(where)
    look(where)
    return helper(where)


@pytest.fixture
def reader(monkeypatch):
    """The application has a meter provider."""
    made = InMemoryMetricReader()
    provider = MeterProvider([made], shutdown_on_exit=False)
    monkeypatch.setattr(metrics._internal, "_METER_PROVIDER", provider)
    yield made
    provider.shutdown()


@pytest.fixture
def no_provider(monkeypatch):
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", None)
    monkeypatch.setattr(trace, "_TRACER_PROVIDER_SET_ONCE", Once())


def points(reader):
    """By name and attributes, the count and the sum of each histogram."""
    (resource,) = reader.get_metrics_data().resource_metrics
    return {
        (metric.name, *sorted(point.attributes.items())): (point.count, point.sum)
        for scope in resource.scope_metrics
        for metric in scope.metrics
        for point in metric.data.data_points
    }


@pytest.mark.usefixtures("no_provider")
@pytest.mark.parametrize("joined", [False, True])
def test_runs_and_their_own_calls_are_counted(unconfigured_recorder, reader, joined):
    if joined:
        trace.set_tracer_provider(TracerProvider(shutdown_on_exit=False))
    unconfigured_recorder.configure(metrics=True)
    walker("up")
    assert ams_sdk.flush()
    found = points(reader)
    of = {name: ("gen_ai.agent.name", name) for name in ("walker", "helper")}
    assert found["gen_ai.invoke_agent.tool_calls", of["walker"]] == (1, 2)
    assert found["gen_ai.invoke_agent.tool_calls", of["helper"]] == (1, 1)
    assert found["gen_ai.invoke_agent.inference_calls", of["walker"]] == (1, 1)
    assert found["gen_ai.invoke_agent.inference_calls", of["helper"]] == (1, 0)
    assert found["gen_ai.invoke_agent.duration", of["walker"]][0] == 1
    said = (("gen_ai.tool.name", "look"), ("gen_ai.tool.type", "function"))
    assert found["gen_ai.execute_tool.duration", of["walker"], *said][0] == 2
    assert found["gen_ai.execute_tool.duration", of["helper"], *said][0] == 1
    assert len(found) == 8


def test_a_failure_says_its_type_and_nothing_else(unconfigured_recorder, reader):
    unconfigured_recorder.configure(metrics=True)
    with pytest.raises(LookupError):
        helper("nowhere")
    assert ams_sdk.flush()
    found = points(reader)
    failed = ("error.type", "LookupError")
    assert ("gen_ai.invoke_agent.duration", failed, ("gen_ai.agent.name", "helper")) in found
    tool_said = (("gen_ai.agent.name", "helper"), ("gen_ai.tool.name", "look"), ("gen_ai.tool.type", "function"))
    assert ("gen_ai.execute_tool.duration", failed, *tool_said) in found
    assert "nowhere" not in str(found)


def test_the_buckets_are_those_of_the_conventions(unconfigured_recorder, reader):
    unconfigured_recorder.configure(metrics=True)
    helper("up")
    assert ams_sdk.flush()
    (resource,) = reader.get_metrics_data().resource_metrics
    bounds = {
        metric.name: metric.data.data_points[0].explicit_bounds
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }
    assert [round(bound, 2) for bound in bounds["gen_ai.execute_tool.duration"]] == [
        *(0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
    ]
    assert bounds["gen_ai.invoke_agent.tool_calls"] == (1, 2, 4, 8, 16, 32, 64, 128)
    assert round(bounds["gen_ai.invoke_agent.duration"][-1], 1) == 409.6


def test_metrics_are_not_recorded_unless_asked_for(recorder, reader):
    helper("up")
    assert ams_sdk.flush()
    assert reader.get_metrics_data() is None


def test_without_a_provider_of_the_applications_they_go_to_the_platform(sink):
    sink.by_path["/api/agents"] = REGISTERED
    ams_sdk.configure(endpoint=sink.url, api_key="the-key", service_name="shop", metrics=True)
    helper("up")
    assert ams_sdk.shutdown()
    (request,) = [body for headers, body in sink.requests if headers["path"] == "/v1/metrics"]
    (sent,) = ExportMetricsServiceRequest.FromString(request).resource_metrics
    assert {one.key: one.value.string_value for one in sent.resource.attributes}["service.name"] == "shop"
    assert len(sent.scope_metrics[0].metrics) == 4


def test_a_platform_that_knows_no_metrics_costs_nobody_a_line(sink, caplog):
    def answer(handler):
        handler.send_response(404 if handler.path == "/v1/metrics" else 200)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    sink.answers = [answer]
    ams_sdk.configure(endpoint=sink.url, api_key="the-key", metrics=True)
    look("up")
    with caplog.at_level("INFO"):
        ams_sdk.shutdown()
    assert caplog.records == []
