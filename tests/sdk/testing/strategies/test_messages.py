"""Messages are those of the conventions, and conversations are in order."""

from __future__ import annotations

import json

import pytest
from hypothesis import find, given
from hypothesis import strategies as st

from ams_sdk import ConfigurationError
from ams_sdk.testing import CapturedSpan, strategies
from ams_sdk.testing._trace.conventions import departures


def departures_with(**content):
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "gen_ai.provider.name": "openai"}
    attributes |= {f"gen_ai.{name}.messages": json.dumps(messages) for name, messages in content.items()}
    span = CapturedSpan("chat m", "1" * 32, "1" * 16, 1, 2, kind="client", attributes=attributes)
    return departures(span)


@given(st.lists(strategies.messages(), max_size=3), st.lists(strategies.messages(output=True), max_size=2))
def test_messages_follow_the_conventions(asked, answered):
    assert departures_with(input=asked, output=answered) == []
    assert all(message["role"] == "assistant" and message["finish_reason"] for message in answered)


@pytest.mark.parametrize("role", ["system", "user", "assistant", "tool"])
def test_the_role_can_be_chosen(role):
    @given(strategies.messages(role=role))
    def check(message):
        assert message["role"] == role

    check()


@given(strategies.conversations(max_turns=2, tools=st.just("search")))
def test_each_call_is_followed_by_its_result_and_each_question_by_an_answer(said):
    assert departures_with(input=said) == []
    assert 1 <= sum(message["role"] == "user" for message in said) <= 2
    assert said[-1]["role"] == "assistant"
    seen = set()
    for message, following in zip(said, [*said[1:], None], strict=True):
        (part,) = message["parts"]
        if part["type"] == "tool_call":
            assert part["name"] == "search"
            assert part["id"] not in seen
            seen.add(part["id"])
            assert following["parts"][0]["type"] == "tool_call_response"
            assert following["parts"][0]["id"] == part["id"]


@given(strategies.messages(role="assistant", tools=st.just("search")))
def test_tools_have_the_names_that_were_given(message):
    assert {part.get("name", "search") for part in message["parts"]} == {"search"}


def test_they_shrink_to_simple_values():
    said = find(strategies.conversations(), lambda _: True)
    assert [(one["role"], one["parts"]) for one in said] == [
        (role, [{"type": "text", "content": ""}]) for role in ("user", "assistant")
    ]
    answer = find(strategies.messages(output=True), lambda _: True)
    assert answer == {"role": "assistant", "parts": [{"type": "text", "content": ""}], "finish_reason": "stop"}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: strategies.messages(role="model"), r"role='model'\): it is one of 'system', 'user', 'assistant'"),
        (lambda: strategies.messages(role="user", output=True), r"role='user'\): it is one of 'assistant'"),
        (lambda: strategies.conversations(max_turns=0), r"max_turns=0\)"),
    ],
)
def test_what_cannot_be_drawn_is_refused_at_once(wrong, message):
    with pytest.raises(ConfigurationError, match=message):
        wrong()
