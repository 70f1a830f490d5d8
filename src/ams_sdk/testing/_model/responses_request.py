"""What OpenAI's responses interface is asked, and the conversations that it keeps."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from ams_sdk.testing._model.document import Refused, objects_of, required_text, text_at
from ams_sdk.testing._model.model_request import ModelMessage, ModelRequest, OfferedTool, ToolResult, merged
from ams_sdk.testing._model.openai_chat import content_text
from ams_sdk.testing._model.step import ModelToolCall

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Conversations", "read_responses"]

_READ: Final = frozenset({"model", "input", "instructions", "tools", "stream"})
_CALLS: Final = frozenset({"function_call", "custom_tool_call"})
_RESULTS: Final = frozenset({"function_call_output", "custom_tool_call_output"})
_INSTRUCTIONS: Final = frozenset({"system", "developer"})
Item = dict[str, object]


class Conversations:
    """Responses that were stored, for requests that go on with one by ``previous_response_id``."""

    def __init__(self) -> None:
        self._by_response: dict[str, list[Item]] = {}
        self._by_item: dict[str, Item] = {}
        self._lock = threading.Lock()

    def keep(self, response_id: str, items: list[Item]) -> None:
        """Remember all that was said up to a response, and what it said."""
        with self._lock:
            self._by_response[response_id] = items
            self._by_item.update({text_at(item, "id"): item for item in items if text_at(item, "id")})

    def items_of(self, document: Mapping[str, object]) -> list[Item]:
        """All that a request goes on from, and what it says itself.

        Raises:
            Refused: it refers to what was not stored.
        """
        previous, given = text_at(document, "previous_response_id"), document.get("input")
        before = self._before(previous) if previous else []
        if isinstance(given, str):
            return [*before, {"role": "user", "content": given}]
        items = objects_of(given, "input")
        return [
            *before,
            *(self._item(text_at(item, "id")) if item.get("type") == "item_reference" else item for item in items),
        ]

    def _before(self, response_id: str) -> list[Item]:
        with self._lock:
            found = self._by_response.get(response_id)
        if found is None:
            raise Refused(
                f"Previous response with id '{response_id}' not found: this FakeLLM has not given it, or was told "
                "store=False.",
                param="previous_response_id",
                code="previous_response_not_found",
            )
        return found

    def _item(self, item_id: str) -> Item:
        with self._lock:
            found = self._by_item.get(item_id)
        if found is None:
            raise Refused(f"Item with id '{item_id}' not found.", status=404, param="input")
        return found


def read_responses(document: Mapping[str, object], kept: Conversations) -> ModelRequest:
    """Input and tools in OpenAI's words.

    Raises:
        Refused: they are not right.
    """
    model = required_text(document, "model")
    for name in ("conversation", "prompt", "background"):
        if document.get(name):
            raise Refused(f"A FakeLLM keeps no '{name}': leave it out, or send what it stands for.", param=name)
    items = kept.items_of(document)
    if not items:
        raise Refused("'input' must be a text or a list of items, or 'previous_response_id' be given.", param="input")
    system = [text_at(document, "instructions")] if text_at(document, "instructions") else []
    system += [content_text(item.get("content")) for item in items if text_at(item, "role") in _INSTRUCTIONS]
    return ModelRequest(
        "openai.responses",
        model,
        "\n".join(system),
        merged(_messages(items)),
        tuple(_tools(document)),
        {name: value for name, value in document.items() if name not in _READ},
        document.get("stream") is True,
        document,
    )


def _messages(items: list[Item]) -> Iterator[ModelMessage]:
    names: dict[str, str] = {}
    answered = {text_at(item, "call_id") for item in items if text_at(item, "type") in _RESULTS}
    for number, item in enumerate(items):
        kind, role, place = text_at(item, "type") or "message", text_at(item, "role"), f"input[{number}]"
        if kind in _CALLS:
            call = _call(item, place)
            names[call.call_id or ""] = call.name
            if call.call_id not in answered:
                raise Refused(f"No tool output found for function call {call.call_id}.", param="input")
            yield ModelMessage("assistant", tool_calls=(call,))
        elif kind in _RESULTS:
            yield ModelMessage("tool", tool_results=(_result(item, names),))
        elif kind == "message":
            if role in {"user", "assistant"}:
                yield ModelMessage("user" if role == "user" else "assistant", content_text(item.get("content")))
            elif role not in _INSTRUCTIONS:
                known = "system, developer, user and assistant"
                raise Refused(f"'role' is one of {known}, not {item.get('role')!r:.40}.", param=f"{place}.role")


def _call(item: Item, place: str) -> ModelToolCall:
    name, call_id = text_at(item, "name"), text_at(item, "call_id")
    if not name or not call_id:
        raise Refused("A function call needs 'name' and 'call_id'.", param=place)
    return ModelToolCall(name, text_at(item, "arguments") or text_at(item, "input"), call_id)


def _result(item: Item, names: dict[str, str]) -> ToolResult:
    call_id = text_at(item, "call_id")
    if call_id not in names:
        known = f" The calls were {', '.join(names)}." if names else ""
        raise Refused(f"No tool call found for function call output with call_id {call_id!r}.{known}", param="input")
    return ToolResult(call_id, names[call_id], content_text(item.get("output")))


def _tools(document: Mapping[str, object]) -> Iterator[OfferedTool]:
    for number, tool in enumerate(objects_of(document.get("tools"), "tools")):
        name = text_at(tool, "name") or text_at(tool, "type")
        if not name or (tool.get("type") == "function" and not text_at(tool, "name")):
            raise Refused("A tool is {'type': 'function', 'name': …}.", param=f"tools[{number}].name")
        yield OfferedTool(name, tool)
