"""What a span shares with all others of its tracer may be replaced on it, and is replaced on it alone."""

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from tests.sdk.tracing.two_providers import Listening, own_provider

from ams_sdk import tool
from ams_sdk._decorators import definition_of
from ams_sdk._tracing.encoder import Batch
from ams_sdk._tracing.packing import add_to


@tool
def look(where):
    return where


@pytest.fixture(params=["plain", "decorated"])
def span_of(request, kept):
    tracer = own_provider(kept).get_tracer("test")

    def plain(change):
        span = tracer.start_span("work", attributes={"a": "long", "b": "longer", "c": "longest"})
        change(span)
        span.end()
        return span

    def decorated(change):
        call = tracer.start_call(definition_of(look), ("up there",), {}, None, True)  # noqa: FBT003 -- as it is called
        change(call)
        call.returned("done")
        return call

    return {"plain": plain, "decorated": decorated}[request.param]


def replaced(span):
    span._resource = Resource({"mine": 1})
    span._instrumentation_scope = InstrumentationScope("mine")
    span._limits = SpanLimits(max_span_attributes=2, max_span_attribute_length=3, max_events=1)
    span.add_event("first")
    span.add_event("second")


def sent(*spans):
    batch = Batch()
    for span in spans:
        add_to(batch, span)
    return ExportTraceServiceRequest.FromString(batch.message())


def test_what_is_replaced_is_sent_of_that_span_alone(span_of, kept):
    before, changed, after = (span_of(change) for change in (lambda _: None, replaced, lambda _: None))
    message = sent(before, changed, after)
    theirs, mine = message.resource_spans
    assert [one.scope.name for one in theirs.scope_spans] == ["test"]
    assert len(theirs.scope_spans[0].spans) == 2
    assert [one.key for one in mine.resource.attributes] == ["mine"]
    (scope,) = mine.scope_spans
    (span,) = scope.spans
    assert scope.scope.name == "mine"
    # As with the SDK's: the containers were made by the limits that the span began with.
    assert len(span.attributes) == len(theirs.scope_spans[0].spans[0].attributes)
    assert [one.name for one in span.events] == ["first", "second"]
    assert message == encode_spans([one._readable_span() for one in (before, changed, after)])
    assert kept.spans == [before, changed, after]


def test_a_span_with_another_processor_goes_there_and_not_to_ours(span_of, kept):
    listening = Listening()
    span_of(lambda span: setattr(span, "_span_processor", listening))
    other = span_of(lambda _: None)
    assert len(listening.ended) == 1
    assert kept.spans == [other]


def test_what_is_replaced_is_what_is_read(span_of):
    parts = {
        "_resource": Resource({}),
        "_instrumentation_scope": InstrumentationScope("x"),
        "_instrumentation_info": object(),
        "_limits": SpanLimits(max_events=1),
        "_sampler": object(),
    }
    span = span_of(lambda span: [setattr(span, name, part) for name, part in parts.items()])
    assert {name: getattr(span, name) for name in parts} == parts
    assert (span.resource, span.instrumentation_scope) == (parts["_resource"], parts["_instrumentation_scope"])
