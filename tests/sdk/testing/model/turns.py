"""Any turn that a script can have, and how a client would put its stream together again."""

from __future__ import annotations

import json

from hypothesis import strategies as st

from ams_sdk.testing._model import ModelUsage, refusal, stream, text, thinking, tool_call, turn

# Half of a surrogate pair cannot be sent by a client that writes UTF-8, but a model can write its escape.
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
names = st.text("abcdefgh_", min_size=1, max_size=6)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | words
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3))
calls = st.builds(tool_call, names, st.dictionaries(words, values, max_size=3))
parts = words.map(text) | calls | words.map(thinking) | words.map(refusal)
reasons = st.none() | st.sampled_from(["stop", "length", "tool_calls", "content_filter"])
usages = st.none() | st.builds(
    lambda a, b, c, d: ModelUsage(a + c, b + d, c, d), *[st.integers(min_value=0, max_value=10**9)] * 4
)


def _turn(given, usage, reason):
    return turn(*given, usage=usage, finish_reason=reason)


def _stream(given, usage, reason, size):
    return stream(given, usage=usage, finish_reason=reason, argument_characters=size)


turns = st.builds(_turn, st.lists(parts, min_size=1, max_size=4), usages, reasons) | st.builds(
    _stream, st.lists(parts | words, min_size=1, max_size=6), usages, reasons, st.integers(min_value=1, max_value=9)
)
"""Steps that come to their end."""


def offered(step):
    return sorted({piece.name for piece in step.pieces if hasattr(piece, "arguments_json")})


def requests(step, *, streams):
    """What offers the tools of a step, for each interface: its path and its document."""
    tools = offered(step)
    message = {"role": "user", "content": "How many?"}
    functions = [{"type": "function", "function": {"name": name}} for name in tools]
    chat = {"model": "m", "messages": [message], "tools": functions, "stream": streams}
    responses = {"type": "function", "strict": True, "parameters": {"type": "object"}}
    blocks = [{"name": name, "input_schema": {"type": "object"}} for name in tools]
    return {
        "/v1/chat/completions": chat | ({"stream_options": {"include_usage": True}} if streams else {}),
        "/v1/responses": {
            "model": "m",
            "input": [message],
            "tools": [responses | {"name": name} for name in tools],
            "stream": streams,
        },
        "/v1/messages": {"model": "m", "messages": [message], "tools": blocks, "stream": streams, "max_tokens": 9},
    }


def events_of(body):
    """The events of a stream, read as WHATWG HTML 9.2 says: names and documents."""
    text_ = body.decode()
    assert text_.endswith("\n\n")
    found = []
    for block in text_[:-2].split("\n\n"):
        fields = [line.partition(": ")[::2] for line in block.split("\n")]
        assert [name for name, _ in fields] in (["data"], ["event", "data"])
        data = fields[-1][1]
        found.append((dict(fields).get("event"), data if data == "[DONE]" else json.loads(data)))
    return found
