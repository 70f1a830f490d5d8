import gc
import subprocess
import sys
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Status as StatusMessage
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceState
from tests.sdk.tracing.span_strategies import batches, readable_spans

from ams_sdk._tracing import encoder as module
from ams_sdk._tracing.encoder import (
    SPAN_ATTRIBUTES,
    Batch,
    encode_attributes,
    encode_events,
    encode_links,
    encode_status,
    encode_text,
    encode_trace_state,
    kind_number,
    pack_span,
)

pytestmark = pytest.mark.usefixtures("unredacted")

RESOURCE, SCOPE = Resource({"service.name": "test"}), InstrumentationScope("scope")
CONTEXT = SpanContext(1, 2, is_remote=False)


def finished(**parts):
    parts = {"context": CONTEXT, "resource": RESOURCE, "instrumentation_scope": SCOPE, "name": "span", **parts}
    return ReadableSpan(**parts)


def batch_of(*spans):
    batch = Batch()
    for span in spans:
        batch.add(span)
    return batch


def request(batch):
    return ExportTraceServiceRequest.FromString(batch.message())


def spans_in(message):
    return [span for group in message.resource_spans for scope in group.scope_spans for span in scope.spans]


def one(**parts):
    (span,) = spans_in(request(batch_of(finished(**parts))))
    return span


def written(message):
    # Compared as bytes: NaN does not equal itself.
    return message.SerializeToString(deterministic=True)


def as_stock_sends_it(message):
    """Without what OpenTelemetry's encoder forgets: the trace states of links, and in older releases None."""
    for span in spans_in(message):
        for link in span.links:
            link.ClearField("trace_state")
    if not STOCK_SENDS_NONE:
        for holder in holders_of_attributes(message):
            kept = [attribute for attribute in holder.attributes if not holds_none(attribute.value)]
            del holder.attributes[:]
            holder.attributes.extend(kept)
    return message


def holders_of_attributes(message):
    for group in message.resource_spans:
        yield group.resource
        yield from (scope.scope for scope in group.scope_spans)
    for span in spans_in(message):
        yield from (span, *span.events, *span.links)


def holds_none(value):
    inside = [*value.array_value.values, *(pair.value for pair in value.kvlist_value.values)]
    return value.WhichOneof("value") is None or any(map(holds_none, inside))


STOCK_SENDS_NONE = bool(spans_in(encode_spans([finished(attributes={"key": [None, {}]})]))[0].attributes)


@given(batches())
def test_a_batch_is_the_message_of_opentelemetrys_encoder(spans):
    batch = batch_of(*spans)
    ours = request(batch)
    states = Counter(link.trace_state for span in spans_in(ours) for link in span.links)
    assert states == Counter(link.context.trace_state.to_header() for span in spans for link in span.links)
    assert written(as_stock_sends_it(ours)) == written(encode_spans(spans))
    assert (batch.spans, batch.failed) == (len(spans), 0)


@settings(max_examples=25)
@given(batches())
def test_the_size_bounds_the_message_closely(spans):
    batch = Batch()
    sizes = [0, *(batch.add(span) for span in spans)]
    assert sizes == sorted(sizes)
    assert sizes[-1] == batch.size
    assert len(batch.message()) <= batch.size <= len(batch.message()) + 6 * 3 * len(spans)


@given(readable_spans())
def test_a_span_packed_from_its_parts_is_the_one_that_is_read(span):
    packed = pack_span(
        trace_id=span.context.trace_id,
        span_id=span.context.span_id,
        parent_span_id=span.parent.span_id if span.parent else None,
        parent_is_remote=bool(span.parent and span.parent.is_remote),
        trace_state=encode_trace_state(span.context.trace_state),
        name=encode_text(span.name),
        kind=kind_number(span.kind),
        start=span.start_time or 0,
        end=span.end_time or 0,
        attributes=encode_attributes(span.attributes, SPAN_ATTRIBUTES),
        dropped_attributes=span.dropped_attributes,
        events=encode_events(span.events),
        dropped_events=span.dropped_events,
        links=encode_links(span.links),
        dropped_links=span.dropped_links,
        status=encode_status(span.status),
    )
    batch = Batch()
    batch.add_encoded(span.resource, span.instrumentation_scope, packed)
    assert batch.message() == batch_of(span).message()
    assert batch.size == batch_of(span).size


def test_encoded_and_read_spans_meet_in_their_groups():
    batch = batch_of(finished(name="read"))
    packed = pack_span(1, 2, None, False, b"", b"packed", 1, 3, 4, b"")  # noqa: FBT003 -- as the engine calls it
    batch.add_encoded(Resource({"service.name": "test"}), InstrumentationScope("scope"), packed)
    batch.add_encoded(RESOURCE, None, packed)
    (group,) = request(batch).resource_spans
    assert [[span.name for span in scope.spans] for scope in group.scope_spans] == [["read", "packed"], ["packed"]]


def test_an_empty_batch_is_an_empty_message():
    assert (Batch().message(), Batch().size) == (b"", 0)


def test_a_span_may_have_neither_resource_nor_scope():
    packed = pack_span(1, 2, None, False, b"", b"packed", 1, 3, 4, b"")  # noqa: FBT003 -- as the engine calls it
    batch = Batch()
    batch.add_encoded(None, None, packed)
    assert [span.name for span in spans_in(request(batch))] == ["packed"]


def test_a_resource_is_read_once_for_all_batches():
    asked = []

    class Watched(Resource):
        @property
        def attributes(self):
            asked.append("attributes")
            return super().attributes

        def __hash__(self):
            asked.append("hash")
            return super().__hash__()

        __eq__ = Resource.__eq__

    resource = Watched({"service.name": "watched"})
    for _ in range(2):
        assert len(spans_in(request(batch_of(*[finished(resource=resource)] * 3)))) == 3
    assert sorted(asked) == ["attributes", "hash"]


def test_resources_that_come_and_go_keep_their_spans():
    packed = pack_span(1, 2, None, False, b"", b"packed", 1, 3, 4, b"")  # noqa: FBT003 -- as the engine calls it
    batch = Batch()
    for number in range(1_000):  # more than are remembered; each is free at once, were it not held
        batch.add_encoded(Resource({"number": number}), InstrumentationScope(str(number)), packed)
    gc.collect()
    for number in range(1_000):
        batch.add_encoded(Resource({"number": number}), InstrumentationScope(str(number)), packed)
    groups = request(batch).resource_spans
    assert [group.resource.attributes[0].value.int_value for group in groups] == list(range(1_000))
    assert [[scope.scope.name for scope in group.scope_spans] for group in groups] == [[str(n)] for n in range(1_000)]
    assert {len(group.scope_spans[0].spans) for group in groups} == {2}
    assert len(module._group_heads) <= module._MAX_GROUP_HEADS


def test_a_resource_that_cannot_be_hashed_is_sent():
    class Unhashable(Resource):
        def __hash__(self):
            raise TypeError("bytes are no JSON")

        __eq__ = Resource.__eq__

    first, second = Unhashable({"a": 1}), Unhashable({"a": 1})
    assert len(request(batch_of(finished(resource=first), finished(resource=second))).resource_spans) == 1


LONE = "a\ud800b"


def test_a_lone_surrogate_anywhere_is_replaced():
    state = TraceState([("key", "value")])
    state._dict["key"] = LONE
    span = finished(
        name=LONE,
        context=SpanContext(1, 2, is_remote=False, trace_state=state),
        attributes={LONE: LONE, "nested": [LONE, {LONE: LONE}]},
        events=[Event(LONE, {LONE: LONE}, 1)],
        links=[Link(CONTEXT, {LONE: LONE})],
        status=Status(StatusCode.ERROR, LONE),
        resource=Resource({LONE: LONE}, LONE),
        instrumentation_scope=InstrumentationScope(LONE, LONE, LONE, {LONE: LONE}),
    )
    message = request(batch_of(span))
    assert str(message).count('"a?b"') == 20
    assert spans_in(message)[0].trace_state == "key=a?b"


@pytest.mark.parametrize(("time", "sent"), [(-1, 0), (2**64, 2**64 - 1), (1e18, 10**18), (None, 0)])
def test_a_time_is_the_nearest_one_that_can_be_sent(time, sent):
    span = one(start_time=time, end_time=time, events=[event_at(time)])
    assert (span.start_time_unix_nano, span.end_time_unix_nano, span.events[0].time_unix_nano) == (sent, sent, sent)


def event_at(time):
    event = Event("event")
    event._timestamp = time
    return event


@pytest.mark.parametrize("parent", [None, SpanContext(7 << 128, 7 << 64, is_remote=True)])
def test_an_id_is_cut_to_its_length(parent):
    wide = SpanContext(-1, (5 << 64) + 3, is_remote=True)
    span = one(context=wide, parent=parent, links=[Link(wide)])
    assert (span.trace_id, span.span_id) == (b"\xff" * 16, (3).to_bytes(8, "big"))
    assert (span.links[0].trace_id, span.links[0].span_id) == (span.trace_id, span.span_id)
    assert span.parent_span_id == (bytes(8) if parent else b"")


@pytest.mark.parametrize("kind", [None, 3, "CLIENT", StatusCode.OK, []])
def test_a_kind_that_is_none_is_unspecified(kind):
    assert one(kind=kind).kind == 0
    assert kind_number(SpanKind.CLIENT) == 3


class Odd:
    def __init__(self, code, description):
        self.status_code = code
        self.description = description


@pytest.mark.parametrize(
    ("status", "sent"),
    [
        (StatusCode.ERROR, StatusMessage(code=StatusMessage.STATUS_CODE_ERROR)),
        (Odd(StatusCode.ERROR, 7), StatusMessage(code=StatusMessage.STATUS_CODE_ERROR, message="7")),
        (Odd("ERROR", "why"), StatusMessage(message="why")),
        (Odd([], b"why"), StatusMessage(message="why")),
        (object(), StatusMessage()),
    ],
)
def test_of_an_odd_status_is_sent_what_can_be(status, sent):
    assert one(status=status).status == sent


@pytest.mark.parametrize(("dropped", "sent"), [(-1, 0), (None, 0), (2**40, 2**32 - 1), (3, 3)])
def test_counts_are_the_nearest_that_can_be_sent(dropped, sent):
    class Dropping(ReadableSpan):
        dropped_attributes = dropped_events = dropped_links = dropped

    batch = batch_of(Dropping("span", CONTEXT, resource=RESOURCE))
    (span,) = spans_in(request(batch))
    assert (span.dropped_attributes_count, span.dropped_events_count, span.dropped_links_count) == (sent, sent, sent)


def test_an_event_without_a_count_is_sent():
    class Minimal:
        name, timestamp, attributes = "minimal", 5, None

    (event,) = one(events=[Minimal()]).events
    assert (event.name, event.time_unix_nano, event.dropped_attributes_count) == ("minimal", 5, 0)


def test_events_and_links_that_cannot_be_read_are_left_out(held_back):
    span = one(events=[object(), Event("good")], links=[Link(None), Link(CONTEXT)])
    assert [event.name for event in span.events] == ["good"]
    assert len(span.links) == 1
    assert [place for place, _ in held_back] == ["encoding an event", "encoding a link"]
    held_back.clear()


READ = ["name", "parent", "kind", "start_time", "end_time", "status", "attributes", "events", "links", "resource"]


@pytest.mark.parametrize("member", [*READ, "instrumentation_scope", "dropped_attributes", "dropped_links"])
def test_a_span_that_cannot_be_read_is_dropped_alone(member, held_back):
    def refuse(_):
        raise ValueError("not today")

    broken = type("Broken", (ReadableSpan,), {member: property(refuse)})("broken", CONTEXT, resource=RESOURCE)
    batch = batch_of(finished(name="before"))
    assert batch.add(broken) == batch.size == batch_of(finished(name="before")).size
    batch.add(finished(name="after"))
    assert [span.name for span in spans_in(request(batch))] == ["before", "after"]
    assert (batch.spans, batch.failed) == (2, 1)
    assert [place for place, _ in held_back] == ["encoding a span"]
    held_back.clear()


def test_a_span_without_a_context_is_dropped(held_back):
    assert (batch_of(finished(context=None)).failed, len(held_back)) == (1, 1)
    held_back.clear()


def test_what_interrupts_the_program_passes():
    class Interrupting(ReadableSpan):
        @property
        def name(self):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Batch().add(Interrupting("span", CONTEXT, resource=RESOURCE))


def test_properties_that_a_subclass_overrides_are_what_is_sent():
    class Renamed(ReadableSpan):
        name = "overridden"
        attributes = {"a": "b"}  # noqa: RUF012 -- a subclass of somebody's

    (span,) = spans_in(request(batch_of(Renamed("span", CONTEXT, resource=RESOURCE))))
    assert (span.name, span.attributes[0].value.string_value) == ("overridden", "b")


@given(st.integers(0, 5))
def test_the_kinds_are_the_conventions(number):
    expected = [None, SpanKind.INTERNAL, SpanKind.SERVER, SpanKind.CLIENT, SpanKind.PRODUCER, SpanKind.CONSUMER]
    assert kind_number(expected[number]) == number


HEAVY = """
import sys, types
import ams_sdk
# Only these modules are meant, so their package is not run.
package = types.ModuleType("ams_sdk._tracing")
package.__path__ = [ams_sdk.__path__[0] + "/_tracing"]
sys.modules["ams_sdk._tracing"] = package
from ams_sdk._tracing import encoder
roots = {name.partition(".")[0] for name in sys.modules}
print(sorted(roots & {"google", "requests", "httpx", "grpc"}), "opentelemetry.proto" in sys.modules)
"""


def test_nothing_heavy_is_imported():
    answer = subprocess.run([sys.executable, "-c", HEAVY], capture_output=True, text=True, check=True)
    assert answer.stdout == "[] False\n"
