"""One run of an agent, as the context carries it to the calls that are made inside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from opentelemetry import context as otel_context

if TYPE_CHECKING:
    from opentelemetry.trace import SpanContext

__all__ = ["RUN_KEY", "RUN_OF_SPAN", "Run"]

RUN_KEY: Final = otel_context.create_key("ams-run")
"""Where the context keeps the ``Run`` that it belongs to."""
RUN_OF_SPAN: Final = "_ams_run"
"""Where a span that is not of a decorated call keeps the run that it was made in, for metrics."""


class Run:
    """An agent's name and the span of its run, after which the run is named.

    Whoever has the run's id can find the trace without asking anybody. In ``packed`` an encoder of spans keeps what it
    made of the two.
    """

    __slots__ = ("_id", "agent", "packed", "span")

    def __init__(self, agent: str, span: SpanContext) -> None:
        self.agent = agent
        self.span = span
        self._id = ""
        self.packed = b""

    @property
    def id(self) -> str:
        """``<trace id>-<span id>``, in hexadecimal digits."""
        if not self._id:
            self._id = f"{self.span.trace_id:032x}-{self.span.span_id:016x}"
        return self._id
