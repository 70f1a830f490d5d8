"""What a run did, step by step, and what somebody expects it to have done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from ams_sdk._decorators.definition import AgentDefinition, ToolDefinition
from ams_sdk._errors import ConfigurationError
from ams_sdk.testing._trace.decorated_names import agent_name_of, tool_name_of
from ams_sdk.testing._trace.masked_text import shown
from ams_sdk.testing._trace.parameters import Parameters, definition_of_kind, parameters_at, parameters_of
from ams_sdk.testing._trace.recorded_loss import CUT, names_left_out
from ams_sdk.testing._trace.value_difference import ABSENT, Difference
from ams_sdk.testing._trace.value_match import differences, differences_of_values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Never

    from ams_sdk.testing._trace.calls import ModelCallRecord, ToolCall
    from ams_sdk.testing._trace.captured_span import CapturedSpan

__all__ = [
    "DEFAULT",
    "NOT_GIVEN",
    "Done",
    "Kind",
    "Step",
    "agent_step",
    "argument_differences",
    "by_name_only",
    "call_text",
    "done_in_order",
    "model_step",
    "shown_arguments",
    "step_of",
    "tool_step",
    "united_arguments",
]

Kind = Literal["tool", "model", "agent"]
NOT_GIVEN: Final = "not given, or left at a default, which is not recorded"
DEFAULT: Final = "its default, at which the call left it"
_NOTHING: Final[Mapping[str, Any]] = {}


@dataclass(frozen=True, slots=True)
class Step:
    """A step that is expected; made by ``tool_step``, ``model_step`` and ``agent_step``.

    Attributes:
        kind: what is called; None for a name of which it is seen from the run whether a tool or an agent has it.
        name: of the tool, the model or the agent; None for any.
        arguments: those that matter.
        parameters: those of the tool, if the step was made of the decorated function.
    """

    kind: Kind | None
    name: str | None
    arguments: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    parameters: Parameters | None = field(default=None, repr=False, compare=False)

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
            and (not self.arguments or not self.differences(done))
        )

    def may_be(self, done: Done) -> bool:
        """Whether nobody can tell if something that was done is this step."""
        if self.name != done.name or self.kind not in {None, done.kind}:
            return False
        found = [one for different in self.differences(done).values() for one in different]
        return bool(found) and all(one.is_doubtful for one in found)

    def differences(self, done: Done) -> dict[str, list[Difference]]:
        """By the argument's name, where something that was done has others, or may have."""
        return argument_differences(self.arguments, done.arguments, done.span, self.parameters)


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


def tool_step(tool: str | Callable[..., Any], /, *unnamed: Never, **arguments: Any) -> Step:  # noqa: ANN401 -- whatever a tool takes
    """A call of a tool, with these arguments among others.

    Args:
        tool: its name, or the function that is decorated with ``@tool``.
        unnamed: none; arguments are given by their names.
        arguments: values, or anything whose ``__eq__`` tells.

    Raises:
        ConfigurationError: it is no tool, or cannot be given these arguments.
    """
    name = tool_name_of(tool, "tool_step()")
    by_name_only(unnamed, "tool_step", tool)
    parameters = parameters_of(tool)
    if parameters is not None:
        parameters.refuse_others(arguments, name, "tool_step()")
    return Step("tool", name, arguments, parameters)


def model_step(model: str | None = None) -> Step:
    """A call of a model; of any, if none is named.

    Raises:
        ConfigurationError: it is no name.
    """
    if model is not None and not isinstance(model, str):
        raise ConfigurationError(f"model_step({shown(model, 60)}): write the name of a model, or nothing for any.")
    return Step("model", model)


def agent_step(name: str | Callable[..., Any] | None = None) -> Step:
    """A run of an agent inside of the run; of any, if none is named.

    Args:
        name: of the agent; or the function or class that is decorated with ``@agent``.

    Raises:
        ConfigurationError: it is none of these.
    """
    return Step("agent", None if name is None else agent_name_of(name, "agent_step()"))


def step_of(step: object, asked_by: str) -> Step:
    """A step as it was written: a step, a name, or a decorated tool or agent.

    Raises:
        ConfigurationError: it is none of these.
    """
    if isinstance(step, Step):
        return step
    if isinstance(step, str) and step:
        return Step(None, step)
    agent = definition_of_kind(step, AgentDefinition)
    tool = definition_of_kind(step, ToolDefinition)
    if tool is not None:
        return Step("tool", tool.name)
    if agent is not None:
        return Step("agent", agent.name)
    raise ConfigurationError(
        f"{asked_by} was given {shown(step, 80)}: write the name of a tool or an agent, the function that is "
        "decorated, or what tool_step, agent_step and model_step give."
    )


def by_name_only(unnamed: tuple[object, ...], asked_by: str, tool: object) -> None:
    """Refuse arguments without names: nobody can say which they are where only a name of the tool is known.

    Raises:
        ConfigurationError: there is one.
    """
    if unnamed:
        subject = repr(tool) if isinstance(tool, str) else getattr(tool, "__name__", "…")
        given = shown(unnamed[0], 60)
        raise ConfigurationError(
            f"{asked_by}({subject}, {given}): write arguments by their names, {asked_by}({subject}, query={given})."
        )


def united_arguments(arguments: object, named: Mapping[str, Any], asked_by: str) -> dict[str, Any]:
    """The arguments that were asked for, by both ways to give them.

    Raises:
        ConfigurationError: one is given twice, or in a way that gives it no name.
    """
    if arguments is None:
        return dict(named)
    more = cast("Mapping[str, Any]", arguments)
    if not isinstance(arguments, Mapping) or not all(isinstance(name, str) for name in more):
        raise ConfigurationError(
            f'{asked_by} was given arguments={shown(more, 60)}: write a dictionary, arguments={{"times": 2}}.'
        )
    twice = sorted(more.keys() & named.keys())
    if twice:
        raise ConfigurationError(f"{asked_by} was given {twice[0]!r} twice: as itself and in arguments=. Give it once.")
    return {**more, **named}


def argument_differences(
    expected: Mapping[str, Any], got: Mapping[str, Any], span: CapturedSpan, parameters: Parameters | None = None
) -> dict[str, list[Difference]]:
    """By the argument's name, where it differs or may differ; empty if all that are expected are certainly there.

    Args:
        expected: those that matter.
        got: as they were recorded.
        span: the span of the call.
        parameters: those of the tool; if not given, they are looked for by what the span says.
    """
    found: dict[str, list[Difference]] = {}
    for name, value in expected.items():
        if name in got:
            found[name] = list(differences(value, got[name]))
        else:
            parameters = parameters or parameters_at(span)
            found[name] = _of_absent(name, value, got, parameters)
    return {name: different for name, different in found.items() if different}


def _of_absent(name: str, expected: object, got: Mapping[str, Any], parameters: Parameters | None) -> list[Difference]:
    """The differences of an argument that was not recorded: what a call leaves at its default it does not say."""
    if names_left_out(got) is not None:
        return [Difference("", expected, ABSENT, CUT, is_doubtful=True)]
    if parameters is None:
        return [Difference("", expected, ABSENT, NOT_GIVEN, is_doubtful=True)]
    if name in parameters.defaults:
        found = differences_of_values(expected, parameters.defaults[name])
        for one in found:
            one.note = one.note or DEFAULT
        return found
    return [Difference("", expected, ABSENT, is_doubtful=not parameters.takes(name))]


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
