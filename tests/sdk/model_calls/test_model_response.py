"""What is read off the answers of models, as each provider's API gives them."""

import json
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from types import SimpleNamespace
from unittest.mock import MagicMock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ams_sdk._model_calls.messages import render_messages
from ams_sdk._model_calls.model_response import response_of

IN, OUT = "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"
READ, WRITTEN = "gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_write.input_tokens"
REASONING = "gen_ai.usage.reasoning.output_tokens"

OPENAI_CHAT = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "model": "gpt-5-2025-08-07",
    "choices": [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": None,
                "refusal": None,
                "tool_calls": [
                    {
                        "id": "call_1",
                        "type": "function",
                        "function": {"name": "weather", "arguments": '{"city":"Oslo"}'},
                    }
                ],
            },
            "logprobs": None,
            "finish_reason": "tool_calls",
        },
        {"index": 1, "message": {"role": "assistant", "content": "Cold."}, "finish_reason": "stop"},
    ],
    "usage": {
        "prompt_tokens": 82,
        "completion_tokens": 17,
        "total_tokens": 99,
        "prompt_tokens_details": {"cached_tokens": 64, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 10, "audio_tokens": 3},
    },
}
OPENAI_RESPONSES = {
    "id": "resp_1",
    "object": "response",
    "status": "incomplete",
    "error": None,
    "incomplete_details": {"reason": "max_output_tokens"},
    "model": "gpt-5",
    "output": [
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Look."}]},
        {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "weather", "arguments": "{}"},
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "Cold.", "annotations": []}],
        },
    ],
    "usage": {
        "input_tokens": 36,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": 87,
        "output_tokens_details": {"reasoning_tokens": 20},
    },
}
ANTHROPIC = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-4-5",
    "content": [
        {"type": "thinking", "thinking": "Look.", "signature": "EqQB"},
        {"type": "text", "text": "Cold."},
        {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Oslo"}},
    ],
    "stop_reason": "tool_use",
    "stop_sequence": None,
    "usage": {
        "input_tokens": 10,
        "cache_creation_input_tokens": 200,
        "cache_read_input_tokens": 3000,
        "cache_creation": {"ephemeral_5m_input_tokens": 200},
        "output_tokens": 25,
    },
}
GEMINI = {
    "candidates": [
        {
            "content": {"parts": [{"text": "Look.", "thought": True}, {"text": "Cold."}], "role": "model"},
            "finishReason": "STOP",
            "index": 0,
        }
    ],
    "usageMetadata": {
        "promptTokenCount": 20,
        "candidatesTokenCount": 5,
        "thoughtsTokenCount": 7,
        "cachedContentTokenCount": 4,
        "toolUsePromptTokenCount": 3,
        "totalTokenCount": 35,
    },
    "modelVersion": "gemini-2.5-flash",
    "responseId": "r1",
}
OLLAMA = {
    "model": "llama3.2",
    "created_at": "2026-01-01T00:00:00Z",
    "message": {"role": "assistant", "content": "Cold."},
    "done": True,
    "done_reason": "stop",
    "prompt_eval_count": 26,
    "eval_count": 8,
}
BEDROCK = {
    "output": {"message": {"role": "assistant", "content": [{"text": "Cold."}]}},
    "stopReason": "end_turn",
    "usage": {"inputTokens": 30, "outputTokens": 6, "totalTokens": 136, "cacheReadInputTokens": 100},
    "metrics": {"latencyMs": 300},
}
COHERE = {
    "id": "c1",
    "finish_reason": "COMPLETE",
    "message": {"role": "assistant", "content": [{"type": "text", "text": "Cold."}]},
    "usage": {"billed_units": {"input_tokens": 5}, "tokens": {"input_tokens": 71.0, "output_tokens": 4.0}},
}


def texts(found):
    return [
        (message["role"], [(part["type"], part.get("content", part.get("arguments"))) for part in message["parts"]])
        for message in json.loads(render_messages(found.messages))
    ]


COLD = ("text", "Cold.")
CALL = ("tool_call", {"city": "Oslo"})


@pytest.mark.parametrize(
    ("response", "about", "usage"),
    [
        (
            OPENAI_CHAT,
            ("chatcmpl-1", "gpt-5-2025-08-07", ["tool_calls", "stop"], [[CALL], [COLD]]),
            {IN: 82, OUT: 17, READ: 64, REASONING: 10, "gen_ai.usage.audio.output_tokens": 3},
        ),
        (
            OPENAI_RESPONSES,
            ("resp_1", "gpt-5", ["max_output_tokens"], [[("reasoning", "Look."), ("tool_call", {}), COLD]]),
            {IN: 36, OUT: 87, READ: 0, REASONING: 20},
        ),
        (
            ANTHROPIC,
            ("msg_1", "claude-sonnet-4-5", ["tool_use"], [[("reasoning", "Look."), COLD, CALL]]),
            {IN: 3210, OUT: 25, READ: 3000, WRITTEN: 200},
        ),
        (
            GEMINI,
            ("r1", "gemini-2.5-flash", ["STOP"], [[("reasoning", "Look."), COLD]]),
            {IN: 23, OUT: 12, READ: 4, REASONING: 7},
        ),
        (OLLAMA, (None, "llama3.2", ["stop"], [[COLD]]), {IN: 26, OUT: 8}),
        (BEDROCK, (None, None, ["end_turn"], [[COLD]]), {IN: 130, OUT: 6, READ: 100}),
        (COHERE, ("c1", None, ["COMPLETE"], [[COLD]]), {IN: 71, OUT: 4}),
    ],
    ids=["openai chat", "openai responses", "anthropic", "gemini", "ollama", "bedrock", "cohere"],
)
def test_an_answer_of_a_provider(response, about, usage):
    identity, model, reasons, messages = about
    for shape in (response, as_object(response)):
        found = response_of(shape)
        assert (found.id, found.model, found.reasons, found.error) == (identity, model, reasons, None)
        assert texts(found) == [("assistant", parts) for parts in messages]
        assert found.usage == usage


def as_object(value, path=""):
    """The same as a client's object, but for what models leave as JSON."""
    if isinstance(value, dict):
        if path in {"input", "args", "arguments"}:
            return value
        return SimpleNamespace(**{name: as_object(item, name) for name, item in value.items()})
    return [as_object(item) for item in value] if isinstance(value, list) else value


class Reason(Enum):
    STOP = 1


class TextReason(StrEnum):
    STOP = "STOP"


class OldTextReason(str, Enum):  # noqa: UP042 -- as clients have them
    STOP = "STOP"


@pytest.mark.parametrize("reason", [Reason.STOP, TextReason.STOP, OldTextReason.STOP])
def test_a_reason_may_be_a_member_of_an_enumeration(reason):
    assert response_of(SimpleNamespace(candidates=[SimpleNamespace(finish_reason=reason)])).reasons == ["STOP"]


def test_other_answers():
    assert texts(response_of("Cold.")) == [("assistant", [COLD])]
    assert texts(response_of({"choices": [{"text": "Cold.", "finish_reason": "length"}]})) == [("assistant", [COLD])]
    assert texts(response_of({"model": "m", "response": "Cold.", "done": True})) == [("assistant", [COLD])]
    assert texts(response_of({"strange": 1})) == [("assistant", [("text", '{"strange":1}')])]
    assert response_of(None).messages == []
    stream = iter(["Cold."])
    assert (response_of(stream).messages, next(stream)) == ([], "Cold.")
    assert response_of({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {}}).reasons == ["SAFETY"]
    langchain = SimpleNamespace(
        type="ai",
        content="Cold.",
        tool_calls=[],
        usage_metadata={"input_tokens": 5, "output_tokens": 2, "input_token_details": {"cache_read": 3}},
        response_metadata={"finish_reason": "stop", "model_name": "gpt-5"},
    )
    found = response_of(langchain)
    assert (texts(found), found.reasons, found.model) == ([("assistant", [COLD])], ["stop"], "gpt-5")
    assert found.usage == {IN: 5, OUT: 2, READ: 3}


def test_a_response_that_failed_without_an_exception_names_its_code():
    failed = OPENAI_RESPONSES | {"status": "failed", "incomplete_details": None, "error": {"code": "server_error"}}
    assert (response_of(failed).error, response_of(failed).reasons) == ("server_error", ["failed"])


@pytest.mark.parametrize(
    "embeddings",
    [
        {"object": "list", "data": [{"object": "embedding", "embedding": [0.1] * 300, "index": 0}]},
        {"embeddings": [[0.1] * 300]},
        {"embeddings": {"float": [[0.1] * 300]}},
        {"embeddings": [{"values": [0.1] * 300}]},
        {"embedding": {"values": [0.1] * 300}},
        {"embedding": [0.1] * 300},
    ],
)
def test_of_embeddings_only_the_dimensions_are_kept(embeddings):
    found = response_of(embeddings)
    assert (found.dimensions, found.messages) == (300, [])


@dataclass
class Reply:
    choices: list
    usage: object = field(default_factory=lambda: SimpleNamespace(prompt_tokens=True, completion_tokens=-1))


def test_counts_that_are_none_are_passed_over():
    assert response_of(Reply([])).usage == {}
    for wrong in ("3", 2**70, float("nan"), float("inf"), 1.5, [3]):
        assert response_of({"usage": {"prompt_tokens": wrong, "completion_tokens": 3}}).usage == {OUT: 3}


class Hostile:
    @property
    def choices(self):
        raise RuntimeError

    def __getattr__(self, name):
        raise RuntimeError(name)

    def __bool__(self):
        raise RuntimeError


class Endless:
    def __getattr__(self, name):
        return Endless()


@pytest.mark.parametrize("make", [Hostile, Endless, MagicMock])
def test_hostile_answers_are_read_without_running_them(make):
    for value in (
        make(),
        {"choices": [make()]},
        {"choices": make(), "usage": make()},
        {"output": [make()], "status": "x"},
    ):
        render_messages(response_of(value).messages)
    answer = MagicMock()
    answer.choices = [MagicMock(finish_reason="stop")]
    answer.usage = MagicMock(prompt_tokens=3)
    assert response_of(answer).usage == {IN: 3}


def test_properties_are_not_run():
    class Lazy:
        @property
        def content(self):
            raise AssertionError("this would read the stream")

        role = "assistant"

    response_of(Lazy())


NAMES = [
    "choices",
    "message",
    "delta",
    "content",
    "text",
    "finish_reason",
    "index",
    "usage",
    "prompt_tokens",
    "completion_tokens",
    "candidates",
    "parts",
    "output",
    "status",
    "type",
    "role",
    "id",
    "model",
    "usageMetadata",
    "stop_reason",
    "embeddings",
    "data",
    "embedding",
    "response",
    "done",
    "error",
    "code",
]
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=6)
    | st.sampled_from(["message", "response", "failed", "text", "completed"])
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6),
    max_leaves=25,
)


@given(VALUES)
def test_any_value_is_read(value):
    found = response_of(value)
    json.loads(render_messages(found.messages))
    assert all(type(counted) is int and 0 <= counted < 2**63 for counted in found.usage.values())
    assert all(reason is None or type(reason) is str for reason in found.reasons)
