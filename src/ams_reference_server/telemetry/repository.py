"""Traces and spans in the database."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Final, TypeVar

from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, insert, or_, select, tuple_, update

from ams_reference_server.db import insert_new
from ams_reference_server.models import agents, spans, traces
from ams_reference_server.telemetry.summary import LinkedAgent, Summary

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from uuid import UUID

    from ams_reference_server.telemetry.otlp import SpanRecord

__all__ = ["TraceFilter", "agents_called", "find", "page", "store"]

_SUMMARY: Final = tuple(field.name for field in fields(Summary))
_PARAMETERS: Final = 1000  # in one statement; both databases take more

_UPDATE: Final = (
    update(traces)
    .where(traces.c.id == bindparam("trace_key"))
    .values({name: bindparam(f"new_{name}") for name in _SUMMARY})
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TraceFilter:
    """Which traces a list is about; None does not filter. Times and durations are in nanoseconds."""

    agent: str | None = None
    agent_id: UUID | None = None
    failed: bool | None = None
    session: str | None = None
    since_ns: int | None = None
    until_ns: int | None = None
    min_duration_ns: int | None = None
    q: str | None = None


def agents_called(
    connection: Connection, owner_id: UUID, ids: Iterable[UUID], names: Iterable[str]
) -> list[LinkedAgent]:
    """The owner's agents that have one of these ids or names."""
    found: set[LinkedAgent] = set()
    for column, wanted in ((agents.c.id, list(ids)), (agents.c.name, list(names))):
        for some in _in_parts(wanted):
            query = select(agents.c.id, agents.c.name).where(agents.c.owner_id == owner_id, column.in_(some))
            found.update(LinkedAgent(*row) for row in connection.execute(query))
    return list(found)


def store(
    connection: Connection,
    owner_id: UUID,
    received: Sequence[tuple[SpanRecord, LinkedAgent | None, dict[str, Any]]],
) -> None:
    """Keep spans, each with its agent and its row, and bring their traces up to date; known ones are left out."""
    # In one order everywhere, so that two requests that share traces cannot each wait for the other.
    trace_ids = sorted({span.trace_id for span, _, _ in received})
    summaries = _locked(connection, owner_id, trace_ids)
    known = _kept_before(connection, summaries, received)
    rows: list[dict[str, Any]] = []
    for span, linked, row in received:
        key, summary = summaries[span.trace_id]
        if (key, span.span_id) in known:
            continue
        known.add((key, span.span_id))
        summary.add(span, linked)
        rows.append(row | {"trace_key": key, "agent_id": linked.id if linked else None})
    if rows:
        connection.execute(insert(spans), rows)
        changed = {row["trace_key"] for row in rows}
        connection.execute(
            _UPDATE,
            [
                {"trace_key": key} | {f"new_{name}": value for name, value in asdict(summary).items()}
                for key, summary in summaries.values()
                if key in changed
            ],
        )


def _locked(connection: Connection, owner_id: UUID, trace_ids: list[str]) -> dict[str, tuple[int, Summary]]:
    """Each trace's key and summary, new ones empty, held until the transaction ends."""
    blank = asdict(Summary()) | {"owner_id": owner_id}
    insert_new(connection, traces, [blank | {"trace_id": trace_id} for trace_id in trace_ids])
    columns = [traces.c.trace_id, traces.c.id, *(traces.c[name] for name in _SUMMARY)]
    held: dict[str, tuple[int, Summary]] = {}
    for some in _in_parts(trace_ids):
        query = select(*columns).where(traces.c.owner_id == owner_id, traces.c.trace_id.in_(some))
        for row in connection.execute(query.order_by(traces.c.trace_id).with_for_update()):
            held[row.trace_id] = (row.id, Summary(*row[2:]))
    return held


def _kept_before(
    connection: Connection,
    summaries: dict[str, tuple[int, Summary]],
    received: Sequence[tuple[SpanRecord, LinkedAgent | None, dict[str, Any]]],
) -> set[tuple[int, str]]:
    keys = {trace_id: key for trace_id, (key, summary) in summaries.items() if summary.span_count}
    wanted = [(keys[span.trace_id], span.span_id) for span, _, _ in received if span.trace_id in keys]
    known: set[tuple[int, str]] = set()
    for some in _in_parts(wanted):
        pair = tuple_(spans.c.trace_key, spans.c.span_id)
        query = select(spans.c.trace_key, spans.c.span_id).where(pair.in_(some))
        known.update((row[0], row[1]) for row in connection.execute(query))
    return known


def page(
    connection: Connection, owner_id: UUID, wanted: TraceFilter, *, limit: int, before: tuple[int, str] | None
) -> Sequence[Row[Any]]:
    """The owner's traces, newest first, at most ``limit``, behind the start and id ``before``."""
    conditions = [traces.c.owner_id == owner_id, *_conditions(wanted)]
    if before is not None:
        started_ns, trace_id = before
        same_start = and_(traces.c.started_ns == started_ns, traces.c.trace_id < trace_id)
        conditions.append(and_(traces.c.started_ns <= started_ns, or_(traces.c.started_ns < started_ns, same_start)))
    newest_first = (traces.c.started_ns.desc(), traces.c.trace_id.desc())
    return connection.execute(select(traces).where(*conditions).order_by(*newest_first).limit(limit)).all()


def _conditions(wanted: TraceFilter) -> Iterator[ColumnElement[bool]]:
    if wanted.agent is not None:
        by_id = [traces.c.agent_id == wanted.agent_id] if wanted.agent_id else []
        yield or_(traces.c.agent == wanted.agent, *by_id)
    if wanted.failed is not None:
        yield traces.c.error.is_not(None) if wanted.failed else traces.c.error.is_(None)
    if wanted.session is not None:
        yield traces.c.session == wanted.session
    if wanted.since_ns is not None:
        yield traces.c.started_ns >= wanted.since_ns
    if wanted.until_ns is not None:
        yield traces.c.started_ns < wanted.until_ns
    if wanted.min_duration_ns is not None:
        yield traces.c.duration_ns >= wanted.min_duration_ns
    if wanted.q is not None:
        texts = (traces.c.root_name, traces.c.agent, traces.c.trace_id)
        yield or_(*(text.icontains(wanted.q, autoescape=True) for text in texts))


def find(connection: Connection, owner_id: UUID, trace_id: str) -> tuple[Row[Any], Sequence[Row[Any]]] | None:
    """One of the owner's traces and its spans, oldest start first."""
    trace = connection.execute(
        select(traces).where(traces.c.owner_id == owner_id, traces.c.trace_id == trace_id)
    ).first()
    if trace is None:
        return None
    query = select(spans).where(spans.c.trace_key == trace.id).order_by(spans.c.started_ns, spans.c.span_id)
    return trace, connection.execute(query).all()


def _in_parts(items: Sequence[T]) -> Iterator[Sequence[T]]:
    return (items[start : start + _PARAMETERS] for start in range(0, len(items), _PARAMETERS))
