"""What telemetry does: spans come in once and for good, and are read out as traces."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING, Annotated, Any, Final
from uuid import UUID

import anyio.to_thread
from anyio import CapacityLimiter
from pydantic import Field
from pydantic_core import from_json, to_json

from ams_reference_server.errors import ExcessiveBodyError, NotFoundError
from ams_reference_server.paging import PageQuery, decode_cursor, encode_cursor, invalid_cursor
from ams_reference_server.telemetry import conventions, otlp, repository
from ams_reference_server.telemetry.summary import LinkedAgent, agent_name, shortened
from ams_sdk.wire import Page, Span, SpanEvent, SpanLink, Timestamp, Trace, TraceStatus, TraceSummary

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection, Row

    from ams_reference_server.db import Database
    from ams_reference_server.telemetry.otlp import Batch, SpanRecord

__all__ = ["Telemetry", "TraceQuery"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST: Final = 2**63 - 1
_NANOSECONDS: Final = 1_000_000_000
_DECODERS: Final = 2  # protobuf and JSON are read under Python's one lock; more threads would only wait
_TRACE_ID: Final = re.compile(r"[0-9A-Fa-f]{32}")
_POSITION: Final = re.compile(r"([0-9]{1,19})\.([0-9a-f]{32})")

_Row = dict[str, Any]


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


class Telemetry:
    """The traces in one database.

    Args:
        database: where they are kept.
        unpacked_limit: the largest OTLP body after decompression, in bytes.
    """

    def __init__(self, database: Database, unpacked_limit: int) -> None:
        self._database = database
        self._unpacked_limit = unpacked_limit

    @cached_property
    def _decoding_lane(self) -> CapacityLimiter:
        return CapacityLimiter(_DECODERS)

    async def take_in(self, owner_id: UUID, body: bytes, *, media_type: str, encoding: str) -> bytes:
        """Keep the spans of an OTLP request; when this returns, they are on disk.

        Returns:
            The body of the answer, in the encoding of the request.

        Raises:
            MalformedError: the body is not what its headers say.
            BodyTooLargeError: it unpacks to too much.
            ExcessiveBodyError: it has too many parts, or takes more memory than there is.
            UnsupportedMediaTypeError: its content encoding is not known.
        """
        try:
            batch, rows = await anyio.to_thread.run_sync(
                partial(self._decode, body, media_type, encoding), limiter=self._decoding_lane
            )
            if rows:
                await self._database.write(partial(_store, owner_id=owner_id, spans=batch.spans, rows=rows))
        except MemoryError:
            raise ExcessiveBodyError from None
        return otlp.answer(batch, media_type)

    def _decode(self, body: bytes, media_type: str, encoding: str) -> tuple[Batch, list[_Row]]:
        batch = otlp.decode(otlp.unpack(body, encoding, self._unpacked_limit), media_type)
        # One resource serves many spans: its text is made once.
        resources: dict[int, str] = {}
        for span in batch.spans:
            if id(span.resource) not in resources:
                resources[id(span.resource)] = _json(span.resource)
        return batch, [_row(span, resources[id(span.resource)]) for span in batch.spans]

    async def page(self, owner_id: UUID, query: TraceQuery) -> Page[TraceSummary]:
        """One page of the owner's traces, newest first.

        Raises:
            InvalidRequestError: the cursor is none of this list.
        """
        before = None if query.cursor is None else _position(query.cursor)
        wanted = repository.TraceFilter(
            agent=shortened(query.agent),
            agent_id=_as_id(query.agent),
            failed=None if query.status is None else query.status == "error",
            session=shortened(query.session),
            since_ns=None if query.since is None else _nanoseconds(query.since),
            until_ns=None if query.until is None else _nanoseconds(query.until),
            min_duration_ns=None if query.min_duration is None else int(query.min_duration * _NANOSECONDS),
            q=query.q,
        )
        rows = await self._database.read(
            # One more than asked for shows whether there is a next page.
            partial(repository.page, owner_id=owner_id, wanted=wanted, limit=query.limit + 1, before=before)
        )
        shown = rows[: query.limit]
        more = len(rows) > query.limit
        cursor = encode_cursor(f"{shown[-1].started_ns}.{shown[-1].trace_id}") if more else None
        return Page(items=[TraceSummary(**_summary(row)) for row in shown], next_cursor=cursor)

    async def find(self, owner_id: UUID, trace_id: str) -> Trace:
        """One of the owner's traces with all its spans.

        Raises:
            NotFoundError: the owner has none of this id.
        """
        if not _TRACE_ID.fullmatch(trace_id):
            raise NotFoundError
        return await self._database.read(partial(_find, owner_id=owner_id, trace_id=trace_id.lower()))


def _store(connection: Connection, owner_id: UUID, spans: Sequence[SpanRecord], rows: Sequence[_Row]) -> None:
    ids = {agent_id for span in spans for agent_id in _agent_ids(span)}
    names = {name for span in spans if (name := agent_name(span))}
    found = repository.agents_called(connection, owner_id, ids, names)
    by_id, by_name = {agent.id: agent for agent in found}, {agent.name: agent for agent in found}
    linked = [_linked(span, by_id, by_name) for span in spans]
    repository.store(connection, owner_id, list(zip(spans, linked, rows, strict=True)))


def _linked(span: SpanRecord, by_id: dict[UUID, LinkedAgent], by_name: dict[str, LinkedAgent]) -> LinkedAgent | None:
    for agent_id in _agent_ids(span):
        if agent_id in by_id:
            return by_id[agent_id]
    return by_name.get(agent_name(span) or "")


def _agent_ids(span: SpanRecord) -> Iterable[UUID]:
    """The ids that may be the agent's, the more specific first."""
    said = (span.attributes.get(conventions.AMS_AGENT_ID), span.resource.get(conventions.MAIN_AGENT_ID))
    return [agent_id for text in said if (agent_id := _as_id(text)) is not None]


def _as_id(text: object) -> UUID | None:
    try:
        return UUID(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _row(span: SpanRecord, resource: str) -> _Row:
    return {
        "span_id": span.span_id,
        "parent_span_id": span.parent_span_id,
        "name": span.name,
        "kind": span.kind,
        "status": span.status,
        "status_message": span.status_message,
        "started_ns": span.started_ns,
        "ended_ns": span.ended_ns,
        "scope_name": span.scope_name,
        "scope_version": span.scope_version,
        "attributes": _json(span.attributes),
        "events": _json(span.events) if span.events else "[]",
        "links": _json(span.links) if span.links else "[]",
        "resource": resource,
    }


def _json(value: object) -> str:
    return to_json(value).decode()


def _find(connection: Connection, owner_id: UUID, trace_id: str) -> Trace:
    found = repository.find(connection, owner_id, trace_id)
    if found is None:
        raise NotFoundError
    trace, rows = found
    return Trace(**_summary(trace), spans=[_span(trace_id, row) for row in rows])


def _summary(row: Row[Any]) -> dict[str, Any]:
    return {
        "trace_id": row.trace_id,
        "root_name": row.root_name,
        "agent": row.agent,
        "agent_id": row.agent_id,
        "session": row.session,
        "status": "ok" if row.error is None else "error",
        "started_at": _instant(row.started_ns),
        "duration_ns": row.duration_ns,
        "span_count": row.span_count,
        "error_count": row.error_count,
        "input_tokens": row.input_tokens,
        "output_tokens": row.output_tokens,
        "error": row.error,
    }


def _span(trace_id: str, row: Row[Any]) -> Span:
    events: list[dict[str, Any]] = from_json(row.events)
    links: list[dict[str, Any]] = from_json(row.links)
    return Span(
        trace_id=trace_id,
        span_id=row.span_id,
        parent_span_id=row.parent_span_id,
        name=row.name,
        kind=row.kind,
        status=row.status,
        status_message=row.status_message,
        started_at=_instant(row.started_ns),
        duration_ns=row.ended_ns - row.started_ns,
        attributes=from_json(row.attributes),
        events=[
            SpanEvent(name=event["name"], at=_instant(event["at_ns"]), attributes=event["attributes"])
            for event in events
        ],
        links=[SpanLink(**link) for link in links],
        scope_name=row.scope_name,
        scope_version=row.scope_version,
        resource=from_json(row.resource),
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
