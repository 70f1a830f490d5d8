"""The platform's calls for programs that block."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from ams_sdk._client import calls, exchange
from ams_sdk._client.blocking import BlockingHTTP
from ams_sdk._client.results import result_of
from ams_sdk._connection import resolve

if TYPE_CHECKING:
    from datetime import datetime
    from types import TracebackType
    from typing import Self
    from uuid import UUID

    import httpx

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

__all__ = ["Client"]

T = TypeVar("T")


class _Channel:
    """One connection and the HTTP client that serves it."""

    def __init__(self, connection: Connection, http: BlockingHTTP) -> None:
        self.connection = connection
        self.http = http

    def send(self, call: Call[T]) -> T:
        """Send a call and return what it is after."""
        headers = exchange.headers_of(call, self.connection)
        reply = self.http.request(
            call.method, call.path, params=call.params or None, content=call.body, headers=headers
        )
        return result_of(call, reply)


class Client:
    """A client of the platform; one may serve many threads.

    The endpoint is the argument, ``AMS_ENDPOINT``, that of the last ``ams login``, or the reference server's; the
    credential is the argument, ``AMS_API_KEY``, or the login that ``ams login`` saved for this very endpoint.

    Attributes:
        auth: ``register``, ``login``, ``logout``.
        users: ``me``.
        keys: ``create``, ``list``, ``delete``.
        agents: ``register``, ``list``, ``get``.
        traces: ``list``, ``get``.

    Example::

        with ams_sdk.Client() as client:
            for trace in (client.traces.list(agent="researcher", status="error")).items:
                print(trace.trace_id, trace.error)

    Args:
        endpoint: the platform's address, without a path of its API.
        api_key: an API key or access token, sent as a bearer.
        timeout: seconds to wait for a connection, and for each piece of an answer.
        transport: an httpx transport to use instead of the network.

    Raises:
        ConfigurationError: an argument or a variable of the environment cannot be used.
        StateFolderError: the saved login is needed and cannot be read.

    Every call raises ``PlatformUnreachableError`` if nothing answers, ``PlatformTimeoutError`` if it takes too long,
    ``ProtocolError`` if something answers that is no platform, and the ``APIError`` that fits if the platform refuses.
    Calls that need a credential raise ``NotLoggedInError`` or ``LoginExpiredError`` before anything is sent.
    """

    def __init__(
        self,
        *,
        endpoint: str | None = None,
        api_key: str | None = None,
        timeout: float = 10.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        connection = resolve(endpoint=endpoint, api_key=api_key)
        self._channel = _Channel(connection, BlockingHTTP(connection, timeout, transport))
        self.auth: Auth = Auth(self._channel)
        self.users: Users = Users(self._channel)
        self.keys: Keys = Keys(self._channel)
        self.agents: Agents = Agents(self._channel)
        self.traces: Traces = Traces(self._channel)

    @property
    def endpoint(self) -> str:
        """The platform's address that this client talks to."""
        return self._channel.connection.endpoint

    def __repr__(self) -> str:
        return f"Client(endpoint={self.endpoint!r})"

    def close(self) -> None:
        """Close the connections; the client cannot be used afterwards."""
        self._channel.http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Auth:
    """Accounts and logins."""

    def __init__(self, channel: _Channel) -> None:
        self._channel = channel

    def register(self, *, email: str, password: str, name: str | None = None) -> User:
        """Create an account.

        ``ConflictError`` if the address has one already; ``InvalidRequestError`` names each broken rule.
        """
        return self._channel.send(calls.register(email, password, name))

    def login(self, *, email: str, password: str) -> Token:
        """Log in; this client uses the token from then on, and nothing is written to disk."""
        token = self._channel.send(calls.login(email, password))
        self._channel.connection.use(token.access_token)
        return token

    def logout(self) -> None:
        """Revoke the token that this client uses; it has none afterwards."""
        self._channel.send(calls.logout())
        self._channel.connection.use(None)


class Users:
    """Profiles."""

    def __init__(self, channel: _Channel) -> None:
        self._channel = channel

    def me(self) -> User:
        """Return the profile that the credential belongs to."""
        return self._channel.send(calls.me())


class Keys:
    """API keys: credentials for agents that run longer than a login."""

    def __init__(self, channel: _Channel) -> None:
        self._channel = channel

    def create(self, name: str, *, expires_at: datetime | None = None) -> NewApiKey:
        """Make a key; its ``key`` is shown this once.

        Args:
            name: what it is for, to know it again.
            expires_at: when it ends, an aware time; None for never.
        """
        return self._channel.send(calls.create_key(name, expires_at))

    def list(self, *, limit: int | None = None, cursor: str | None = None) -> Page[ApiKey]:
        """List one's keys, newest first; ``cursor`` is the ``next_cursor`` of the page before."""
        return self._channel.send(calls.list_keys(limit=limit, cursor=cursor))

    def delete(self, key_id: UUID | str) -> None:
        """Make a key useless at once; ``NotFoundError`` if there is none, or it is somebody else's."""
        self._channel.send(calls.delete_key(key_id))


class Agents:
    """The agent registry."""

    def __init__(self, channel: _Channel) -> None:
        self._channel = channel

    def register(self, registration: AgentRegistration) -> Agent:
        """Register an agent, or a new revision of it; saying the same twice changes nothing."""
        return self._channel.send(calls.register_agent(registration))

    def list(
        self,
        *,
        status: AgentStatus | None = None,
        q: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Page[Agent]:
        """List one's agents: ``q`` is a text to look for, ``cursor`` the ``next_cursor`` of the page before."""
        return self._channel.send(calls.list_agents(status=status, q=q, limit=limit, cursor=cursor))

    def get(self, id_or_name: UUID | str) -> Agent:
        """Return one agent; ``NotFoundError`` if there is none, or it is somebody else's."""
        return self._channel.send(calls.get_agent(id_or_name))


class Traces:
    """Traces, as they were stored."""

    def __init__(self, channel: _Channel) -> None:
        self._channel = channel

    def list(  # noqa: PLR0913 -- the filters of the contract, keyword-only
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
        return self._channel.send(
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

    def get(self, trace_id: str) -> Trace:
        """Return one trace with all its spans; ``NotFoundError`` if there is none, or it is somebody else's."""
        return self._channel.send(calls.get_trace(trace_id))
