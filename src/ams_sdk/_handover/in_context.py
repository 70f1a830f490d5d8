"""A callable that runs in the context in which it was made, in this process or, pickled, in another one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from opentelemetry import baggage, trace
from opentelemetry import context as otel_context
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, TraceState

from ams_sdk._decorators.detaching import detach
from ams_sdk._decorators.run import RUN_KEY, Run, current_run
from ams_sdk._decorators.session import SESSION_KEY, Conversation, current_conversation

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.context import Context

__all__ = ["InContext", "carried", "work_in"]


def carried() -> Context | None:
    """The current context, or None if there is nothing in it."""
    context = otel_context.get_current()
    return context or None


class InContext:
    """Calls a function in a context.

    Args:
        context: the context.
        function: the function.
    """

    __slots__ = ("__wrapped__", "context")

    def __init__(self, context: Context, function: Callable[..., Any]) -> None:
        self.context = context
        self.__wrapped__ = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 -- the function's own types
        """Call it."""
        token = otel_context.attach(self.context)
        try:
            return self.__wrapped__(*args, **kwargs)
        finally:
            detach(token)

    def __reduce__(self) -> tuple[Any, ...]:
        return _in_context, (_Portable.of(self.context), self.__wrapped__)


def work_in(context: Context, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of a pool's method, with the function that is the first of them in this context."""
    if args:
        return (InContext(context, args[0]), *args[1:]), kwargs
    return args, {name: InContext(context, value) if name == "func" else value for name, value in kwargs.items()}


class _Portable(NamedTuple):
    """What of a context can be sent to another process."""

    span: tuple[int, int, int, str] | None
    run: tuple[str, int, int, int] | None
    conversation: Conversation | None
    baggage: dict[str, str]

    @classmethod
    def of(cls, context: Context) -> _Portable:
        """Of this context."""
        span = trace.get_current_span(context).get_span_context()
        run = current_run(context)
        texts = {name: text for name, text in baggage.get_all(context).items() if isinstance(text, str)}
        return cls(
            (span.trace_id, span.span_id, span.trace_flags, span.trace_state.to_header()) if span.is_valid else None,
            (run.agent, run.span.trace_id, run.span.span_id, run.span.trace_flags) if run else None,
            current_conversation(context),
            texts,
        )

    def context(self) -> Context:
        """The context in the other process."""
        context = otel_context.Context()
        if self.span is not None:
            trace_id, span_id, flags, state = self.span
            parent = SpanContext(
                trace_id,
                span_id,
                is_remote=True,
                trace_flags=TraceFlags(flags),
                trace_state=TraceState.from_header([state]),
            )
            context = trace.set_span_in_context(NonRecordingSpan(parent), context)
        if self.run is not None:
            agent, trace_id, span_id, flags = self.run
            span = SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(flags))
            context = otel_context.set_value(RUN_KEY, Run(agent, span), context)
        if self.conversation is not None:
            context = otel_context.set_value(SESSION_KEY, self.conversation, context)
        for name, text in self.baggage.items():
            context = baggage.set_baggage(name, text, context)
        return context


def _in_context(portable: _Portable, function: Callable[..., Any]) -> InContext:
    return InContext(portable.context(), function)
