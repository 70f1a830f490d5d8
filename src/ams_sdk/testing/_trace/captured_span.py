"""A span as the testing kit keeps it: plain values, whoever made it and however it got here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ams_sdk import _semconv

__all__ = ["AttributeValue", "CapturedEvent", "CapturedLink", "CapturedSpan", "SpanKind", "SpanStatus"]

AttributeValue = str | bool | int | float | Sequence[str] | Sequence[bool] | Sequence[int] | Sequence[float]
Attributes = Mapping[str, AttributeValue]
SpanKind = Literal["internal", "server", "client", "producer", "consumer"]
SpanStatus = Literal["unset", "ok", "error"]

_NO_ATTRIBUTES: Attributes = {}


@dataclass(frozen=True, slots=True)
class CapturedEvent:
    """Something that happened during a span, at a time in nanoseconds since 1970."""

    name: str
    time_ns: int
    attributes: Attributes = field(default_factory=lambda: _NO_ATTRIBUTES)


@dataclass(frozen=True, slots=True)
class CapturedLink:
    """Another span that a span is related to without being its child; ``trace_state`` as ``CapturedSpan`` has it."""

    trace_id: str
    span_id: str
    attributes: Attributes = field(default_factory=lambda: _NO_ATTRIBUTES)
    trace_state: str | None = None


@dataclass(frozen=True, slots=True)
class CapturedSpan:
    """A span, with its secrets masked as in everything that leaves the process.

    Attributes:
        trace_id: 32 digits of lower-case hex (W3C Trace Context).
        span_id: 16 digits.
        parent_id: the span above; None for the first of a trace.
        parent_is_remote: the span above is another process's.
        start_ns: nanoseconds since 1970.
        end_ns: the same; None while the span is open.
        trace_state: what vendors hand on with the trace, as the header ``tracestate`` has it; None if there is nothing.
    """

    name: str
    trace_id: str
    span_id: str
    start_ns: int
    end_ns: int | None = None
    parent_id: str | None = None
    parent_is_remote: bool = False
    kind: SpanKind = "internal"
    status: SpanStatus = "unset"
    status_message: str | None = None
    attributes: Attributes = field(default_factory=lambda: _NO_ATTRIBUTES)
    events: tuple[CapturedEvent, ...] = ()
    links: tuple[CapturedLink, ...] = ()
    scope_name: str | None = None
    scope_version: str | None = None
    resource: Attributes = field(default_factory=lambda: _NO_ATTRIBUTES)
    trace_state: str | None = None

    @property
    def operation(self) -> str | None:
        """What it does in the words of the GenAI conventions (``gen_ai.operation.name``), such as ``execute_tool``."""
        found = self.attributes.get(_semconv.OPERATION_NAME)
        return found if isinstance(found, str) else None

    @property
    def duration(self) -> float | None:
        """Seconds; None while the span is open."""
        return None if self.end_ns is None else (self.end_ns - self.start_ns) / 1e9

    @property
    def error_type(self) -> str | None:
        """The error that it ended with (``error.type``); None for one that has not failed."""
        if self.status != "error":
            return None
        return str(self.attributes.get(_semconv.ERROR_TYPE) or "_OTHER")
