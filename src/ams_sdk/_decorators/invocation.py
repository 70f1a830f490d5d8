"""One traced call: the span is started and made current, and ended with what the call did.

Nothing in here raises into the call. If the span cannot be begun the call goes on untraced.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
import traceback
from typing import TYPE_CHECKING, Any, Final, cast

from opentelemetry import context as otel_context
from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context

from ams_sdk import _semconv
from ams_sdk._capture import render_text
from ams_sdk._decorators import content, runtime
from ams_sdk._decorators.definition import AgentDefinition
from ams_sdk._guard import guard

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextvars import Token
    from types import CodeType, FunctionType

    from opentelemetry.context import Context
    from opentelemetry.trace import Span

    from ams_sdk._decorators.definition import Definition
    from ams_sdk._decorators.runtime import Runtime

__all__ = ["RUN_KEY", "Invocation", "begin", "begun_here", "error_type"]

RUN_KEY: Final = otel_context.create_key("ams-run")
"""Where the context keeps ``(agent name, run id)`` of the run that it belongs to."""

_MAX_STACK: Final = 16_384
_wrappers: Final[set[CodeType]] = set()


def begun_here(wrapper: Callable[..., Any]) -> None:
    """Say that this function begins invocations, so that an exception's way through it can be recognised."""
    _wrappers.add(cast("FunctionType", wrapper).__code__)


def begin(definition: Definition, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Invocation | None:
    """Start the span of a call, or answer None if the call is not to be traced."""
    lent = runtime.current()
    if lent is None:
        return None
    with guard(f"{definition.name}: starting its span"):
        return _begin(lent, definition, args, kwargs)
    return None


def _begin(
    lent: Runtime, definition: Definition, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Invocation | None:
    context = otel_context.get_current()
    if otel_context.get_value(otel_context._SUPPRESS_INSTRUMENTATION_KEY, context):  # noqa: SLF001 -- it has no public name
        return None  # what the SDK itself or another instrumentation does on its own account
    if isinstance(definition, AgentDefinition):
        name, attributes = f"{_semconv.OPERATION_INVOKE_AGENT} {definition.name}", _agent_attributes(lent, definition)
    else:
        name, attributes = f"{_semconv.OPERATION_EXECUTE_TOOL} {definition.name}", _tool_attributes(definition, context)
    span = lent.tracer().start_span(name, context, SpanKind.INTERNAL, attributes)
    try:
        context = set_span_in_context(span, context)
        if isinstance(definition, AgentDefinition):
            context = _new_run(span, definition, context)
        captures = lent.capture_content and span.is_recording()
        if captures:
            with guard(f"{definition.name}: recording its arguments"):
                span.set_attribute(*content.arguments(definition, args, kwargs))
        return Invocation(definition, span, otel_context.attach(context), captures=captures)
    except BaseException:  # Ctrl-C while an argument is rendered: nobody else knows of this span
        span.end()
        raise


def _agent_attributes(lent: Runtime, agent: AgentDefinition) -> dict[str, str]:
    attributes = {
        _semconv.OPERATION_NAME: _semconv.OPERATION_INVOKE_AGENT,
        _semconv.AGENT_NAME: agent.name,
        _semconv.AMS_AGENT_VERSION: agent.version,
    }
    if agent.description:
        attributes[_semconv.AGENT_DESCRIPTION] = agent.description
    if agent_id := lent.agent_started(agent):
        attributes[_semconv.AMS_AGENT_ID] = agent_id
    return attributes


def _tool_attributes(tool: Definition, context: Context) -> dict[str, str]:
    attributes = {
        _semconv.OPERATION_NAME: _semconv.OPERATION_EXECUTE_TOOL,
        _semconv.TOOL_NAME: tool.name,
        _semconv.TOOL_TYPE: _semconv.TOOL_TYPE_FUNCTION,
    }
    if tool.description:
        attributes[_semconv.TOOL_DESCRIPTION] = tool.description
    if run := otel_context.get_value(RUN_KEY, context):
        attributes[_semconv.AGENT_NAME], attributes[_semconv.AMS_RUN_ID] = cast("tuple[str, str]", run)
    return attributes


def _new_run(span: Span, agent: AgentDefinition, context: Context) -> Context:
    # A run is named after its span: whoever has the run's id can find the trace without asking anybody.
    ids = span.get_span_context()
    run_id = f"{ids.trace_id:032x}-{ids.span_id:016x}"
    span.set_attribute(_semconv.AMS_RUN_ID, run_id)
    return otel_context.set_value(RUN_KEY, (agent.name, run_id), context)


class Invocation:
    """A call whose span is open; exactly one of ``returned`` and ``failed`` is called, once."""

    __slots__ = ("_captures", "_definition", "_span", "_token")

    def __init__(self, definition: Definition, span: Span, token: Token[Context], *, captures: bool) -> None:
        self._definition = definition
        self._span = span
        self._token = token
        self._captures = captures

    def returned(self, value: object) -> None:
        """The call ended well. The status stays unset, as the conventions demand of libraries."""
        ended = time.time_ns()  # what is done from here on is not the call's time
        try:
            with guard(f"{self._definition.name}: recording its result"):
                if self._captures:
                    self._span.set_attribute(*content.result(self._definition, value))
        finally:
            self._end(ended)

    def failed(self, error: BaseException) -> None:
        """The call raised."""
        ended = time.time_ns()
        try:
            with guard(f"{self._definition.name}: recording its error"):
                if not _is_cancellation(error):
                    self._record(error, ended)
        finally:
            self._end(ended)

    def _record(self, error: BaseException, ended: int) -> None:
        kind = error_type(error)
        message = _message_of(error) if self._captures else ""
        self._span.set_attribute(_semconv.ERROR_TYPE, kind)
        self._span.set_status(Status(StatusCode.ERROR, message or None))
        if _recorded_below(error):
            return
        attributes = {_semconv.EXCEPTION_TYPE: kind}
        if self._captures:
            attributes[_semconv.EXCEPTION_MESSAGE] = message
            attributes[_semconv.EXCEPTION_STACKTRACE] = _stack_of(error)
        self._span.add_event(_semconv.EXCEPTION_EVENT, attributes, timestamp=ended)

    def _end(self, ended: int) -> None:
        try:
            with guard(f"{self._definition.name}: ending its span"):
                self._span.end(ended)
        finally:
            # Not otel_context.detach: that prints a stack when a task is torn down in another context than its own,
            # which is no error and has nothing to restore.
            with contextlib.suppress(ValueError):
                otel_context._RUNTIME_CONTEXT.detach(self._token)  # noqa: SLF001


def error_type(error: BaseException) -> str:
    """``module.QualifiedName`` of the exception's class, built-in ones bare (OpenTelemetry's rule for Python)."""
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _is_cancellation(error: BaseException) -> bool:
    trio = sys.modules.get("trio")
    return isinstance(error, asyncio.CancelledError | GeneratorExit) or (
        trio is not None and isinstance(error, trio.Cancelled)
    )


def _recorded_below(error: BaseException) -> bool:
    """Whether the exception came through another traced call, which has recorded it then.

    Read off the traceback, which the exception carries anyway: remembering exceptions would keep them, and every local
    variable of their frames, alive.
    """
    step = error.__traceback__
    if step is not None:
        step = step.tb_next  # the first frame is this call's own
    while step is not None:
        if step.tb_frame.f_code in _wrappers:
            return True
        step = step.tb_next
    return False


def _message_of(error: BaseException) -> str:
    with guard("reading an exception's message"):
        return render_text(str(error))
    return ""


def _stack_of(error: BaseException) -> str:
    lines = traceback.format_exception(type(error), error, error.__traceback__, limit=-50)
    return render_text("".join(lines), _MAX_STACK)
