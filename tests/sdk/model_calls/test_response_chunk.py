"""Streams of every provider come to the same response as an answer in one piece."""

import json
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ams_sdk._capture.rendering import MAX_KEPT, MAX_TEXT, MAX_TOTAL
from ams_sdk._model_calls.messages import render_messages
from ams_sdk._model_calls.response_chunk import add_chunk
from ams_sdk._model_calls.response_draft import ResponseDraft

IN, OUT = "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"


def assembled(chunks, *, keeps=True):
    draft = ResponseDraft(keeps=keeps)
    for chunk in chunks:
        add_chunk(draft, chunk)
    return draft.response()


def parts(found):
    return [
        [(part["type"], part.get("content", part.get("arguments"))) for part in message["parts"]]
        for message in json.loads(render_messages(found.messages))
    ]


def chat(delta, reason=None, index=0, **more):
    return {"id": "c1", "model": "m1", "choices": [{"index": index, "delta": delta, "finish_reason": reason}], **more}


def tool(index, identity=None, name=None, arguments=""):
    return {"tool_calls": [{"index": index, "id": identity, "function": {"name": name, "arguments": arguments}}]}


OPENAI = [
    chat({"role": "assistant", "content": ""}),
    chat({"reasoning_content": "Lo"}),
    chat({"reasoning_content": "ok."}),
    chat({"content": "Co"}),
    chat({"content": "ld."}),
    chat(tool(0, "call_1", "weather")),
    chat(tool(0, arguments='{"city":')),
    chat(tool(1, "call_2", "time", "{}")),
    chat(tool(0, arguments='"Oslo"}')),
    chat({}, "tool_calls"),
    {"id": "c1", "model": "m1", "choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 4}},
]
ANTHROPIC = [
    {
        "type": "message_start",
        "message": {
            "id": "c1",
            "type": "message",
            "role": "assistant",
            "model": "m1",
            "content": [],
            "stop_reason": None,
            "usage": {"input_tokens": 4, "cache_read_input_tokens": 5, "output_tokens": 1},
        },
    },
    {"type": "ping"},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "Look."}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "EqQB"}},
    {"type": "content_block_stop", "index": 0},
    {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "Co"}},
    {"type": "text", "text": "Co", "snapshot": "Co"},
    {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "ld."}},
    {
        "type": "content_block_start",
        "index": 2,
        "content_block": {"type": "tool_use", "id": "call_1", "name": "weather", "input": {}},
    },
    {"type": "content_block_delta", "index": 2, "delta": {"type": "input_json_delta", "partial_json": '{"city":'}},
    {"type": "content_block_delta", "index": 2, "delta": {"type": "input_json_delta", "partial_json": '"Oslo"}'}},
    {
        "type": "content_block_start",
        "index": 3,
        "content_block": {"type": "tool_use", "id": "2", "name": "t", "input": {}},
    },
    {"type": "content_block_delta", "index": 3, "delta": {"type": "input_json_delta", "partial_json": "{}"}},
    {"type": "message_delta", "delta": {"stop_reason": "tool_calls"}, "usage": {"output_tokens": 4}},
    {"type": "message_stop"},
]
BEDROCK = [
    {"messageStart": {"role": "assistant"}},
    {"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"reasoningContent": {"text": "Look."}}}},
    {"contentBlockDelta": {"contentBlockIndex": 1, "delta": {"text": "Cold."}}},
    {"contentBlockStart": {"contentBlockIndex": 2, "start": {"toolUse": {"toolUseId": "call_1", "name": "weather"}}}},
    {"contentBlockDelta": {"contentBlockIndex": 2, "delta": {"toolUse": {"input": '{"city":"Oslo"}'}}}},
    {"contentBlockStart": {"contentBlockIndex": 3, "start": {"toolUse": {"toolUseId": "2", "name": "t"}}}},
    {"contentBlockDelta": {"contentBlockIndex": 3, "delta": {"toolUse": {"input": "{}"}}}},
    {"messageStop": {"stopReason": "tool_calls"}},
    {"metadata": {"usage": {"inputTokens": 9, "outputTokens": 4}, "metrics": {"latencyMs": 3}}},
]
GEMINI = [
    {"candidates": [{"content": {"parts": [{"text": "Look.", "thought": True}]}}], "responseId": "c1"},
    {"candidates": [{"content": {"parts": [{"text": "Co"}]}}], "modelVersion": "m1"},
    {"candidates": [{"content": {"parts": [{"text": "ld."}]}}], "usageMetadata": {"promptTokenCount": 9}},
    {
        "candidates": [
            {
                "content": {
                    "parts": [
                        {"functionCall": {"name": "weather", "args": {"city": "Oslo"}}},
                        {"functionCall": {"name": "time", "args": {}}},
                    ]
                },
                "finishReason": "tool_calls",
            }
        ],
        "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 4},
    },
]
OLLAMA = [
    {"model": "m1", "message": {"role": "assistant", "content": "", "thinking": "Look."}, "done": False},
    {"model": "m1", "message": {"role": "assistant", "content": "Co"}, "done": False},
    {"model": "m1", "message": {"role": "assistant", "content": "ld."}, "done": False},
    {
        "model": "m1",
        "message": {
            "content": "",
            "tool_calls": [
                {"function": {"name": "weather", "arguments": {"city": "Oslo"}}},
                {"function": {"name": "time", "arguments": {}}},
            ],
        },
        "done": False,
    },
    {
        "model": "m1",
        "message": {"content": ""},
        "done": True,
        "done_reason": "tool_calls",
        "prompt_eval_count": 9,
        "eval_count": 4,
    },
]


def as_object(value, path=""):
    if isinstance(value, dict):
        if path in {"args", "input", "arguments"}:
            return value
        return SimpleNamespace(**{name: as_object(item, name) for name, item in value.items()})
    return [as_object(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("make", [lambda chunk: chunk, as_object], ids=["decoded JSON", "objects"])
@pytest.mark.parametrize(
    "chunks", [OPENAI, ANTHROPIC, BEDROCK, GEMINI, OLLAMA], ids=["openai", "anthropic", "bedrock", "gemini", "ollama"]
)
def test_a_stream_of_a_provider(chunks, make):
    found = assembled(map(make, chunks))
    assert parts(found) == [
        [("reasoning", "Look."), ("text", "Cold."), ("tool_call", {"city": "Oslo"}), ("tool_call", {})]
    ]
    assert found.reasons == ["tool_calls"]
    assert {IN: 9, OUT: 4}.items() <= found.usage.items()
    if chunks is not BEDROCK:
        assert found.model == "m1"
    without = assembled(map(make, chunks), keeps=False)
    assert (without.reasons, without.usage, parts(without)) == (found.reasons, found.usage, [[]])


RESPONSES = [
    {"type": "response.created", "response": {"id": "r1", "model": "m1", "status": "in_progress", "output": []}},
    {"type": "response.reasoning_summary_text.delta", "output_index": 0, "delta": "Look."},
    {"type": "response.output_text.delta", "output_index": 1, "content_index": 0, "delta": "Co"},
    {"type": "response.output_text.delta", "output_index": 1, "content_index": 0, "delta": "ld."},
    {
        "type": "response.output_item.added",
        "output_index": 2,
        "item": {"type": "function_call", "id": "fc", "call_id": "call_1", "name": "weather", "arguments": ""},
    },
    {"type": "response.function_call_arguments.delta", "output_index": 2, "delta": '{"city":"Oslo"}'},
]


def test_a_stream_of_openais_responses_that_was_not_read_to_the_end():
    found = assembled(RESPONSES)
    assert parts(found) == [[("reasoning", "Look."), ("text", "Cold."), ("tool_call", {"city": "Oslo"})]]
    assert (found.id, found.model, found.reasons) == ("r1", "m1", [None])


def test_the_last_event_of_openais_responses_holds_all_of_it():
    response = {
        "id": "r1",
        "model": "m1",
        "status": "completed",
        "usage": {"input_tokens": 9, "output_tokens": 4},
        "output": [{"type": "message", "content": [{"type": "output_text", "text": "Warm."}]}],
    }
    found = assembled([*RESPONSES, {"type": "response.completed", "response": response}])
    assert (parts(found), found.reasons, found.usage) == ([[("text", "Warm.")]], ["completed"], {IN: 9, OUT: 4})


def test_several_choices_of_a_stream_are_kept_apart():
    found = assembled(
        [chat({"content": "a"}, index=1), chat({"content": "b"}), chat({"content": "c"}, "stop", index=1)]
    )
    assert (parts(found), found.reasons) == ([[("text", "b")], [("text", "ac")]], [None, "stop"])


def test_other_chunks():
    assert parts(assembled(["Co", "ld."])) == [[("text", "Cold.")]]
    assert parts(assembled([{"data": chat({"content": "Cold."})}])) == [[("text", "Cold.")]]
    assert parts(assembled([{"type": "chunk", "chunk": chat({"content": "Cold."})}, {"type": "content.delta"}])) == [
        [("text", "Cold.")]
    ]
    assert parts(assembled([chat({"refusal": "I can"}), chat({"refusal": "not."})])) == [[("refusal", "I cannot.")]]
    said = SimpleNamespace(type="AIMessageChunk", content="Cold.", response_metadata={"finish_reason": "stop"})
    assert (parts(assembled([said])), assembled([said]).reasons) == ([[("text", "Cold.")]], ["stop"])
    assert parts(assembled([{"unknown": 1}, 3, None, object()])) == []


def test_a_stream_of_cohere():
    found = assembled(
        [
            {"type": "message-start", "id": "c1", "delta": {"message": {"role": "assistant"}}},
            {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"type": "text", "text": "Co"}}}},
            {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": "ld."}}}},
            {
                "type": "tool-call-start",
                "index": 0,
                "delta": {"message": {"tool_calls": {"id": "1", "function": {"name": "f", "arguments": "{"}}}},
            },
            {
                "type": "tool-call-delta",
                "index": 0,
                "delta": {"message": {"tool_calls": {"function": {"arguments": "}"}}}},
            },
            {"type": "message-end", "delta": {"finish_reason": "COMPLETE", "usage": {"tokens": {"input_tokens": 3}}}},
        ]
    )
    assert parts(found) == [[("text", "Cold."), ("tool_call", {})]]
    assert (found.id, found.reasons, found.usage) == ("c1", ["COMPLETE"], {IN: 3})


def test_a_long_stream_is_counted_and_not_kept():
    found = assembled(["x" * 10] * 100_000)
    ((kind, text),) = parts(found)[0]
    assert kind == "text"
    assert text.startswith("xxx")
    assert text.endswith(f"…[+{1_000_000 - MAX_TEXT} characters]")
    held = sum(len(part["content"].text) for message in found.messages for part in message.parts)
    assert held == MAX_KEPT


def test_many_parts_of_a_stream_are_bounded():
    chunks = [chat(tool(index, f"call_{index}", "f", "x" * 100_000)) for index in range(3_000)]
    found = assembled(chunks)
    (message,) = found.messages
    assert len(message.parts) <= 500
    assert sum(len(part["arguments"].text) for part in message.parts if "arguments" in part) <= 2 * MAX_TOTAL
    json.loads(render_messages(found.messages))
    assert len(assembled([chat({"content": "x"}, index=index) for index in range(3_000)]).messages) <= 500


def test_the_secret_at_a_cut_is_masked():
    found = assembled(["a" * (MAX_TEXT - 10) + " sk-abcdefgh", "ijklmnop1234567890"])
    ((_, text),) = parts(found)[0]
    assert "sk-" not in text
    assert text.endswith("[redacted]…[+20 characters]")


NAMES = [
    "type",
    "choices",
    "delta",
    "content",
    "index",
    "tool_calls",
    "function",
    "arguments",
    "name",
    "candidates",
    "parts",
    "message",
    "data",
    "response",
    "text",
    "content_block",
    "usage",
    "finish_reason",
    "contentBlockDelta",
    "chunk",
    "object",
]
KINDS = ["content_block_start", "content_block_delta", "message_delta", "chunk", "response.completed", "content-delta"]
VALUES = st.recursive(
    st.none() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(KINDS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5),
    max_leaves=20,
)


@given(st.lists(VALUES, max_size=6))
def test_any_values_may_be_chunks(chunks):
    json.loads(render_messages(assembled(chunks).messages))
