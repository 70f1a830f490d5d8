"""What a model was asked, the same for every provider."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

from ams_sdk._capture import REDACTED, is_secret_name, redact_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ams_sdk.testing._model.step import ModelToolCall

__all__ = ["Api", "ModelMessage", "ModelRequest", "OfferedTool", "ToolResult", "masked_headers", "merged", "shortened"]

Api = Literal["openai.chat", "openai.responses", "anthropic.messages", "object"]
Role = Literal["user", "assistant", "tool"]
_NOTHING: Mapping[str, object] = MappingProxyType({})
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})
_SHOWN_CHARACTERS: Final = 40


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool answered.

    Attributes:
        call_id: the call that it belongs to.
        name: the tool's name, from that call.
        text: its text; pieces of other kinds are only in ``ModelRequest.json``.
        is_error: the tool failed, where the provider has a word for it.
    """

    call_id: str
    name: str
    text: str
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class ModelMessage:
    """One message. Results of tools are messages of the role ``tool`` here, at Anthropic too."""

    role: Role
    text: str = ""
    tool_calls: tuple[ModelToolCall, ...] = ()
    tool_results: tuple[ToolResult, ...] = ()


@dataclass(frozen=True, slots=True)
class OfferedTool:
    """A tool that the model may call; ``definition`` is the provider's JSON."""

    name: str
    definition: Mapping[str, object] = field(default_factory=lambda: _NOTHING, repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class ModelRequest:
    """One request to a model.

    Attributes:
        api: by which interface it came; ``object`` for ``FakeLLM.complete`` and its like.
        model: the model that was asked for.
        system: what system and developer messages say, a line break between them.
        messages: the others, in order; with ``previous_response_id`` those before as well.
        tools: what the model may call.
        parameters: everything else of the request, such as ``temperature``, by the provider's names.
        stream: whether a stream was asked for.
        json: the request as it was sent, nothing masked.
        headers: names in lower case, secrets masked.
    """

    api: Api
    model: str
    system: str = ""
    messages: tuple[ModelMessage, ...] = ()
    tools: tuple[OfferedTool, ...] = ()
    parameters: Mapping[str, object] = field(default_factory=lambda: _NOTHING)
    stream: bool = False
    json: Mapping[str, object] = field(default_factory=lambda: _NOTHING)
    headers: Mapping[str, str] = field(default_factory=lambda: _NO_HEADERS)

    @property
    def tool_names(self) -> tuple[str, ...]:
        """The names of the tools that were offered."""
        return tuple(tool.name for tool in self.tools)

    @property
    def tool_results(self) -> tuple[ToolResult, ...]:
        """The results that are new in this request: those after the last thing that the model said."""
        found: list[ToolResult] = []
        for message in reversed(self.messages):
            if message.role == "assistant":
                break
            found[:0] = message.tool_results
        return tuple(found)

    @property
    def last_text(self) -> str:
        """What the last message says, or the last result of a tool."""
        if not self.messages:
            return ""
        last = self.messages[-1]
        return last.tool_results[-1].text if last.tool_results else last.text

    def says(self, part: str) -> bool:
        """Whether a text is in the system prompt or in a message."""
        return part in self.system or any(
            part in message.text or any(part in result.text for result in message.tool_results)
            for message in self.messages
        )

    def __repr__(self) -> str:
        """One line, secrets masked."""
        results = self.tool_results
        said = f"{results[-1].name} → " if results else ""
        shown = [f"{said}{shortened(self.last_text)}"]
        if len(self.messages) != 1:
            shown.append(f"{len(self.messages)} messages")
        if self.tools:
            shown.append(f"tools {shortened(', '.join(self.tool_names), quoted=False)}")
        if self.stream:
            shown.append("stream")
        return f"<{self.api} {shortened(self.model, quoted=False)}: {'; '.join(shown)}>"


def merged(messages: Iterable[ModelMessage]) -> tuple[ModelMessage, ...]:
    """Messages that one turn was divided into as one: providers differ in where they divide."""
    found: list[ModelMessage] = []
    for message in messages:
        if found and message.role == found[-1].role != "user":
            last = found.pop()
            found.append(
                ModelMessage(
                    last.role,
                    last.text + message.text,
                    last.tool_calls + message.tool_calls,
                    last.tool_results + message.tool_results,
                )
            )
        else:
            found.append(message)
    return tuple(found)


def masked_headers(headers: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    """Headers as tests may show them."""
    return {name: REDACTED if is_secret_name(name) else redact_text(value) for name, value in headers}


def shortened(text: str, *, quoted: bool = True, characters: int = _SHOWN_CHARACTERS) -> str:
    """A text on one line, secrets masked before it is cut."""
    shown = redact_text(text[: characters * 50])
    shown = " ".join(shown.split())
    if len(shown) > characters:
        shown = shown[: characters - 1] + "…"
    return f'"{shown}"' if quoted else shown
