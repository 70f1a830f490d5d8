import gzip
import os
import subprocess
import sys
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.libraries.installed import needs
from tests.libraries.traces import tree

import ams_sdk
from ams_sdk import agent

pytestmark = needs("opentelemetry-instrumentation-httpx")


@pytest.fixture
def answering(sink):
    """The address of an agent in another process, which sends its spans to the sink."""
    program = Path(__file__).with_name("answering_agent.py")
    environment = os.environ | {"OTEL_EXPORTER_OTLP_ENDPOINT": sink.url, "AMS_SPOOL_DIR": "none"}
    process = subprocess.Popen([sys.executable, str(program)], stdout=subprocess.PIPE, text=True, env=environment)
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/"
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def arrived(sink):
    bodies = [plain(headers, body) for headers, body in sink.requests if headers["path"] == "/v1/traces"]
    requests = map(ExportTraceServiceRequest.FromString, bodies)
    return [span for one in requests for rs in one.resource_spans for ss in rs.scope_spans for span in ss.spans]


def plain(headers, body):
    return gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body


def test_an_agent_that_asks_another_one_over_http_shares_its_trace(recorder, sink, answering):
    import httpx

    @agent
    def asking(question: str) -> str:
        return httpx.post(answering, content=question).text

    assert asking("How many?") == "How many? 9"
    run, call = recorder.one("invoke_agent asking"), recorder.one("POST")
    (remote,) = [span for span in arrived(sink) if span.name == "invoke_agent answering"]
    assert remote.trace_id == run.context.trace_id.to_bytes(16)
    assert remote.parent_span_id == call.context.span_id.to_bytes(8)
    assert call.parent.span_id == run.context.span_id


def test_a_request_outside_of_every_trace_begins_none(recorder, sink):
    import httpx

    httpx.post(f"{sink.url}/elsewhere", content="x")
    assert recorder.spans == ()
    assert "traceparent" not in sink.requests[0][0]


def test_what_the_sdk_sends_itself_is_not_traced(sink, monkeypatch):
    import httpx

    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", sink.url)
    ams_sdk.configure(spool_dir="none")

    @agent
    def asking() -> int:
        return httpx.post(f"{sink.url}/asked", content="x").status_code

    assert asking() == 200
    assert ams_sdk.flush()
    asking()
    assert ams_sdk.flush()
    assert sorted(span.name for span in arrived(sink)) == ["POST", "POST", "invoke_agent asking", "invoke_agent asking"]
    assert {headers["path"] for headers, _ in sink.requests if "traceparent" in headers} == {"/asked"}


def test_the_names_of_what_is_traced_can_be_said(recorder, sink, traced):
    import httpx

    recorder.configure(auto_trace=["openai"])

    @agent
    def asking() -> int:
        return httpx.post(f"{sink.url}/asked", content="x").status_code

    asking()
    assert tree(recorder.spans) == [("invoke_agent asking", [])]
    assert "httpx" not in traced()
