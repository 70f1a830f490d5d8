"""The agent registry: the calls under ``/api/agents``."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4

from pydantic import Field

from ams_sdk.testing._platform.paging import PageQuery, decode_cursor, encode_cursor, invalid_cursor
from ams_sdk.testing._platform.refusals import Refusal
from ams_sdk.wire import AGENT_NAME_PATTERN, Agent, AgentRevision, AgentStatus, Page

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator
    from datetime import datetime

    from ams_sdk.wire import AgentRegistration

__all__ = ["AgentQuery", "AgentRegistry", "as_id"]

_NAME: Final = re.compile(AGENT_NAME_PATTERN.replace("$", r"\Z"))  # Python's $ lets a line break through


class AgentQuery(PageQuery):
    """The query parameters of the list; ``q`` is part of a name or a description."""

    status: AgentStatus | None = None
    q: str | None = Field(default=None, max_length=200)


@dataclass(frozen=True, slots=True)
class _Kept:
    agent: Agent
    content: str


class AgentRegistry:
    """The agents of all accounts.

    Args:
        lock: held while they are read or changed.
    """

    def __init__(self, lock: threading.RLock) -> None:
        self._lock = lock
        self._kept: dict[tuple[UUID, str], _Kept] = {}
        self._by_id: dict[tuple[UUID, UUID], str] = {}

    def register(self, owner_id: UUID, wanted: AgentRegistration, now: datetime) -> tuple[Agent, bool]:
        """Keep what an agent says about itself, and whether it or its revision is new.

        Labels belong to the agent: they change in place. Everything else belongs to its code: it makes a new revision.
        """
        said = wanted.model_dump(mode="json", exclude={"name", "labels"})
        content = json.dumps(said, sort_keys=True)
        of_agent = {"labels": wanted.labels, "description": wanted.description}
        with self._lock:
            known = self._kept.get((owner_id, wanted.name))
            if known is None:
                first = AgentRevision(**said, number=1, created_at=now)
                agent = Agent(
                    id=uuid4(),
                    name=wanted.name,
                    status="active",
                    created_at=now,
                    updated_at=now,
                    revision=first,
                    labels=wanted.labels,
                    description=wanted.description,
                )
                self._by_id[owner_id, agent.id] = wanted.name
            elif known.content != content:
                revision = AgentRevision(**said, number=known.agent.revision.number + 1, created_at=now)
                agent = known.agent.model_copy(update=of_agent | {"revision": revision, "updated_at": now})
            elif known.agent.labels != wanted.labels:
                agent = known.agent.model_copy(update=of_agent | {"updated_at": now})
            else:
                return known.agent, False
            self._kept[owner_id, wanted.name] = _Kept(agent, content)
            return agent, known is None or known.content != content

    def page(self, owner_id: UUID, query: AgentQuery) -> Page[Agent]:
        """A page of an account's agents, by name.

        Raises:
            Refusal: 422, the cursor is none of this list.
        """
        after = None if query.cursor is None else decode_cursor(query.cursor)
        if after is not None and not _NAME.match(after):
            raise invalid_cursor()
        found = [
            agent
            for agent in sorted(self.of(owner_id), key=lambda agent: agent.name)
            if (after is None or agent.name > after)
            and (query.status is None or agent.status == query.status)
            and (query.q is None or _mentions(agent, query.q.lower()))
        ]
        items = found[: query.limit]
        return Page(items=items, next_cursor=encode_cursor(items[-1].name) if len(found) > query.limit else None)

    def find(self, owner_id: UUID, id_or_name: str) -> Agent:
        """One of an account's agents; the id wins, since a name may look like one.

        Raises:
            Refusal: 404.
        """
        name = id_or_name if _NAME.match(id_or_name) else ""
        with self._lock:
            by_id = self._by_id.get((owner_id, agent_id)) if name and (agent_id := as_id(name)) else None
            known = self._kept.get((owner_id, by_id or name))
        if known is None:
            raise Refusal("not_found")
        return known.agent

    def of(self, owner_id: UUID) -> list[Agent]:
        """An account's agents, in the order in which they were registered first."""
        with self._lock:
            return [kept.agent for (owner, _), kept in self._kept.items() if owner == owner_id]

    def __iter__(self) -> Iterator[Agent]:
        with self._lock:
            return iter([kept.agent for kept in self._kept.values()])


def as_id(text: object) -> UUID | None:
    """The id that a text is, if it is one."""
    try:
        return UUID(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _mentions(agent: Agent, text: str) -> bool:
    return text in agent.name.lower() or text in (agent.description or "").lower()
