"""A decorated agent becomes a record on the platform, at its first run and in the background."""

from __future__ import annotations

import math
import threading
import time
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

from ams_sdk._background import importing

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType

    from ams_sdk._client import Client
    from ams_sdk._decorators import AgentDefinition

__all__ = ["Registrar"]

_Key = tuple[str, str, "CodeType | None"]

_PAUSE: Final = 30.0
"""Seconds after a failed registration before a run tries again."""


class Registrar:
    """Registers each agent once, and knows the ids that the platform gave.

    Args:
        open_client: makes a client of the platform with a credential; called in the background, since it imports much.
        submit: runs a job in the background.
    """

    def __init__(self, open_client: Callable[[], Client], submit: Callable[[Callable[[], None]], None]) -> None:
        self._open_client = open_client
        self._client: Client | None = None
        self._submit = submit
        # An agent that is defined inside a function is decorated anew at each call of that function: one key for all
        # of them, and nothing here keeps one of them, or what it closes over, alive.
        self._known: WeakKeyDictionary[AgentDefinition, str] = WeakKeyDictionary()
        self._ids: dict[_Key, str] = {}
        self._next_try: dict[_Key, float] = {}
        self._lock = threading.RLock()

    def agent_started(self, agent: AgentDefinition) -> str | None:
        """The agent's id, or None while the platform has not answered; the first run of an agent asks it."""
        known = self._known.get(agent)
        return known if known is not None else self._ask_for(agent)

    def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            self._client.close()

    def after_fork(self) -> None:
        """Begin anew in the child of a fork: what the parent was asking about nobody here will answer."""
        self._lock = threading.RLock()
        self._next_try = {}

    def registered(self) -> dict[str, str]:
        """The ids by the agents' names."""
        return {key[0]: agent_id for key, agent_id in self._ids.copy().items()}

    def _ask_for(self, agent: AgentDefinition) -> str | None:
        key = (agent.name, agent.version, agent.code)
        with self._lock:
            if key in self._ids:
                self._known[agent] = self._ids[key]
                return self._ids[key]
            if time.monotonic() < self._next_try.get(key, 0.0):
                return None
            self._next_try[key] = math.inf  # asked; nobody else asks until this has failed
        self._submit(lambda: self._register(agent, key))
        return None

    def _register(self, agent: AgentDefinition, key: _Key) -> None:
        try:
            with importing:
                from ams_sdk._registration import registration_of  # noqa: PLC0415 -- heavy; this runs in the background

                self._client = client = self._client or self._open_client()
            self._ids[key] = str(client.agents.register(registration_of(agent)).id)
        except BaseException:
            self._next_try[key] = time.monotonic() + _PAUSE
            raise
