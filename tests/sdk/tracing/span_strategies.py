"""Finished spans with everything that a span may hold and OpenTelemetry's own encoder can send."""

from __future__ import annotations

from collections import OrderedDict, deque
from enum import Enum, IntEnum
from types import MappingProxyType

from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceState


class Colour(IntEnum):
    RED = 1
    BLUE = -7


class Word(str, Enum):  # noqa: UP042 -- a StrEnum is its own text, this one is not
    HELLO = "bonjour"
    EMPTY = ""


class MyInt(int):
    def __index__(self):
        return 99

    __int__ = __index__


class MyFloat(float):
    def __float__(self):
        return 99.0


class MyStr(str):
    __slots__ = ()

    def __str__(self):
        return "not this"

    def encode(self, *_):
        return b"nor this"


class MyBytes(bytes):
    def __bytes__(self):
        return b"not this"

    def __len__(self):
        return 1


INTEGERS = st.integers(-(2**63), 2**63 - 1)
TIMES = st.integers(0, 2**64 - 1)
TEXTS = st.one_of(
    st.text(max_size=12), st.text(min_size=60, max_size=70), st.sampled_from([64, 16_384]).map("x".__mul__)
)
KEYS = st.one_of(st.sampled_from(["a", "b", "gen_ai.operation.name"]), st.text(min_size=1, max_size=70))

SCALARS = st.one_of(
    TEXTS,
    st.booleans(),
    INTEGERS,
    st.floats(),
    st.binary(max_size=200),
    st.none(),
    st.sampled_from([*Colour, *Word, MyInt(-5), MyFloat(0.5), MyStr("this"), MyBytes(b"this"), "", b""]),
)


def _containers(values):
    keys = st.one_of(KEYS, st.just(""), st.integers(), st.none(), st.sampled_from([*Word, MyStr("key")]))
    lists = st.lists(values, max_size=4)
    mappings = st.dictionaries(keys, values, max_size=4)
    return st.one_of(
        lists,
        lists.map(tuple),
        lists.map(deque),
        mappings,
        mappings.map(MappingProxyType),
        mappings.map(OrderedDict),
        st.sampled_from([range(3), bytearray(b"ab")]),
    )


VALUES = st.recursive(SCALARS, _containers, max_leaves=8)

PLAIN_ATTRIBUTES = st.dictionaries(st.one_of(KEYS, st.sampled_from([*Word, MyStr("key")])), VALUES, max_size=6)
ATTRIBUTES = st.one_of(
    PLAIN_ATTRIBUTES,
    st.none(),
    PLAIN_ATTRIBUTES.map(MappingProxyType),
    st.builds(BoundedAttributes, st.sampled_from([None, 0, 2]), PLAIN_ATTRIBUTES),
)

STATES = st.one_of(
    st.just(TraceState()),
    st.dictionaries(
        st.from_regex(r"\A[a-z][a-z0-9_*/-]{0,10}\Z"), st.from_regex(r"\A[!-+\--<>-~]{1,10}\Z"), max_size=3
    ).map(lambda entries: TraceState(list(entries.items()))),
)
CONTEXTS = st.builds(
    SpanContext,
    st.one_of(st.just(0), st.integers(0, 2**128 - 1)),
    st.one_of(st.just(0), st.integers(0, 2**64 - 1)),
    is_remote=st.booleans(),
    trace_state=STATES,
)

EVENTS = st.builds(Event, TEXTS, ATTRIBUTES, TIMES)
LINKS = st.builds(Link, CONTEXTS, ATTRIBUTES)
STATUSES = st.one_of(
    st.builds(Status, st.sampled_from(StatusCode)),
    st.builds(Status, st.just(StatusCode.ERROR), TEXTS),
    st.none(),
)

URLS = st.sampled_from([None, "", "https://opentelemetry.io/schemas/1.36.0"])
# Few different ones, so that spans meet in groups. They are made anew each time: equal, but not the same.
RESOURCES = st.builds(
    lambda attributes, url: Resource(dict(attributes), url),
    st.sampled_from([{}, {"service.name": "é"}, {"a": 1, "b": (True, 2.5)}, {"b": (True, 2.5), "a": 1}, {"a": True}]),
    URLS,
)
SCOPES = st.one_of(
    st.none(),
    st.builds(
        InstrumentationScope,
        st.sampled_from(["", "ams-sdk", "😀"]),
        st.sampled_from([None, "1.0"]),
        URLS,
        st.sampled_from([None, {"a": 1}, {"a": True}]),
    ),
)


def readable_spans(resources=RESOURCES, scopes=SCOPES):
    """Spans put together by hand, with what no tracer would make among them."""
    return st.builds(
        ReadableSpan,
        name=TEXTS,
        context=CONTEXTS,
        parent=st.one_of(st.none(), CONTEXTS),
        resource=resources,
        attributes=ATTRIBUTES,
        events=st.lists(EVENTS, max_size=3),
        links=st.lists(LINKS, max_size=3),
        kind=st.sampled_from(SpanKind),
        status=STATUSES,
        start_time=st.one_of(st.none(), TIMES),
        end_time=st.one_of(st.none(), TIMES),
        instrumentation_scope=scopes,
    )


class Counting(IdGenerator):
    """Ids that a failing example shows again."""

    def __init__(self) -> None:
        self._given = 0

    def generate_span_id(self) -> int:
        self._given += 1
        return self._given

    generate_trace_id = generate_span_id


@st.composite
def recorded_spans(draw):
    """Spans of the SDK's own tracer, with limits so narrow that some of what they are given is dropped."""
    limit = st.sampled_from([0, 1, 2, 128])
    limits = SpanLimits(
        max_span_attributes=draw(limit),
        max_events=draw(limit),
        max_links=draw(limit),
        max_event_attributes=draw(limit),
        max_link_attributes=draw(limit),
        max_span_attribute_length=draw(st.sampled_from([None, 3])),
    )
    memory = InMemorySpanExporter()
    provider = TracerProvider(
        resource=draw(RESOURCES), span_limits=limits, id_generator=Counting(), shutdown_on_exit=False
    )
    provider.add_span_processor(SimpleSpanProcessor(memory))
    tracer = provider.get_tracer("recorder", "2", None, {"a": "b"})
    root = tracer.start_span("root", kind=draw(st.sampled_from(SpanKind)), attributes=draw(PLAIN_ATTRIBUTES))
    for event in draw(st.lists(EVENTS, max_size=3)):
        root.add_event(event.name, event.attributes, event.timestamp)
    for link in draw(st.lists(LINKS, max_size=3)):
        root.add_link(link.context, link.attributes)
    tracer.start_span(draw(TEXTS), trace.set_span_in_context(root)).end()
    root.set_status(draw(st.sampled_from(StatusCode)))
    root.end()
    return memory.get_finished_spans()


@st.composite
def batches(draw):
    """Spans of several resources and scopes, in any order."""
    resources = draw(st.lists(RESOURCES, min_size=1, max_size=3))
    scopes = draw(st.lists(SCOPES, min_size=1, max_size=3))
    readable = readable_spans(
        st.one_of(st.sampled_from(resources), RESOURCES), st.one_of(st.sampled_from(scopes), SCOPES)
    )
    recorded = draw(st.lists(recorded_spans(), max_size=2))
    return [*draw(st.lists(readable, max_size=5)), *(span for spans in recorded for span in spans)]
