"""For any agent the written test passes; for any other way that the agent could go it fails."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.sdk.testing.replay import interpreter
from tests.sdk.testing.replay.interpreter import AskModel, Delegate, NotThereError, UseTool
from tests.sdk.testing.replay.replayed import recorded, replay, source_of

from ams_sdk.testing import error, refusal, run, text, tool_call, tool_calls

WORDS = st.text(max_size=40) | st.sampled_from(
    [
        "otters float",
        'she said "so"',
        "it's",
        "a\nb\n\nc " * 12,
        "back\\slash \t",
        "{'a': 1}",
        '{"a": 1}',
        "é ⚓ \u2028",
        "",
    ]
)
NUMBERS = st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | WORDS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["title", "score", "class", "a b"]), inner)
    ),
    max_leaves=6,
)
ERRORS = st.sampled_from(
    [
        LookupError("nothing found"),
        KeyError("k"),
        KeyError("it's"),
        LookupError(),
        NotThereError("it", 3),
        IndexError("(.*)"),
    ]
)
SEARCHES = st.builds(
    UseTool,
    st.just("search"),
    st.fixed_dictionaries({"query": WORDS}, optional={"limit": st.integers(1, 5)}),
    VALUES | ERRORS,
)
FETCHES = st.builds(
    UseTool,
    st.just("fetch"),
    st.fixed_dictionaries(
        {}, optional={"parts": st.lists(WORDS, min_size=1, max_size=3), "times": NUMBERS, "exact": VALUES}
    ),
    VALUES | ERRORS,
)
CALLS = st.builds(lambda query: tool_call("search", query=query), WORDS) | st.builds(
    lambda value: tool_call("fetch", {"call_id": value, "a b": value}), VALUES
)
ANSWERS = (
    WORDS.map(text)
    | WORDS.filter(bool).map(refusal)
    | CALLS
    | st.lists(CALLS, min_size=2, max_size=3).map(lambda calls: tool_calls(*calls))
    | st.tuples(WORDS.map(text), CALLS).map(list)
    | st.builds(lambda said: text(said, finish_reason="length"), WORDS)
    | st.sampled_from([error(429), error(500), error(400)])
)
MODELS = st.builds(AskModel, WORDS, st.sampled_from(["gpt-5", "gpt-5-mini"]), ANSWERS)
LEAVES = SEARCHES | FETCHES | MODELS
STEPS = st.recursive(
    LEAVES,
    lambda inner: st.builds(
        Delegate, st.sampled_from(["assistant", "reflect"]), st.lists(inner, min_size=1, max_size=3).map(tuple)
    ),
    max_leaves=3,
)
PLANS = st.lists(STEPS, max_size=5)


def leaves(steps):
    for step in steps:
        yield from leaves(step.plan) if isinstance(step, Delegate) else [step]


def set_plan(plan, end="."):
    interpreter.plan[:] = plan
    interpreter.said["end"] = end
    interpreter.waiting.clear()


def trace_of(plan, goal):
    set_plan(plan)
    interpreter.world[:] = [step.result for step in leaves(plan) if isinstance(step, UseTool)]
    answers = [step.answer for step in leaves(plan) if isinstance(step, AskModel)]
    trace = recorded(lambda: run(interpreter.interpreter, goal), *answers)
    assert not interpreter.world
    return trace


@pytest.mark.slow
def test_the_written_test_of_any_agent_passes():
    @settings(max_examples=60)
    @given(PLANS, WORDS)
    def check(plan, goal):
        source = source_of(trace_of(plan, goal))
        set_plan(plan)
        replay(source)

    check()


@st.composite
def changed(draw, plan):
    """Another plan."""
    kinds = ["drop", "add", "swap", "end", "argument"]
    kind = draw(st.sampled_from(kinds if plan else ["add", "end"]))
    other = list(plan)
    if kind == "end":
        return other, " And more."
    at = draw(st.integers(0, max(len(plan) - 1, 0)))
    if kind == "drop":
        del other[at]
    elif kind == "add":
        other.insert(at, draw(LEAVES))
    elif kind == "swap":
        to = draw(st.integers(0, len(plan) - 1))
        other[at], other[to] = other[to], other[at]
    elif isinstance(other[at], UseTool):
        other[at] = dataclasses.replace(other[at], arguments={**other[at].arguments, "limit": 99})
    elif isinstance(other[at], AskModel):
        other[at] = dataclasses.replace(other[at], model="another-model")
    else:
        other[at] = dataclasses.replace(other[at], plan=other[at].plan[1:])
    return other, "."


def done_by(plan):
    """What of a plan the trace shows: a prompt is not among it."""
    for step in plan:
        if isinstance(step, Delegate):
            yield step.to, list(done_by(step.plan)), len(step.plan)
        elif isinstance(step, AskModel):
            yield "model", step.model
        else:
            yield step.tool, repr(sorted(step.arguments.items()))


@pytest.mark.slow
def test_the_written_test_of_any_agent_fails_for_any_other_way_to_go():
    @settings(max_examples=60)
    @given(st.data(), PLANS)
    def check(data, plan):
        source = source_of(trace_of(plan, "go"))
        other, end = data.draw(changed(plan))
        assume(end != "." or list(done_by(other)) != list(done_by(plan)))
        set_plan(other, end)
        # A run without models is replayed without one: then there is no address of one to be asked.
        with pytest.raises((AssertionError, KeyError)):
            replay(source)
        set_plan(plan)
        replay(source)  # nothing has stayed

    check()
