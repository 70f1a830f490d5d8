"""A span of the SDK becomes a captured one, with all that it says and nothing of its secrets."""

from __future__ import annotations

import pytest
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

import ams_sdk
from ams_sdk.testing._trace.readable import captured, plain_attributes

PASSWORD = "hunter2-and-some-more"


@pytest.fixture
def stock():
    """A provider of OpenTelemetry's own, and what it exports."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(resource=Resource({"service.name": "shop", "api_key": PASSWORD}))
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    yield provider.get_tracer("somebody", "2.0"), exporter
    provider.shutdown()


def test_everything_that_a_span_says_is_kept(stock):
    tracer, exporter = stock
    remote = SpanContext(0xABC, 0xDEF, is_remote=True, trace_flags=TraceFlags(1))
    parent = trace.set_span_in_context(trace.NonRecordingSpan(remote))
    span = tracer.start_span(
        "GET /", context=parent, kind=SpanKind.CLIENT, links=[Link(SpanContext(1, 2, is_remote=False), {"why": "x"})]
    )
    span.set_attributes({"texts": ["a", "b"], "number": 3, "ratio": 0.5, "yes": True})
    span.add_event("retried", {"after": 2}, timestamp=17)
    span.set_status(Status(StatusCode.ERROR, "gone"))
    span.end()
    (readable,) = exporter.get_finished_spans()
    made = captured(readable)
    assert (made.name, made.kind, made.status, made.status_message) == ("GET /", "client", "error", "gone")
    assert made.attributes == {"texts": ("a", "b"), "number": 3, "ratio": 0.5, "yes": True}
    assert made.trace_id == f"{0xABC:032x}"
    assert made.parent_id == f"{0xDEF:016x}"
    assert made.parent_is_remote
    assert made.span_id == f"{readable.context.span_id:016x}"
    assert (made.start_ns, made.end_ns) == (readable.start_time, readable.end_time)
    (event,), (link,) = made.events, made.links
    assert (event.name, event.time_ns, event.attributes) == ("retried", 17, {"after": 2})
    assert (link.trace_id, link.span_id, link.attributes) == (f"{1:032x}", f"{2:016x}", {"why": "x"})
    assert (made.scope_name, made.scope_version, made.resource["service.name"]) == ("somebody", "2.0", "shop")


def test_secrets_are_masked_unless_the_caller_wants_to_see_them(stock):
    tracer, exporter = stock
    with tracer.start_as_current_span("login", attributes={"password": PASSWORD, "user": "ada"}):
        pass
    (span,) = exporter.get_finished_spans()
    assert captured(span).attributes == {"password": "[redacted]", "user": "ada"}
    assert captured(span).resource["api_key"] == "[redacted]"
    assert captured(span, redacted=False).attributes["password"] == PASSWORD
    assert span.attributes["password"] == PASSWORD


@pytest.mark.parametrize("redacted", [True, False])
def test_an_open_span_has_no_end(stock, recorder, redacted):
    tracer, _ = stock
    theirs = tracer.start_span("theirs")
    assert captured(theirs, redacted=redacted).end_ns is None
    theirs.end()
    seen = []

    @ams_sdk.agent
    def researcher(question):
        seen.append(captured(trace.get_current_span(), redacted=redacted))

    researcher("why?")
    (open_span,), (ended,) = seen, recorder.spans
    assert open_span.end_ns is None
    assert open_span.name == "invoke_agent researcher"
    assert "why?" in open_span.attributes["gen_ai.input.messages"]
    assert captured(ended, redacted=redacted).end_ns == ended.end_time


def test_a_decorated_call_keeps_its_content(recorder):
    @ams_sdk.tool
    def search(query, password):
        return [query]

    search("otters", PASSWORD)
    made = captured(recorder.one("execute_tool search"))
    assert made.operation == "execute_tool"
    assert made.attributes["gen_ai.tool.call.arguments"] == '{"query":"otters","password":"[redacted]"}'
    assert made.attributes["gen_ai.tool.call.result"] == '["otters"]'


def test_values_that_are_no_plain_ones_become_text():
    made = plain_attributes(
        {"raw": b"\0\xff", "none": None, "map": {"a": [1, b"x"], 2: {"b"}}, "mixed": ["a", [1], {"b": b"x"}]}
    )
    assert made == {"raw": "AP8=", "map": '{"a": [1, "eA=="], "2": "{\'b\'}"}', "mixed": '["a", [1], {"b": "eA=="}]'}
    assert plain_attributes(None) == {}


def test_a_later_change_of_a_list_does_not_show():
    values = ["a"]
    made = plain_attributes({"texts": values})
    values.append("b")
    assert made == {"texts": ("a",)}


def test_a_span_without_a_context_is_refused():
    with pytest.raises(ValueError, match="'nobody' has no context"):
        captured(ReadableSpan("nobody"))
