"""Which way a run went: each mode against its definition over multisets."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.sdk.testing.trace.hand_made import Made, research

import ams_sdk
from ams_sdk import ConfigurationError
from ams_sdk.testing._trace.assignment import largest_matching
from ams_sdk.testing._trace.failure import TraceAssertionError
from ams_sdk.testing._trace.steps import Step, agent_step, model_step, tool_step

NAMES = st.sampled_from(["a", "b"])
CALLS = st.lists(st.tuples(NAMES, st.integers(0, 1)), max_size=5)
STEPS = st.lists(st.tuples(NAMES, st.one_of(st.none(), st.integers(0, 1))), max_size=5)


def run_with(calls):
    made = Made()
    top = made.agent("agent")
    for name, value in calls:
        made.tool(name, top, {"n": value})
    return made.view.agent()


def holds(call):
    try:
        call()
    except TraceAssertionError as failure:
        return len(str(failure).splitlines()) > 60
    return True


def is_step(step, call):
    return step[0] == call[0] and step[1] in {None, call[1]}


def are_matched(steps, calls):
    """Whether each step has a call of its own."""
    return any(all(map(is_step, steps, way)) for way in itertools.permutations(calls, len(steps)))


def have_steps(steps, calls):
    """Whether each call has a step of its own."""
    return any(all(map(is_step, way, calls)) for way in itertools.permutations(steps, len(calls)))


@given(calls=CALLS, steps=STEPS)
@settings(max_examples=400)
def test_modes_are_what_their_definitions_say(calls, steps):
    run = run_with(calls)
    written = [name if value is None else tool_step(name, n=value) for name, value in steps]
    if not steps:
        with pytest.raises(ConfigurationError, match="holds for every run"):
            run.assert_trajectory([], mode="superset")
    expected = {
        "strict": len(steps) == len(calls) and all(map(is_step, steps, calls)),
        "unordered": len(steps) == len(calls) and are_matched(steps, calls),
        "subset": have_steps(steps, calls),
        "superset": are_matched(steps, calls),
    }
    if not steps:
        del expected["superset"]
    assert {mode: holds(lambda: run.assert_trajectory(written, mode=mode)) for mode in expected} == expected  # noqa: B023 -- called at once
    if steps:
        in_order = any(all(map(is_step, steps, way)) for way in itertools.combinations(calls, len(steps)))
        assert holds(lambda: run.assert_called_in_order(*written)) == in_order


@given(st.lists(st.lists(st.integers(0, 4), unique=True).map(sorted), max_size=5))
@example([[0, 3], [0, 1], [0, 1]])
@example([[0, 1], [0, 2], [0, 1], [2, 3], [1, 2]])
def test_as_many_as_can_have_something_have_it(choices):
    had = largest_matching(choices)
    assert len(set(had.values())) == len(had)
    assert all(place in choices[who] for who, place in had.items())
    best = max(
        sum(place is not None for place in way)
        for way in itertools.product(*[[None, *choice] for choice in choices])
        if len({place for place in way if place is not None}) == sum(place is not None for place in way)
    )
    assert len(had) == best


def test_names_are_those_of_tools_or_of_agents_inside():
    run = research().view.agent("researcher")
    run.assert_trajectory(["search", "search", "fetch"])
    run.assert_trajectory(["search", "search", "fetch", "writer"])
    run.assert_trajectory(["search", "search", "fetch", agent_step()])
    run.assert_trajectory([model_step(), "search", "search", "fetch", model_step("gpt-5")])
    run.assert_trajectory([agent_step("writer")], mode="superset")
    run.assert_called_in_order("fetch", "writer", model_step())
    assert not holds(lambda: run.assert_trajectory([agent_step("editor")], mode="superset"))
    assert not holds(lambda: run.assert_trajectory([model_step("gpt-4")], mode="superset"))


def test_an_agent_that_is_called_as_a_tool_is_the_tool():
    made = Made()
    top = made.agent("boss")
    made.agent("worker", made.tool("worker", top))
    made.view.agent("boss").assert_trajectory(["worker"])


def test_decorated_functions_are_steps():
    @ams_sdk.tool(name="look-up")
    def look_up(n):
        return n

    run = run_with([("look-up", 1)])
    run.assert_trajectory([look_up])
    run.assert_trajectory([tool_step(look_up, n=1)])
    run.assert_called_in_order(look_up)
    run.assert_only_called(look_up)


def test_steps_are_written_as_calls():
    assert str(tool_step("search", query="otters", **{"a b": 1})) == "search(query='otters', **{'a b': 1})"
    assert str(model_step()) == "model any"
    assert str(agent_step("writer")) == "agent writer"
    assert tool_step("search") == Step("tool", "search", {})


def test_a_long_way_is_shown_around_what_differs():
    calls = [("a", n) for n in range(300)]
    run = run_with(calls)
    with pytest.raises(TraceAssertionError) as caught:
        run.assert_trajectory([*["a"] * 150, "b", *["a"] * 150])
    text = str(caught.value)
    assert "… 148 steps as expected" in text
    assert "  - b" in text
    assert len(text.splitlines()) <= 60
    with pytest.raises(TraceAssertionError):
        run_with([("a", n) for n in range(900)]).assert_trajectory(["b"] * 900)
