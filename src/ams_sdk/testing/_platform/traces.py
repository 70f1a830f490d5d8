"""Telemetry: spans come in by OTLP, and are read out as traces under ``/api/traces``."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import Field

from ams_sdk import _semconv
from ams_sdk.testing._platform.agents import as_id
from ams_sdk.testing._platform.paging import PageQuery, decode_cursor, encode_cursor, invalid_cursor
from ams_sdk.testing._platform.refusals import Refusal
from ams_sdk.testing._platform.trace_summary import LinkedAgent, Summary, agent_name, shortened
from ams_sdk.wire import Page, Span, SpanEvent, SpanLink, Timestamp, Trace, TraceStatus, TraceSummary

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterable, Mapping
    from uuid import UUID

    from ams_sdk.testing._platform.agents import AgentRegistry
    from ams_sdk.testing._platform.otlp import SpanRecord

__all__ = ["TraceQuery", "TraceStore"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST: Final = 2**63 - 1
_NANOSECONDS: Final = 1_000_000_000
_TRACE_ID: Final = re.compile(r"[0-9A-Fa-f]{32}")
_POSITION: Final = re.compile(r"([0-9]{1,19})\.([0-9a-f]{32})")


class TraceQuery(PageQuery):
    """The query parameters of the list of traces.

    ``agent`` is a name or an id; ``since`` is inclusive and ``until`` exclusive, both over a trace's start;
    ``min_duration`` is in seconds; ``q`` is part of the root's name, the agent's name or the trace id.
    """

    agent: str | None = Field(default=None, max_length=1000)
    status: TraceStatus | None = None
    session: str | None = Field(default=None, max_length=1000)
    since: Timestamp | None = None
    until: Timestamp | None = None
    min_duration: Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)] | None = None
    q: str | None = Field(default=None, max_length=200)


@dataclass(slots=True)
class _Kept:
    """A trace: its line in the list, and its spans by their ids, in the order of arrival."""

    trace_id: str
    summary: Summary = field(default_factory=Summary)
    spans: dict[str, SpanRecord] = field(default_factory=dict[str, "SpanRecord"])


class TraceStore:
    """The traces of all accounts.

    Args:
        lock: held while they are read or changed.
        agents: which spans are linked to.
    """

    def __init__(self, lock: threading.RLock, agents: AgentRegistry) -> None:
        self._lock = lock
        self._agents = agents
        self._kept: dict[tuple[UUID, str], _Kept] = {}

    def take_in(self, owner_id: UUID, spans: Iterable[SpanRecord]) -> None:
        """Keep spans; the same (trace id, span id) twice is one span, and the first is kept."""
        with self._lock:
            own = self._agents.of(owner_id)
            by_id = {agent.id: LinkedAgent(agent.id, agent.name) for agent in own}
            by_name = {agent.name: by_id[agent.id] for agent in own}
            for span in spans:
                kept = self._kept.setdefault((owner_id, span.trace_id), _Kept(span.trace_id))
                if span.span_id not in kept.spans:
                    kept.spans[span.span_id] = span
                    kept.summary.add(span, _linked(span, by_id, by_name))

    def page(self, owner_id: UUID, query: TraceQuery) -> Page[TraceSummary]:
        """A page of an account's traces, newest first.

        Raises:
            Refusal: 422, the cursor is none of this list.
        """
        before = None if query.cursor is None else _position(query.cursor)
        with self._lock:
            found = [
                (kept.summary.started_ns, trace_id, _summary(kept))
                for (owner, trace_id), kept in self._kept.items()
                if owner == owner_id
                and (before is None or (kept.summary.started_ns, trace_id) < before)
                and _fits(kept, query)
            ]
        found.sort(key=lambda one: one[:2], reverse=True)
        shown = found[: query.limit]
        cursor = encode_cursor(f"{shown[-1][0]}.{shown[-1][1]}") if len(found) > query.limit else None
        return Page(items=[TraceSummary(**values) for _, _, values in shown], next_cursor=cursor)

    def find(self, owner_id: UUID, trace_id: str) -> Trace:
        """One of an account's traces with all its spans, oldest start first.

        Raises:
            Refusal: 404.
        """
        if not _TRACE_ID.fullmatch(trace_id):
            raise Refusal("not_found")
        with self._lock:
            kept = self._kept.get((owner_id, trace_id.lower()))
            if kept is None:
                raise Refusal("not_found")
            values = _summary(kept)
            spans = sorted(kept.spans.values(), key=lambda span: (span.started_ns, span.span_id))
        return Trace(**values, spans=[_span(span) for span in spans])

    def spans(self) -> list[SpanRecord]:
        """Every span that was kept."""
        with self._lock:
            return [span for kept in self._kept.values() for span in kept.spans.values()]


def _linked(
    span: SpanRecord, by_id: Mapping[UUID, LinkedAgent], by_name: Mapping[str, LinkedAgent]
) -> LinkedAgent | None:
    for said in (span.attributes.get(_semconv.AMS_AGENT_ID), span.resource.get(_semconv.MAIN_AGENT_ID)):
        if (agent_id := as_id(said)) is not None and agent_id in by_id:
            return by_id[agent_id]
    return by_name.get(agent_name(span) or "")


def _fits(kept: _Kept, query: TraceQuery) -> bool:
    line = kept.summary
    asked = (
        query.agent is None or line.agent == shortened(query.agent) or _is_id_of(line.agent_id, query.agent),
        query.status is None or (query.status == "error") == (line.error is not None),
        query.session is None or line.session == shortened(query.session),
        query.since is None or line.started_ns >= _nanoseconds(query.since),
        query.until is None or line.started_ns < _nanoseconds(query.until),
        query.min_duration is None or line.duration_ns >= int(query.min_duration * _NANOSECONDS),
        query.q is None or _mentions(kept, query.q.lower()),
    )
    return all(asked)


def _is_id_of(agent_id: UUID | None, text: str) -> bool:
    return agent_id is not None and as_id(text) == agent_id


def _mentions(kept: _Kept, text: str) -> bool:
    texts = (kept.summary.root_name, kept.summary.agent, kept.trace_id)
    return any(text in one.lower() for one in texts if one is not None)


def _summary(kept: _Kept) -> dict[str, Any]:
    line = kept.summary
    return {
        "trace_id": kept.trace_id,
        "root_name": line.root_name,
        "agent": line.agent,
        "agent_id": line.agent_id,
        "session": line.session,
        "status": "ok" if line.error is None else "error",
        "started_at": _instant(line.started_ns),
        "duration_ns": line.duration_ns,
        "span_count": line.span_count,
        "error_count": line.error_count,
        "input_tokens": line.input_tokens,
        "output_tokens": line.output_tokens,
        "error": line.error,
    }


def _span(span: SpanRecord) -> Span:
    return Span(
        trace_id=span.trace_id,
        span_id=span.span_id,
        parent_span_id=span.parent_span_id,
        name=span.name,
        kind=span.kind,
        status=span.status,
        status_message=span.status_message,
        started_at=_instant(span.started_ns),
        duration_ns=span.ended_ns - span.started_ns,
        attributes=span.attributes,
        events=[
            SpanEvent(name=event["name"], at=_instant(event["at_ns"]), attributes=event["attributes"])
            for event in span.events
        ],
        links=[SpanLink(**link) for link in span.links],
        scope_name=span.scope_name,
        scope_version=span.scope_version,
        resource=span.resource,
    )


def _instant(nanoseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=nanoseconds // 1000)


def _nanoseconds(instant: datetime) -> int:
    since_epoch = instant - _EPOCH
    whole = (since_epoch.days * 86_400 + since_epoch.seconds) * _NANOSECONDS + since_epoch.microseconds * 1000
    return min(max(whole, 0), _LATEST)


def _position(cursor: str) -> tuple[int, str]:
    position = _POSITION.fullmatch(decode_cursor(cursor))
    if position is None or int(position[1]) > _LATEST:
        raise invalid_cursor()
    return int(position[1]), position[2]
