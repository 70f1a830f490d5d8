"""A span that is packed from the inside says what it says when it is read by its properties, and by the SDK."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, SpanLimits
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags
from tests.sdk.tracing.interleaving import at_each_line
from tests.sdk.tracing.two_providers import Counting, Kept, Listening, own_provider, stock_provider

import ams_sdk
from ams_sdk import agent, tool
from ams_sdk._capture.rules import compile_rules, use_rules
from ams_sdk._decorators import definition_of, invocation
from ams_sdk._tracing import packing
from ams_sdk._tracing.call_span import CallSpan
from ams_sdk._tracing.encoder import Batch
from ams_sdk._tracing.packing import add_to, packed
from ams_sdk._tracing.tracer import OwnTracer

if TYPE_CHECKING:
    from collections.abc import Callable


@tool
def look(where, password="", *more, **named):
    """Looks."""


@agent(version="2")
def walker(where):
    """Walks."""


def sent(add, span):
    """The message of one span, as the platform reads it."""
    batch = Batch()
    add(batch, span)
    assert (batch.spans, batch.failed) == (1, 0)
    (group,) = ExportTraceServiceRequest.FromString(batch.message()).resource_spans
    (message,) = group.scope_spans[0].spans
    return group.resource, group.scope_spans[0].scope, message


def timeless(message):
    """Without what differs from one run to another, moments and stacks, and without the order of the attributes."""
    message.attributes.sort(key=lambda one: one.key)
    message.start_time_unix_nano = message.end_time_unix_nano = 0
    for event in message.events:
        event.time_unix_nano = 0
        for one in event.attributes:
            if one.key == "exception.stacktrace":
                one.value.string_value = ""
    return message


ELSEWHERE = SpanContext(1, 2, is_remote=True)
texts = st.text("abé ", max_size=6)
own_names = st.sampled_from(["a", "b", "c", "d"])
any_names = own_names | st.sampled_from(["gen_ai.tool.name", "gen_ai.tool.call.arguments", "ams.run.id", "error.type"])
simple = texts | st.integers(0, 9) | st.lists(texts, max_size=2)


def steps(names):
    """What the code of a call may do to its span."""
    attributes = st.dictionaries(names, simple, max_size=3)
    return st.one_of(
        st.tuples(st.just("set_attribute"), st.tuples(names, simple)),
        st.tuples(st.just("set_attributes"), st.tuples(attributes)),
        st.tuples(st.just("add_event"), st.tuples(texts, attributes)),
        st.tuples(st.just("add_link"), st.tuples(st.just(ELSEWHERE), attributes)),
        st.tuples(st.just("set_status"), st.tuples(st.sampled_from([Status(StatusCode.OK), StatusCode.ERROR]))),
        st.tuples(st.just("update_name"), st.tuples(texts)),
        st.tuples(st.just("end"), st.just(())),
        st.tuples(st.just("look"), st.just(())),
    )


class Call(NamedTuple):
    """A decorated call, and what happens in it."""

    function: Callable
    values: tuple
    named: dict
    outcome: object


atoms = texts | st.integers() | st.floats() | st.booleans() | st.none()
given_values = atoms | st.lists(atoms, max_size=2) | st.just("x" * 10_000)
calls = st.builds(
    Call,
    st.sampled_from([look, walker]),
    st.lists(given_values, max_size=3).map(tuple),
    st.dictionaries(st.sampled_from(["named", "token"]), given_values, max_size=2),
    given_values | st.sampled_from([ValueError("no"), KeyboardInterrupt()]),
)
limits = st.builds(
    SpanLimits,
    max_span_attributes=st.none() | st.integers(0, 9),
    max_events=st.none() | st.integers(0, 1),
    max_links=st.none() | st.integers(0, 1),
    max_attribute_length=st.none() | st.integers(0, 9),
)


def raised(error):
    """The error, as whoever catches it has it."""
    try:
        raise error  # noqa: TRY301 -- for its traceback
    except BaseException as caught:  # noqa: BLE001 -- whatever it is
        return caught


def walk(provider, call, history):
    """The call inside of a run, on our tracer or on the SDK's."""
    tracer = provider.get_tracer("test")
    begin = tracer.start_call if type(tracer) is OwnTracer else partial(invocation.begin, tracer)
    run = begin(definition_of(walker), ("up",), {}, "the id", True)  # noqa: FBT003 -- its signature
    begun = begin(definition_of(call.function), call.values, call.named, "the id", True)  # noqa: FBT003 -- the same
    span = trace.get_current_span()
    for name, arguments in history:
        if name == "look":
            len(span.attributes), span.events, span.links
        else:
            getattr(span, name)(*arguments)
    if isinstance(call.outcome, BaseException):
        begun.failed(raised(call.outcome))
    else:
        begun.returned(call.outcome)
    run.returned(None)


@given(
    calls,
    st.one_of(
        st.tuples(st.lists(steps(any_names), max_size=6), st.just(SpanLimits())),
        st.tuples(st.lists(steps(own_names), max_size=6), limits),
    ),
)
def test_whatever_is_done_in_a_call_it_says_what_it_would_on_the_sdks_span(quiet, call, history_and_limits):
    kept, ours, theirs = Kept(), Listening(), Listening()
    history, limits = history_and_limits
    for make, listener, beside in (
        (own_provider, kept, None),
        (stock_provider, theirs, None),
        (own_provider, Kept(), ours),
    ):
        provider = make(listener, id_generator=Counting(), span_limits=limits)
        if beside is not None:
            provider.add_span_processor(beside)
        walk(provider, call, history)
    for own, told, expected in zip(kept.spans, ours.ended, theirs.ended, strict=True):
        resource, scope, message = sent(Batch.add, expected)
        for add, span in ((add_to, own), (Batch.add, own), (add_to, told)):
            found = sent(add, span)
            assert found[:2] == (resource, scope)
            assert timeless(found[2]) == timeless(message)


@pytest.fixture
def quiet(caplog):
    caplog.set_level("CRITICAL")


@pytest.mark.parametrize("kind", ["a call", "a span"])
def test_somebody_who_looks_into_a_span_while_it_is_packed_takes_nothing_away(kind):
    kept = Kept()
    tracer = own_provider(kept).get_tracer("test")

    def pack():
        kept.spans.clear()
        if kind == "a call":
            call = tracer.start_call(definition_of(look), ("up",), {}, None, True)  # noqa: FBT003 -- its signature
            call.set_attribute("a", 1)
            call.returned("down")
        else:
            tracer.start_span("work", attributes={"a": 1, "b": 2}).end()
        return [one.key for one in sent(add_to, kept.spans[0])[2].attributes]

    expected = pack()
    for function in (packing._packed, packing._pack_plain, CallSpan.attributes_of_call, packing._pack):
        assert all(found == expected for found in at_each_line(function, lambda: len(kept.spans[0].attributes), pack))


def test_two_workers_pack_the_first_calls_of_a_tool_at_once():
    def pack():
        kept = Kept()
        call = own_provider(kept).get_tracer("test").start_call(definition, ("up",), {}, None, True)  # noqa: FBT003 -- its signature
        call.returned("down")
        return sent(add_to, call)[2].name

    def anew():
        definition.packed.clear()
        return pack()

    definition = definition_of(look)
    found = list(at_each_line(packing._pack_definition, pack, anew))
    assert len(found) > 3
    assert set(found) == {"execute_tool look"}


def test_what_all_calls_of_a_run_or_a_session_say_is_packed_anew_when_the_rules_are_others():
    @agent(name="oslo-bot")
    def bot(where):
        """Walks."""

    kept = Kept()
    tracer = own_provider(kept).get_tracer("test")
    with ams_sdk.session("talk of oslo", user="oslo"):
        run = tracer.start_call(definition_of(bot), ("up",), {}, "the id", True)  # noqa: FBT003 -- its signature
        tracer.start_call(definition_of(look), ("up",), {}, None, True).returned("down")  # noqa: FBT003 -- the same
        run.returned("there")

    def messages():
        return [sent(add_to, span)[2].SerializeToString() for span in kept.spans]

    before = messages()
    assert [message.count(b"oslo") for message in before] == [3, 4]
    use_rules(compile_rules(["oslo"]))
    try:
        assert [message.count(b"oslo") for message in messages()] == [0, 0]
        assert [message.count(b"[redacted]") for message in messages()] == [3, 4]
    finally:
        use_rules()
    assert messages() == before


WRITTEN = {
    "_attributes": {"mine": 1},
    "_name": "renamed",
    "_kind": SpanKind.CLIENT,
    "_status": Status(StatusCode.ERROR, "so"),
    "_events": [Event("event", {"a": 1}, 5)],
    "_links": [Link(ELSEWHERE, {"b": 2})],
    "_parent": ELSEWHERE,
    "_context": SpanContext(3, 4, is_remote=False, trace_flags=TraceFlags(1)),
    "_start_time": 5,
    "_end_time": 99,
}


def finished(whose):
    """A finished span, as others get it."""
    kept, listening = Kept(), Listening()
    provider = own_provider(kept)
    if whose == "told":
        provider.add_span_processor(listening)
    tracer = provider.get_tracer("test")
    if whose == "a span":
        tracer.start_span("work", attributes={"a": 1}).end()
    else:
        tracer.start_call(definition_of(look), ("up",), {}, None, True).returned("down")  # noqa: FBT003 -- its signature
    return kept.spans[0]


@pytest.mark.parametrize("whose", ["a span", "a call", "told"])
@pytest.mark.parametrize("name", WRITTEN)
def test_what_is_written_to_a_private_name_is_what_is_sent_and_nothing_else_changes(whose, name):
    span = finished(whose)
    _, _, before = sent(add_to, span)
    setattr(span, name, WRITTEN[name])
    _, _, after = sent(add_to, span)
    expected = finished("a span")
    for one, value in {**WRITTEN, "_resource": span.resource}.items():
        setattr(expected, one, value)
    fields = {
        "_attributes": ["attributes"],
        "_name": ["name"],
        "_kind": ["kind"],
        "_status": ["status"],
        "_events": ["events"],
        "_links": ["links"],
        "_parent": ["parent_span_id", "flags"],
        "_context": ["trace_id", "span_id"],
        "_start_time": ["start_time_unix_nano"],
        "_end_time": ["end_time_unix_nano"],
    }[name]
    for field in before.DESCRIPTOR.fields_by_name:
        wanted = sent(Batch.add, expected)[2] if field in fields else before
        assert getattr(after, field) == getattr(wanted, field), field


def test_a_resource_that_is_written_is_what_is_sent():
    for whose in ("a span", "a call", "told"):
        span = finished(whose)
        span._resource = Resource({"another": True})
        assert [one.key for one in sent(add_to, span)[0].attributes] == ["another"]


@pytest.mark.parametrize(
    ("name", "value"), [("_name", 7), ("_context", SpanContext(2**200, 2**100, is_remote=False)), ("_kind", "odd")]
)
def test_what_somebody_broke_is_read_slowly_and_the_rest_is_saved(name, value, held_back):
    span = own_provider(Kept()).get_tracer("test").start_span("work", attributes={"a": 1})
    span.end()
    setattr(span, name, value)
    assert [one.key for one in sent(add_to, span)[2].attributes] == ["a"]
    held_back.clear()


def test_a_span_that_cannot_be_read_at_all_is_counted_and_costs_nothing_else(held_back):
    batch = Batch()
    for context in (None, SpanContext(1, 2, is_remote=False)):
        span = finished("a call")
        span._context = context
        add_to(batch, span)
    assert (batch.spans, batch.failed) == (1, 1)
    assert [place for place, _ in held_back] == ["packing a span", "encoding a span"]
    held_back.clear()


def test_a_span_whose_events_somebody_broke_is_sent_without_them(held_back):
    span = own_provider(Kept()).get_tracer("test").start_span("work", attributes={"a": 1})
    span.end()
    span._events = [object()]
    assert not sent(add_to, span)[2].events
    assert {place for place, _ in held_back} == {"encoding an event"}
    held_back.clear()


def test_a_span_of_others_and_one_that_was_looked_into_are_not_packed_from_the_inside():
    kept = Kept()
    span = own_provider(kept).get_tracer("test").start_span("work", attributes={"a": 1})
    span.end()
    assert packed(span) is not None
    readable = span._readable_span()
    assert (packed(readable), packed(span), packed(None)) == (None, None, None)
    assert sent(add_to, readable) == sent(add_to, span)


def test_a_packed_span_says_how_much_it_holds():
    kept = Kept()
    span = own_provider(kept).get_tracer("test").start_span("work", attributes={"a": "x" * 1_000})
    span.end()
    message, size = packed(span)
    assert len(message.message) < size < len(message.message) + 500
    assert (message.resource, message.scope) == (span.resource, span.instrumentation_scope)
