"""A span as OTLP brings it, and the same as the testing kit keeps spans."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from ams_sdk.testing._platform.otlp import SpanRecord
from ams_sdk.testing._trace.captured_span import AttributeValue, CapturedEvent, CapturedLink, CapturedSpan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic import JsonValue

__all__ = ["as_captured", "as_record"]


def as_captured(record: SpanRecord) -> CapturedSpan:
    """What a test looks at; it is what arrived, so nothing is masked here."""
    return CapturedSpan(
        name=record.name,
        trace_id=record.trace_id,
        span_id=record.span_id,
        start_ns=record.started_ns,
        end_ns=record.ended_ns,
        parent_id=record.parent_span_id,
        kind=record.kind,
        status=record.status,
        status_message=record.status_message,
        attributes=_attributes(record.attributes),
        events=tuple(
            CapturedEvent(event["name"], event["at_ns"], _attributes(event["attributes"])) for event in record.events
        ),
        links=tuple(
            CapturedLink(link["trace_id"], link["span_id"], _attributes(link["attributes"])) for link in record.links
        ),
        scope_name=record.scope_name,
        scope_version=record.scope_version,
        resource=_attributes(record.resource),
    )


def as_record(span: CapturedSpan) -> SpanRecord:
    """The span as if it had been exported; an open one ends where it starts."""
    return SpanRecord(
        trace_id=span.trace_id.lower(),
        span_id=span.span_id.lower(),
        parent_span_id=span.parent_id,
        name=span.name,
        kind=span.kind,
        status=span.status,
        status_message=span.status_message,
        started_ns=span.start_ns,
        ended_ns=span.start_ns if span.end_ns is None else span.end_ns,
        attributes=_plain(span.attributes),
        events=[
            {"name": event.name, "at_ns": event.time_ns, "attributes": _plain(event.attributes)}
            for event in span.events
        ],
        links=[
            {"trace_id": link.trace_id, "span_id": link.span_id, "attributes": _plain(link.attributes)}
            for link in span.links
        ],
        scope_name=span.scope_name,
        scope_version=span.scope_version,
        resource=_plain(span.resource),
    )


def _attributes(values: Mapping[str, Any]) -> dict[str, AttributeValue]:
    return {name: _attribute(value) for name, value in values.items()}


def _attribute(value: JsonValue) -> AttributeValue:
    if isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, list):
        kinds: set[type] = {type(item) for item in value}
        if len(kinds) == 1 and kinds <= {str, bool, int, float}:
            return cast("Sequence[str]", tuple(value))
    # OTLP knows maps, mixed lists and nothing; an attribute of a span does not.
    return json.dumps(value, ensure_ascii=False)


def _plain(values: Mapping[str, AttributeValue]) -> dict[str, Any]:
    return {
        name: value if isinstance(value, str | bool | int | float) else list(value) for name, value in values.items()
    }
