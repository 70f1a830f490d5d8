"""Which access tokens were logged out, until they would have expired."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol
from uuid import UUID

from ams_reference_server.accounts import repository
from ams_reference_server.redis_store import redis_errors_as_unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis.asyncio import Redis

    from ams_reference_server.db import Database

__all__ = ["Blocklist", "DatabaseBlocklist", "RedisBlocklist"]

_NOBODY: Final = UUID(int=0)
_CLOCK_SKEW: Final = 60  # seconds that another process's clock may be behind: to it the token has not expired yet


class Blocklist(Protocol):
    """Where logged-out tokens are kept."""

    async def open(self) -> None:
        """Get ready; forget what has expired."""
        ...

    async def ping(self) -> None:
        """See whether the store answers.

        Raises:
            UnavailableError: it does not.
        """
        ...

    async def revoke(self, token_id: str, expires_at: int) -> None:
        """Keep a token from being used again; when this returns, no process takes it any more.

        Raises:
            UnavailableError: the store does not answer; the token may still be good.
        """
        ...

    async def has(self, token_id: str) -> bool:
        """Whether the token was logged out.

        Raises:
            UnavailableError: the store does not answer, so nobody knows.
        """
        ...


class DatabaseBlocklist:
    """A table, which every request asks in one statement with the account (``repository.active_user``).

    Args:
        database: where the table is.
        clock: seconds since the epoch.
    """

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    async def open(self) -> None:
        """Forget what has expired."""
        await self._database.write(partial(repository.purge_revoked, now=int(self._clock()) - _CLOCK_SKEW))

    async def ping(self) -> None:
        """See whether the table can be read."""
        await self._database.read_once(partial(repository.active_user, user_id=_NOBODY, token_id=""))

    async def revoke(self, token_id: str, expires_at: int) -> None:
        """Add the token, and forget those that have expired."""
        await self._database.write(partial(repository.revoke, token_id=token_id, expires_at=expires_at))
        await self.open()

    async def has(self, token_id: str) -> bool:  # noqa: ARG002 -- the answer came with the account
        """Nothing that the account's statement did not say."""
        return False


class RedisBlocklist:
    """The table, and besides one key a token in Redis, which is asked first and forgets by itself.

    Redis says at once what a database with copies that lag behind says later. The table is what lasts: a Redis that was
    emptied, or came back with an older state, lets nobody in.

    Args:
        redis: the client.
        table: what lasts.
    """

    def __init__(self, redis: Redis, table: DatabaseBlocklist) -> None:
        self._redis = redis
        self._table = table

    async def open(self) -> None:
        """Forget what has expired."""
        await self._table.open()

    async def ping(self) -> None:
        """See whether Redis takes keys."""
        with redis_errors_as_unavailable():
            await self._redis.set("ams:revoked:ping", "1", ex=_CLOCK_SKEW)

    async def revoke(self, token_id: str, expires_at: int) -> None:
        """Add the token to both; Redis drops it once it has expired."""
        await self._table.revoke(token_id, expires_at)
        with redis_errors_as_unavailable():
            await self._redis.set(_key(token_id), "1", exat=expires_at + _CLOCK_SKEW)

    async def has(self, token_id: str) -> bool:
        """Whether Redis lists the token; the table is asked with the account."""
        with redis_errors_as_unavailable():
            return bool(await self._redis.exists(_key(token_id)))


def _key(token_id: str) -> str:
    return f"ams:revoked:{token_id}"
