"""Is what the platform gives back what ran? Pure: spans and records in, differences out."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.trace import INVALID_SPAN_CONTEXT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import SpanContext
    from opentelemetry.util.types import Attributes

    from ams_sdk.wire import Agent, AgentRegistration, Span

__all__ = ["agent_differences", "span_differences"]

_NANOSECONDS: Final = 1_000
"""In a microsecond, which is as exact as a time on the wire."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def span_differences(ran: Sequence[ReadableSpan], read: Sequence[Span]) -> list[str]:
    """Say in what the spans that were read back differ from those that ended in this process; empty if in nothing."""
    expected = {f"{_ids(span).span_id:016x}": _facts_of_ended(span) for span in ran}
    found = {span.span_id: _facts_of_read(span) for span in read}
    copies = Counter(span.span_id for span in read)
    missing = [f"span {span_id} ({expected[span_id]['name']}) is missing" for span_id in expected.keys() - found.keys()]
    surplus = [f"span {span_id} ({found[span_id]['name']}) never ran" for span_id in found.keys() - expected.keys()]
    twice = [f"span {span_id} is there {times} times" for span_id, times in copies.items() if times > 1]
    changed = [
        f"span {span_id} ({facts['name']}): {name} was {facts[name]!r} and is {found[span_id][name]!r}"
        for span_id, facts in expected.items()
        if span_id in found
        for name in facts
        if facts[name] != found[span_id][name]
    ]
    return missing + surplus + twice + changed


def agent_differences(said: AgentRegistration, read: Agent) -> list[str]:
    """Say in what the agent's record differs from what was registered; empty if in nothing."""
    expected = said.model_dump(mode="json", exclude={"labels"})
    found = read.revision.model_dump(mode="json") | {"name": read.name, "description": read.description}
    return [
        f"agent: {name} was {value!r} and is {found.get(name)!r}"
        for name, value in expected.items()
        if found.get(name) != value
    ]


def _facts_of_ended(span: ReadableSpan) -> dict[str, Any]:
    start, end = span.start_time or 0, span.end_time or 0
    return {
        "trace": f"{_ids(span).trace_id:032x}",
        "parent": f"{span.parent.span_id:016x}" if span.parent else None,
        "name": span.name,
        "kind": span.kind.name.lower(),
        "status": span.status.status_code.name.lower(),
        "status message": span.status.description,
        "start": start // _NANOSECONDS,
        "duration": end - start,
        "attributes": _plain(span.attributes),
        "events": [(event.name, event.timestamp // _NANOSECONDS, _plain(event.attributes)) for event in span.events],
        "links": [
            (f"{link.context.trace_id:032x}", f"{link.context.span_id:016x}", _plain(link.attributes))
            for link in span.links
        ],
        "scope": (span.instrumentation_scope.name, span.instrumentation_scope.version)
        if span.instrumentation_scope
        else (None, None),
        "resource": _plain(span.resource.attributes),
    }


def _facts_of_read(span: Span) -> dict[str, Any]:
    return {
        "trace": span.trace_id,
        "parent": span.parent_span_id,
        "name": span.name,
        "kind": span.kind,
        "status": span.status,
        "status message": span.status_message or None,
        "start": _microseconds(span.started_at),
        "duration": span.duration_ns,
        "attributes": span.attributes,
        "events": [(event.name, _microseconds(event.at), event.attributes) for event in span.events],
        "links": [(link.trace_id, link.span_id, link.attributes) for link in span.links],
        "scope": (span.scope_name, span.scope_version),
        "resource": span.resource,
    }


def _microseconds(instant: datetime) -> int:
    return (instant - _EPOCH) // timedelta(microseconds=1)


def _plain(attributes: Attributes) -> dict[str, Any]:
    # OpenTelemetry keeps a list as a tuple; what is read back has been through JSON.
    plain: dict[str, Any] = json.loads(json.dumps(dict(attributes or {})))
    return plain


def _ids(span: ReadableSpan) -> SpanContext:
    return span.get_span_context() or INVALID_SPAN_CONTEXT
