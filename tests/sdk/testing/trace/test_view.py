"""Asking a trace for spans and runs, and what holds for all of it."""

from __future__ import annotations

import base64
import json
import re
import urllib.parse
from dataclasses import replace
from unittest.mock import ANY

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sdk.testing.trace.hand_made import SECOND, Made, failed, research

import ams_sdk
from ams_sdk import ConfigurationError
from ams_sdk.testing._trace.captured_span import CapturedEvent, CapturedLink
from ams_sdk.testing._trace.failure import TraceAssertionError
from ams_sdk.testing._trace.invariants import CHECKS
from ams_sdk.testing._trace.readable import captured
from ams_sdk.testing._trace.steps import agent_step, model_step, tool_step
from ams_sdk.testing._trace.view import TraceView

SECRET = "hunter2-is-secret"


def names(spans):
    return [span.name for span in spans]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"tool": "search", "attributes": {"gen_ai.tool.call.result": "[]"}}, ["execute_tool search"]),
        ({"name": "chat gpt-5"}, ["chat gpt-5"] * 2),
        ({"name": re.compile("^execute")}, ["execute_tool search"] * 2 + ["execute_tool fetch", "execute_tool spell"]),
        ({"kind": "client"}, ["chat gpt-5"] * 2),
        ({"operation": "invoke_agent"}, ["invoke_agent researcher", "invoke_agent writer"]),
        ({"agent": "writer"}, ["invoke_agent writer", "execute_tool spell"]),
        ({"model": "gpt-5", "where": lambda span: span.attributes["gen_ai.usage.input_tokens"] > 300}, ["chat gpt-5"]),
        ({"status": "error"}, ["execute_tool fetch"]),
        ({"error": "TimeoutError"}, ["execute_tool fetch"]),
        ({"error": TimeoutError}, ["execute_tool fetch"]),
        ({"error": True}, ["execute_tool fetch"]),
        ({"error": False, "tool": ANY, "agent": "writer"}, ["invoke_agent writer", "execute_tool spell"]),
        ({"error": ValueError}, []),
        ({"attributes": {"no": ANY}}, []),
    ],
)
def test_spans_are_found_by_what_they_say(asked, expected):
    view = research().view
    found = view.find(**asked)
    assert names(found) == expected
    if len(expected) == 1:
        assert view.one(**asked) == found[0]
    else:
        with pytest.raises(TraceAssertionError):
            view.one(**asked)


def test_attributes_that_are_sequences_are_lists_or_tuples():
    made = Made()
    made.add("a", attributes={"texts": ("x", "y")})
    assert (
        made.view.find(attributes={"texts": ["x", ANY]})
        == made.view.find(attributes={"texts": ("x", "y")})
        == made.spans
    )
    assert made.view.find() == made.spans


@pytest.mark.parametrize("asked", [{"kind": "clint"}, {"status": "failed"}, {"attributes": "x"}, {"where": "x"}])
def test_what_cannot_be_asked_is_refused(asked):
    with pytest.raises(ConfigurationError):
        research().view.find(**asked)
    with pytest.raises(ConfigurationError):
        research().view.one(**asked)


def test_a_name_that_is_nearly_there_is_asked_for():
    for asked in ({"tool": "serach"}, {"name": "chat gpt-4"}, {"agent": "writter"}, {"error": "TimeoutErr"}):
        with pytest.raises(TraceAssertionError, match="Did you mean"):
            research().view.one(**asked)
    with pytest.raises(TraceAssertionError, match="Nothing was captured"):
        TraceView.of([]).one(tool="search")
    with pytest.raises(TraceAssertionError, match=r"where=<function"):
        research().view.one(where=lambda _: False)


def test_runs_of_agents_are_found_by_name():
    view = research().view
    assert [run.name for run in view.agents()] == ["researcher", "writer"]
    assert view.agent("writer").parent.name == view.agents("researcher")[0].name
    assert view.agents("nobody") == ()
    made = Made()
    made.agent("one")
    assert made.view.agent().name == "one"
    made.add("invoke_agent", attributes={"gen_ai.operation.name": "invoke_agent"})
    assert made.view.agents()[1].name == "invoke_agent"


def test_what_ran_without_an_agent_says_so():
    made = Made()
    made.tool("search")
    with pytest.raises(TraceAssertionError, match="put @agent on the function"):
        made.view.agent()


def test_many_leaks_are_counted():
    made = Made()
    for _ in range(20):
        made.add(SECRET)
    with pytest.raises(TraceAssertionError, match="… 8 more"):
        made.view.assert_no_leak(SECRET)


def test_many_findings_are_counted():
    made = Made()
    for number in range(20):
        made.add("chat", attributes={"gen_ai.operation.name": "chat", f"gen_ai.no.{number}": 1})
    with pytest.raises(TraceAssertionError, match="… 9 more"):
        made.view.assert_invariants(except_=["unique_ids"])


@pytest.mark.parametrize("count", [0, True, 1.5, "1"])
def test_a_number_of_trees_is_a_number(count):
    with pytest.raises(ConfigurationError, match="1 or more"):
        research().view.assert_connected(roots=count)


def test_connected_is_one_tree_for_each_trace():
    made = research()
    made.view.assert_connected()
    made.agent("janitor", trace=2)
    made.view.assert_connected(roots=2)
    with pytest.raises(TraceAssertionError, match=r"assert_connected\(roots=2\) would pass"):
        made.view.assert_connected()
    made.add("second root", trace=2)
    for roots in (1, 2, 3):
        with pytest.raises(TraceAssertionError):
            made.view.assert_connected(roots=roots)
    remote = Made()
    remote.add("server", parent_id="00000000000000ff", parent_is_remote=True)
    remote.view.assert_connected()


def test_a_trace_without_errors_and_open_spans_says_nothing():
    made = Made()
    made.tool("search", made.agent("a"), {}, 1)
    made.view.assert_no_errors()
    made.view.assert_all_ended()
    made.view.assert_no_leak(SECRET, b"\0\1\2\3\4")
    made.view.assert_invariants()


def every_spelling(secret):
    raw = secret.encode()
    return {
        "plain": secret,
        "upper hex": raw.hex().upper(),
        "base64": base64.b64encode(b"user:" + raw).decode(),
        "base64 in lines": base64.encodebytes(b"user name and more of it: " + raw).decode(),
        "base64 in lines in JSON": json.dumps({"a": base64.encodebytes(b"a longer user name: " + raw).decode()}),
        "base64url": base64.urlsafe_b64encode(b"\xff" + raw).decode(),
        "url": urllib.parse.quote(secret, safe=""),
        "form": urllib.parse.quote_plus(secret).lower(),
        "json": json.dumps({"a": json.dumps(secret)}),
        "repr": repr(secret),
    }


PLACES = {
    "name": lambda span, text: replace(span, name=f"GET {text}"),
    "status": lambda span, text: replace(span, status="error", status_message=f"bad {text}"),
    "attribute": lambda span, text: replace(span, attributes={"a": text}),
    "attribute's name": lambda span, text: replace(span, attributes={text: 1}),
    "sequence": lambda span, text: replace(span, attributes={"a": ("x", text)}),
    "event": lambda span, text: replace(span, events=(CapturedEvent(text, span.start_ns),)),
    "event's attribute": lambda span, text: replace(span, events=(CapturedEvent("e", span.start_ns, {"a": text}),)),
    "link": lambda span, text: replace(span, links=(CapturedLink("1" * 32, "1" * 16, {"a": text}),)),
    "link's state": lambda span, text: replace(span, links=(CapturedLink("1" * 32, "1" * 16, {}, f"a={text}"),)),
    "state of the trace": lambda span, text: replace(span, trace_state=f"vendor={text}"),
    "resource": lambda span, text: replace(span, resource={"a": text}),
    "scope": lambda span, text: replace(span, scope_name=text),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("spelling", every_spelling("x"))
def test_a_secret_is_found_wherever_and_however_it_is_and_not_said(place, spelling):
    for secret in (SECRET, 'pässword "with" / and \\ & 100%'):
        text = every_spelling(secret)[spelling]
        made = Made()
        made.add("clean")
        view = TraceView.of([made.spans[0], PLACES[place](made.add("span"), text)])
        with pytest.raises(TraceAssertionError, match="secret 2") as caught:
            view.assert_no_leak("another one", secret)
        said = str(caught.value)
        for form in every_spelling(secret).values():
            assert form not in said
        assert secret[:12] not in said
        view.assert_no_leak("another one")


def test_half_of_a_long_secret_is_a_leak():
    made = Made()
    made.add("a", attributes={"cut": f"key={SECRET[:10]}…"})
    with pytest.raises(TraceAssertionError, match="a part of it") as caught:
        made.view.assert_no_leak(SECRET)
    assert SECRET[:10] not in str(caught.value)
    made.view.assert_no_leak("hunter2-xy")  # short, and another one


def test_bytes_are_secrets_too():
    made = Made()
    made.add("a", attributes={"raw": base64.b64encode(b"\x00\xff\x10\x20\x30\x40").decode()})
    with pytest.raises(TraceAssertionError, match="base64"):
        made.view.assert_no_leak(b"\x00\xff\x10\x20\x30\x40")


@pytest.mark.parametrize("secrets", [(), ("abc",), (3,), (None,), ("ok-secret", "")])
def test_what_is_no_secret_is_refused(secrets):
    with pytest.raises(ConfigurationError) as caught:
        research().view.assert_no_leak(*secrets)
    assert "ok-secret" not in str(caught.value)


def test_no_text_of_a_secret_that_a_tool_got_is_in_a_real_trace(recorder):
    @ams_sdk.tool
    def login(user, password):
        return {"token": password, "user": user}

    @ams_sdk.agent
    def agent(_):
        return login("ada", SECRET)

    agent(1)
    TraceView.of([captured(span) for span in recorder.spans]).assert_no_leak(SECRET)
    with pytest.raises(TraceAssertionError):
        TraceView.of([captured(span) for span in recorder.spans]).assert_no_leak('"user":"ada"')


def with_event(span, kind="ValueError", **fields):
    event = CapturedEvent("exception", span.start_ns, {"exception.type": kind, "exception.message": "x"})
    return replace(span, events=(*span.events, event), **fields)


def broken_by(check):
    """A trace that breaks one check only, and what is said."""
    made = Made()
    top = made.agent("a")
    child = made.tool("t", top)
    match check:
        case "conventions":
            made.add("execute_tool", top, attributes={"gen_ai.operation.name": "execute_tool"})
        case "parents":
            made.add("lost", parent_id="00000000000000ff")
        case "times":
            made.spans[1] = replace(child, end_ns=child.start_ns - 1)
        case "one_error_once":
            made.spans[:] = [with_event(top), with_event(child)]
        case "ended":
            made.spans[1] = replace(child, end_ns=None)
        case "unique_ids":
            made.spans.append(replace(child, start_ns=child.start_ns + 1))
        case "status":
            made.spans[1] = replace(child, status="ok")
    return made.view


@pytest.mark.parametrize("check", CHECKS)
def test_a_check_that_is_broken_is_named_and_can_be_left_out(check):
    view = broken_by(check)
    with pytest.raises(TraceAssertionError, match=rf'except_=\("{check}",\)') as caught:
        view.assert_invariants()
    finding = re.search(rf"✗ ({check}: .*?)  \(", str(caught.value))[1]
    view.assert_invariants(except_=(check,))
    view.assert_invariants(except_=[finding])
    view.assert_invariants(except_=check)
    if check != "conventions":
        with pytest.raises(ConfigurationError, match=f"{check} never finds 'foo'. It finds "):
            view.assert_invariants(except_=[f"{check}: foo"])
    with pytest.raises(TraceAssertionError):
        view.assert_invariants(except_={other for other in CHECKS if other != check})


def test_a_circle_is_no_parent():
    made = Made()
    made.add("one", span_id="00000000000000a1", parent_id="00000000000000a1")
    with pytest.raises(TraceAssertionError, match="parents: the spans above form a circle"):
        made.view.assert_invariants()
    with pytest.raises(TraceAssertionError, match="parents form a circle"):
        made.view.assert_connected()


@pytest.mark.parametrize("left_out", [["time"], [3], 3, {"times": 1}, ["timess: x"]])
def test_a_check_that_there_is_not_is_refused(left_out):
    with pytest.raises(ConfigurationError):
        research().view.assert_invariants(except_=left_out)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda span: replace(span, start_ns=span.start_ns - 10 * SECOND, end_ns=span.end_ns), "starts before"),
        (lambda span: replace(span, events=(CapturedEvent("e", span.start_ns - 1),)), "outside of its time"),
        (lambda span: replace(span, events=(CapturedEvent("e", span.end_ns + 1),)), "outside of its time"),
        (lambda span: with_event(with_event(span)), "recorded twice"),
        (lambda span: replace(span, span_id="xyz"), "its ids are none"),
        (lambda span: replace(span, status="error"), "an error without error.type"),
        (lambda span: replace(span, attributes={**span.attributes, "error.type": "E"}), "error.type without an error"),
        (lambda span: replace(span, kind="client"), "execute_tool: kind CLIENT"),
        (lambda span: replace(span, name="t"), "not the operation and its subject"),
        (
            lambda span: replace(span, attributes={"gen_ai.operation.name": "think"}, name="think"),
            "unknown operation think",
        ),
    ],
)
def test_what_a_check_finds_is_said(change, says):
    made = Made()
    child = made.tool("t", made.agent("a"))
    made.spans[1] = change(child)
    with pytest.raises(TraceAssertionError, match=says):
        made.view.assert_invariants()


@pytest.mark.parametrize(
    ("attributes", "says"),
    [
        ({"gen_ai.usage.input_tokens": "3"}, "gen_ai.usage.input_tokens is no int"),
        ({"gen_ai.request.temperature": 1}, "gen_ai.request.temperature is no double"),
        ({"gen_ai.request.stream": False}, "gen_ai.request.stream is no true"),
        ({"gen_ai.response.finish_reasons": "stop"}, "finish_reasons is no string[]"),
        ({"gen_ai.input.messages": "{"}, "gen_ai.input.messages is no JSON"),
        ({"gen_ai.input.messages": "{}"}, "gen_ai.input.messages is no list"),
        ({"gen_ai.input.messages": "[3]"}, "a message that is no object"),
        (
            {"gen_ai.input.messages": '[{"role": "robot", "name": null, "finish_reason": "", "parts": []}]'},
            "role robot",
        ),
        ({"gen_ai.input.messages": '[{"role": "user", "parts": [{"type": "text"}]}]'}, "text without content"),
        ({"gen_ai.input.messages": '[{"role": "user"}]'}, "a part without a type"),
        (
            {
                "gen_ai.output.messages": json.dumps(
                    [{"role": "user", "parts": [{"type": "tool_call", "name": "x", "arguments": "{}"}]}]
                )
            },
            "arguments are a string",
        ),
        ({"gen_ai.system_instructions": '[{"type": "uri"}]'}, "a part that is no text"),
        ({"gen_ai.tool.definitions": '[{"type": "function"}]'}, "a tool without type or name"),
        (
            {"gen_ai.tool.definitions": '[{"type": "function", "name": "x", "description": null}]'},
            "description is null",
        ),
        ({"question": "x"}, "an attribute without a namespace: question"),
        ({"gen_ai.request.model": ""}, "gen_ai.request.model is no string"),
    ],
)
def test_departures_from_the_conventions_are_said(attributes, says):
    made = Made()
    made.chat(made.agent("a"), attributes=attributes)
    with pytest.raises(TraceAssertionError, match="✗ conventions: ") as caught:
        made.view.assert_invariants()
    assert says in str(caught.value)


def test_spans_of_mcp_have_rules_of_their_own():
    made = Made()
    made.add("tools/call x", kind="client", attributes={"mcp.method.name": "tools/call", "gen_ai.tool.name": "x"})
    made.add("ping", trace=2, kind="server", attributes={"mcp.method.name": "ping"})
    made.view.assert_invariants()
    made.add("call", trace=3, attributes={"mcp.method.name": "tools/call"})
    with pytest.raises(TraceAssertionError, match="mcp: kind INTERNAL"):
        made.view.assert_invariants()


@given(st.lists(st.sampled_from(["ok", "error", "nested"]), min_size=1, max_size=60))
def test_errors_are_counted_where_they_arose(kinds):
    made = Made()
    top = made.agent("a")
    for kind in kinds:
        step = made.tool(kind, top, error=None if kind == "ok" else ("ValueError", kind))
        if kind == "nested":
            made.add("below", step, **failed({}, ("ValueError", "deep")))
    bad = [kind for kind in kinds if kind != "ok"]
    if not bad:
        made.view.assert_no_errors()
        return
    with pytest.raises(TraceAssertionError) as caught:
        made.view.assert_no_errors()
    count = len(bad) + bad.count("nested")
    assert f"No span was to fail, and {count} did; the errors arose in {len(bad)} span" in str(caught.value)
    assert len(str(caught.value).splitlines()) <= 60


@pytest.mark.parametrize(
    "check",
    [
        lambda view: view.assert_no_leak("hunter2"),
        lambda view: view.assert_no_errors(),
        lambda view: view.assert_all_ended(),
        lambda view: view.assert_invariants(),
    ],
)
def test_what_holds_for_no_span_at_all_says_nothing(check):
    with pytest.raises(TraceAssertionError, match="there is no span") as caught:
        check(TraceView.of([]))
    assert "decorated (@agent, @tool)" in str(caught.value)
    check(TraceView.of([Made().add("a span")]))


@pytest.mark.parametrize(
    ("attributes", "says"),
    [
        ({"gen_ai.request.model": "gpt-5"}, r"attributes of gen_ai\.\* without gen_ai\.operation\.name"),
        ({"gen_ai.operation.name": 3}, r"gen_ai\.operation\.name is no string"),
    ],
)
def test_a_span_of_the_conventions_names_its_operation(attributes, says):
    made = Made()
    made.add("chat", attributes=attributes)
    with pytest.raises(TraceAssertionError, match=says):
        made.view.assert_invariants()


def test_an_open_span_may_name_its_operation_later():
    made = Made()
    made.add("chat", attributes={"gen_ai.request.model": "gpt-5"}, is_open=True)
    made.view.assert_invariants(except_=["ended"])


@ams_sdk.tool(name="look-up")
def look_up(word):
    return word


@ams_sdk.agent(name="a-reader")
def reader(word):
    return look_up(word)


@ams_sdk.agent
class Writer:
    def run(self, word):
        return reader(word)


@ams_sdk.tool
@ams_sdk.agent
def delegated(word):
    return word


def test_the_decorated_are_taken_wherever_a_name_is(recorder):
    Writer().run("otter")
    view = TraceView.of([captured(span) for span in recorder.spans])
    assert view.agent(reader).name == "a-reader"
    assert [run.name for run in view.agents(Writer)] == ["Writer"]
    assert [span.name for span in view.find(tool=look_up)] == ["execute_tool look-up"]
    assert len(view.find(agent=reader)) == 2
    assert view.one(tool=look_up, agent=reader)
    assert [span.name for span in view.find(tool=re.compile("^look"))] == ["execute_tool look-up"]
    view.agent(Writer).assert_trajectory([reader])
    view.agent(Writer).assert_trajectory([agent_step(reader)])
    view.agent(Writer).with_nested().assert_trajectory([reader, look_up])
    assert agent_step(delegated).name == tool_step(delegated).name == "delegated"


@pytest.mark.parametrize(
    "ask",
    [
        lambda view: view.agent(look_up),
        lambda view: view.agent(print),
        lambda view: view.agents(3),
        lambda view: view.agents(object()),
        lambda view: view.find(tool=reader),
        lambda view: view.find(tool=print),
        lambda view: view.find(agent=look_up),
        lambda view: view.find(agent=lambda: None),
        lambda view: view.find(model=reader),
        lambda view: view.one(tool=["look-up"]),
        lambda _: agent_step(look_up),
        lambda _: agent_step(3),
        lambda _: model_step(look_up),
        lambda view: view.agents()[0].assert_trajectory([print]),
    ],
)
def test_what_has_no_name_is_refused(ask):
    with pytest.raises(ConfigurationError, match="write "):
        ask(research().view)
