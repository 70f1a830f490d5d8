"""What each assertion says when it fails, word by word, in ``golden``; AMS_REWRITE_GOLDEN=1 writes the files again."""

from __future__ import annotations

from unittest.mock import ANY

import pytest
from tests.sdk.testing.trace.hand_made import SECOND, START, Made, research

from ams_sdk.testing._trace.steps import agent_step, model_step, tool_step
from ams_sdk.testing._trace.view import TraceView

EXPECTED = """
    invoke_agent researcher
      chat gpt-5
      execute_tool search
      execute_tool search
      execute_tool fetch
      invoke_agent writer
        execute_tool spell
      execute_tool publish
"""


def long_trace():
    made = research()
    for turn in range(60):
        made.tool("search", made.spans[0], {"query": f"otters {turn}", "limit": 3}, [])
    return made


def of_others():
    """An agent of a framework whose instrumentation records no content."""
    made = Made()
    top = made.agent("planner", scope_name="openai_agents")
    made.chat(top)
    made.tool("search", top, scope_name="openai_agents")
    return made


def unconnected():
    made = research()
    made.tool("search", trace=2, parent_id="00000000000000ff")
    made.agent("janitor", trace=3)
    return made


def leaky():
    made = research()
    made.tool("login", made.spans[0], {"password": "hunter2-is-secret", "user": "ada"})
    made.add(
        "GET /?token=hunter2-is-secret",
        made.spans[0],
        status="error",
        status_message="bad 68756e746572322d69732d736563726574",
    )
    return made


def broken():
    made = research()
    made.add(
        "execute_tool lost", made.spans[0], attributes={"gen_ai.operation.name": "execute_tool", "gen_ai.tol.name": "x"}
    )
    made.tool("slow", made.spans[0], is_open=True)
    made.tool("early", made.spans[0], start_ns=START - 5, status="ok")
    made.tool("again", made.spans[-1], span_id=made.spans[1].span_id, error=("ValueError", "twice"))
    return made


def open_one():
    made = research()
    made.agent("sleeper", made.spans[0], is_open=True)
    return made


FAILURES = {
    # of a run
    "called_other_argument": lambda run: run.assert_called("search", query="otter", limit=3),
    "called_misspelled_tool": lambda run: run.assert_called("serach", query="otters"),
    "called_misspelled_argument": lambda run: run.assert_called("search", qeury="otters"),
    "called_too_often": lambda run: run.assert_called("search", times=1, limit=3),
    "called_too_rarely": lambda run: run.assert_called("search", times=2, query="otters"),
    "called_other_result": lambda run: run.assert_called("search", query="otters", result=["Otters float.", ANY]),
    "called_failed": lambda run: run.assert_called("fetch", url=ANY, result="a page"),
    "called_by_nested_agent": lambda run: run.assert_called("spell"),
    "not_called": lambda run: run.assert_not_called("search"),
    "not_called_with": lambda run: run.assert_not_called("search", query="beavers"),
    "called_in_order": lambda run: run.assert_called_in_order("search", "fetch", "search"),
    "called_in_order_missing": lambda run: run.assert_called_in_order("search", "publish"),
    "only_called": lambda run: run.assert_only_called("search"),
    "only_called_nothing": lambda run: run.assert_only_called(),
    "trajectory_strict": lambda run: run.assert_trajectory(["search", "fetch", tool_step("publish", page=1)]),
    "trajectory_order": lambda run: run.assert_trajectory(["fetch", "search", "search"]),
    "trajectory_unordered": lambda run: run.assert_trajectory(["search", "fetch", "publish"], mode="unordered"),
    "trajectory_subset": lambda run: run.assert_trajectory(["search", "search"], mode="subset"),
    "trajectory_superset": lambda run: run.assert_trajectory([tool_step("search", query="seals")], mode="superset"),
    "trajectory_models": lambda run: run.assert_trajectory([model_step("gpt-5"), "search", agent_step("writer")]),
    "within_tokens": lambda run: run.assert_within(tokens=500, output_tokens=200, model_calls=1),
    "within_seconds": lambda run: run.assert_within(seconds=2.5),
    "within_tool_calls": lambda run: run.assert_within(tool_calls=2),
    "failed": lambda run: run.assert_failed(ValueError, match="no such"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_the_failure_of_an_assertion_on_a_run(fails_as, name):
    fails_as(name, lambda: FAILURES[name](research().view.agent("researcher")))


class WithModel(TraceView):
    """Of a test whose model was asked three times, once during its only call that is traced."""

    heard_by_models = tuple(START + seconds * SECOND for seconds in (2, 4, 5))


def failing(error=("ValueError", "no such otter: [x]")):
    made = Made()
    top = made.agent("researcher", error=error)
    made.tool("search", top, {"query": "otters"}, error=error)
    return made.view.agent()


def test_the_failures_of_assertions_on_how_a_run_ended(fails_as):
    fails_as("failed_with_another", lambda: failing().assert_failed(KeyError))
    fails_as("failed_with_another_message", lambda: failing().assert_failed(ValueError, match="no such otter: [x]"))
    fails_as("failed_without_message", lambda: failing(("ValueError", None)).assert_failed(ValueError, match="x"))
    fails_as("succeeded", failing().assert_succeeded)
    fails_as("succeeded_open", open_one().view.agent("sleeper").assert_succeeded)


def test_the_failures_where_content_was_not_recorded(fails_as):
    run = of_others().view.agent()
    fails_as("called_not_recorded", lambda: run.assert_called("search", query="otters"))
    fails_as("not_called_not_recorded", lambda: run.assert_not_called("search", query="otters"))
    fails_as("trajectory_not_recorded", lambda: run.assert_trajectory([tool_step("search", query="otters")]))
    fails_as("called_in_order_not_recorded", lambda: run.assert_called_in_order(tool_step("search", query="otters")))
    fails_as("within_unknown_tokens", lambda: run.assert_within(tokens=500))
    made = Made()
    top = made.agent("planner")
    made.chat(top, tokens=(300, 20))
    asked = WithModel(lambda: made.spans).agent("planner")
    fails_as("within_untraced", lambda: asked.assert_within(tokens=500))
    made.chat(made.tool("search", top))
    made.chat(top, tokens=(400, 60))
    run = made.view.agent("planner")
    fails_as("within_some_unknown_tokens", lambda: run.assert_within(input_tokens=10_000, model_calls=5))
    made = Made()
    made.tool("search", made.agent("quiet"))
    fails_as("called_not_captured", lambda: made.view.agent().assert_called("search", query="otters"))


def test_the_failure_where_a_call_was_asked_for_and_not_traced(fails_as):
    made = Made()
    made.chat(made.agent("bare"), calls=[("c1", "search", {"query": "otters"})])
    fails_as("called_undecorated", lambda: made.view.agent().assert_called("search"))


def test_the_failures_of_choosing_one(fails_as):
    view = research().view
    fails_as("agent_two", view.agent)
    fails_as("agent_misspelled", lambda: view.agent("reseacher"))
    fails_as("agent_nothing_captured", lambda: TraceView.of([]).agent("researcher"))
    fails_as("one_several", lambda: view.one(tool="search"))
    fails_as("one_none", lambda: view.one(tool="fetch", error="ValueError", attributes={"gen_ai.tool.name": "fetch"}))


@pytest.mark.parametrize("mode", ["exact", "subset", "ordered"])
def test_the_failure_of_a_tree(fails_as, mode):
    fails_as(f"tree_{mode}", lambda: research().view.assert_tree(EXPECTED, mode=mode))


def test_the_failures_of_trees_in_special_ways(fails_as):
    view = research().view
    fails_as("tree_order", lambda: view.assert_tree("execute_tool fetch*  *\nexecute_tool search", mode="ordered"))
    fails_as("tree_count", lambda: view.assert_tree("execute_tool search\n" * 3, mode="subset"))
    fails_as("tree_attributes", lambda: view.assert_tree("chat gpt-5  [gen_ai.usage.input_tokens=1]", mode="subset"))
    fails_as("tree_long", lambda: long_trace().view.assert_tree(EXPECTED))


def test_the_failures_of_assertions_on_a_whole_trace(fails_as):
    fails_as("no_errors", research().view.assert_no_errors)
    fails_as("all_ended", open_one().view.assert_all_ended)
    fails_as("connected", unconnected().view.assert_connected)
    fails_as("connected_nothing", TraceView.of([]).assert_connected)
    text = fails_as("no_leak", lambda: leaky().view.assert_no_leak("other-secret", "hunter2-is-secret"))
    assert "hunter2" not in text
    assert "68756e746572322d" not in text
    fails_as("invariants", broken().view.assert_invariants)


def test_a_failure_holds_the_trace():
    view = research().view
    with pytest.raises(AssertionError) as caught:
        view.agent("researcher").assert_called("nothing")
    assert caught.value.trace is view
