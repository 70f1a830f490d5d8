"""One run of an agent, as the context carries it to the calls that are made inside."""

from __future__ import annotations

import math
import os
import time
from typing import TYPE_CHECKING, Any, Final, cast

from opentelemetry import context as otel_context
from opentelemetry.trace import (
    INVALID_SPAN_CONTEXT,
    NonRecordingSpan,
    SpanContext,
    TraceFlags,
    set_span_in_context,
)

from ams_sdk import _semconv
from ams_sdk._capture import REDACTED, holds_secret, render, render_text
from ams_sdk._decorators.runtime import state
from ams_sdk._errors import ConfigurationError
from ams_sdk._guard import guard

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.context import Context
    from opentelemetry.trace import Span
    from opentelemetry.util.types import AttributeValue

    from ams_sdk._decorators.token_totals import TokenTotals

__all__ = ["RUN_KEY", "RUN_OF_SPAN", "Run", "current_run", "recordable"]

RUN_KEY: Final = otel_context.create_key("ams-run")
"""Where the context keeps the ``Run`` that it belongs to."""
RUN_OF_SPAN: Final = "_ams_run"
"""Where a span that is not of a decorated call keeps the run that it was made in."""


_MOST_ITEMS: Final = 100


class _Process:
    """Which process this is: another one after a fork."""

    token: object = object()

    @classmethod
    def begin_anew(cls) -> None:
        cls.token = object()


_process: Final = _Process
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_Process.begin_anew)


class Run:
    """One run of an agent.

    Got from ``current_run()``. Outside of a run, and where the SDK is not configured, there is one without a name that
    takes everything and records nothing; it is false. Nothing here raises at run time.
    """

    __slots__ = ("_id", "_process", "agent", "live", "packed", "span", "totals")

    def __init__(self, agent: str, span: SpanContext, live: Span | None = None) -> None:
        # The run is named after its span: whoever has the run's id can find the trace without asking anybody.
        self.agent: str = agent
        """The name of the agent."""
        self.span: SpanContext = span
        """OpenTelemetry's identity of the span of the run."""
        self.totals: TokenTotals | None = None
        """What its model calls have used so far, if there were any."""
        self.packed: bytes = b""  # where an encoder of spans keeps what it made of the run
        self._id = ""
        self._process = _process.token
        self.live: Span | None = live
        """The span, as long as it is open and belongs to this process; the circle is broken at its end."""

    def __bool__(self) -> bool:
        return self.span.is_valid

    def __reduce__(self) -> tuple[Any, ...]:
        span = self.span
        return _run_elsewhere, (self.agent, span.trace_id, span.span_id, int(span.trace_flags))

    def __repr__(self) -> str:
        return f"<Run {self.id} of {self.agent}>" if self else "<Run: none>"

    @property
    def id(self) -> str:
        """``<trace id>-<span id>``, in hexadecimal digits; empty if there is no run."""
        if not self._id and self:
            self._id = f"{self.span.trace_id:032x}-{self.span.span_id:016x}"
        return self._id

    @property
    def trace_id(self) -> str:
        """The 32 hexadecimal digits of the trace; empty if there is no run."""
        return self.id[:32]

    def set(self, attributes: Mapping[str, object] | None = None, /, **more: object) -> None:
        """Put attributes on the span of the run; after its end, and of a run in another process, nothing happens.

        Args:
            attributes: by name, where a name is no identifier: ``{"order.id": 7}``.
            **more: by name. A value that OpenTelemetry does not know is recorded as JSON.
        """
        span = self._recording()
        with guard("run: setting attributes"):
            if span is not None:
                for name, value in {**(attributes or {}), **more}.items():
                    span.set_attribute(name, recordable(name, value))

    def event(self, name: str, attributes: Mapping[str, object] | None = None, /, **more: object) -> None:
        """Put an event on the span of the run: something that happened at this moment.

        Args:
            name: what happened.
            attributes: as for ``set``.
            **more: as for ``set``.
        """
        span = self._recording()
        with guard("run: adding an event"):
            if span is not None:
                said = {**(attributes or {}), **more}
                span.add_event(render_text(name), {key: recordable(key, value) for key, value in said.items()})

    def feedback(
        self,
        score: float | bool | None = None,  # noqa: FBT001 -- a thumb is a flag
        *,
        name: str = "user_feedback",
        label: str | None = None,
        comment: str | None = None,
    ) -> None:
        """Say how good the run was; also after its end, and in another process that continues it.

        Recorded as an event ``gen_ai.evaluation.result`` (GenAI conventions). It is on the span of the run while that
        is open, and after that on a span of its own below it.

        Args:
            score: a number, by a scale of yours; a flag counts as 1 or 0.
            name: what was judged.
            label: the judgement in a word, for example ``"pass"``.
            comment: why.

        One without a score and a label, or with a score that is no number, is not recorded, but counted in
        ``stats().swallowed``.
        """
        with guard("run: recording feedback"):
            self._judge(_checked(score), name, label, comment)

    def _judge(self, score: float | None, name: str, label: str | None, comment: str | None) -> None:
        if score is None and label is None:
            raise ConfigurationError("feedback(): give a score or a label.")
        said: dict[str, Any] = {_semconv.EVALUATION_NAME: name}
        if score is not None:
            said[_semconv.EVALUATION_SCORE] = score
        if label is not None:
            said[_semconv.EVALUATION_LABEL] = label
        if comment is not None:
            said[_semconv.EVALUATION_EXPLANATION] = comment
        said = {key: recordable(key, value) for key, value in said.items()}
        span = self._recording()
        if span is not None:
            span.add_event(_semconv.EVALUATION_EVENT, said)
        elif self and state.runtime is not None:
            self._evaluate(said)

    def _evaluate(self, said: dict[str, Any]) -> None:
        lent = state.runtime
        if lent is not None:
            now = time.time_ns()
            below = set_span_in_context(NonRecordingSpan(self.span), otel_context.Context({RUN_KEY: self}))
            attributes = {_semconv.AMS_RUN_ID: self.id, _semconv.AGENT_NAME: self.agent}
            span = lent.tracer().start_span(_semconv.EVALUATION_EVENT, below, attributes=attributes, start_time=now)
            span.add_event(_semconv.EVALUATION_EVENT, said, timestamp=now)
            span.end(now)

    def _recording(self) -> Span | None:
        # In the child of a fork the span is a copy, which nobody sends.
        span = self.live if self._process is _process.token else None
        return span if span is not None and span.is_recording() else None


def _checked(score: float | None) -> float | None:
    found = None if score is None else float(score)
    if found is not None and not math.isfinite(found):
        raise ConfigurationError(f"feedback({score!r}): the score is a number, and neither infinite nor NaN.")
    return found


_NO_RUN: Final = Run("", INVALID_SPAN_CONTEXT)


def _run_elsewhere(agent: str, trace_id: int, span_id: int, flags: int) -> Run:
    return Run(agent, SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(flags)))


def current_run(context: Context | None = None) -> Run:
    """The run of the agent that this code belongs to; outside of one a run that is false and records nothing.

    Args:
        context: an OpenTelemetry context to look into; the current one if not given.
    """
    run = otel_context.get_value(RUN_KEY, context)
    return run if isinstance(run, Run) else _NO_RUN


def recordable(name: str, value: object) -> AttributeValue:
    """A value that the user gives by hand, as an attribute: bounded, redacted, JSON if there is no other way."""
    if holds_secret(name, value):
        return REDACTED
    if isinstance(value, str):
        return render_text(value)
    if isinstance(value, bool | int | float):
        return value
    if type(value) is list or type(value) is tuple:
        texts = [one for one in cast("list[object]", value)[:_MOST_ITEMS] if type(one) is str]
        if texts and len(texts) == len(cast("list[object]", value)):
            return [render_text(text) for text in texts]
    return render(cast("Any", value))
