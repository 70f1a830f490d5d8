"""The platform's calls for asyncio programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import httpx

from ams_sdk._background import untraced
from ams_sdk._client import calls, exchange
from ams_sdk._client.results import result_of
from ams_sdk._client.stand_in import stand_in
from ams_sdk._connection import resolve

if TYPE_CHECKING:
    from datetime import datetime
    from types import TracebackType
    from typing import Self
    from uuid import UUID

    from ams_sdk._client.calls import Call
    from ams_sdk._connection import Connection
    from ams_sdk.wire import (
        Agent,
        AgentRegistration,
        AgentStatus,
        ApiKey,
        NewApiKey,
        Page,
        Token,
        Trace,
        TraceStatus,
        TraceSummary,
        User,
    )

__all__ = ["AsyncClient"]

T = TypeVar("T")


class _Channel:
    """One connection and the HTTP client that serves it."""

    def __init__(self, connection: Connection, http: httpx.AsyncClient) -> None:
        self.connection = connection
        self.http = http

    async def send(self, call: Call[T]) -> T:
        """Send a call and return what it is after."""
        headers = exchange.headers_of(call, self.connection)
        with untraced(), exchange.receiving(self.connection.endpoint):
            async with self.http.stream(
                call.method, call.path, params=call.params or None, content=call.body, headers=headers
            ) as response:
                reply = exchange.Reply(response, self.connection.endpoint)
                async for chunk in response.aiter_bytes():
                    reply.add(chunk)
        return result_of(call, reply)


class AsyncClient:
    """A client of the platform whose calls are awaited.

    Arguments, credentials and errors are those of ``Client``; one client belongs to one event loop.
    """

    def __init__(
        self,
        *,
        endpoint: str | None = None,
        api_key: str | None = None,
        timeout: float = 10.0,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        connection = resolve(endpoint=endpoint, api_key=api_key)
        with exchange.setting_up():
            transport = transport or stand_in.for_asynchronous(connection)
            http = httpx.AsyncClient(transport=transport, **exchange.options(connection, timeout))
        self._channel = _Channel(connection, http)
        self.auth: AsyncAuth = AsyncAuth(self._channel)
        self.users: AsyncUsers = AsyncUsers(self._channel)
        self.keys: AsyncKeys = AsyncKeys(self._channel)
        self.agents: AsyncAgents = AsyncAgents(self._channel)
        self.traces: AsyncTraces = AsyncTraces(self._channel)

    @property
    def endpoint(self) -> str:
        """The platform's address that this client talks to."""
        return self._channel.connection.endpoint

    def __repr__(self) -> str:
        return f"AsyncClient(endpoint={self.endpoint!r})"

    async def aclose(self) -> None:
        """Close the connections; the client cannot be used afterwards."""
        await self._channel.http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


class AsyncAuth:
    """Accounts and logins."""

    def __init__(self, channel: _Channel) -> None:
        self._channel = channel

    async def register(self, *, email: str, password: str, name: str | None = None) -> User:
        """Create an account.

        ``ConflictError`` if the address has one already; ``InvalidRequestError`` names each broken rule.
        """
        return await self._channel.send(calls.register(email, password, name))

    async def login(self, *, email: str, password: str) -> Token:
        """Log in; this client uses the token from then on, and nothing is written to disk."""
        token = await self._channel.send(calls.login(email, password))
        self._channel.connection.use(token.access_token)
        return token

    async def logout(self) -> None:
        """Revoke the token that this client uses; it has none afterwards."""
        await self._channel.send(calls.logout())
        self._channel.connection.use(None)


class AsyncUsers:
    """Profiles."""

    def __init__(self, channel: _Channel) -> None:
        self._channel = channel

    async def me(self) -> User:
        """Return the profile that the credential belongs to."""
        return await self._channel.send(calls.me())


class AsyncKeys:
    """API keys: credentials for agents that run longer than a login."""

    def __init__(self, channel: _Channel) -> None:
        self._channel = channel

    async def create(self, name: str, *, expires_at: datetime | None = None) -> NewApiKey:
        """Make a key; its ``key`` is shown this once.

        Args:
            name: what it is for, to know it again.
            expires_at: when it ends, an aware time; None for never.
        """
        return await self._channel.send(calls.create_key(name, expires_at))

    async def list(self, *, limit: int | None = None, cursor: str | None = None) -> Page[ApiKey]:
        """List one's keys, newest first; ``cursor`` is the ``next_cursor`` of the page before."""
        return await self._channel.send(calls.list_keys(limit=limit, cursor=cursor))

    async def delete(self, key_id: UUID | str) -> None:
        """Make a key useless at once; ``NotFoundError`` if there is none, or it is somebody else's."""
        await self._channel.send(calls.delete_key(key_id))


class AsyncAgents:
    """The agent registry."""

    def __init__(self, channel: _Channel) -> None:
        self._channel = channel

    async def register(self, registration: AgentRegistration) -> Agent:
        """Register an agent, or a new revision of it; saying the same twice changes nothing."""
        return await self._channel.send(calls.register_agent(registration))

    async def list(
        self,
        *,
        status: AgentStatus | None = None,
        q: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Page[Agent]:
        """List one's agents: ``q`` is a text to look for, ``cursor`` the ``next_cursor`` of the page before."""
        return await self._channel.send(calls.list_agents(status=status, q=q, limit=limit, cursor=cursor))

    async def get(self, id_or_name: UUID | str) -> Agent:
        """Return one agent; ``NotFoundError`` if there is none, or it is somebody else's."""
        return await self._channel.send(calls.get_agent(id_or_name))


class AsyncTraces:
    """Traces, as they were stored."""

    def __init__(self, channel: _Channel) -> None:
        self._channel = channel

    async def list(  # noqa: PLR0913 -- the filters of the contract, keyword-only
        self,
        *,
        agent: str | None = None,
        status: TraceStatus | None = None,
        session: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        min_duration: float | None = None,
        q: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Page[TraceSummary]:
        """List one's traces, newest first.

        Attributes:
            auth: ``register``, ``login``, ``logout``.
            users: ``me``.
            agents: ``register``, ``list``, ``get``.
            traces: ``list``, ``get``.

        Example::

            async with ams_sdk.AsyncClient() as client:
                for trace in (await client.traces.list(agent="researcher", status="error")).items:
                    print(trace.trace_id, trace.error)

        Args:
                agent: an agent's name or id.
                status: only traces that ended so.
                session: a conversation's id.
                since: only traces that started then or later, an aware time.
                until: only traces that started before, an aware time.
                min_duration: only traces that took at least so many seconds.
                q: a text to look for.
                limit: the most traces on this page.
                cursor: the ``next_cursor`` of the page before.
        """
        return await self._channel.send(
            calls.list_traces(
                agent=agent,
                status=status,
                session=session,
                since=since,
                until=until,
                min_duration=min_duration,
                q=q,
                limit=limit,
                cursor=cursor,
            )
        )

    async def get(self, trace_id: str) -> Trace:
        """Return one trace with all its spans; ``NotFoundError`` if there is none, or it is somebody else's."""
        return await self._channel.send(calls.get_trace(trace_id))
