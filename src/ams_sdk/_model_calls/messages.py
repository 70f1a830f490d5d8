"""What people have as messages becomes the JSON of ``gen_ai.input.messages`` and ``gen_ai.output.messages``.

The newest message is the one that a reader looks for, and the ones before it stand in earlier spans of the run too, so
what is too much is cut from the oldest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from ams_sdk._capture import MAX_TEXT, quoted, render, render_text
from ams_sdk._capture.introspection import type_name
from ams_sdk._capture.rendering import MAX_DEPTH, MAX_NODES, MAX_TOTAL
from ams_sdk._model_calls.message_part import (
    AsText,
    Later,
    Part,
    blob,
    joined,
    part_of,
    parts_of,
    reasoning,
    text_part,
    tool_call,
    tool_response,
)
from ams_sdk._model_calls.shape import ends, field, is_list, items, text, within

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Cut", "Message", "Room", "messages_of", "render_messages", "render_parts", "system_parts"]


class Message(NamedTuple):
    """Who says what; the parts are not rendered yet."""

    role: str
    parts: list[Part]
    name: str | None = None


class Cut(NamedTuple):
    """The beginning of a text that had ``size`` characters."""

    text: str
    size: int


def messages_of(value: object, role: str = "user") -> list[Message]:
    """The messages of a list or of one value; ``role`` is whose they are if they do not say so themselves."""
    if not is_list(value):
        return [] if value is None else [message_of(value, role)]
    first, omitted, last = ends(value)
    between = [Message("system", [Part(type="omitted", content=f"…[+{omitted} messages]")])] if omitted else []
    return [
        *(message_of(item, role) for item in first),
        *between,
        *(message_of(item, role) for item in last),
    ]


_ROLES: Final = {"model": "assistant", "ai": "assistant", "chatbot": "assistant", "human": "user", "function": "tool"}
_MESSAGE_TYPES: Final = frozenset({"human", "ai", "system", "tool", "AIMessageChunk"})
_OUTPUTS: Final = frozenset({"function_call_output", "custom_tool_call_output"})
_SAYINGS: Final = ("content", "parts", "tool_calls", "message")


def message_of(item: object, role: str = "user") -> Message:
    """One message, of any provider's shape, or one piece of a message, which is then a message of its own."""
    kind = text(field(item, "type"))
    given = text(field(item, "role")) or (kind if kind in _MESSAGE_TYPES else None)
    if given is None and (kind is not None or field(item, *_SAYINGS) is None):
        # An item of OpenAI's Responses, or a piece.
        is_call = kind is not None and (kind.endswith("_call") or kind == "reasoning")
        return Message("tool" if kind in _OUTPUTS else "assistant" if is_call else role, [part_of(item)])
    said_by = (given or role).lower()
    said_by = "assistant" if said_by == "aimessagechunk" else _ROLES.get(said_by, said_by)
    identity = field(item, "tool_call_id", "tool_name")
    if said_by == "tool" and (identity is not None or text(field(item, "content")) is not None):
        identity = identity if identity is not None else field(item, "name")
        return Message("tool", [tool_response(identity, field(item, "content"))])
    return Message(said_by, _said(item), text(field(item, "name")))


def _said(item: object) -> list[Part]:
    thought = field(item, "reasoning_content", "reasoning", "thinking")
    parts = [reasoning(joined(thought))] if text(thought) else []
    content = field(item, "content", "parts", "message")
    if text(content) != "":  # beside calls of tools it says nothing
        parts += parts_of(content)
    if (refusal := text(field(item, "refusal"))) is not None:
        parts.append(Part(type="refusal", content=refusal))
    parts += [blob("image", image) for image in items(field(item, "images"))]
    if (audio := field(item, "audio")) is not None:
        if (transcript := text(field(audio, "transcript"))) is not None:
            parts.append(text_part(transcript))
        parts.append(blob("audio", field(audio, "data")))
    calls = items(field(item, "tool_calls")) if not _has_calls(parts) else []
    if (call := field(item, "function_call")) is not None:
        calls.append(call)
    return parts + [called(call) for call in calls]


def _has_calls(parts: list[Part]) -> bool:
    return any(part["type"] == "tool_call" for part in parts)  # LangChain has them twice


def called(call: object) -> Part:
    """An item of ``tool_calls``."""
    inner = within(call, "function", "custom")
    return tool_call(field(call, "id"), field(inner, "name"), field(inner, "arguments", "input", "args", "parameters"))


def system_parts(system: object) -> list[Part]:
    """The system's instructions, as text parts."""
    content = field(system, "parts", "content")
    return [part for part in parts_of(system if content is None else content) if part["type"] == "text"]


_OMITTED: Final = '{"type":"omitted"}'
_FRAMING: Final = 6  # quotes, a colon, a comma


class Room:
    """How much of one attribute is left for texts."""

    __slots__ = ("_depth", "_left", "_nodes")

    def __init__(self) -> None:
        self._depth = 0
        self._left = MAX_TOTAL
        self._nodes = MAX_NODES

    @property
    def is_full(self) -> bool:
        """Whether nothing more should come."""
        return self._left <= 0 or self._nodes <= 0

    def message(self, message: Message) -> str:
        """The message as JSON text."""
        name = "" if message.name is None else f',"name":{self._text(message.name)}'
        return f'{{"role":{self._text(message.role)},"parts":{self.parts(message.parts)}{name}}}'

    def parts(self, parts: Iterable[Part]) -> str:
        """The parts as a JSON array."""
        shown: list[str] = []
        for part in parts:
            if self._nodes <= 0 or (shown and self._left <= 0):
                shown.append(_OMITTED)
                break
            shown.append(self._part(part))
        return f"[{','.join(shown)}]"

    def _part(self, part: Part) -> str:
        self._nodes -= 1
        self._left -= sum(map(len, part)) + _FRAMING * len(part)  # many small parts are long as well
        return f"{{{','.join(f'{quoted(name)}:{self._value(value)}' for name, value in part.items())}}}"

    def _value(self, value: object) -> str:  # noqa: PLR0911 -- one for each kind of value
        kind = type(value)
        if kind is str:
            return self._text(value)  # type: ignore[arg-type]
        if kind is Cut:
            return self._cut(value)  # type: ignore[arg-type]
        if kind is Part:
            return self._part(value)  # type: ignore[arg-type]
        if kind is Later:
            return self._later(value)  # type: ignore[arg-type]
        if kind is AsText:
            return self._text(self._json(value.value))  # type: ignore[attr-defined]
        pieces = items(value)
        if any(type(piece) is Part for piece in pieces):
            return self._pieces(pieces)
        return self._structured(value)

    def _pieces(self, pieces: Iterable[object]) -> str:
        shown: list[str] = []
        for piece in pieces:
            if self._nodes <= 0 or self._left <= 0:
                shown.append(_OMITTED)
                break
            shown.append(self._value(piece))
        return f"[{','.join(shown)}]"

    def _later(self, later: Later) -> str:
        if self._nodes <= 0 or self._left <= 0 or self._depth >= MAX_DEPTH:
            return _OMITTED
        self._depth += 1
        try:
            return self._value(later.read())
        finally:
            self._depth -= 1

    def _structured(self, value: object) -> str:
        shown = self._json(value)
        if len(shown) > self._left:
            return self._text(shown)
        self._left -= len(shown)
        return shown

    def _json(self, value: object) -> str:
        # With no room left there is no use in looking into the value.
        return render(value) if self._left > 0 else quoted(f"…[{type_name(type(value))}]")

    def _text(self, plain: str) -> str:
        shown = quoted(render_text(plain, max(0, min(MAX_TEXT, self._left))))
        self._left -= len(shown)
        return shown

    def _cut(self, cut: Cut) -> str:
        limit = max(0, min(MAX_TEXT, self._left, len(cut.text)))
        shown = quoted(render_text(cut.text, limit, cut.size))
        self._left -= len(shown)
        return shown


def render_messages(messages: list[Message]) -> str:
    """All of them as a JSON array; the newest ones are cut last."""
    room, shown = Room(), list[str]()
    for message in reversed(messages):
        if room.is_full:
            omitted = f'{{"type":"omitted","content":"…[+{len(messages) - len(shown)} messages]"}}'
            shown.append(f'{{"role":"system","parts":[{omitted}]}}')
            break
        shown.append(room.message(message))
    return f"[{','.join(reversed(shown))}]"


def render_parts(parts: Iterable[Part]) -> str:
    """Parts without a message as a JSON array."""
    return Room().parts(parts)
