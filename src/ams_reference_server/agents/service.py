"""What the registry does: an agent says what it is, and everyone reads what it said last."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from pydantic import Field

from ams_reference_server.agents import repository
from ams_reference_server.errors import NotFoundError
from ams_reference_server.paging import PageQuery, decode_cursor, encode_cursor, invalid_cursor
from ams_sdk.wire import AGENT_NAME_PATTERN, Agent, AgentStatus, Page

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from ams_reference_server.db import Database
    from ams_sdk.wire import AgentRegistration

__all__ = ["AgentQuery", "Agents"]

_NAME = re.compile(AGENT_NAME_PATTERN.replace("$", r"\Z"))  # Python's $ lets a line break through


class AgentQuery(PageQuery):
    """The query parameters of the list; ``q`` is part of a name or a description."""

    status: AgentStatus | None = None
    q: str | None = Field(default=None, max_length=200)


class Agents:
    """The agents in one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def register(self, owner_id: UUID, wanted: AgentRegistration) -> tuple[Agent, bool]:
        """Keep what an agent says about itself; the same again changes nothing.

        Labels belong to the agent: they change in place. Everything else belongs to its code: it makes a new revision.

        Returns:
            The agent, and whether it or its revision is new.
        """
        return await self._database.write(partial(_register, owner_id=owner_id, wanted=wanted))

    async def page(self, owner_id: UUID, query: AgentQuery) -> Page[Agent]:
        """One page of the owner's agents, by name.

        Raises:
            InvalidRequestError: the cursor is none of this list.
        """
        after = None if query.cursor is None else decode_cursor(query.cursor)
        if after is not None and not _NAME.match(after):
            raise invalid_cursor()
        found = await self._database.read(
            partial(
                repository.page,
                owner_id=owner_id,
                limit=query.limit + 1,  # one more shows whether there is a next page
                after=after,
                status=query.status,
                q=query.q,
            )
        )
        items = found[: query.limit]
        return Page(items=items, next_cursor=encode_cursor(items[-1].name) if len(found) > query.limit else None)

    async def find(self, owner_id: UUID, id_or_name: str) -> Agent:
        """One of the owner's agents.

        Raises:
            NotFoundError: the owner has none of this id or name.
        """
        if not _NAME.match(id_or_name):
            raise NotFoundError
        agent = await self._database.read(
            partial(repository.find, owner_id=owner_id, name=id_or_name, agent_id=_as_id(id_or_name))
        )
        if agent is None:
            raise NotFoundError
        return agent


def _register(connection: Connection, owner_id: UUID, wanted: AgentRegistration) -> tuple[Agent, bool]:
    now = datetime.now(UTC)
    fresh = {
        "id": uuid4(),
        "owner_id": owner_id,
        "name": wanted.name,
        "description": wanted.description,
        "status": "active",
        "labels": wanted.labels,
        "created_at": now,
        "updated_at": now,
    }
    repository.add_if_new(connection, fresh)
    agent_id, number, digest = repository.latest_digest(connection, owner_id, wanted.name)
    content = wanted.model_dump(mode="json", exclude={"name", "labels"})
    wanted_digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    is_new = digest != wanted_digest
    if is_new:
        revision = {"agent_id": agent_id, "number": number + 1, "digest": wanted_digest, "created_at": now}
        repository.add_revision(connection, revision | content)
    agent = repository.find(connection, owner_id, name=wanted.name, agent_id=agent_id)
    assert agent is not None  # noqa: S101 -- it was added above, in this transaction
    changes = {"labels": wanted.labels, "description": wanted.description}
    if not is_new and changes == {"labels": agent.labels, "description": agent.description}:
        return agent, False
    repository.change_agent(connection, agent_id, changes | {"updated_at": now})
    return agent.model_copy(update=changes | {"updated_at": now}), is_new


def _as_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
