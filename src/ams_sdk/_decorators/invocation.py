"""One traced call on any OpenTelemetry tracer: the span is started and made current, and ended with what the call did.

This is the way for a provider that belongs to the application. With a provider of ours the engine does the same sooner,
and leaves to its worker what can wait.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from opentelemetry import context as otel_context
from opentelemetry.trace import set_span_in_context

from ams_sdk import _semconv
from ams_sdk._decorators import content
from ams_sdk._decorators.definition import AgentDefinition
from ams_sdk._decorators.detaching import detach
from ams_sdk._decorators.failure import record_failure
from ams_sdk._decorators.run import RUN_KEY, Run
from ams_sdk._decorators.session import current_conversation
from ams_sdk._decorators.streamed import Streamed
from ams_sdk._guard import guard

if TYPE_CHECKING:
    from contextvars import Token

    from opentelemetry.context import Context
    from opentelemetry.trace import Span, Tracer

    from ams_sdk._decorators.definition import Definition

__all__ = ["Invocation", "begin"]


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
    session = current_conversation(context)
    if session is not None:
        attributes.update(session.attributes)
    run = otel_context.get_value(RUN_KEY, context)
    if isinstance(definition, AgentDefinition):
        if agent_id:
            attributes[_semconv.AMS_AGENT_ID] = agent_id
    elif isinstance(run, Run):
        attributes[_semconv.AGENT_NAME], attributes[_semconv.AMS_RUN_ID] = run.agent, run.id
    span = tracer.start_span(definition.span_name, context, definition.kind, attributes)
    try:
        context = set_span_in_context(span, context)
        if isinstance(definition, AgentDefinition):
            run = Run(definition.name, span.get_span_context(), span)
            span.set_attribute(_semconv.AMS_RUN_ID, run.id)
            context = otel_context.set_value(RUN_KEY, run, context)
        captured = definition.captured
        captures = captures and span.is_recording()
        if captures and captured.input:
            with guard(f"{definition.name}: recording its arguments"):
                span.set_attribute(*content.arguments(definition, args[definition.skipped :], kwargs))
        captures = captures and (captured.input or captured.output)
        own = run if isinstance(run, Run) and definition.is_agent else None
        return Invocation(definition, span, otel_context.attach(context), own, captures=captures)
    except BaseException:  # Ctrl-C while an argument is rendered: nobody else knows of this span
        span.end()
        raise


class Invocation:
    """A call whose span is open."""

    __slots__ = (
        "_captures",
        "_definition",
        "_inside",
        "_run",
        "_span",
        "_token",
        "keeps_output",
        "records",
        "start_time",
    )

    _inside: Context

    def __init__(
        self, definition: Definition, span: Span, token: Token[Context], run: Run | None, *, captures: bool
    ) -> None:
        self._run = run
        self._definition = definition
        self._span = span
        self._token = token
        self._captures = captures
        self.keeps_output = captures and definition.captured.output
        self.records = span.is_recording()
        self.start_time: int | None = getattr(span, "start_time", None)

    def collector(self) -> Streamed | None:
        """What takes the items that the call gives, one by one."""
        return Streamed() if self.keeps_output else None

    def suspend(self) -> None:
        """The call goes on later; until then the context from before it is current again."""
        self._inside = otel_context.get_current()
        detach(self._token)

    def resume(self) -> None:
        """It goes on, in the context that was current when it was suspended."""
        self._token = otel_context.attach(self._inside)

    def returned(self, value: object) -> None:
        """The call ended well. The status stays unset, as the conventions demand of libraries."""
        ended = time.time_ns()  # what is done from here on is not the call's time
        try:
            with guard(f"{self._definition.name}: recording its result"):
                if self.keeps_output:
                    self._span.set_attribute(*content.result(self._definition, value))
        finally:
            self._end(ended)

    def failed(self, error: BaseException, streamed: Streamed | None = None) -> None:
        """The call raised; ``streamed`` is what it had given until then."""
        ended = time.time_ns()
        try:
            with guard(f"{self._definition.name}: recording its error"):
                if streamed is not None:
                    self._span.set_attribute(*content.result(self._definition, streamed))
                record_failure(self._span, error, ended, captures=self._captures, call=self)
        finally:
            self._end(ended)

    def _end(self, ended: int) -> None:
        try:
            with guard(f"{self._definition.name}: ending its span"):
                if self._run is not None:
                    self._run.live = None
                    if self._run.totals is not None:
                        self._span.set_attributes(self._run.totals.attributes())
                self._span.end(ended)
        finally:
            detach(self._token)
