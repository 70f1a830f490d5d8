"""A script says what it means, and says so when it cannot."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sdk.testing.model.turns import turns

from ams_sdk import ConfigurationError
from ams_sdk.testing import _model
from ams_sdk.testing._model import (
    FakeLLM,
    ModelUsage,
    error,
    refusal,
    stream,
    text,
    thinking,
    tool_call,
    tool_calls,
    turn,
)
from ams_sdk.testing._model.step import ModelToolCall, Text


async def awaited(request):
    return "never"


def test_a_text_is_cut_at_its_words():
    (piece,) = text(" a  b\nc ").pieces
    assert piece.deltas == (" a  ", "b\n", "c ")


@given(st.text())
def test_the_cuts_of_a_text_are_the_text(said):
    assert "".join(text(said).pieces[0].deltas) == said
    assert all(text(said).pieces[0].deltas)


def test_arguments_have_any_name():
    (call,) = tool_call("get", {"call_id": 1, "self": 2}, id=3, name=4, arguments=5, call_id="c").pieces
    assert call.arguments == {"call_id": 1, "self": 2, "id": 3, "name": 4, "arguments": 5}
    assert call.call_id == "c"


def test_arguments_that_are_no_json_are_sent_as_they_are():
    (call,) = tool_call("get", '{"cut').pieces
    assert call.arguments_json == '{"cut'
    with pytest.raises(ValueError, match="Unterminated"):
        _ = call.arguments
    with pytest.raises(ValueError, match="no JSON object"):
        _ = ModelToolCall("get", "[1]").arguments


def test_arguments_are_cut_anywhere_within_an_escape_too():
    (call,) = stream([tool_call("get", x="😀")], argument_characters=3).pieces
    assert "".join(call.deltas) == json.dumps({"x": "😀"})
    assert {len(part) for part in call.deltas[:-1]} == {3}
    assert any(part.startswith("d83") or "\\" in part[1:] for part in call.deltas)


def test_a_stream_joins_texts_that_stand_together():
    made = stream(["a", "", "b", tool_call("c"), "d"], delay=0.5, cut=True)
    assert [piece.deltas for piece in made.pieces if isinstance(piece, Text)] == [("a", "", "b"), ("d",)]
    assert (made.delay, made.is_cut) == (0.5, True)
    assert stream("abc").pieces == stream(["abc"]).pieces


@given(turns)
def test_a_step_is_shown_as_a_script_would_write_it(step):
    words = {name: getattr(_model, name) for name in _model.__all__}
    made = eval(repr(step), words)  # noqa: S307 -- what the strategy has made
    said = FakeLLM(made)._script.steps.entries[0].step
    assert [type(piece) for piece in said.pieces] == [type(piece) for piece in step.pieces]
    for one, other in zip(said.pieces, step.pieces, strict=True):
        if isinstance(one, Text):
            assert one.text == other.text
        else:
            assert (one.name, one.arguments) == (other.name, other.arguments)


@pytest.mark.parametrize(
    ("step", "shown"),
    [
        (text("a"), "text('a')"),
        (text("a", finish_reason="length"), "text('a', finish_reason='length')"),
        (turn("a", tool_call("b"), finish_reason="stop"), "turn(text('a'), tool_call('b'), finish_reason='stop')"),
        (tool_call("b", c=1, call_id="d"), "tool_call('b', c=1, call_id='d')"),
        (tool_call("b", {"call_id": 1}), "tool_call('b', {'call_id': 1})"),
        (tool_call("b", '{"x'), "tool_call('b', '{\"x')"),
        (tool_calls(tool_call("b"), tool_call("c")), "[tool_call('b'), tool_call('c')]"),
        (stream(["a", "b", error(500)], delay=0.5), "stream(['a', 'b', error(500)], delay=0.5)"),
        (stream([refusal("no")], cut=True), "stream([refusal('no')], cut=True)"),
        (error(429, "slow", code="c", retry_after=1.5), "error(429, 'slow', code='c', retry_after=1.5)"),
        (error.timeout(), "error.timeout()"),
        (error.disconnect("mid_body"), "error.disconnect('mid_body')"),
    ],
)
def test_each_kind_of_step_is_shown_as_it_is_written(step, shown):
    assert repr(step) == shown


@pytest.mark.parametrize(
    ("write", "told"),
    [
        (lambda: text(3), r"text\('…'\) takes a text, not int: 3"),
        (lambda: text("a", usage=3), r"ModelUsage\(…\) or \(input tokens, output tokens\), not 3"),
        (lambda: text("a", usage=(1, -1)), "counted from 0 on"),
        (lambda: ModelUsage(1, 1, cached_tokens=2), "part of input_tokens"),
        (lambda: text("a", finish_reason="end"), "one of stop, length, tool_calls, content_filter, not 'end'"),
        (lambda: tool_call(""), "begins with the name"),
        (lambda: tool_call("a", [1]), "by name, not as"),
        (lambda: tool_call("a", "{}", b=1), "not both"),
        (lambda: tool_call("a", b=object()), "arguments as JSON, and Object of type object"),
        (lambda: tool_call("a", b=float("nan")), "arguments as JSON, and Out of range"),
        (lambda: tool_calls(text("a")), r"takes tool_call\(…\), not text"),
        (tool_calls, "without anything in it"),
        (lambda: turn(text("a", usage=(1, 1)), text("b", usage=(1, 1))), r"turn\(…, usage=…\)"),
        (lambda: turn(text("a", usage=(1, 1)), usage=(1, 1)), "given once"),
        (lambda: turn(stream(["a"])), "whole turn"),
        (lambda: turn(error(500)), "step of its own"),
        (lambda: turn(3), "consists of .* not int: 3"),
        (lambda: thinking(None), "takes a text, not NoneType"),
        (lambda: refusal(None), "takes a text, not NoneType"),
        (lambda: stream([]), "says nothing"),
        (lambda: stream(5), "takes a list of parts, not 5"),
        (lambda: stream(["a"], delay=-1), "delay is in seconds"),
        (lambda: stream(["a"], argument_characters=0), "1 or more"),
        (lambda: stream(["a", error(500)], cut=True), "without error"),
        (lambda: stream(["a", error.timeout()]), "cut=True"),
        (lambda: stream([error(500), "a"]), "last part"),
        (lambda: error(200), "400 to 599, not 200"),
        (lambda: error("429"), "400 to 599, not '429'"),
        (lambda: error(429, retry_after=-1), "retry_after is in seconds"),
        (lambda: error.disconnect("later"), "mid_body, not 'later'"),
        (lambda: FakeLLM("a").complete(None), "with a text or a list of messages, not with None"),
        (lambda: FakeLLM("a").complete("a", tools="search"), r"write a list of names or functions, tools=\[…\]"),
        (lambda: FakeLLM("a").complete("a", tools=3), r"write a list of names or functions, tools=\[…\]"),
        (lambda: FakeLLM(3), "A step is .* not int: 3"),
        (lambda: FakeLLM({"text": "a"}), "A step is .* not dict"),
        (lambda: FakeLLM([]), "without anything in it"),
        (lambda: FakeLLM(thinking("a")), "stands before"),
        (lambda: FakeLLM(thinking("a"), error(500)), "error.* says nothing"),
        (lambda: FakeLLM.from_function(3), "takes a plain function"),
        (lambda: FakeLLM.from_function(str).script("a"), "takes no steps"),
        (lambda: FakeLLM.from_function(str).when("a"), "takes no routes"),
        (lambda: FakeLLM().when(), "needs a condition"),
        (lambda: FakeLLM().when(3), "a plain function of the request or a text, not 3"),
        (lambda: FakeLLM().when(awaited), "a plain function of the request or a text, not <function awaited"),
        (lambda: FakeLLM.from_function(awaited), "takes a plain function of the request, not <function awaited"),
        (lambda: FakeLLM().when(tool=""), "tool of .* not empty"),
    ],
)
def test_what_cannot_be_says_what_to_write(write, told):
    with pytest.raises(ConfigurationError, match=told):
        write()


def test_a_thought_belongs_to_the_step_after_it():
    llm = FakeLLM(thinking("a"), thinking("b"), "c", thinking("d"), stream(["e"]), [thinking("f")])
    first, second, third = [entry.step for entry in llm._script.steps.entries]
    assert [piece.text for piece in first.pieces] == ["a", "b", "c"]
    assert [piece.text for piece in second.pieces] == ["d", "e"]
    assert [piece.text for piece in third.pieces] == ["f"]


def test_usage_adds_up():
    total = ModelUsage(10, 5, 4, 1) + ModelUsage(1, 2)
    assert total == ModelUsage(11, 7, 4, 1)
    assert total.total_tokens == 18
