"""Agents and their revisions in the database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, Select, and_, func, insert, or_, select, update

from ams_reference_server.db import insert_new
from ams_reference_server.models import agent_revisions, agents
from ams_sdk.wire import Agent, AgentRevision

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import Row

__all__ = ["add_if_new", "add_revision", "change_agent", "find", "latest_digest", "page"]

_REVISION = tuple(
    column.label(f"revision_{column.name}")
    for column in agent_revisions.c
    if column.name not in {"agent_id", "digest", "description"}
)


def add_if_new(connection: Connection, row: dict[str, Any]) -> None:
    """Add an agent, unless its owner has one of this name; then wait until nobody else changes that one."""
    insert_new(connection, agents, [row])
    connection.execute(
        select(agents.c.id).where(agents.c.owner_id == row["owner_id"], agents.c.name == row["name"]).with_for_update()
    )


def latest_digest(connection: Connection, owner_id: UUID, name: str) -> tuple[UUID, int, str | None]:
    """The agent's id, and the number and digest of its newest revision; 0 and None while it has none."""
    row = connection.execute(
        select(agents.c.id, func.coalesce(agent_revisions.c.number, 0), agent_revisions.c.digest)
        .outerjoin_from(agents, agent_revisions, agent_revisions.c.agent_id == agents.c.id)
        .where(agents.c.owner_id == owner_id, agents.c.name == name)
        .order_by(func.coalesce(agent_revisions.c.number, 0).desc())
        .limit(1)
    ).one()
    return row[0], row[1], row[2]


def add_revision(connection: Connection, row: dict[str, Any]) -> None:
    """Keep a new revision; none is ever changed."""
    connection.execute(insert(agent_revisions).values(row))


def change_agent(connection: Connection, agent_id: UUID, values: dict[str, Any]) -> None:
    """Change what belongs to the agent and not to a revision."""
    connection.execute(update(agents).where(agents.c.id == agent_id).values(values))


def find(connection: Connection, owner_id: UUID, *, name: str, agent_id: UUID | None) -> Agent | None:
    """The owner's agent of this id or of this name; the id wins, since a name may look like one."""
    query = _with_newest_revision(owner_id).where(or_(agents.c.id == agent_id, agents.c.name == name))
    rows = connection.execute(query).all()
    found = sorted((_agent(row) for row in rows), key=lambda agent: agent.id != agent_id)
    return found[0] if found else None


def page(  # noqa: PLR0913 -- the filters of the list, keyword-only
    connection: Connection,
    owner_id: UUID,
    *,
    limit: int,
    after: str | None,
    status: str | None,
    q: str | None,
) -> list[Agent]:
    """The owner's agents by name, at most ``limit``, behind the name ``after``."""
    conditions: list[ColumnElement[bool]] = []
    if after is not None:
        conditions.append(agents.c.name > after)
    if status is not None:
        conditions.append(agents.c.status == status)
    if q is not None:
        matches = (column.icontains(q, autoescape=True) for column in (agents.c.name, agents.c.description))
        conditions.append(or_(*matches))
    query = _with_newest_revision(owner_id).where(*conditions).order_by(agents.c.name).limit(limit)
    return [_agent(row) for row in connection.execute(query)]


def _with_newest_revision(owner_id: UUID) -> Select[Any]:
    newest = (
        select(func.max(agent_revisions.c.number))
        .where(agent_revisions.c.agent_id == agents.c.id)
        .correlate(agents)
        .scalar_subquery()
    )
    joined = and_(agent_revisions.c.agent_id == agents.c.id, agent_revisions.c.number == newest)
    return select(agents, *_REVISION).join_from(agents, agent_revisions, joined).where(agents.c.owner_id == owner_id)


def _agent(row: Row[Any]) -> Agent:
    columns = dict(row._mapping)  # noqa: SLF001 -- SQLAlchemy's public way to a row by name
    revision = {
        name.removeprefix("revision_"): value for name, value in columns.items() if name.startswith("revision_")
    }
    return Agent.model_validate(columns | {"revision": AgentRevision.model_validate(revision)})
