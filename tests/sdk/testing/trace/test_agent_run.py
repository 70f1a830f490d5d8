"""What a run of an agent was given, did, and gave back, whoever recorded it."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from unittest.mock import ANY

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sdk.testing.trace.hand_made import SECOND, Made, research

import ams_sdk
from ams_sdk import ConfigurationError, Secret
from ams_sdk.testing._trace.calls import CallError
from ams_sdk.testing._trace.failure import TraceAssertionError
from ams_sdk.testing._trace.readable import captured
from ams_sdk.testing._trace.recorded_content import output_of
from ams_sdk.testing._trace.usage import Usage
from ams_sdk.testing._trace.view import TraceView


class Long:
    """A matcher, as those of libraries are."""

    def __eq__(self, other):
        return len(other) >= 3

    __hash__ = None


class Some(dict):
    """A mapping of which a part is enough."""

    def __eq__(self, other):
        return all(other.get(name) == value for name, value in self.items())

    __hash__ = None


@dataclasses.dataclass
class Filter:
    year: int
    tags: tuple[str, ...] = ()


@ams_sdk.tool
def search(query, limit=3, *, where=None):
    if query == "nothing":
        raise LookupError("no hits")
    return [query] * limit


@ams_sdk.tool
def login(user, password):
    return user


@ams_sdk.tool
def times(times, result, tool):
    return times


@ams_sdk.agent
def helper(task):
    return search(task, limit=1)


@ams_sdk.agent
def researcher(question, depth=1):
    search(question, where=Filter(2024, ("a",)))
    helper("inside")
    return {"answer": (question, depth)}


def run_of(recorder, name=None):
    return TraceView.of([captured(span) for span in recorder.spans]).agent(name)


def fails(call, *says):
    with pytest.raises(TraceAssertionError) as caught:
        call()
    for text in says:
        assert text in str(caught.value)
    return str(caught.value)


def test_a_decorated_run_is_read_back(recorder):
    researcher("otters", 2)
    run = run_of(recorder, "researcher")
    assert run.name == "researcher"
    assert run.input == {"question": "otters", "depth": 2}
    assert run.output == {"answer": ["otters", 2]}
    assert run.error is None
    assert run.duration == (run.span.end_ns - run.span.start_ns) / SECOND
    assert [call.name for call in run.tool_calls] == ["search"]
    (call,) = run.tool_calls
    assert call.arguments == {"query": "otters", "where": {"year": 2024, "tags": ["a"]}}
    assert call.result == ["otters"] * 3
    assert (call.error, call.has_arguments, call.has_result) == (None, True, True)
    assert call.duration == call.span.duration
    (inner,) = run.agents
    assert (inner.name, inner.input, inner.output) == ("helper", "inside", ["inside"])
    assert inner.parent.name == "researcher"
    assert run.parent is None
    assert [call.arguments["query"] for call in run.with_nested().tool_calls] == ["otters", "inside"]
    assert repr(run) == "<AgentRun of 'researcher': 1 tool calls, 0 model calls>"
    run.trace.assert_invariants()
    run.trace.assert_connected()


def test_values_are_compared_in_the_form_in_which_they_are_recorded(recorder):
    researcher("otters")
    run = run_of(recorder, "researcher")
    run.assert_called(search, where=Filter(2024, ("a",)), result=("otters",) * 3)
    run.assert_called("search", query=Long(), where=Some(year=2024), times=1)
    run.assert_called("search", where={"year": pytest.approx(2024.0), "tags": [ANY]}, result=[ANY, "otters", ANY])
    run.assert_not_called("search", where=Filter(2025))
    text = fails(lambda: run.assert_called("search", where=Filter(2025, ("a",))), "where.year", "got       2024")
    assert "masked" not in text
    fails(
        lambda: run.assert_called("search", where={"year": 2025, "tags": ("b",), "more": dt.date(2024, 1, 1)}),
        "where.year",
        "where.tags[0]",
        "where.more",
        "expected  2025",
        "got       nothing",
    )


def test_names_that_the_method_has_itself_go_another_way(recorder):
    @ams_sdk.agent
    def caller(_):
        times(times=2, result="r", tool="t")

    caller(1)
    run = run_of(recorder)
    run.assert_called("times", arguments={"times": 2, "result": "r"}, tool="t")
    run.assert_called(times, times=1, arguments={"times": 2})
    run.assert_not_called("times", arguments={"times": 3})
    with pytest.raises(ConfigurationError, match="twice"):
        run.assert_called("times", arguments={"tool": 1}, tool=2)
    with pytest.raises(ConfigurationError, match=r'arguments=\{"times"'):
        run.assert_called("times", times="2")


def test_a_masked_argument_says_why_it_differs(recorder):
    @ams_sdk.agent
    def caller(_):
        login("ada", "hunter2-is-secret")

    caller(1)
    run = run_of(recorder)
    run.assert_called("login", user="ada", password=ANY)
    text = fails(
        lambda: run.assert_called("login", password="hunter2-is-secret"), "masked when it was recorded", "mock.ANY"
    )
    assert "hunter2" not in text


def test_a_failed_call_is_no_result(recorder):
    @ams_sdk.agent
    def caller(_):
        return search("nothing")

    with pytest.raises(LookupError):
        caller(1)
    run = run_of(recorder)
    assert run.error == CallError("LookupError", "no hits")
    assert run.tool_calls[0].error == run.error
    run.assert_called("search", query="nothing")
    fails(lambda: run.assert_called("search", query="nothing", result=None), "failed with LookupError")
    run.assert_failed()
    run.assert_failed(LookupError)
    run.assert_failed(Exception, match="no .its")
    run.assert_failed("LookupError", match="hits")
    fails(lambda: run.assert_failed(KeyError))  # which is below LookupError, and not the other way round
    fails(lambda: run.assert_failed(match="absent"), "leave out match=")
    fails(run.assert_succeeded, "no hits")


def test_errors_are_also_named_without_their_module():
    made = Made()
    made.agent("one", error=("somelib.errors.RateLimit", "slow down"))
    run = made.view.agent()
    run.assert_failed("RateLimit")
    run.assert_failed("somelib.errors.RateLimit")
    fails(lambda: run.assert_failed("errors.RateLimt"), 'Did you mean "somelib.errors.RateLimit"?')
    fails(lambda: run.assert_failed("otherlib.RateLimit"))


@pytest.mark.parametrize(
    "call",
    [
        lambda run: run.assert_failed(3),
        lambda run: run.assert_failed(int),
        lambda run: run.assert_failed(match=3),
        lambda run: run.assert_failed(match="("),
        lambda run: run.assert_called(3),
        lambda run: run.assert_called(""),
        lambda run: run.assert_called(print),
        lambda run: run.assert_called(researcher),
        lambda run: run.assert_called("a", times=True),
        lambda run: run.assert_called("a", times=-1),
        lambda run: run.assert_called("a", times=0),
        lambda run: run.assert_within(),
        lambda run: run.assert_within(tokens=-1),
        lambda run: run.assert_within(tokens="3"),
        lambda run: run.assert_within(seconds=float("nan")),
        lambda run: run.assert_called_in_order(),
        lambda run: run.assert_called_in_order(3),
        lambda run: run.assert_trajectory("search"),
        lambda run: run.assert_trajectory(["search"], mode="loose"),
        lambda run: run.assert_trajectory(["search"], mode=["strict"]),
    ],
)
def test_what_cannot_be_asked_is_refused(call):
    with pytest.raises(ConfigurationError):
        call(research().view.agent("researcher"))


def test_assertions_that_hold_say_nothing():
    run = research().view.agent("researcher")
    run.assert_called("search")
    run.assert_called("search", times=2, limit=3)
    run.assert_not_called("publish")
    run.assert_called_in_order("search", "search", "fetch")
    run.assert_only_called("search", "fetch", "publish")
    run.assert_within(tokens=780, input_tokens=700, output_tokens=80, seconds=60, model_calls=2, tool_calls=3)
    run.assert_succeeded()


def test_content_that_was_not_captured_is_not_asserted(unconfigured_recorder):
    recorder = unconfigured_recorder.configure(capture_content=False)
    researcher("otters")
    run = run_of(recorder, "researcher")
    assert (run.input, run.output) == (None, None)
    assert run.tool_calls[0].arguments == {}
    assert repr(output_of(run.span)) == "<not recorded>"
    run.assert_called("search", times=1)
    fails(lambda: run.assert_called("search", query="otters"), "capture_content=True")
    fails(lambda: run.assert_not_called("search", query="seals"), "capture_content=True")
    fails(lambda: run.assert_called("search", result=[]), "The results of", "capture_content=True")


def test_a_parameter_that_is_hidden_is_masked_only(recorder):
    @ams_sdk.tool(exclude=("pin",))
    def pay(amount, pin):
        return amount

    @ams_sdk.agent
    def payer(_: Secret):
        pay(3, "1234")

    payer(1)
    run_of(recorder).assert_called("pay", amount=3, pin=ANY)


def test_arguments_and_results_are_also_found_in_messages():
    made = Made()
    top = made.agent("assistant")
    made.chat(top, calls=[("c1", "search", '{"query": "otters"}'), ("c2", "search", {"query": "seals"})])
    made.tool("search", top, attributes={"gen_ai.tool.call.id": "c1"}, scope_name="other")
    made.tool("search", top, attributes={"gen_ai.tool.call.id": "c2"}, scope_name="other")
    made.tool("search", top, attributes={"gen_ai.tool.call.id": "c3"}, scope_name="other")
    made.chat(top, told=[("c1", ["x"]), ("c2", '{"hits": 0}')])
    run = made.view.agent()
    assert [call.arguments for call in run.tool_calls] == [{"query": "otters"}, {"query": "seals"}, {}]
    assert [call.result for call in run.tool_calls] == [["x"], {"hits": 0}, None]
    run.assert_called("search", query="seals", result={"hits": 0})
    requested = run.model_calls[0].tool_calls
    assert [(one.name, one.arguments, one.call_id) for one in requested] == [
        ("search", {"query": "otters"}, "c1"),
        ("search", {"query": "seals"}, "c2"),
    ]
    assert repr(requested[1]) == "RequestedCall('search', {'query': 'seals'})"


def test_a_tool_without_named_arguments_has_them_as_input():
    made = Made()
    top = made.agent("assistant")
    made.tool("search", top, "otters", scope_name="other")
    made.tool(
        "search",
        top,
        attributes={"gen_ai.tool.call.arguments": "plain", "gen_ai.tool.call.result": "12"},
        scope_name="x",
    )
    run = made.view.agent()
    run.assert_called("search", input="otters")
    run.assert_called("search", input="plain", result="12")


def test_a_call_that_a_framework_has_recorded_as_well_counts_once():
    made = Made()
    top = made.agent("assistant")
    outer = made.tool("search", top, scope_name="framework")
    made.tool("search", outer, {"query": "otters"}, ["x"])
    chat = made.chat(top, "gpt-5", (100, 10), scope_name="framework")
    client = made.add("POST", chat, kind="client")
    made.chat(client, "gpt-5-2026", (100, 10), calls=[("c", "search", {})])
    run = made.view.agent()
    assert len(run.tool_calls) == 1
    run.assert_called("search", query="otters", result=["x"], times=1)
    assert run.tool_calls[0].span is outer
    (call,) = run.model_calls
    assert (call.model, call.usage, call.tool_calls[0].name) == ("gpt-5", Usage(100, 10, 0, is_known=True), "search")
    assert run.usage.total_tokens == 110


def test_what_a_framework_does_for_a_decorated_agent_is_that_agents_own():
    made = Made()
    ours = made.agent("assistant")
    flow = made.add(
        "invoke_workflow flow", ours, attributes={"gen_ai.operation.name": "invoke_workflow"}, scope_name="x"
    )
    theirs = made.agent("counter", flow, scope_name="x", seconds=20)
    made.chat(theirs, tokens=(10, 1))
    made.tool("population", theirs, {"city": "Oslo"}, scope_name="x")
    other = made.agent("checker", theirs, scope_name="x", seconds=5)
    made.tool("check", other, {}, scope_name="x")
    helper = made.agent("helper", made.tool("ask", theirs, {}, scope_name="x"))
    made.tool("inner", helper, {})
    view = made.view
    run = view.agent("assistant")
    run.assert_called("population", city="Oslo")
    run.assert_trajectory(["population", "check", "ask"])
    assert run.usage.total_tokens == 11
    assert [nested.name for nested in run.agents] == ["counter"]
    counter = view.agent("counter")
    counter.assert_only_called("population", "ask")
    assert [nested.name for nested in counter.agents] == ["checker", "helper"]
    assert counter.parent.name == "assistant"
    fails(lambda: run.assert_called("inner"), "inner was called by an agent inside of it, helper")


def test_a_frameworks_agent_is_not_in_the_way_of_the_decorated_one():
    made = Made()
    ours = made.agent("assistant")
    unnamed = made.add("invoke_agent", ours, attributes={"gen_ai.operation.name": "invoke_agent"}, scope_name="x")
    made.agent("assistant", unnamed, scope_name="x")
    assert made.view.agent().span is ours
    assert made.view.agent("assistant").span is ours
    assert made.view.agent("invoke_agent").span is unnamed
    assert len(made.view.agents("assistant")) == 2


def test_a_tool_that_calls_itself_is_called_twice(recorder):
    @ams_sdk.tool
    def walk(depth):
        return walk(depth - 1) if depth else 0

    @ams_sdk.agent
    def walker(_):
        walk(1)

    walker(1)
    assert len(run_of(recorder).tool_calls) == 2


def test_a_model_call_below_a_tool_is_a_call_of_its_own():
    made = Made()
    top = made.agent("assistant")
    chat = made.chat(top, tokens=(10, 1))
    tool = made.tool("summarise", chat)
    made.chat(tool, tokens=(5, 2))
    run = made.view.agent()
    assert [call.usage.input_tokens for call in run.model_calls] == [10, 5]
    assert run.usage == Usage(15, 3, 0, is_known=True)


def test_what_a_framework_says_of_a_whole_run_counts_once():
    made = Made()
    top = made.agent(
        "assistant", attributes={"gen_ai.usage.input_tokens": 30, "gen_ai.usage.output_tokens": 3}, scope_name="x"
    )
    made.chat(top, tokens=(10, 1))
    assert made.view.agent().usage == Usage(30, 3, 0, is_known=True)
    made = Made()
    top = made.agent("ours", attributes={"gen_ai.usage.input_tokens": 30, "gen_ai.usage.output_tokens": 3})
    assert made.view.agent().usage == Usage(30, 3, 0, is_known=True)
    made.chat(top, tokens=(10, 1), attributes={"gen_ai.usage.cache_read.input_tokens": 4})
    assert made.view.agent().usage == Usage(10, 1, 4, is_known=True)


def test_the_sums_are_those_of_the_sdk(recorder):
    def ask(tokens):
        with ams_sdk.model_call(model="gpt-5", provider="openai") as call:
            call.usage(input_tokens=tokens, output_tokens=1)

    @ams_sdk.tool
    def summarise(text):
        ask(7)

    @ams_sdk.agent
    def inner(task):
        ask(100)

    @ams_sdk.agent
    def outer(task):
        ask(10)
        summarise("x")
        inner("y")

    outer("x")
    run = run_of(recorder, "outer")
    said = run.span.attributes
    assert run.usage == Usage(17, 2, 0, is_known=True)
    assert (said["gen_ai.usage.input_tokens"], said["gen_ai.usage.output_tokens"]) == (17, 2)
    assert run.with_nested().usage.input_tokens == 117
    assert [call.model for call in run.model_calls] == ["gpt-5", "gpt-5"]
    assert run.model_calls[0].provider == "openai"
    run.assert_within(model_calls=2)
    fails(lambda: run.with_nested().assert_within(model_calls=2), "assert_within(model_calls=3) would pass")


def test_a_call_whose_tokens_something_above_says_is_known():
    made = Made()
    top = made.agent("planner")
    chain = made.add("chain", top, attributes={"gen_ai.usage.prompt_tokens": 40}, scope_name="framework")
    made.chat(chain)
    made.chat(top, tokens=(10, 1))
    made.view.agent().assert_within(tokens=51)
    made.chat(made.tool("search", chain))  # which a framework does not count
    fails(lambda: made.view.agent().assert_within(tokens=51), "1 of its 3 calls of models does not say")
    made.view.agent().assert_within(model_calls=3)


def test_a_call_that_was_refused_has_used_nothing():
    made = Made()
    top = made.agent("planner")
    made.chat(top, attributes={"error.type": "500"}, status="error")
    made.chat(top, tokens=(10, 1))
    made.view.agent().assert_within(tokens=11)


def test_nothing_used_is_within_any_limit_without_calls_of_models():
    made = Made()
    made.agent("idle")
    made.view.agent().assert_within(tokens=0)


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ([{"role": "user", "parts": [{"type": "text", "content": "hi"}]}], "hi"),
        ([{"role": "user", "parts": [{"type": "text", "content": "a"}, {"type": "text", "content": "b"}]}], None),
        ([{"role": "user", "parts": [{"type": "uri", "uri": "x", "modality": "image"}]}], None),
        ([], None),
        ("no list", None),
    ],
)
def test_one_text_is_itself_and_other_messages_are_messages(messages, expected):
    made = Made()
    made.agent("a", attributes={"gen_ai.input.messages": json.dumps(messages)})
    assert made.view.agent().input == (messages if expected is None else expected)


def test_what_a_model_wrote_as_arguments_and_is_no_json_is_a_text():
    made = Made()
    top = made.agent("a")
    made.chat(top, calls=[("c1", "search", '{"query": '), ("c2", "search", "otters")], told=[("c1", "[no")])
    made.tool("search", top, attributes={"gen_ai.tool.call.id": "c1"})
    made.spans[1] = dataclasses.replace(
        made.spans[1],
        attributes={
            **made.spans[1].attributes,
            "gen_ai.input.messages": json.dumps(
                [
                    *(3, {"role": "tool"}, {"parts": [3, {"type": "tool_call_response", "id": "c1", "result": "[no"}]}),
                    {
                        "parts": [
                            {"type": "tool_call_response", "id": "c2"},
                            {"type": "tool_call_response", "response": 1},
                        ]
                    },
                ]
            ),
        },
    )
    run = made.view.agent()
    assert [one.arguments for one in run.model_calls[0].tool_calls] == ['{"query": ', "otters"]
    (call,) = run.tool_calls
    assert (call.arguments, call.result) == ({"input": '{"query": '}, "[no")
    (model,) = run.model_calls
    assert (model.input[0], model.error, model.duration, model.operation) == (3, None, 1.0, "chat")


def test_what_cannot_be_recorded_is_equal_to_nothing():
    class Odd:
        @property
        def __dict__(self):
            raise RuntimeError

    made = Made()
    made.tool("t", made.agent("a"), {"x": {"y": 1}})
    made.view.agent().assert_not_called("t", x=Odd())


def test_json_that_was_cut_is_a_text():
    made = Made()
    top = made.agent("a", attributes={"ams.output": '{"a": [1, 2'})
    made.tool("search", top, attributes={"gen_ai.tool.call.arguments": "{no"})
    run = made.view.agent()
    assert run.output == '{"a": [1, 2'
    assert run.tool_calls[0].arguments == {"input": "{no"}


def test_open_runs_are_runs():
    made = Made()
    made.agent("waiter", is_open=True)
    run = made.view.agent("waiter")
    assert run.duration is None
    fails(run.assert_succeeded, "has not ended")
    fails(lambda: run.assert_within(seconds=1), "has not ended")
    fails(run.assert_failed, "has not ended")


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**40), 2**40), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)),
    max_leaves=6,
)


def as_json(value):
    return json.dumps(value, sort_keys=True)  # in which true is not 1


@given(
    given_to=st.dictionaries(st.text(max_size=4), JSON, max_size=3),
    other=st.dictionaries(st.text(max_size=4), JSON, max_size=3),
)
def test_a_call_matches_exactly_those_arguments_that_it_has(given_to, other):
    made = Made()
    made.tool("t", made.agent("a"), given_to)
    run = made.view.agent()
    run.assert_called("t", arguments=given_to)
    run.assert_called("t", arguments=dict.fromkeys(given_to, ANY))
    there = {name: value for name, value in other.items() if name in given_to}
    is_same = all(as_json(given_to[name]) == as_json(there[name]) for name in there)
    if is_same and len(there) == len(other):
        run.assert_called("t", arguments=other)
    else:
        if is_same:  # what was not recorded may be a default
            fails(lambda: run.assert_not_called("t", arguments=other), "cannot be told", "left at a default")
        else:
            run.assert_not_called("t", arguments=other)
        text = fails(lambda: run.assert_called("t", arguments=other))
        assert len(text.splitlines()) <= 60
        assert max(map(len, text.splitlines())) <= 120
