"""Our span and the SDK's, through the same hands: what comes out must be the same, however it is read."""

import copy
import gc
import logging
import pickle
import threading
import weakref
from enum import Enum, IntEnum

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace import Span as SdkSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags
from tests.sdk.tracing.test_encoder import as_stock_sends_it

from ams_sdk._tracing.encoder import Batch
from ams_sdk._tracing.outlets import ExporterOutlet
from ams_sdk._tracing.packing import add_to
from ams_sdk._tracing.pipeline import Pipeline
from ams_sdk._tracing.processor import PipelineProcessor
from ams_sdk._tracing.provider import OwnProvider
from ams_sdk._tracing.span import RecordingSpan

RESOURCE = Resource({"service.name": "test"})


class Counting(IdGenerator):
    def __init__(self) -> None:
        self.last = 0

    def generate_span_id(self):
        self.last += 1
        return self.last

    generate_trace_id = generate_span_id


class Kept:
    """Takes spans as a pipeline does, and keeps them as they come."""

    def __init__(self) -> None:
        self.spans = []

    def submit(self, span, size):
        assert size > 0
        self.spans.append(span)

    def refuse(self):
        raise AssertionError("a span was refused")


def own_tracer(kept, **options):
    provider = OwnProvider(resource=RESOURCE, shutdown_on_exit=False, id_generator=Counting(), **options)
    provider.add_span_processor(PipelineProcessor([kept], lambda _: True, only_related=False))
    return provider.get_tracer("test", "1", "https://schema")


def stock_tracer(exporter, **options):
    provider = TracerProvider(resource=RESOURCE, shutdown_on_exit=False, id_generator=Counting(), **options)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider.get_tracer("test", "1", "https://schema")


class Colour(str, Enum):  # noqa: UP042 -- a StrEnum is its own text, this one is not
    RED = "red"


class Level(IntEnum):
    HIGH = 3


class Odd:
    def __str__(self) -> str:
        return "odd"


texts = st.text("abé ", max_size=6)
scalars = st.one_of(
    texts,
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.booleans(),
    st.binary(max_size=3),
    st.sampled_from([Colour.RED, Level.HIGH, None, Odd()]),
)
values = st.one_of(scalars, st.lists(texts, max_size=3), st.lists(scalars, max_size=3), st.tuples(st.integers(0, 9)))
keys = st.sampled_from(["a", "b", "c", "d", ""])
attributes = st.dictionaries(keys, values, max_size=4)
times = st.integers(1, 2**40)
contexts = st.builds(
    SpanContext,
    st.integers(0, 5),
    st.integers(0, 5),
    st.booleans(),
    st.sampled_from([TraceFlags(0), TraceFlags(1)]),
)
limits = st.builds(
    SpanLimits,
    max_span_attributes=st.none() | st.integers(0, 5),
    max_events=st.none() | st.integers(0, 3),
    max_links=st.none() | st.integers(0, 3),
    max_event_attributes=st.none() | st.integers(0, 3),
    max_link_attributes=st.none() | st.integers(0, 3),
    max_attribute_length=st.none() | st.integers(0, 4),
)
statuses = st.sampled_from([Status(StatusCode.OK), Status(StatusCode.ERROR, "why"), Status(StatusCode.UNSET)])
steps = st.one_of(
    st.tuples(st.just("set_attribute"), st.tuples(keys, texts)),
    st.tuples(st.just("set_attribute"), st.tuples(keys, values)),
    st.tuples(st.just("set_attributes"), st.tuples(attributes)),
    st.tuples(st.just("add_event"), st.tuples(texts, attributes, times)),
    st.tuples(st.just("add_link"), st.tuples(contexts, attributes)),
    st.tuples(st.just("set_status"), st.tuples(statuses)),
    st.tuples(st.just("set_status"), st.tuples(st.sampled_from(StatusCode), st.none() | texts)),
    st.tuples(st.just("update_name"), st.tuples(texts)),
    st.tuples(st.just("look"), st.just(())),
)


def walk(tracer, given_at_start, history, kind):
    links = [Link(SpanContext(1, 2, is_remote=True), {"l": 1})] if given_at_start else None
    span = tracer.start_span("name", None, kind, copy.deepcopy(given_at_start), links, start_time=5)
    for name, arguments in history:
        if name == "look":
            len(span.attributes), span.events, span.links
        else:
            getattr(span, name)(*copy.deepcopy(arguments))
    span.end(77)
    span.set_attribute("late", 1)
    span.update_name("late")
    return span


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=500)
@given(st.none() | attributes, st.lists(steps, max_size=12), st.just(SpanLimits()) | limits, st.sampled_from(SpanKind))
def test_whatever_is_done_to_it_it_says_what_the_sdks_span_says(given_at_start, history, limits, kind):
    logging.disable(logging.WARNING)
    try:
        exporter, kept = InMemorySpanExporter(), Kept()
        walk(stock_tracer(exporter, span_limits=limits), given_at_start, history, kind)
        walk(own_tracer(kept, span_limits=limits), given_at_start, history, kind)
        expected = encode_spans(exporter.get_finished_spans())
        (span,) = kept.spans
        batch = Batch()
        add_to(batch, span)
        assert as_stock_sends_it(ExportTraceServiceRequest.FromString(batch.message())) == expected
        assert encode_spans([span._readable_span()]) == expected
        assert encode_spans([span]) == expected
    finally:
        logging.disable(logging.NOTSET)


@pytest.fixture
def kept():
    return Kept()


@pytest.fixture
def tracer(kept):
    return own_tracer(kept)


def test_it_is_a_span_of_the_sdk(tracer):
    span = tracer.start_span("work", attributes={"a": 1})
    assert type(span) is RecordingSpan
    assert isinstance(span, trace.Span)
    assert isinstance(span, SdkSpan)
    assert isinstance(span, ReadableSpan)
    assert weakref.ref(span)() is span
    assert span.resource is RESOURCE
    assert span.instrumentation_scope.name == "test"
    assert (span.events, span.links) == ((), ())
    assert span.is_recording()


def test_nothing_is_made_before_somebody_asks(tracer, kept):
    span = tracer.start_span("work", attributes={"a": 1})
    span.set_attribute("b", "x")
    span.end()
    assert span.is_untouched
    assert (span._event_list, span._link_list) == (None, None)
    assert dict(span.attributes) == {"a": 1, "b": "x"}
    assert not span.is_untouched


def test_what_is_written_to_the_private_names_is_what_is_sent(tracer, kept):
    span = tracer.start_span("work", attributes={"a": 1})
    span._attributes = {"mine": 2}
    span._name, span._kind = "renamed", SpanKind.CLIENT
    span._status = Status(StatusCode.ERROR, "so")
    span._resource = Resource({"service.name": "another"})
    span._parent = SpanContext(1, 2, is_remote=True)
    span.end()
    span._end_time = 99
    batch = Batch()
    add_to(batch, span)
    (group,) = ExportTraceServiceRequest.FromString(batch.message()).resource_spans
    (sent,) = group.scope_spans[0].spans
    assert group.resource.attributes[0].value.string_value == "another"
    assert [(one.key, one.value.int_value) for one in sent.attributes] == [("mine", 2)]
    assert (sent.name, sent.kind, sent.status.message, sent.end_time_unix_nano) == ("renamed", 3, "so", 99)
    assert sent.parent_span_id == (2).to_bytes(8, "big")


def test_a_value_that_changes_after_it_was_set_does_not_show(tracer):
    items = ["a"]
    span = tracer.start_span("work")
    span.set_attribute("items", items)
    items.append("b")
    assert span.attributes["items"] == ("a",)


def test_a_child_has_its_parents_own_context(tracer):
    with tracer.start_as_current_span("parent") as parent:
        child = tracer.start_span("child")
    assert child.parent is parent.get_span_context()
    assert child.context.trace_id == parent.context.trace_id


@pytest.mark.skipif(
    not hasattr(BoundedAttributes, "__deepcopy__"), reason="the SDK's own cannot be copied in this OpenTelemetry"
)
def test_a_readable_copy_can_be_copied(tracer, kept):
    tracer.start_span("work", attributes={"a": [1]}).end()
    readable = kept.spans[0]._readable_span()
    assert copy.deepcopy(readable).attributes == readable.attributes
    with pytest.raises(TypeError):
        readable._attributes["b"] = 1


def test_processors_of_others_get_one_readable_span_and_may_change_it():
    seen = []

    class Rewrites(SpanProcessor):
        def on_end(self, span):
            span._attributes = {"rewritten": True}
            span._name = "rewritten"

    class Looks(SpanProcessor):
        def on_start(self, span, parent_context=None):
            seen.append((span, parent_context))

        def _on_ending(self, span):
            seen.append(span._end_time)

        def on_end(self, span):
            seen.append(span)

    provider = OwnProvider(resource=RESOURCE, shutdown_on_exit=False)
    for processor in (Rewrites(), Looks()):
        provider.add_span_processor(processor)
    kept = Kept()
    provider.add_span_processor(PipelineProcessor([kept], lambda _: True, only_related=False))
    context = trace.set_span_in_context(trace.INVALID_SPAN)
    live = provider.get_tracer("test").start_span("work", context)
    live.end()
    (started, given_context), *ending, ended = seen
    assert started is live
    assert given_context is context
    assert None not in ending
    assert len(ending) == hasattr(SpanProcessor, "_on_ending")  # new in later releases
    assert type(ended) is ReadableSpan
    assert kept.spans == [ended]
    assert (ended.name, dict(ended.attributes)) == ("rewritten", {"rewritten": True})
    assert live.name == "work"


def test_a_processor_that_is_added_later_gets_the_spans_from_then_on(tracer, kept):
    seen = []

    class Looks(SpanProcessor):
        def on_end(self, span):
            seen.append(span.name)

    tracer.start_span("before").end()
    open_one = tracer.start_span("open")
    processors = tracer.span_processor
    processors.add_span_processor(Looks())
    open_one.end()
    tracer.start_span("after").end()
    # The way in which others take a processor out.
    with processors._lock:
        processors._span_processors = processors._span_processors[:1]
    tracer.start_span("last").end()
    assert seen == ["open", "after"]
    assert [span.name for span in kept.spans] == ["before", "open", "after", "last"]


def test_two_threads_that_end_a_span_end_it_once(caplog):
    for _ in range(50):
        kept = Kept()
        span = own_tracer(kept).start_span("work")
        together = threading.Barrier(2)

        def end(span=span, together=together):
            together.wait()
            span.end()

        threads = [threading.Thread(target=end) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(kept.spans) == 1


def test_an_exporter_gets_the_sdks_readable_spans(tracer, kept):
    exporter = InMemorySpanExporter()
    pipeline = Pipeline(ExporterOutlet(exporter, "memory"), "memory")
    span = tracer.start_span("work", attributes={"a": 1})
    span.end()
    pipeline.submit(span, 1)
    assert pipeline.flush(10)
    (exported,) = exporter.get_finished_spans()
    assert type(exported) is ReadableSpan
    assert exported.to_json() == span.to_json()
    pipeline.close()


def test_a_span_does_not_keep_its_parent_alive(tracer):
    parent = tracer.start_span("parent")
    child = tracer.start_span("child", trace.set_span_in_context(parent))
    gone = weakref.ref(parent)
    parent.end()
    tracer.span_processor._span_processors[0].pipelines[0].spans.clear()
    del parent
    gc.collect()
    assert gone() is None
    assert child.parent.is_valid


def test_status_and_kind_of_a_new_span_are_the_sdks(tracer):
    span = tracer.start_span("work")
    assert (span.status.status_code, span.status.description, span.kind) == (StatusCode.UNSET, None, SpanKind.INTERNAL)
    assert pickle.loads(pickle.dumps(span.get_span_context())) == span.get_span_context()  # noqa: S301 -- our own
