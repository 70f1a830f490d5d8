"""A collector that the environment names, with a real server where it matters."""

import gzip
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

import ams_sdk
from ams_sdk import ConfigurationError, tool
from ams_sdk._connection import Connection
from ams_sdk._tracing.otlp_environment import OtlpEnvironment

ALL = "OTEL_EXPORTER_OTLP_"
TRACES = "OTEL_EXPORTER_OTLP_TRACES_"


@tool
def look(where):
    return where


@pytest.mark.parametrize(
    ("environ", "endpoint", "path"),
    [
        ({ALL + "ENDPOINT": "http://127.0.0.1:4318"}, "http://127.0.0.1:4318", "/v1/traces"),
        ({ALL + "ENDPOINT": "https://c.example.com/otlp/"}, "https://c.example.com", "/otlp/v1/traces"),
        ({TRACES + "ENDPOINT": "http://127.0.0.1:4318/mine?a=b"}, "http://127.0.0.1:4318", "/mine?a=b"),
        ({TRACES + "ENDPOINT": "http://127.0.0.1:1"}, "http://127.0.0.1:1", "/"),
        ({ALL + "ENDPOINT": "http://a:1", TRACES + "ENDPOINT": "http://b:2/x"}, "http://b:2", "/x"),
    ],
)
def test_where_spans_go(environ, endpoint, path):
    connection, found = OtlpEnvironment(environ).address()
    assert (connection.endpoint, found) == (endpoint, path)


def test_without_an_address_they_go_nowhere():
    assert OtlpEnvironment({}).protocol is None
    assert OtlpEnvironment({ALL + "ENDPOINT": "http://a", "OTEL_TRACES_EXPORTER": "none"}).protocol is None


@pytest.mark.parametrize(
    ("environ", "protocol"),
    [({}, "http/protobuf"), ({ALL + "PROTOCOL": "grpc"}, "grpc"), ({TRACES + "PROTOCOL": "grpc"}, "grpc")],
)
def test_the_protocol(environ, protocol):
    assert OtlpEnvironment({ALL + "ENDPOINT": "http://a", **environ}).protocol == protocol


@pytest.mark.parametrize(
    ("environ", "read"),
    [
        ({ALL + "PROTOCOL": "http/json"}, lambda otlp: otlp.protocol),
        ({ALL + "TIMEOUT": "soon"}, lambda otlp: otlp.timeout),
        ({ALL + "TIMEOUT": "0"}, lambda otlp: otlp.timeout),
        ({ALL + "TIMEOUT": "inf"}, lambda otlp: otlp.timeout),
        ({ALL + "COMPRESSION": "deflate"}, lambda otlp: otlp.compresses(default=False)),
        ({TRACES + "ENDPOINT": "127.0.0.1:4318"}, lambda otlp: otlp.address()),
        ({TRACES + "ENDPOINT": "http://u:secret@h"}, lambda otlp: otlp.address()),
        ({TRACES + "ENDPOINT": "http://h:port"}, lambda otlp: otlp.address()),
    ],
)
def test_what_cannot_be_used_is_named(environ, read):
    with pytest.raises(ConfigurationError, match=r"OTEL_EXPORTER_OTLP_.* cannot be used: write") as caught:
        read(OtlpEnvironment({ALL + "ENDPOINT": "http://a", **environ}))
    assert "secret" not in str(caught.value)


def test_the_variable_for_traces_wins():
    environ = {
        ALL + "TIMEOUT": "3",
        TRACES + "TIMEOUT": "4",
        ALL + "COMPRESSION": "gzip",
        TRACES + "COMPRESSION": "none",
    }
    otlp = OtlpEnvironment(environ)
    assert otlp.timeout == 4
    assert otlp.compresses(default=True) is False


def test_the_platform_gets_neither_the_headers_nor_the_address_of_a_collector():
    environ = {ALL + "ENDPOINT": "http://c", ALL + "HEADERS": "x-key=secret", ALL + "TIMEOUT": "3"}
    destination = OtlpEnvironment(environ).platform(Connection("https://ams.example.com", "key", "argument"))
    assert destination.headers == {}
    assert (destination.path, destination.timeout, destination.compresses) == ("/v1/traces", 3, True)
    assert OtlpEnvironment(environ).platform(Connection("http://127.0.0.1:1")).compresses is False


def test_headers_are_read_as_baggage_is():
    environ = {ALL + "ENDPOINT": "http://c", ALL + "HEADERS": "x-a=1, x%2Db = two%20words ,,broken,=x"}
    assert OtlpEnvironment(environ).collector().headers == {"x-a": "1", "x-b": "two words"}


def test_spans_go_to_the_collector_alone(sink, monkeypatch):
    monkeypatch.setenv(ALL + "ENDPOINT", sink.url)
    monkeypatch.setenv(ALL + "HEADERS", "x-team=blue")
    monkeypatch.setenv(ALL + "COMPRESSION", "gzip")
    ams_sdk.configure()
    for _ in range(20):
        look("up")
    assert ams_sdk.shutdown()
    ((headers, body),) = sink.requests
    assert headers["x-team"] == "blue"
    assert "authorization" not in headers
    assert headers["content-encoding"] == "gzip"
    assert gzip.decompress(body)
    assert len(sink.spans) == 20
    assert ams_sdk.stats().exported == {"otlp": 20}


def test_the_address_that_cannot_be_used_is_told_at_configure(monkeypatch):
    monkeypatch.setenv(ALL + "ENDPOINT", "nowhere")
    with pytest.raises(ConfigurationError, match="OTEL_EXPORTER_OTLP_ENDPOINT"):
        ams_sdk.configure()
    assert not ams_sdk.stats().configured


@pytest.fixture
def grpc_collector():
    """A real collector over gRPC, on loopback."""

    class Collector(trace_service_pb2_grpc.TraceServiceServicer):
        requests = []  # noqa: RUF012 -- made anew for each test

        def Export(self, request, _context):  # noqa: N802 -- gRPC's name
            self.requests.append(request)
            return trace_service_pb2.ExportTraceServiceResponse()

    server = grpc.server(ThreadPoolExecutor(1))
    collector = Collector()
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(collector, server)
    collector.port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield collector
    server.stop(None).wait()


def test_a_collector_over_grpc_gets_them_by_opentelemetrys_own_exporter(grpc_collector, monkeypatch, caplog):
    monkeypatch.setenv(ALL + "ENDPOINT", f"http://127.0.0.1:{grpc_collector.port}")
    monkeypatch.setenv(ALL + "PROTOCOL", "grpc")
    ams_sdk.configure()
    look("up")
    assert ams_sdk.flush(30)
    (request,) = grpc_collector.requests
    (span,) = request.resource_spans[0].scope_spans[0].spans
    assert span.name == "execute_tool look"
    assert ams_sdk.stats().exported == {"otlp": 1}
    assert ams_sdk.shutdown()
    assert caplog.records == []
