"""How much a span is said to hold, against what it holds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext
from tests.sdk.tracing.two_providers import Kept, own_provider

from ams_sdk import tool
from ams_sdk._decorators import definition_of
from ams_sdk._tracing.size import SPAN, size_of

ELSEWHERE = SpanContext(1, 2, is_remote=True)
texts = st.integers(0, 5_000).map("x".__mul__)
values = st.one_of(
    texts,
    texts.map(str.encode),
    st.integers(0, 9),
    st.lists(texts, max_size=4),
    st.lists(st.integers(0, 9), max_size=4),
    st.dictionaries(st.sampled_from("ab"), texts, max_size=2),
)
attributes = st.dictionaries(st.sampled_from(["a", "b", "c"]), values, max_size=3)


def text_in(value):
    """Characters in a value."""
    if isinstance(value, str | bytes):
        return len(value)
    if isinstance(value, dict):
        return sum(map(text_in, value.values()))
    return sum(map(text_in, value)) if isinstance(value, list | tuple) else 0


def parts_in(value):
    """Values in a value, itself included."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return 1 + sum(map(parts_in, inner))


def span_with(given_at_start=None, *, set_later=(), events=(), links=(), looked_into=False):
    span = own_provider(Kept()).get_tracer("test").start_span("work", attributes=given_at_start)
    for one in set_later:
        for key, value in one.items():
            span.set_attribute(key, value)
    for one in events:
        span.add_event("event", one)
    for one in links:
        span.add_link(ELSEWHERE, one)
    if looked_into:
        len(span.attributes)
    span.end()
    return span


@given(
    attributes,
    st.lists(attributes, max_size=2),
    st.lists(attributes, max_size=2),
    st.lists(attributes, max_size=2),
    st.booleans(),
)
def test_all_that_a_span_holds_is_counted_about_once(given_at_start, later, events, links, looked_into):
    span = span_with(given_at_start, set_later=later, events=events, links=links, looked_into=looked_into)
    size = size_of(span)  # before anybody looks into it
    held = [dict(span.attributes), *(dict(one.attributes) for one in (*span.events, *span.links))]
    text, parts = sum(map(text_in, held)), sum(map(parts_in, held))
    assert text + SPAN <= size <= text + SPAN * len(held) + 200 * parts


@given(attributes, st.lists(attributes, max_size=2), st.lists(attributes, max_size=2))
def test_a_span_of_others_is_counted_by_what_it_says(given_to_it, events, links):
    ours = span_with(given_to_it, events=events, links=links)
    size = size_of(ours)
    theirs = ReadableSpan("work", attributes=dict(ours.attributes), events=ours.events, links=ours.links)
    assert size_of(theirs) == pytest.approx(size, rel=0.5)


def test_a_span_that_holds_nothing_has_a_size():
    assert size_of(ReadableSpan("work")) >= SPAN
    assert size_of(span_with()) >= SPAN


@pytest.mark.parametrize("event", [False, True])
def test_counting_builds_nothing(event):
    span = span_with({"a": 1}, events=[{"b": 1}] * event)
    size_of(span)
    assert span.is_untouched
    call = own_provider(Kept()).get_tracer("test").start_call(definition_of(look), ("up",), {}, None, True)  # noqa: FBT003 -- its signature
    if event:
        call.add_event("event")
    call.returned("up")
    assert call.is_untouched


def test_a_value_within_values_within_values_costs_no_recursion_error():
    nested = []
    for _ in range(5_000):
        nested = [nested]
    assert size_of(ReadableSpan("work", attributes={"a": nested})) >= SPAN


@tool
def look(where):
    return where
