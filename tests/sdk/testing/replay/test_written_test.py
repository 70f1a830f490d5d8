from __future__ import annotations

import json
import shutil
import subprocess

import pytest
from tests.sdk.testing.replay import agents_to_replay as agents
from tests.sdk.testing.replay.replayed import recorded, replay, source_of
from tests.sdk.testing.trace.hand_made import Made, failed

from ams_sdk import ConfigurationError
from ams_sdk.testing import Kit, TraceView, error, refusal, run, text, thinking, tool_call, tool_calls
from ams_sdk.testing._replay import pytest_source, written_test
from ams_sdk.testing._replay.name_of_test import name_of_test

HERE = "tests.sdk.testing.replay.agents_to_replay"
EXPECTED = f'''"""A run of researcher, replayed.

Written by `ams traces to-test` from trace 4bf9. Models and tools answer what they did then; the
agent's own code runs, and has to go the same way.
"""

from ams_sdk.testing import (
    FakeLLM,
    ToolStubs,
    TraceCapture,
    model_step,
    run,
    text,
    tool_call,
    tool_step,
)

from {HERE} import researcher, search


def test_researcher_why_do_otters_float(
    ams_trace: TraceCapture, ams_llm: FakeLLM, ams_tools: ToolStubs
) -> None:
    ams_tools.on(search, exact=True).returns(["otters float"], query="otters")
    ams_llm.script(
        tool_call("search", query="otters"),
        text("They float."),
    )

    run(researcher, "Why do otters float?")

    agent_run = ams_trace.agent("researcher")
    agent_run.assert_trajectory(
        [
            model_step("gpt-5"),
            tool_step("search", query="otters"),
            model_step("gpt-5"),
        ]
    )
    assert agent_run.output == "They float."
    agent_run.assert_within(model_calls=2, tool_calls=1)
'''


def research(*steps, question="Why do otters float?"):
    return recorded(lambda: run(agents.researcher, question), *steps)


def test_a_run_becomes_a_test_that_a_person_would_have_written():
    trace = research(tool_call("search", query="otters"), text("They float."))
    written = written_test(trace, trace_id="4bf9")
    assert written.source == EXPECTED
    assert (written.name, written.agent, written.notes) == ("test_researcher_why_do_otters_float", "researcher", ())
    assert pytest_source(trace, trace_id="4bf9") == EXPECTED
    replay(EXPECTED)


@pytest.mark.parametrize(
    ("steps", "lines"),
    [
        ([refusal("No.")], ['refusal("No.")']),
        ([["Wait.", tool_call("search", query="a")], "Done."], ['[text("Wait."), tool_call("search", query="a")],']),
        (
            [tool_calls(tool_call("search", query="a"), tool_call("search", {"query": "b", "call_id": 3})), "Done."],
            ["tool_calls(", 'tool_call("search", {"query": "b", "call_id": 3})'],
        ),
        ([text("So lo", finish_reason="length")], ['turn(text("So lo"), finish_reason="length")']),
        ([text("")], ['text("")']),
        ([text('say "it"\nnow')], [r"""text('say "it"\nnow')"""]),
        ([error(503)], ["error(503)", "with pytest.raises(HTTPStatusError):", "# A client that tries again"]),
        ([tool_call("search", query="missing"), "Done."], ['.raises(LookupError("nothing found"), query="missing")']),
        ([tool_call("search", query="strange"), "Done."], ['.raises(StrangeError, "strange: 3", query="strange")']),
        ([tool_call("search", query="key"), "Done."], ['.raises(KeyError("it\'s"), query="key")']),
        (
            [tool_call("search", query="a"), tool_call("search", query="a"), "Done."],
            ['.returns(["a float"], times=2, query="a")'],
        ),
    ],
)
def test_what_models_and_tools_answer_is_written_in_the_words_of_the_kit(steps, lines):
    source = source_of(research(*steps))
    for line in lines:
        assert line in source
    replay(source)


def test_thoughts_of_anthropic_are_replayed():
    trace = recorded(lambda: run(agents.thinker, "why?"), [thinking("Hm."), text("So.")], text("More."))
    source = source_of(trace)
    assert '[thinking("Hm."), text("So.")],' in source
    replay(source)


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (
            lambda: run(agents.settled, {"name": "a", "since": "2026-01-31"}, limit=2),
            'run(settled, topic={"name": "a", "since": "2026-01-31"}, limit=2)',
        ),
        (lambda: run(agents.variadic, 1, 2, 3, key=4), "run(variadic, 1, 2, 3, key=4)"),
        (lambda: run(agents.Clerk, "why?"), 'run(Clerk, "why?")'),
        (lambda: run(agents.Desk().answer, "why?"), 'run(Desk().answer, "why?")'),
        (lambda: run(agents.streaming, 3), "run(streaming, count=3)"),
        (lambda: run(agents.run, "why?"), 'run(agents_to_replay_run, "why?")'),
        (lambda: run(agents.nothing), "run(nothing)"),
        (lambda: run(agents.keyword, question="why?"), 'run(keyword, "why?")'),
    ],
)
def test_an_agent_of_any_shape_is_called_as_it_was(call, line):
    source = source_of(recorded(call))
    assert f"    {line}\n" in source
    replay(source)


def test_an_error_is_expected_with_its_class_and_text():
    source = source_of(recorded(lambda: run(agents.failing, "why (not)?")))
    assert 'with pytest.raises(StrangeError, match=re.escape("why (not)?: 3")):' in source
    replay(source)
    local = source_of(recorded(lambda: run(agents.failing, "local")))
    assert 'with pytest.raises(Exception, match="here"):' in local
    assert "LocalError" in local
    replay(local)


def test_agents_inside_run_and_what_they_ask_is_replayed():
    trace = recorded(lambda: run(agents.editor, "otters"), text("A fact."), text("Edited."))
    source = source_of(trace)
    assert 'agent_step("researcher")' in source
    assert "# delegate: this code runs, and what it asks of tools and models is replayed." in source
    assert "ams_tools.on(delegate" not in source
    replay(source)
    inner = source_of(trace, agent="researcher")
    assert 'run(researcher, "otters")' in inner
    replay(inner)


def test_a_tool_that_asks_what_cannot_be_replayed_is_replayed_whole():
    source = source_of(recorded(lambda: run(agents.embedding, "otters")))
    assert 'ams_tools.on(embed, exact=True).returns([0.5, 1.5], text="otters")' in source
    assert "model_step" not in source
    replay(source)


def test_calls_at_the_same_time_may_come_in_any_order():
    source = source_of(recorded(lambda: run(agents.parallel, "otters")))
    assert 'mode="unordered"' in source
    replay(source)


def test_conversations_at_the_same_time_are_told_apart_by_how_they_began():
    def lead():
        return run(agents.leader, "otters")

    with Kit() as kit:
        model = kit.model()
        model.when(message="on land").then("They walk.", "And run.")
        model.when(message="at sea").then("They swim.", "And dive.")
        lead()
        trace = TraceView.of(kit.trace.spans)
    source = source_of(trace)
    assert 'ams_llm.when(message="otters on land").then(' in source
    assert 'mode="unordered"' in source
    replay(source)
    agents.asked_first["task"] = "at sea"
    try:
        replay(source)
    finally:
        agents.asked_first["task"] = "on land"


def test_conversations_that_began_alike_cannot_be_told_apart_and_a_comment_says_so():
    with Kit() as kit:
        kit.model().script("a", "b")
        run(agents.twins, "otters")
        source = source_of(TraceView.of(kit.trace.spans))
    assert "# Some calls went on at the same time." in source
    assert "ams_llm.script(" in source


def test_calls_that_overlap_only_as_the_platform_rounds_times_came_one_after_the_other():
    made = Made()
    place = {"code.function.name": "a.b"}
    top = made.agent("planner", question="a", answer="b", attributes=place)
    first = made.tool("search", top, {"query": "a"}, [], attributes=place, seconds=1e-6 * 5.9)
    made.tool("search", top, {"query": "b"}, [], attributes=place, start_ns=first.start_ns + 5_000)
    assert "unordered" not in source_of(made.view)
    made.tool("search", top, {"query": "c"}, [], attributes=place, start_ns=first.start_ns + 500_000)
    assert "unordered" in source_of(made.view)


def test_an_argument_that_was_masked_may_be_anything():
    source = source_of(recorded(lambda: run(agents.with_secret, "otters")))
    assert "from unittest.mock import ANY\n" in source
    assert "password=ANY" in source
    replay(source)


def test_a_tool_whose_place_is_unknown_runs_and_a_comment_says_so():
    source = source_of(recorded(lambda: run(agents.with_local_tool, "otters")))
    assert "# local: this code runs, as the trace does not tell where it is;" in source
    replay(source)


@pytest.mark.parametrize(
    ("trace", "says"),
    [
        (lambda: TraceView.of([]), "there is no run of an agent in it. Put @ams_sdk.agent"),
        (
            lambda: recorded(lambda: (run(agents.nothing), run(agents.keyword, question="a"))),
            "several agents ran in it, none below another (nothing, keyword). Choose one with --agent",
        ),
        (
            lambda: recorded(lambda: run(agents.researcher, "a"), "b", configure={"capture_content": False}),
            "what researcher was given was not recorded. Record content",
        ),
        (lambda: recorded(lambda: run(agents.no_output, "a")), "what no_output gave back was not recorded"),
        (
            lambda: recorded(lambda: run(agents.researcher, "my key is sk-proj-" + "a1B2" * 10), "b"),
            "the input of researcher was masked. A run without it",
        ),
        (lambda: recorded(lambda: run(agents.researcher, "x" * 9000), "b"), "the input of researcher was cut"),
        (lambda: research(text("y" * 9000)), "the answer of model call 1 (gpt-5) was cut"),
        (
            lambda: research(tool_call("search", query="secret"), "Done."),
            "the result of tool call 1 (search) (at [0]) was masked",
        ),
        (lambda: research(tool_call("search", query="bytes"), "Done."), "(at [0]) was recorded by its type only"),
        (lambda: research(tool_call("search", query="local"), "Done."), "LocalError, which a test cannot import"),
        (lambda: recorded(lambda: run(local_agent(), "a")), "the code of inner is local and cannot be imported"),
        (
            lambda: recorded(lambda: run(agents.quiet_tool_user, "a")),
            "what tool call 1 (quiet) gave back was not recorded",
        ),
        (lambda: recorded(lambda: run(agents.asks_bedrock, "a")), "aws.bedrock has a protocol of its own"),
        (lambda: recorded(lambda: run(agents.asks_embeddings, "a")), "'embeddings', and a scripted model only chats"),
        (lambda: recorded(lambda: run(agents.asks_nobody, "a")), "nothing tells what the provider answered"),
        (lambda: recorded(lambda: run(agents.asks_twice, "a")), "has 2 answers"),
        (lambda: recorded(lambda: run(agents.asks_for_image, "a")), "has a part 'blob'"),
        (lambda: recorded(lambda: run(agents.breaks_off, "a")), "gave items before it failed with LookupError"),
    ],
)
def test_a_trace_that_cannot_be_replayed_is_refused_with_the_reason(trace, says):
    with pytest.raises(ConfigurationError) as caught:
        source_of(trace())
    assert str(caught.value).startswith("This trace cannot become a test: ")
    assert says in str(caught.value)
    assert "a1B2" not in str(caught.value)


def local_agent():
    from ams_sdk import agent  # noqa: PLC0415 -- a name of the module's would be decorated there

    @agent
    def inner(question: str) -> str:
        return question

    return inner


def test_where_local_code_is_can_be_said():
    source = source_of(recorded(lambda: run(local_agent(), "a")), agent_code=f"{HERE}:inner")
    assert f"from {HERE} import inner\n" in source
    replay(source)


@pytest.mark.parametrize("text_", ["researcher", "a:b c", ":x", "a.b:", "a-b:c"])
def test_a_place_that_is_none_is_told_what_to_write(text_):
    with pytest.raises(ConfigurationError, match=r"write --agent-code package.module:function"):
        source_of(recorded(lambda: run(agents.nothing)), agent_code=text_)


def test_an_agent_that_did_not_run_is_named_with_those_that_did():
    with pytest.raises(ConfigurationError, match=r"no agent 'bob' ran in it. There are nothing: choose one"):
        source_of(recorded(lambda: run(agents.nothing)), agent="bob")


def test_a_run_that_goes_on_is_refused():
    trace = recorded(lambda: run(agents.nothing))
    document = json.loads(_json(trace))
    document["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["endTimeUnixNano"] = "0"
    with pytest.raises(ConfigurationError, match=r"it is still going on \(invoke_agent nothing\)"):
        source_of(TraceView.from_otlp_json(json.dumps(document)))


def _json(trace):
    from ams_sdk.testing._trace.otlp_json import to_otlp_json  # noqa: PLC0415 -- here only

    return to_otlp_json(trace.spans)


def of_framework(*messages, **chat):
    """The run of a framework's agent, as its instrumentation records it, with one call of a model."""
    made = Made()
    given = [{"role": role, "parts": [{"type": "text", "content": said}]} for role, said in messages]
    said = {"gen_ai.input.messages": json.dumps(given)} if given else {}
    top = made.agent("planner", scope_name="openai_agents", answer="So.", attributes=said)
    if chat:
        made.chat(top, **chat)
    return made.view


def test_an_agent_of_other_instrumentation_needs_its_place():
    trace = of_framework(("system", "Plan."), ("user", "a trip"))
    with pytest.raises(
        ConfigurationError, match=r"where the code of planner is, as openai_agents recorded it. Say where"
    ):
        source_of(trace)
    source = source_of(trace, agent_code="trips.planning:plan")
    assert "from trips.planning import plan\n" in source
    assert 'run(plan, "a trip")' in source


def test_messages_of_which_nobody_knows_what_was_given_are_refused():
    trace = of_framework(("user", "a trip"), ("assistant", "Where?"), ("user", "to sea"))
    with pytest.raises(ConfigurationError, match="planner was given messages, and of more than one text nobody knows"):
        source_of(trace, agent_code="a:b")


def answered(*parts, reason=None):
    said = {"gen_ai.output.messages": json.dumps([{"role": "assistant", "parts": list(parts)}])}
    return said | ({"gen_ai.response.finish_reasons": (reason,)} if reason else {})


@pytest.mark.parametrize(
    ("chat", "line"),
    [
        ({"attributes": answered({"type": "text", "content": "No."}, reason="refusal")}, 'script(refusal("No."))'),
        ({"attributes": answered({"type": "tool_call", "name": "f"})}, 'script(tool_call("f"))'),
        ({"attributes": answered({"type": "tool_call", "name": "f", "arguments": "{oh"})}, 'tool_call("f", "{oh")'),
        ({"attributes": answered({"type": "tool_call", "name": "f", "arguments": [1]})}, 'tool_call("f", "[1]")'),
        ({"attributes": answered({"type": "reasoning", "content": "Hm."})}, 'script([thinking("Hm.")])'),
        ({"attributes": answered({"type": "reasoning", "content": "…[8 bytes, encrypted]"})}, 'script(text(""))'),
        ({"attributes": answered({"type": "text", "content": "a"}, reason="SAFETY")}, 'finish_reason="content_filter"'),
        (failed({}, ("openai.APITimeoutError", "Request timed out.")), "script(error.timeout())"),
        (failed({}, ("openai.APIConnectionError", "Connection error.")), "script(error.disconnect())"),
        (failed({}, ("503", None)), "script(error(503))"),
        (failed({}, ("rate_limit_exceeded", None)), "script(error(429))"),
        (
            failed(
                {}, ("openai.RateLimitError", "Error code: 429 - {'error': {'message': 'Slow down', 'code': None}}")
            ),
            'script(error(429, "Slow down"))',
        ),
        (failed({}, ("openai.RateLimitError", "Error code: 429 - {oh")), "script(error(429))"),
        (failed({"http.response.status_code": 418}, ("x.OhError", None)), "script(error(418))"),
    ],
)
def test_what_instrumentation_of_others_records_of_a_model_is_read(chat, line):
    assert line in source_of(of_framework(("user", "a"), **chat), agent_code="a:b")


@pytest.mark.parametrize(
    ("chat", "says"),
    [
        ({"model": "m"}, "the answer of model call 1 (m) was not recorded. Record content"),
        (failed({}, ("x.OhError", "sk-proj-[redacted]")), "the error of model call 1 (gpt-5) was masked"),
        ({"attributes": answered({"type": "text", "content": 3})}, "has a part 'text'"),
        (
            {"attributes": answered({"type": "tool_call", "name": "f", "arguments": {"a": [{"type": "omitted"}]}})},
            "the answer of model call 1 (gpt-5) (at a[0]) was cut",
        ),
    ],
)
def test_what_nobody_knows_of_a_model_is_refused(chat, says):
    with pytest.raises(ConfigurationError) as caught:
        source_of(of_framework(("user", "a"), **chat), agent_code="a:b")
    assert says in str(caught.value)


def test_an_agent_that_does_not_say_where_its_code_is_needs_its_place():
    made = Made()
    made.agent("old", question="a", answer="b")
    with pytest.raises(ConfigurationError, match=r"it does not say where the code of old is. Say where it is"):
        source_of(made.view)


@pytest.mark.parametrize(
    ("agent", "given", "expected"),
    [
        ("researcher", ["Why do otters float, and sink?"], "test_researcher_why_do_otters_float_and"),
        ("Über-agent.2", [{"a": [3, "Ça va?"]}], "test_uber_agent_2_ca_va"),
        ("…", [None, 3], "test_agent"),
        ("a" * 100, ["b"], "test_" + "a" * 55),
        ("x", ["don't stop"], "test_x_dont_stop"),
    ],
)
def test_a_test_is_named_after_its_agent_and_its_input(agent, given, expected):
    assert name_of_test(agent, given) == expected


@pytest.mark.slow
def test_ruff_finds_nothing_in_what_is_written_and_leaves_it_as_it_is(tmp_path):
    ruff = shutil.which("ruff")
    if ruff is None:
        pytest.skip("ruff is not installed here")
    traces = [
        research(tool_call("search", query="otters " * 30), error(503)),
        research(tool_call("search", query="strange"), text("They float. " * 30)),
        recorded(lambda: run(agents.failing, "why (not)?")),
        recorded(lambda: run(agents.editor, "otters"), text("A fact."), text("Edited.")),
        recorded(lambda: run(agents.with_secret, "otters")),
        recorded(lambda: run(agents.run, "why?")),
    ]
    for number, trace in enumerate(traces):
        (tmp_path / f"test_{number}.py").write_text(source_of(trace), encoding="utf-8")
    settings = ["--isolated", "--line-length", "100"]
    # What tests do: assert, and have no docstring; and the formatter's own business.
    ignored = "S101,D103,INP001,FBT003,COM812,CPY001,D203,D213"
    own = ["--config", 'lint.isort.known-first-party=["tests"]', "--no-cache"]
    check = [ruff, "check", *settings, *own, "--select", "ALL", "--ignore", ignored, str(tmp_path)]
    checked = subprocess.run(check, capture_output=True, check=False, cwd=tmp_path)
    assert checked.returncode == 0, checked.stdout.decode()
    formatted = subprocess.run(
        [ruff, "format", *settings, "--diff", str(tmp_path)], capture_output=True, check=False, cwd=tmp_path
    )
    assert formatted.returncode == 0, formatted.stdout.decode()
