"""What a decorator was put on: the name, the description and the function of an agent, a tool, a workflow or a step.

What is the same for all calls is worked out here, once: a call may cost a few microseconds in all.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

from opentelemetry.trace import SpanKind

from ams_sdk import _semconv
from ams_sdk._capture import is_secret_name, quoted
from ams_sdk._decorators.annotations import function_of, secret_parameters
from ams_sdk._decorators.names import code_name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import CodeType

__all__ = [
    "ALL_OTHERS",
    "EVERYTHING",
    "REST",
    "RESULT",
    "AgentDefinition",
    "Captured",
    "Definition",
    "SpanDefinition",
    "ToolDefinition",
    "WorkflowDefinition",
]

REST: Final = "*args"
"""What the positional arguments beyond the named ones are recorded as."""
RESULT: Final = "return"
"""Among the hidden parameters: what the call gives back, as in annotations."""
ALL_OTHERS: Final = "**"
"""Among the hidden parameters: those that are taken by ``**kwargs``."""
_MOST_FILLED: Final = 16


class Captured(NamedTuple):
    """What is recorded of the content of a call.

    Attributes:
        input: whether its arguments are.
        output: whether its result is.
        excluded: the parameters whose values are not.
    """

    input: bool = True
    output: bool = True
    excluded: frozenset[str] = frozenset()


EVERYTHING: Final = Captured()


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Definition:
    """Something decorated.

    Attributes:
        function: what is called: a function, or something else that can be.
        owner: the class that the decorator was put on, if it was one.
        captured: what is recorded of its content.
        receivers: how many arguments come before those that are recorded: ``self`` or ``cls``. If None is given, the
            name of the first parameter tells.
        positional: the names of the parameters that positional arguments go to, without the receiver.
        skipped: the same as ``receivers``, always known.
        templates: by the number of positional arguments, the JSON object of them, to be filled with their JSON texts by
            the operator ``%``; None if one of them is hidden. Of many arguments there is none. Empty until
            ``resolve``.
        hidden: the parameters whose values are not recorded, whatever their names are, and ``RESULT`` if the result is
            not; right after ``resolve``.
        kind: of the spans of its calls.
        span_name: what they are called.
        attributes: what they all say.
        packed: where an encoder of spans keeps what it made of these.
        is_agent: whether a call is a run.
        speaks: whether a single text that goes in, and one that comes out, are messages.
        input_name: the attribute that holds the arguments.
        output_name: the one that holds the result.
    """

    is_agent: ClassVar[bool] = False
    speaks: ClassVar[bool] = False
    input_name: ClassVar[str] = _semconv.AMS_INPUT
    output_name: ClassVar[str] = _semconv.AMS_OUTPUT

    name: str
    description: str | None
    function: Callable[..., Any]
    owner: type | None = field(kw_only=True, default=None)
    captured: Captured = field(kw_only=True, default=EVERYTHING)
    receivers: int | None = field(kw_only=True, default=None)
    kind: SpanKind = field(kw_only=True, default=SpanKind.INTERNAL)
    positional: tuple[str, ...] = field(init=False)
    skipped: int = field(init=False)
    templates: tuple[str | None, ...] = field(init=False, default=())
    hidden: frozenset[str] = field(init=False, default=frozenset())
    span_name: str = field(init=False)
    attributes: Mapping[str, Any] = field(init=False)
    packed: dict[str, bytes] = field(init=False, default_factory=dict[str, bytes])

    def __post_init__(self) -> None:
        names = _positional_names(self.function)
        skipped = self.receivers
        if skipped is None:
            skipped = 1 if names[:1] in {("self",), ("cls",)} else 0
        found: dict[str, object] = {
            "positional": names[skipped:],
            "skipped": skipped,
            "span_name": self._span_name(),
            "attributes": {
                key: value for key, value in self._attributes().items() if value is not None and value != ""
            },
        }
        for name, value in found.items():
            object.__setattr__(self, name, value)

    def takes(self, name: str) -> bool:
        """Whether an argument may have this name, as far as can be told."""
        parameters = _parameters(self.function)
        return not parameters or name in parameters or ALL_OTHERS in _variadic(self.function)

    def resolve(self) -> tuple[str | None, ...]:
        """Find out which parameters are hidden; answers with ``templates``.

        Later than at decoration: an annotation may use names that its module defines below.
        """
        names = self.positional
        hidden = self.captured.excluded | secret_parameters(self.function)
        if hidden:
            hidden |= {sign for sign, name in _variadic(self.function).items() if name in hidden}
        hides = [name in hidden or is_secret_name(name) for name in names[:_MOST_FILLED]]
        templates = tuple(None if any(hides[:count]) else _template(names[:count]) for count in range(len(hides) + 1))
        object.__setattr__(self, "hidden", hidden)
        object.__setattr__(self, "templates", templates)  # last: whoever finds it finds the other
        return templates

    @property
    def code(self) -> CodeType | None:
        """What Python runs when it is called, or None if that is no code of Python's."""
        return _code_of(self.function)

    @property
    def takes_self(self) -> bool:
        """Whether an instance is the first argument, as it is where a method is taken from its class."""
        return _positional_names(self.function)[:1] == ("self",)

    def declared(self) -> frozenset[str]:
        """The names that an argument may have and not go into ``**kwargs``."""
        variadic = set(_variadic(self.function).values())
        return frozenset(one for one in _parameters(self.function) if one not in variadic) | {REST}

    def _span_name(self) -> str:
        return self.name

    def _attributes(self) -> dict[str, Any]:
        raise NotImplementedError


@dataclass(frozen=True, slots=True, eq=False)
class ToolDefinition(Definition):
    """A function that an agent may call."""

    input_name: ClassVar[str] = _semconv.TOOL_ARGUMENTS
    output_name: ClassVar[str] = _semconv.TOOL_RESULT

    def _span_name(self) -> str:
        return f"{_semconv.OPERATION_EXECUTE_TOOL} {self.name}"

    def _attributes(self) -> dict[str, Any]:
        return {
            _semconv.OPERATION_NAME: _semconv.OPERATION_EXECUTE_TOOL,
            _semconv.TOOL_NAME: self.name,
            _semconv.TOOL_TYPE: _semconv.TOOL_TYPE_FUNCTION,
            _semconv.TOOL_DESCRIPTION: self.description,
            _semconv.CODE_FUNCTION_NAME: code_name_of(self.owner or self.function),
        }


@dataclass(frozen=True, slots=True, eq=False)
class AgentDefinition(Definition):
    """An agent: each call of its function is one run."""

    is_agent: ClassVar[bool] = True
    speaks: ClassVar[bool] = True

    version: str
    tools: tuple[ToolDefinition, ...] | None
    """The tools that were named; None means those of the agent's own module and class."""

    def _span_name(self) -> str:
        return f"{_semconv.OPERATION_INVOKE_AGENT} {self.name}"

    def _attributes(self) -> dict[str, Any]:
        return {
            _semconv.OPERATION_NAME: _semconv.OPERATION_INVOKE_AGENT,
            _semconv.AGENT_NAME: self.name,
            _semconv.AMS_AGENT_VERSION: self.version,
            _semconv.AGENT_DESCRIPTION: self.description,
            _semconv.CODE_FUNCTION_NAME: code_name_of(self.owner or self.function),
        }


@dataclass(frozen=True, slots=True, eq=False)
class WorkflowDefinition(Definition):
    """What coordinates several agents."""

    speaks: ClassVar[bool] = True

    def _span_name(self) -> str:
        return f"{_semconv.OPERATION_INVOKE_WORKFLOW} {self.name}"

    def _attributes(self) -> dict[str, Any]:
        return {
            _semconv.OPERATION_NAME: _semconv.OPERATION_INVOKE_WORKFLOW,
            _semconv.WORKFLOW_NAME: self.name,
        }


@dataclass(frozen=True, slots=True, eq=False)
class SpanDefinition(Definition):
    """A step that is none of these: a span of its own name, or one of an operation that the conventions name."""

    operation: str | None = None
    given: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def _span_name(self) -> str:
        if self.operation is None:
            return self.name
        source = self.given.get(_semconv.DATA_SOURCE_ID) if self.operation == _semconv.OPERATION_RETRIEVAL else None
        return f"{self.operation} {source}" if source else self.operation

    def _attributes(self) -> dict[str, Any]:
        return {_semconv.OPERATION_NAME: self.operation, **self.given}


def _template(names: tuple[str, ...]) -> str:
    entries = [quoted(name).replace("%", "%%") + ":%s" for name in names]
    return f"{{{','.join(entries)}}}"


def _positional_names(function: Callable[..., Any]) -> tuple[str, ...]:
    code = _code_of(function) if inspect.isroutine(function) else None
    if code is not None:
        return code.co_varnames[: code.co_argcount]
    parameters = _parameters(function).values()
    return tuple(one.name for one in parameters if one.kind in {one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD})


def _code_of(function: Any) -> CodeType | None:  # noqa: ANN401 -- any callable
    code = getattr(function_of(function), "__code__", None)
    return code if inspect.iscode(code) else None


def _variadic(function: Callable[..., Any]) -> dict[str, str]:
    """The names of ``*args`` and ``**kwargs``, by what is recorded for them."""
    signs = {inspect.Parameter.VAR_POSITIONAL: REST, inspect.Parameter.VAR_KEYWORD: ALL_OTHERS}
    return {signs[one.kind]: one.name for one in _parameters(function).values() if one.kind in signs}


def _parameters(function: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    try:
        return inspect.signature(function).parameters
    except Exception:  # noqa: BLE001 -- it has none, as what is written in C, or code of its class answered
        return {}
