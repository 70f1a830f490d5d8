"""What people, agents and models say to each other, as OpenTelemetry's GenAI conventions write it.

Source: the JSON schemas of ``gen_ai.input.messages`` and ``gen_ai.output.messages`` at the commit that
``ams_sdk._semconv`` names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, get_args

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy  # noqa: TC002 -- the public types stay resolvable at run time

from ams_sdk.testing._strategies.bounds import check_choice, check_sizes
from ams_sdk.testing._strategies.json_schemas import json_values
from ams_sdk.testing._strategies.texts import TOOL_NAMES, texts

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn

    from ams_sdk.testing._strategies.json_schemas import JsonObject

__all__ = ["MessageRole", "conversations", "messages"]

MessageRole = Literal["system", "user", "assistant", "tool"]
"""Who speaks."""

_ROLES: Final[tuple[MessageRole, ...]] = get_args(MessageRole)
_CALL_IDS: Final = st.integers(1, 2**32).map("call_{}".format)
_FINISH_REASONS: Final = st.sampled_from(["stop", "length", "content_filter"])
_ARGUMENTS: Final = st.dictionaries(st.sampled_from(["query", "limit", "path"]), json_values(max_leaves=3), max_size=2)


def messages(
    *, role: MessageRole | None = None, output: bool = False, tools: SearchStrategy[str] | None = None
) -> SearchStrategy[JsonObject]:
    """Single messages: text, reasoning, calls of tools and their results, files.

    Args:
        role: who speaks; anybody if not given, the assistant in an output.
        output: as ``gen_ai.output.messages`` has them: each is the assistant's and says why it ends.
        tools: the names of the tools.

    Raises:
        ConfigurationError: there is no such role, or another than the assistant's in an output.
    """
    check_choice("messages", "role", role, ("assistant",) if output else _ROLES)
    return _messages(_ROLES if role is None else (role,), TOOL_NAMES if tools is None else tools, output=output)


def conversations(*, max_turns: int = 3, tools: SearchStrategy[str] | None = None) -> SearchStrategy[list[JsonObject]]:
    """Whole conversations: a question, then calls of tools each followed by its result under the same id, an answer.

    Args:
        max_turns: at most so many questions.
        tools: the names of the tools.

    Raises:
        ConfigurationError: a size is none.
    """
    check_sizes("conversations", 1, max_turns=max_turns)
    return _conversations(max_turns, TOOL_NAMES if tools is None else tools)


@st.composite
def _conversations(draw: DrawFn, max_turns: int, names: SearchStrategy[str]) -> list[JsonObject]:
    said: list[JsonObject] = []
    if draw(st.booleans()):
        said.append(_said("system", draw(_text())))
    call_ids = iter(draw(st.lists(_CALL_IDS, min_size=2 * max_turns, max_size=2 * max_turns, unique=True)))
    for _ in range(draw(st.integers(1, max_turns))):
        said.append(_said("user", draw(_text())))
        for _ in range(draw(st.integers(0, 2))):
            identity = next(call_ids)
            called = draw(_tool_call(names)) | {"id": identity}
            result = draw(_tool_response()) | {"id": identity}
            said += [_said("assistant", called), _said("tool", result)]
        said.append(_said("assistant", draw(_text())))
    return said


@st.composite
def _messages(draw: DrawFn, roles: tuple[MessageRole, ...], tools: SearchStrategy[str], *, output: bool) -> JsonObject:
    role = "assistant" if output else draw(st.sampled_from(roles))
    by_role: dict[str, SearchStrategy[JsonObject]] = {
        "system": _text(),
        "user": st.one_of(_text(), _file()),
        "assistant": st.one_of(_text(), _reasoning(), _tool_call(tools)),
        "tool": _tool_response(),
    }
    parts = draw(st.lists(by_role[role], min_size=1, max_size=3))
    message: JsonObject = {"role": role, "parts": [*parts]}
    if output:
        is_call = any(part["type"] == "tool_call" for part in parts)
        message["finish_reason"] = "tool_call" if is_call else draw(_FINISH_REASONS)
    return message


def _said(role: MessageRole, part: JsonObject) -> JsonObject:
    return {"role": role, "parts": [part]}


def _text() -> SearchStrategy[JsonObject]:
    return texts().map(lambda text: {"type": "text", "content": text})


def _reasoning() -> SearchStrategy[JsonObject]:
    return texts().map(lambda text: {"type": "reasoning", "content": text})


def _file() -> SearchStrategy[JsonObject]:
    return st.sampled_from(["image", "audio"]).map(
        lambda modality: {"type": "uri", "modality": modality, "uri": f"https://example.org/{modality}"}
    )


@st.composite
def _tool_call(draw: DrawFn, names: SearchStrategy[str]) -> JsonObject:
    return {"type": "tool_call", "id": draw(_CALL_IDS), "name": draw(names), "arguments": draw(_ARGUMENTS)}


@st.composite
def _tool_response(draw: DrawFn) -> JsonObject:
    return {"type": "tool_call_response", "id": draw(_CALL_IDS), "response": draw(json_values(max_leaves=3))}
