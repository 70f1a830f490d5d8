"""The calls of tools and models that a trace shows, each once, whoever recorded it and how often."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, cast

from ams_sdk import _semconv
from ams_sdk.testing._trace.recorded_content import (
    NOT_RECORDED,
    NotRecorded,
    RequestedCall,
    decoded,
    input_of,
    output_of,
    requested_calls,
    responses,
)
from ams_sdk.testing._trace.usage import MODEL_OPERATIONS, Usage, usage_below

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ams_sdk.testing._trace.captured_span import CapturedSpan
    from ams_sdk.testing._trace.forest import Branch

__all__ = [
    "CallError",
    "ModelCallRecord",
    "ToolCall",
    "agent_name",
    "error_of",
    "is_agent",
    "is_own_agent",
    "model_calls",
    "tool_calls",
]

_MOST_SEARCHED: Final = 200
"""Spans below one in which its exception is looked for."""
UNNAMED: Final = "input"
"""The name of what a tool was given without a name."""


@dataclass(frozen=True, slots=True)
class CallError:
    """What a call ended with.

    Attributes:
        type: the class of the exception, ``module.QualifiedName``, built-in ones bare; or a provider's error code.
        message: what it said; None if that was not recorded.
    """

    type: str
    message: str | None = None


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call of a tool.

    Attributes:
        name: of the tool.
        arguments: by their names, as JSON has them: a tuple is a list there, an object of a class a dictionary. Empty
            if they were not recorded. A tool that is given one value without a name has it as ``input``.
        result: what it gave back, as JSON has it; None if that was not recorded.
        error: what it ended with; None for a call that came back.
        duration: seconds; None while it goes on.
        span: the span that was recorded of it.
        has_arguments: whether the arguments were recorded.
        has_result: whether the result was.
    """

    name: str
    arguments: Mapping[str, Any]
    result: Any
    error: CallError | None
    duration: float | None
    span: CapturedSpan = field(repr=False)
    has_arguments: bool = True
    has_result: bool = True


@dataclass(frozen=True, slots=True)
class ModelCallRecord:
    """One call of a model.

    Attributes:
        model: the name that was asked for, or else the one that answered; empty if the span names none.
        operation: such as ``chat`` or ``embeddings``.
        provider: such as ``openai``; None if the span does not say.
        input: the messages, in the form of the GenAI conventions; a single text as itself. None if not recorded.
        output: the answer, in the same form.
        tool_calls: the calls of tools that the answer asks for.
        usage: tokens.
        error: what it ended with; None for a call that came back.
        duration: seconds; None while it goes on.
        span: the span that was recorded of it.
    """

    model: str
    operation: str
    provider: str | None
    input: Any
    output: Any
    tool_calls: tuple[RequestedCall, ...]
    usage: Usage
    error: CallError | None
    duration: float | None
    span: CapturedSpan = field(repr=False)


def is_agent(span: CapturedSpan) -> bool:
    """Whether a span is that of an agent's run."""
    return span.operation == _semconv.OPERATION_INVOKE_AGENT


def is_own_agent(span: CapturedSpan) -> bool:
    """Whether it is the run of a decorated agent."""
    return is_agent(span) and span.scope_name == _semconv.SCOPE


def agent_name(span: CapturedSpan) -> str:
    """What the agent is called."""
    return _named(span, _semconv.AGENT_NAME, _semconv.OPERATION_INVOKE_AGENT)


def error_of(branch: Branch) -> CallError | None:
    """What a span ended with; the message is also looked for where the exception arose, in the spans below."""
    span = branch.span
    kind = span.error_type
    if kind is None:
        return None
    if span.status_message:
        return CallError(kind, span.status_message)
    messages = (
        event.attributes.get(_semconv.EXCEPTION_MESSAGE)
        for one in islice(branch, _MOST_SEARCHED)
        if one.span.error_type == kind
        for event in one.span.events
        if event.attributes.get(_semconv.EXCEPTION_TYPE) in {kind, kind.rpartition(".")[2]}
    )
    return CallError(kind, next((message for message in messages if isinstance(message, str)), None))


def tool_calls(inside: Sequence[Branch], everything: Sequence[Branch]) -> list[ToolCall]:
    """The calls of tools among some spans, in the order of their start.

    Args:
        inside: the spans, from top to bottom.
        everything: the spans whose messages may hold what a tool's span does not say.
    """
    found: list[tuple[Branch, list[Branch]]] = []
    recorded: dict[int, list[Branch]] = {}
    for branch in inside:
        if not _is_tool(branch.span):
            continue
        again = _same_call_above(branch, recorded)
        if again is not None:
            again.append(branch)
            recorded[branch.index] = again
        else:
            recorded[branch.index] = [branch]
            found.append((branch, recorded[branch.index]))
    asked, answered = _said_by_models(found, everything)
    return sorted((_tool_call(spans, asked, answered) for _, spans in found), key=lambda call: call.span.start_ns)


def model_calls(inside: Sequence[Branch]) -> list[ModelCallRecord]:
    """The calls of models among some spans; what is below one, up to a tool or an agent, is the same call."""
    indices = {branch.index for branch in inside}
    found: dict[int, list[Branch]] = {}
    for branch in inside:
        if branch.span.operation not in MODEL_OPERATIONS:
            continue
        top = next((one for one in branch.above() if _is_landmark(one.span) or one.index not in indices), None)
        if top is not None and top.index in found:
            found[top.index].append(branch)
            found[branch.index] = found[top.index]
        else:
            found[branch.index] = [branch]
    tops = {id(spans): spans for spans in found.values()}
    return sorted((_model_call(spans) for spans in tops.values()), key=lambda call: call.span.start_ns)


def _is_tool(span: CapturedSpan) -> bool:
    return span.operation == _semconv.OPERATION_EXECUTE_TOOL


def _is_landmark(span: CapturedSpan) -> bool:
    return is_agent(span) or _is_tool(span) or span.operation in MODEL_OPERATIONS


def _same_call_above(branch: Branch, recorded: Mapping[int, list[Branch]]) -> list[Branch] | None:
    """The spans of the same call, if a framework has recorded it around a decorated function, or around a client's."""
    top = next((one for one in branch.above() if _is_landmark(one.span)), None)
    if top is None or top.index not in recorded or _tool_name(top.span) != _tool_name(branch.span):
        return None
    # One tracer twice is a tool that calls itself.
    return recorded[top.index] if top.span.scope_name != branch.span.scope_name else None


def _tool_name(span: CapturedSpan) -> str:
    return _named(span, _semconv.TOOL_NAME, _semconv.OPERATION_EXECUTE_TOOL)


def _named(span: CapturedSpan, attribute: str, operation: str) -> str:
    name = span.attributes.get(attribute)
    return name if isinstance(name, str) and name else span.name.removeprefix(operation).strip() or span.name


def _said_by_models(
    found: Iterable[tuple[Branch, list[Branch]]], everything: Sequence[Branch]
) -> tuple[dict[str, RequestedCall], dict[str, Any]]:
    """What models have asked for and were told, by the call's id; read only if a tool's span lacks it."""
    lacking = any(
        _of(spans, _semconv.TOOL_ARGUMENTS) is NOT_RECORDED or _of(spans, _semconv.TOOL_RESULT) is NOT_RECORDED
        for _, spans in found
    )
    models = [branch.span for branch in everything if lacking and branch.span.operation in MODEL_OPERATIONS]
    asked = {call.call_id: call for span in models for call in requested_calls(span) if call.call_id}
    return asked, {identity: result for span in models for identity, result in responses(span)}


def _of(spans: Sequence[Branch], attribute: str) -> Any:  # noqa: ANN401 -- any JSON value
    # What our own decorator has recorded is typed JSON; a framework may have made text of it.
    ours_first = sorted(spans, key=lambda one: one.span.scope_name != _semconv.SCOPE)
    values = (decoded(branch.span, attribute) for branch in ours_first)
    return next((value for value in values if value is not NOT_RECORDED), NOT_RECORDED)


def _tool_call(spans: Sequence[Branch], asked: Mapping[str, RequestedCall], answered: Mapping[str, Any]) -> ToolCall:
    branch = spans[0]
    arguments, result = _of(spans, _semconv.TOOL_ARGUMENTS), _of(spans, _semconv.TOOL_RESULT)
    identity = next((one for one in (_identity(each.span) for each in spans) if one), "")
    if isinstance(arguments, NotRecorded) and identity in asked:
        arguments = asked[identity].arguments
    if isinstance(result, NotRecorded) and identity in answered:
        result = answered[identity]
    named = cast("dict[str, Any]", arguments) if isinstance(arguments, dict) else {UNNAMED: arguments}
    has_arguments, has_result = not isinstance(arguments, NotRecorded), not isinstance(result, NotRecorded)
    return ToolCall(
        name=_tool_name(branch.span),
        arguments=named if has_arguments else {},
        result=result if has_result else None,
        error=error_of(branch),
        duration=branch.span.duration,
        span=branch.span,
        has_arguments=has_arguments,
        has_result=has_result,
    )


def _identity(span: CapturedSpan) -> str | None:
    found = span.attributes.get(_semconv.TOOL_CALL_ID)
    return found if isinstance(found, str) and found else None


def _model_call(spans: Sequence[Branch]) -> ModelCallRecord:
    branch = spans[0]
    span = branch.span
    first = next((one.span for one in spans if input_of(one.span) is not NOT_RECORDED), span)
    last = next((one.span for one in spans if output_of(one.span) is not NOT_RECORDED), span)
    said = [one.span.attributes for one in spans]
    models = (held.get(name) for name in (_semconv.REQUEST_MODEL, _semconv.RESPONSE_MODEL) for held in said)
    providers = (held.get(_semconv.PROVIDER_NAME) for held in said)
    given, answered = input_of(first), output_of(last)
    return ModelCallRecord(
        model=next((model for model in models if isinstance(model, str) and model), ""),
        operation=span.operation or "",
        provider=next((provider for provider in providers if isinstance(provider, str)), None),
        input=None if given is NOT_RECORDED else given,
        output=None if answered is NOT_RECORDED else answered,
        tool_calls=tuple(requested_calls(last)),
        usage=usage_below(branch, list(branch)[1:]),
        error=error_of(branch),
        duration=span.duration,
        span=span,
    )
