from __future__ import annotations

from dataclasses import asdict
from itertools import permutations
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ams_reference_server.telemetry.otlp import SpanRecord
from ams_reference_server.telemetry.summary import LinkedAgent, Summary, shortened

AGENTS = [None, LinkedAgent(uuid4(), "linked"), LinkedAgent(uuid4(), "other")]


def record(*, start=1, name=None, parent="p" * 16, status="unset", events=(), **attributes):
    return SpanRecord(
        trace_id="t" * 32,
        span_id="s" * 16,
        parent_span_id=parent,
        name=name or f"span at {start}",
        kind="internal",
        status=status,
        status_message=None,
        started_ns=start,
        ended_ns=start + 10,
        attributes={name.replace("__", "."): value for name, value in attributes.items()},
        events=[{"name": "exception", "at_ns": 1, "attributes": event} for event in events],
        links=[],
        scope_name=None,
        scope_version=None,
        resource={},
    )


def summary(*spans):
    made = Summary()
    for span, linked in spans:
        made.add(span, linked)
    return made


SPANS = st.lists(
    st.tuples(
        st.builds(
            record,
            start=st.integers(0, 2) | st.integers(0, 2**62),
            name=st.sampled_from(["a", "b", "c" * 256 + "d", "c" * 256 + "e"]),
            parent=st.sampled_from([None, "p" * 16]),
            status=st.sampled_from(["unset", "ok", "error"]),
            gen_ai__agent__name=st.sampled_from([None, "", "one", "two", 7]),
            gen_ai__conversation__id=st.sampled_from([None, "talk", "other"]),
            gen_ai__operation__name=st.sampled_from(["chat", "invoke_agent"]),
            gen_ai__usage__input_tokens=st.sampled_from([None, 0, 5, -5, 2**62, "5", True]),
        ),
        st.sampled_from(AGENTS),
    ),
    max_size=8,
)


@given(SPANS, st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(spans, shuffler):
    shuffled = spans.copy()
    shuffler.shuffle(shuffled)
    assert asdict(summary(*spans)) == asdict(summary(*shuffled))


@given(SPANS)
def test_the_numbers_add_up(spans):
    made = summary(*spans)
    assert made.span_count == len(spans)
    assert made.error_count == sum(span.status == "error" for span, _ in spans)
    assert made.duration_ns == made.ended_ns - made.started_ns
    if spans:
        assert made.started_ns == min(span.started_ns for span, _ in spans)
        assert made.ended_ns == max(span.ended_ns for span, _ in spans)
    numbers = [value for value in asdict(made).values() if isinstance(value, int)]
    assert all(-(2**63) <= number < 2**63 for number in numbers)


@pytest.mark.parametrize(
    ("attributes", "events", "error"),
    [
        ({"error__type": "KeyError"}, [{"exception.type": "ValueError"}], "KeyError"),
        ({}, [{}, {"exception.type": "ValueError"}], "ValueError"),
        ({"error__type": 7}, [], "_OTHER"),
        ({"error__type": "a\0"}, [], "a\ufffd"),
    ],
)
def test_a_failure_is_named_by_the_best_that_the_span_says(attributes, events, error):
    made = summary((record(status="error", events=events, **attributes), None))
    assert (made.error, made.error_count) == (error, 1)


def test_an_error_attribute_alone_is_no_failure():
    assert summary((record(error__type="KeyError"), None)).error is None


def test_of_two_roots_the_older_speaks_for_the_trace():
    older, younger = record(start=1, parent=None), record(start=2, parent=None, status="error")
    for spans in ((older, younger), (younger, older)):
        made = summary(*((span, None) for span in spans))
        assert (made.root_name, made.error, made.error_count) == ("span at 1", None, 1)


@pytest.mark.parametrize("parent", [None, "p" * 16])
def test_of_equally_old_facts_the_same_one_is_taken_in_any_order(parent):
    def one(name, error, linked):
        attributes = {"gen_ai__agent__name": "agent", "gen_ai__conversation__id": name, "error__type": error}
        return record(name=name, parent=parent, status="error" if error else "ok", **attributes), linked

    spans = [one("b", None, None), one("c", "KeyError", AGENTS[1]), one("a", "ValueError", None)]
    for ordered in permutations(spans):
        made = summary(*ordered)
        assert (made.root_name, made.session) == (None if parent else "a", "a")
        assert (made.error, made.agent_id) == ("KeyError", AGENTS[1].id)


def test_a_summary_holds_256_characters_of_each_text():
    attributes = {"gen_ai__agent__name": "a" * 257, "gen_ai__conversation__id": "s" * 257, "error__type": "e" * 257}
    span = record(name="n" * 257, parent=None, status="error", **attributes)
    made = summary((span, None))
    assert (made.root_name, made.agent, made.session, made.error) == ("n" * 256, "a" * 256, "s" * 256, "e" * 256)
    assert (span.name, shortened("n" * 256), shortened(None)) == ("n" * 257, "n" * 256, None)
