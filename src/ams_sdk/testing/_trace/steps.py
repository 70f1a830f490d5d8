"""What a run did, step by step, and what somebody expects it to have done."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from ams_sdk._decorators.decoration import definition_of
from ams_sdk._decorators.definition import ToolDefinition
from ams_sdk._errors import ConfigurationError
from ams_sdk.testing._trace.masked_text import shown
from ams_sdk.testing._trace.value_match import ABSENT, Difference, differences, is_expected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from ams_sdk.testing._trace.calls import ModelCallRecord, ToolCall
    from ams_sdk.testing._trace.captured_span import CapturedSpan

__all__ = [
    "Done",
    "Kind",
    "Step",
    "agent_step",
    "argument_differences",
    "call_text",
    "done_in_order",
    "model_step",
    "shown_arguments",
    "step_of",
    "tool_name_of",
    "tool_step",
]

Kind = Literal["tool", "model", "agent"]
_NOTHING: Final[Mapping[str, Any]] = {}


@dataclass(frozen=True, slots=True)
class Step:
    """A step that is expected; made by ``tool_step``, ``model_step`` and ``agent_step``.

    Attributes:
        kind: what is called; None for a name of which it is seen from the run whether a tool or an agent has it.
        name: of the tool, the model or the agent; None for any.
        arguments: those that matter.
    """

    kind: Kind | None
    name: str | None
    arguments: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)

    def __str__(self) -> str:
        label = self.name or "any"
        if self.kind in {"model", "agent"}:
            label = f"{self.kind} {label}"
        return call_text(label, self.arguments) if self.arguments else label

    def matches(self, done: Done) -> bool:
        """Whether something that was done is this step."""
        return (
            (self.kind is None or self.kind == done.kind)
            and (self.name is None or self.name == done.name)
            and (not self.arguments or not argument_differences(self.arguments, done.arguments))
        )


@dataclass(frozen=True, slots=True)
class Done:
    """Something that a run did."""

    kind: Kind
    name: str
    arguments: Mapping[str, Any]
    span: CapturedSpan
    has_arguments: bool = True

    def __str__(self) -> str:
        if self.kind == "tool":
            return call_text(self.name, self.arguments)
        return f"{self.kind} {self.name}".rstrip()


def tool_step(tool: str | Callable[..., Any], /, **arguments: Any) -> Step:  # noqa: ANN401 -- whatever a tool takes
    """A call of a tool, with these arguments among others.

    Args:
        tool: its name, or the function that is decorated with ``@tool``.
        arguments: values, or anything whose ``__eq__`` tells.
    """
    return Step("tool", tool_name_of(tool, "tool_step()"), arguments)


def model_step(model: str | None = None) -> Step:
    """A call of a model; of any, if none is named."""
    return Step("model", model)


def agent_step(name: str | None = None) -> Step:
    """A run of an agent inside of the run; of any, if none is named."""
    return Step("agent", name)


def step_of(step: object, asked_by: str) -> Step:
    """A step as it was written: a step, a name, or a decorated tool.

    Raises:
        ConfigurationError: it is none of these.
    """
    if isinstance(step, Step):
        return step
    if isinstance(step, str) and step:
        return Step(None, step)
    return Step("tool", tool_name_of(step, asked_by))


def tool_name_of(tool: object, asked_by: str) -> str:
    """The name of a tool, as it was written.

    Raises:
        ConfigurationError: it is neither a name nor a decorated tool.
    """
    if isinstance(tool, str) and tool:
        return tool
    definition = definition_of(tool) if callable(tool) else None
    if isinstance(definition, ToolDefinition):
        return definition.name
    raise ConfigurationError(
        f"{asked_by} was given {shown(tool, 80)}: write a tool's name, or the function that is decorated with @tool."
    )


def argument_differences(expected: Mapping[str, Any], got: Mapping[str, Any]) -> dict[str, list[Difference]]:
    """By the argument's name, where it differs; empty if all that are expected are there."""
    absent = {name: [Difference("", value, ABSENT)] for name, value in expected.items() if name not in got}
    wrong = {
        name: list(differences(value, got[name]))
        for name, value in expected.items()
        if name in got and not is_expected(value, got[name])
    }
    return {name: {**absent, **wrong}[name] for name in expected if name in absent or name in wrong}


def call_text(name: str, arguments: Mapping[str, Any], width: int = 400) -> str:
    """A call as Python writes it."""
    return f"{name}({shown_arguments(arguments, width)})"


def shown_arguments(arguments: Mapping[str, Any], width: int = 400) -> str:
    """Arguments as Python writes them in a call."""
    return ", ".join(
        f"{name}={shown(value, width, name=name)}"
        if name.isidentifier()
        else f"**{{{name!r}: {shown(value, width, name=name)}}}"
        for name, value in arguments.items()
    )


def done_in_order(
    tools: Iterable[ToolCall], models: Iterable[ModelCallRecord], agents: Iterable[tuple[str, CapturedSpan]]
) -> Sequence[Done]:
    """All that was done, in the order of its start."""
    done = [Done("tool", call.name, call.arguments, call.span, call.has_arguments) for call in tools]
    done += [Done("model", call.model, _NOTHING, call.span) for call in models]
    done += [Done("agent", name, _NOTHING, span) for name, span in agents]
    return sorted(done, key=lambda one: one.span.start_ns)
