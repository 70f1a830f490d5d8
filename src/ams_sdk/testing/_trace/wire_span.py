"""A span as ``GET /api/traces/{trace_id}`` gives it becomes a captured one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from ams_sdk.testing._trace.captured_span import CapturedEvent, CapturedLink, CapturedSpan
from ams_sdk.testing._trace.readable import plain_attributes

if TYPE_CHECKING:
    from ams_sdk.wire import Span

__all__ = ["from_wire"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def from_wire(span: Span) -> CapturedSpan:
    """The span, with times that are exact to the microsecond; it has ended, as others do not get to a platform."""
    start = _nanoseconds(span.started_at)
    return CapturedSpan(
        name=span.name,
        trace_id=span.trace_id,
        span_id=span.span_id,
        start_ns=start,
        end_ns=start + span.duration_ns,
        parent_id=span.parent_span_id,
        kind=span.kind,
        status=span.status,
        status_message=span.status_message,
        attributes=plain_attributes(span.attributes),
        events=tuple(
            CapturedEvent(one.name, _nanoseconds(one.at), plain_attributes(one.attributes)) for one in span.events
        ),
        links=tuple(CapturedLink(one.trace_id, one.span_id, plain_attributes(one.attributes)) for one in span.links),
        scope_name=span.scope_name,
        scope_version=span.scope_version,
        resource=plain_attributes(span.resource),
    )


def _nanoseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND * 1_000
