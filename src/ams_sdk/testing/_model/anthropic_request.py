"""What Anthropic's interface is asked, and what it would refuse."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, cast

from ams_sdk.testing._model.document import Refused, items_at, object_at, objects_of, required_text, text_at
from ams_sdk.testing._model.model_request import ModelMessage, ModelRequest, OfferedTool, ToolResult, merged
from ams_sdk.testing._model.step import ModelToolCall

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["read_messages"]

_READ: Final = frozenset({"model", "messages", "system", "tools", "stream"})
_SMALLEST_BUDGET: Final = 1024


def read_messages(document: Mapping[str, object], *, needs_max_tokens: bool) -> ModelRequest:
    """Messages and tools in Anthropic's words.

    Raises:
        Refused: they are not right.
    """
    model = required_text(document, "model")
    if needs_max_tokens:
        _check_limits(document)
    if not items_at(document, "messages"):
        raise Refused("at least one message is required", param="messages")
    system = document.get("system")
    return ModelRequest(
        "anthropic.messages",
        model,
        _text(system, "system") if system is not None else "",
        merged(_messages(objects_of(document["messages"], "messages"))),
        tuple(_tools(document)),
        {name: value for name, value in document.items() if name not in _READ},
        document.get("stream") is True,
        document,
    )


def _check_limits(document: Mapping[str, object]) -> None:
    limit = document.get("max_tokens")
    if type(limit) is not int:
        raise Refused("Field required, a whole number", param="max_tokens")
    if limit < 1:
        raise Refused("must be 1 or more", param="max_tokens")
    thinking = object_at(document, "thinking")
    if thinking.get("type") == "enabled":
        budget = thinking.get("budget_tokens")
        if type(budget) is not int or budget < _SMALLEST_BUDGET:
            raise Refused("must be 1024 or more", param="thinking.enabled.budget_tokens")
        if budget >= limit:
            raise Refused("'max_tokens' must be greater than 'thinking.budget_tokens'", param="max_tokens")


def _tools(document: Mapping[str, object]) -> Iterator[OfferedTool]:
    for number, tool in enumerate(objects_of(document.get("tools"), "tools")):
        yield OfferedTool(_required(tool, "name", f"tools.{number}"), tool)


class _Waiting:
    """Tool calls of the last assistant message that have no result yet."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}

    def refuse(self, place: str) -> None:
        if self.names:
            raise Refused(
                "'tool_use' blocks must have a 'tool_result' block each in the next message; there is none for: "
                f"{', '.join(self.names)}",
                param=place,
            )

    def take(self, call_id: str, place: str) -> str:
        if call_id not in self.names:
            known = ", ".join(self.names) or "none that is without a result"
            raise Refused(
                f"'tool_use_id' {call_id!r} of a 'tool_result' block must be that of a 'tool_use' block in the message "
                f"before; there is {known}",
                param=place,
            )
        return self.names.pop(call_id)


def _messages(messages: list[dict[str, object]]) -> Iterator[ModelMessage]:
    waiting = _Waiting()
    for number, message in enumerate(messages):
        role, place = text_at(message, "role"), f"messages.{number}"
        if role not in {"user", "assistant"}:
            raise Refused(
                f"'role' is user or assistant, not {message.get('role')!r:.40}; for the system there is 'system'",
                param=f"{place}.role",
            )
        content = message.get("content")
        blocks: list[dict[str, object]] = (
            [{"type": "text", "text": content}] if isinstance(content, str) else objects_of(content, place)
        )
        is_last = number == len(messages) - 1
        if not (blocks and content) and not (is_last and role == "assistant"):
            raise Refused("all messages must have content that is not empty", param=place)
        if role == "assistant":
            waiting.refuse(place)
            said = _said(blocks, place)
            waiting.names = {call.call_id or "": call.name for call in said.tool_calls}
            yield said
            continue
        results = tuple(_results(blocks, waiting, place))
        waiting.refuse(place)
        if results:
            yield ModelMessage("tool", tool_results=results)
        rest = [block for block in blocks if block.get("type") != "tool_result"]
        if rest or not results:
            yield ModelMessage("user", _text(rest, place))
    waiting.refuse(f"messages.{len(messages) - 1}")


def _said(blocks: list[dict[str, object]], place: str) -> ModelMessage:
    calls: list[ModelToolCall] = []
    for number, block in enumerate(blocks):
        if block.get("type") == "tool_use":
            inner = f"{place}.content.{number}.tool_use"
            name, call_id = _required(block, "name", inner), _required(block, "id", inner)
            calls.append(ModelToolCall(name, json.dumps(object_at(block, "input")), call_id))
    return ModelMessage("assistant", _text(blocks, place), tuple(calls))


def _results(blocks: list[dict[str, object]], waiting: _Waiting, place: str) -> Iterator[ToolResult]:
    for number, block in enumerate(blocks):
        if block.get("type") == "tool_result":
            inner = f"{place}.content.{number}.tool_result"
            call_id = _required(block, "tool_use_id", inner)
            name = waiting.take(call_id, f"{place}.content.{number}")
            yield ToolResult(call_id, name, _text(block.get("content"), inner), block.get("is_error") is True)


def _text(content: object, place: str) -> str:
    """The text of a content: a text, or blocks of which some have one."""
    if content is None or isinstance(content, str):
        return content or ""
    found: list[str] = []
    for number, block in enumerate(objects_of(content, place)):
        if block.get("type") == "text":
            if not text_at(block, "text"):
                raise Refused("text content blocks must not be empty", param=f"{place}.content.{number}")
            found.append(cast("str", block["text"]))
    return "".join(found)


def _required(block: Mapping[str, object], name: str, place: str) -> str:
    found = text_at(block, name)
    if not found:
        raise Refused("Field required", param=f"{place}.{name}")
    return found
