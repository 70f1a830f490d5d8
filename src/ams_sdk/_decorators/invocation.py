"""One traced call on any OpenTelemetry tracer: the span is started and made current, and ended with what the call did.

This is the way for a provider that belongs to the application. With a provider of ours the engine does the same sooner,
and leaves to its worker what can wait.
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any

from opentelemetry import context as otel_context
from opentelemetry.trace import SpanKind, set_span_in_context

from ams_sdk import _semconv
from ams_sdk._decorators import content
from ams_sdk._decorators.definition import AgentDefinition
from ams_sdk._decorators.failure import record_failure
from ams_sdk._decorators.run import RUN_KEY, Run
from ams_sdk._guard import guard

if TYPE_CHECKING:
    from contextvars import Token

    from opentelemetry.context import Context
    from opentelemetry.trace import Span, Tracer

    from ams_sdk._decorators.definition import Definition

__all__ = ["Invocation", "begin", "detach"]


def begin(  # noqa: PLR0913, PLR0917 -- a call, and the three things that the engine knows of it
    tracer: Tracer,
    definition: Definition,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    agent_id: str | None,
    captures: bool,  # noqa: FBT001 -- passed on
) -> Invocation | None:
    """Start the span of a call, or answer None if the call is not to be traced."""
    context = otel_context.get_current()
    if otel_context.get_value(otel_context._SUPPRESS_INSTRUMENTATION_KEY, context):  # noqa: SLF001 -- it has no public name
        return None  # what the SDK itself or another instrumentation does on its own account
    attributes = dict(definition.attributes)
    run = otel_context.get_value(RUN_KEY, context)
    if isinstance(definition, AgentDefinition):
        if agent_id:
            attributes[_semconv.AMS_AGENT_ID] = agent_id
    elif isinstance(run, Run):
        attributes[_semconv.AGENT_NAME], attributes[_semconv.AMS_RUN_ID] = run.agent, run.id
    span = tracer.start_span(definition.span_name, context, SpanKind.INTERNAL, attributes)
    try:
        context = set_span_in_context(span, context)
        if isinstance(definition, AgentDefinition):
            run = Run(definition.name, span.get_span_context())
            span.set_attribute(_semconv.AMS_RUN_ID, run.id)
            context = otel_context.set_value(RUN_KEY, run, context)
        captures = captures and span.is_recording()
        if captures:
            with guard(f"{definition.name}: recording its arguments"):
                span.set_attribute(*content.arguments(definition, args[definition.skipped :], kwargs))
        return Invocation(definition, span, otel_context.attach(context), captures=captures)
    except BaseException:  # Ctrl-C while an argument is rendered: nobody else knows of this span
        span.end()
        raise


class Invocation:
    """A call whose span is open; exactly one of ``returned`` and ``failed`` is called, once."""

    __slots__ = ("_captures", "_definition", "_span", "_token", "records")

    def __init__(self, definition: Definition, span: Span, token: Token[Context], *, captures: bool) -> None:
        self._definition = definition
        self._span = span
        self._token = token
        self._captures = captures
        self.records = span.is_recording()

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
                record_failure(self._span, error, ended, captures=self._captures)
        finally:
            self._end(ended)

    def _end(self, ended: int) -> None:
        try:
            with guard(f"{self._definition.name}: ending its span"):
                self._span.end(ended)
        finally:
            detach(self._token)


def detach(token: Token[Context]) -> None:
    """Make the context from before current again."""
    # Not otel_context.detach: that prints a stack when a task is torn down in another context than its own, which is no
    # error and has nothing to restore.
    with contextlib.suppress(ValueError):
        otel_context._RUNTIME_CONTEXT.detach(token)  # noqa: SLF001
