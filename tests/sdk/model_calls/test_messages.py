"""Messages of every provider's shape in the JSON of the conventions."""

import base64
import json
from collections import UserDict, deque
from dataclasses import dataclass
from types import SimpleNamespace
from unittest.mock import MagicMock

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from ams_sdk import tool
from ams_sdk._capture.rendering import MAX_NODES, MAX_TEXT, MAX_TOTAL
from ams_sdk._model_calls.message_part import parts_of
from ams_sdk._model_calls.messages import messages_of, render_messages, render_parts, system_parts
from ams_sdk._model_calls.tool_definition import tool_definitions

PIXELS = base64.b64encode(bytes(3_000)).decode()
PARTS = {
    "text": {"content"},
    "reasoning": {"content"},
    "tool_call": {"name"},
    "tool_call_response": {"response"},
    "server_tool_call": {"name", "server_tool_call"},
    "server_tool_call_response": {"server_tool_call_response"},
    "blob": {"modality", "content"},
    "file": {"modality", "file_id"},
    "uri": {"modality", "uri"},
}


def shown(value, role="user"):
    messages = json.loads(render_messages(messages_of(value, role)))
    for message in messages:
        assert message.keys() - {"name"} == {"role", "parts"}
        for part in message["parts"]:
            assert part.keys() >= PARTS.get(part["type"], set()), part
    return messages


def parts(content):
    return json.loads(render_parts(parts_of(content)))


def one(piece):
    (part,) = parts([piece])
    return part


def test_a_text_is_a_message_of_the_user():
    assert shown("hello") == [{"role": "user", "parts": [{"type": "text", "content": "hello"}]}]


def test_a_conversation_with_tools_as_openai_writes_it():
    messages = [
        {"role": "system", "content": "Be short."},
        {"role": "user", "content": "Weather in Oslo?", "name": "ada"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Oslo"}'}}
            ],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": '{"degrees":-3}'},
        {"role": "assistant", "content": "Cold.", "refusal": None},
    ]
    assert shown(messages) == [
        {"role": "system", "parts": [{"type": "text", "content": "Be short."}]},
        {"role": "user", "parts": [{"type": "text", "content": "Weather in Oslo?"}], "name": "ada"},
        {
            "role": "assistant",
            "parts": [{"type": "tool_call", "id": "call_1", "name": "weather", "arguments": {"city": "Oslo"}}],
        },
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "call_1", "response": '{"degrees":-3}'}]},
        {"role": "assistant", "parts": [{"type": "text", "content": "Cold."}]},
    ]


@pytest.mark.parametrize(
    ("piece", "part"),
    [
        ({"type": "image_url", "image_url": {"url": "https://x.test/a.png"}}, ("uri", "image", "https://x.test/a.png")),
        ({"type": "input_image", "image_url": "https://x.test/a.png"}, ("uri", "image", "https://x.test/a.png")),
        ({"type": "input_image", "file_id": "file-1"}, ("file", "image", "file-1")),
        (
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXELS}"}},
            ("blob", "image", "image/png"),
        ),
        ({"type": "input_audio", "input_audio": {"data": PIXELS, "format": "wav"}}, ("blob", "audio", "audio/wav")),
        ({"type": "file", "file": {"file_id": "file-2"}}, ("file", "document", "file-2")),
        (
            {"type": "input_file", "file_data": f"data:application/pdf;base64,{PIXELS}"},
            ("blob", "document", "application/pdf"),
        ),
        ({"type": "file", "file": {"file_data": PIXELS}}, ("blob", "document", None)),
        (
            {"type": "image", "source": {"type": "base64", "media_type": "image/webp", "data": PIXELS}},
            ("blob", "image", "image/webp"),
        ),
        (
            {"type": "document", "source": {"type": "url", "url": "https://x.test/a.pdf"}},
            ("uri", "document", "https://x.test/a.pdf"),
        ),
        ({"type": "document", "source": {"type": "file", "file_id": "file_3"}}, ("file", "document", "file_3")),
        ({"inlineData": {"mimeType": "audio/ogg", "data": PIXELS}}, ("blob", "audio", "audio/ogg")),
        ({"inline_data": {"mime_type": "image/png", "data": bytes(3_000)}}, ("blob", "image", "image/png")),
        ({"fileData": {"fileUri": "gs://a/b", "mimeType": "video/mp4"}}, ("uri", "video", "gs://a/b")),
        ({"image": {"format": "png", "source": {"bytes": bytes(3_000)}}}, ("blob", "image", "image/png")),
    ],
)
def test_media_are_named_and_their_data_only_measured(piece, part):
    found = one(piece)
    kind, modality, detail = part
    assert (found["type"], found["modality"]) == (kind, modality)
    if kind == "blob":
        assert (found.get("mime_type"), found["content"]) == (detail, "…[3000 bytes]")
    else:
        assert found["uri" if kind == "uri" else "file_id"] == detail
    assert len(json.dumps(found)) < 200


def test_a_conversation_with_tools_as_anthropic_writes_it():
    messages = [
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "Look it up.", "signature": "EqQB"},
                {"type": "redacted_thinking", "data": PIXELS},
                {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Oslo"}},
                {"type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": {"query": "oslo"}},
                {"type": "web_search_tool_result", "tool_use_id": "srv_1", "content": [{"title": "Oslo"}]},
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "toolu_1",
                    "content": [
                        {"type": "text", "text": "-3"},
                        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXELS}},
                    ],
                }
            ],
        },
    ]
    first, second = shown(messages)
    assert first["parts"] == [
        {"type": "reasoning", "content": "Look it up."},
        {"type": "reasoning", "content": "…[3000 bytes, encrypted]"},
        {"type": "tool_call", "id": "toolu_1", "name": "weather", "arguments": {"city": "Oslo"}},
        {
            "type": "server_tool_call",
            "id": "srv_1",
            "name": "web_search",
            "server_tool_call": {"type": "web_search", "arguments": {"query": "oslo"}},
        },
        {
            "type": "server_tool_call_response",
            "id": "srv_1",
            "server_tool_call_response": {"type": "web_search_tool_result", "content": [{"title": "Oslo"}]},
        },
    ]
    (result,) = second["parts"]
    assert result["id"] == "toolu_1"
    assert [part["type"] for part in result["response"]] == ["text", "blob"]


def test_a_conversation_with_tools_as_gemini_writes_it():
    contents = [
        "Weather in Oslo?",
        {
            "role": "model",
            "parts": [{"text": "Hm.", "thought": True}, {"functionCall": {"name": "f", "args": {"a": 1}}}],
        },
        {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"degrees": -3}}}]},
        {"role": "model", "parts": [{"executableCode": {"language": "PYTHON", "code": "1+1"}}, {"text": "Cold."}]},
    ]
    assert [(message["role"], message["parts"]) for message in shown(contents)] == [
        ("user", [{"type": "text", "content": "Weather in Oslo?"}]),
        (
            "assistant",
            [{"type": "reasoning", "content": "Hm."}, {"type": "tool_call", "name": "f", "arguments": {"a": 1}}],
        ),
        ("user", [{"type": "tool_call_response", "id": "f", "response": {"degrees": -3}}]),
        (
            "assistant",
            [
                {
                    "type": "server_tool_call",
                    "name": "code_execution",
                    "server_tool_call": {"type": "code_execution", "language": "PYTHON", "code": "1+1"},
                },
                {"type": "text", "content": "Cold."},
            ],
        ),
    ]


def test_other_pieces():
    plain = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "Cold."}}
    assert one(plain) == {"type": "text", "content": "Cold."}
    inner = {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "Cold."}]}}
    assert one(inner) == {"type": "text", "content": "Cold."}
    stored = {"video": {"format": "mp4", "source": {"s3Location": {"uri": "s3://a/b"}}}}
    assert one(stored) == {"type": "uri", "modality": "video", "uri": "s3://a/b"}
    assert one({"type": "input_audio", "input_audio": PIXELS})["content"] == "…[3000 bytes]"
    assert one({"type": "input_file", "file_url": "https://x.test/a.pdf"})["uri"] == "https://x.test/a.pdf"
    assert one({"type": "compaction", "id": "c1", "content": "Before."}) == {
        "type": "compaction",
        "id": "c1",
        "content": "Before.",
    }
    assert one({"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "2"}}) == {
        "type": "server_tool_call_response",
        "server_tool_call_response": {"type": "code_execution", "outcome": "OUTCOME_OK", "output": "2"},
    }
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": "Lo"}, {"type": "text", "text": "ok."}]}
    assert one(thought) == {"type": "reasoning", "content": "Look."}
    assert one({"type": "refusal", "refusal": "No."}) == {"type": "refusal", "content": "No."}


def test_what_openai_keeps_beside_the_content():
    message = {
        "role": "assistant",
        "content": None,
        "refusal": "No.",
        "audio": {"id": "a1", "data": PIXELS, "transcript": "Cold."},
        "function_call": {"name": "weather", "arguments": "{}"},
    }
    assert shown(message)[0]["parts"] == [
        {"type": "refusal", "content": "No."},
        {"type": "text", "content": "Cold."},
        {"type": "blob", "modality": "audio", "content": "…[3000 bytes]"},
        {"type": "tool_call", "name": "weather", "arguments": {}},
    ]
    function = {"role": "function", "name": "weather", "content": "-3"}
    assert shown(function)[0] == {
        "role": "tool",
        "parts": [{"type": "tool_call_response", "id": "weather", "response": "-3"}],
    }


def test_a_large_value_of_a_tool_is_cut_to_a_text():
    result = {"role": "tool", "tool_call_id": "1", "content": [{"row": "x" * 8_000}] * 3}
    (first, second) = shown([result, result])
    assert isinstance(second["parts"][0]["response"], list)
    assert isinstance(first["parts"][0]["response"], str)


def test_items_of_openais_responses_stand_for_themselves():
    items = [
        {"role": "user", "content": [{"type": "input_text", "text": "Weather?"}]},
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Look."}]},
        {"type": "function_call", "call_id": "call_1", "name": "weather", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "call_1", "output": "-3"},
        {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"query": "oslo"}},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Cold."}]},
    ]
    assert [(message["role"], message["parts"][0]["type"]) for message in shown(items)] == [
        ("user", "text"),
        ("assistant", "reasoning"),
        ("assistant", "tool_call"),
        ("tool", "tool_call_response"),
        ("assistant", "server_tool_call"),
        ("assistant", "text"),
    ]


def test_a_conversation_with_tools_as_bedrock_writes_it():
    first, second = shown(
        [
            {
                "role": "assistant",
                "content": [
                    {"reasoningContent": {"reasoningText": {"text": "Look."}}},
                    {"text": "I look."},
                    {"toolUse": {"toolUseId": "t1", "name": "weather", "input": {"city": "Oslo"}}},
                ],
            },
            {
                "role": "user",
                "content": [{"toolResult": {"toolUseId": "t1", "content": [{"json": {"d": -3}}, {"text": "ok"}]}}],
            },
        ]
    )
    assert [part["type"] for part in first["parts"]] == ["reasoning", "text", "tool_call"]
    (result,) = second["parts"]
    assert result["response"] == [{"d": -3}, {"type": "text", "content": "ok"}]


def test_messages_of_ollama_and_langchain():
    human = SimpleNamespace(type="human", content="Weather?")
    called = SimpleNamespace(
        type="ai", content="", tool_calls=[{"name": "weather", "args": {"city": "Oslo"}, "id": "c1"}]
    )
    answered = SimpleNamespace(type="tool", content="-3", tool_call_id="c1")
    ollama = {"role": "user", "content": "What is this?", "images": [PIXELS]}
    assert [(message["role"], message["parts"]) for message in shown([human, called, answered, ollama])] == [
        ("user", [{"type": "text", "content": "Weather?"}]),
        ("assistant", [{"type": "tool_call", "id": "c1", "name": "weather", "arguments": {"city": "Oslo"}}]),
        ("tool", [{"type": "tool_call_response", "id": "c1", "response": "-3"}]),
        (
            "user",
            [
                {"type": "text", "content": "What is this?"},
                {"type": "blob", "modality": "image", "content": "…[3000 bytes]"},
            ],
        ),
    ]


class Function(BaseModel):
    name: str
    arguments: str


class Call(BaseModel):
    id: str
    function: Function


class Chat(BaseModel):
    model_config = ConfigDict(extra="allow")

    role: str
    content: str | None = None
    tool_calls: list[Call] | None = None


@dataclass(slots=True)
class Slotted:
    role: str
    content: str


def test_objects_are_read_as_mappings_are():
    model = Chat(role="assistant", tool_calls=[Call(id="c", function=Function(name="f", arguments='{"a":1}'))])
    extra = Chat.model_validate({"role": "assistant", "content": "4", "reasoning_content": "2+2"})
    assert shown(deque([model, extra, Slotted("user", "ok")])) == [
        {"role": "assistant", "parts": [{"type": "tool_call", "id": "c", "name": "f", "arguments": {"a": 1}}]},
        {"role": "assistant", "parts": [{"type": "reasoning", "content": "2+2"}, {"type": "text", "content": "4"}]},
        {"role": "user", "parts": [{"type": "text", "content": "ok"}]},
    ]


def test_anything_else_is_shown_as_its_json():
    assert parts({"question": 3, "password": "hunter2"}) == [
        {"type": "text", "content": '{"question":3,"password":"[redacted]"}'}
    ]
    assert one({"type": "hologram", "rays": 3}) == {"type": "hologram", "content": {"type": "hologram", "rays": 3}}
    assert parts(3) == [{"type": "text", "content": "3"}]
    assert parts(None) == []


def test_nothing_that_can_be_read_only_once_is_read():
    source = iter(["a"])
    assert len(parts(source)) == 1
    assert next(source) == "a"


def test_secrets_are_masked_wherever_they_stand():
    text = render_messages(
        messages_of(
            [
                {"role": "user", "content": "my key is sk-abcdefghijklmnop1234567890"},
                {
                    "role": "assistant",
                    "tool_calls": [
                        {"id": "1", "function": {"name": "login", "arguments": '{"user":"ada","password":"hunter2"}'}},
                        {"id": "2", "function": {"name": "login", "arguments": '{"password":"hunter2", broken'}},
                        {"id": "3", "function": {"name": "login", "arguments": {"api_key": "hunter2"}}},
                    ],
                },
                {"role": "tool", "tool_call_id": "1", "content": '{"access_token": "hunter2"}'},
                {
                    "role": "user",
                    "content": [{"type": "image_url", "image_url": {"url": "https://ada:hunter2@x.test/"}}],
                },
            ]
        )
    )
    assert "hunter2" not in text
    assert "sk-abc" not in text
    assert text.count("[redacted]") == 6
    assert "ada" in text


def test_what_is_too_long_is_cut_within_its_text_and_the_newest_last():
    messages = [{"role": "user", "content": f"{number} " + "x" * 20_000} for number in range(10)]
    found = [message["parts"][0]["content"] for message in shown(messages)]
    assert all("characters]" in text for text in found[1:])
    assert found[-1].startswith("9 xxx")
    assert len(found[-1]) < MAX_TEXT + 30
    assert found[0] == f"…[+{11 - len(found)} messages]"
    assert sum(map(len, found)) < MAX_TOTAL + 10 * 30


def test_of_many_messages_the_first_and_the_last_ones_are_kept():
    found = shown([{"role": "user", "content": str(number)} for number in range(250)])
    assert len(found) == 101
    assert [found[0]["parts"][0]["content"], found[-1]["parts"][0]["content"]] == ["0", "249"]
    assert found[1] == {"role": "system", "parts": [{"type": "omitted", "content": "…[+150 messages]"}]}


def test_many_parts_of_many_messages_are_bounded():
    found = shown([{"role": "user", "content": ["x"] * 100} for _ in range(100)])
    assert sum(len(message["parts"]) for message in found) <= MAX_NODES + 100


def test_system_instructions_hold_texts_only():
    anthropic = [
        {"type": "text", "text": "Be short.", "cache_control": {"type": "ephemeral"}},
        {"type": "image", "source": {"type": "url", "url": "https://x.test"}},
    ]
    for system in (
        "Be short.",
        anthropic,
        {"parts": [{"text": "Be short."}]},
        {"role": "system", "content": "Be short."},
    ):
        assert json.loads(render_parts(system_parts(system))) == [{"type": "text", "content": "Be short."}]
    assert system_parts(None) == []


SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


@pytest.mark.parametrize(
    "definition",
    [
        {"type": "function", "function": {"name": "weather", "description": "Tells it.", "parameters": SCHEMA}},
        {"type": "function", "name": "weather", "description": "Tells it.", "parameters": SCHEMA, "strict": True},
        {"name": "weather", "description": "Tells it.", "input_schema": SCHEMA},
        {"type": "custom", "name": "weather", "description": "Tells it.", "input_schema": SCHEMA},
        {"functionDeclarations": [{"name": "weather", "description": "Tells it.", "parameters": SCHEMA}]},
        {"toolSpec": {"name": "weather", "description": "Tells it.", "inputSchema": {"json": SCHEMA}}},
    ],
)
def test_a_tool_is_defined_in_one_way_whoever_is_told_of_it(definition):
    assert json.loads(render_parts(tool_definitions([definition]))) == [
        {"type": "function", "name": "weather", "description": "Tells it.", "parameters": SCHEMA}
    ]


def test_tools_of_the_provider_and_functions_are_defined_too():
    @tool(name="look", description="Looks.")
    def look_up(where: str) -> str:
        return where

    def plain():
        pass

    tools = [
        {"type": "web_search_20250305", "name": "web_search"},
        {"type": "web_search"},
        {"googleSearch": {}},
        look_up,
    ]
    assert json.loads(render_parts(tool_definitions([*tools, plain]))) == [
        {"type": "web_search_20250305", "name": "web_search"},
        {"type": "web_search", "name": "web_search"},
        {"type": "googleSearch", "name": "googleSearch"},
        {"type": "function", "name": "look", "description": "Looks."},
        {"type": "function", "name": "plain"},
    ]
    assert tool_definitions(None) == []


class Hostile:
    def __getattr__(self, name):
        raise RuntimeError(name)

    def __repr__(self):
        raise RuntimeError

    @property
    def content(self):
        raise RuntimeError

    def __iter__(self):
        raise RuntimeError

    def __len__(self):
        raise RuntimeError


class Endless:
    def __getattr__(self, name):
        return Endless()


class OddList(list):
    def __iter__(self):
        raise RuntimeError

    def __len__(self):
        raise RuntimeError


class OddDict(dict):
    def get(self, *_):
        raise RuntimeError

    __getitem__ = __iter__ = get


@pytest.mark.parametrize("make", [Hostile, Endless, MagicMock, UserDict, OddDict, lambda: type, lambda: ...])
def test_hostile_values_are_read_without_running_them(make):
    value = make()
    assert len(shown(value)) == 1
    shown([value, {"role": "user", "content": value}, {"role": "user", "content": [value]}])
    shown({"role": "assistant", "tool_calls": [value, {"function": value}]})
    tool_definitions([value])


def test_a_subclass_of_a_mapping_is_read_as_one():
    assert shown(OddList([OddDict(role="user", content="hi")]))[0]["parts"] == [{"type": "text", "content": "hi"}]


NAMES = [
    "role",
    "content",
    "parts",
    "type",
    "text",
    "tool_calls",
    "function",
    "name",
    "arguments",
    "id",
    "image_url",
    "url",
    "source",
    "data",
    "file",
    "thinking",
    "input",
    "tool_call_id",
    "functionCall",
    "functionResponse",
    "response",
    "inlineData",
    "toolUse",
    "toolResult",
    "summary",
    "output",
    "message",
]
KINDS = [
    "text",
    "image_url",
    "input_audio",
    "file",
    "thinking",
    "tool_use",
    "tool_result",
    "function_call",
    "function_call_output",
    "document",
]
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(KINDS),
    st.binary(max_size=4),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=3), inner, max_size=5)
    ),
    max_leaves=20,
)


@given(VALUES)
def test_any_value_gives_valid_json(value):
    shown(value)
    json.loads(render_parts(system_parts(value)))
    json.loads(render_parts(tool_definitions(value)))
