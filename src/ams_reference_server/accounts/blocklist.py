"""Which access tokens were logged out, until they would have expired."""

from __future__ import annotations

import asyncio
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
    from ams_reference_server.security.tokens import AccessToken

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

    async def has(self, token: AccessToken) -> bool:
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
        await self._purge()

    async def ping(self) -> None:
        """See whether the table can be read."""
        await self._database.read_once(partial(repository.active_user, user_id=_NOBODY, token_id=""))

    async def revoke(self, token_id: str, expires_at: int) -> None:
        """Add the token, and forget those that have expired."""
        await self._database.write(partial(repository.revoke, token_id=token_id, expires_at=expires_at))
        await self._purge()

    async def has(self, token: AccessToken) -> bool:  # noqa: ARG002 -- the answer came with the account
        """Nothing that the account's statement did not say."""
        return False

    async def _purge(self) -> None:
        await self._database.write(partial(repository.purge_revoked, now=int(self._clock()) - _CLOCK_SKEW))


class RedisBlocklist:
    """One key a token, which Redis itself forgets.

    A Redis that lost its memory would say of every token that it was never logged out. So Redis also holds since when
    it has been remembering: a token from before is not accepted, and its owner logs in anew.

    Args:
        redis: the client.
        clock: seconds since the epoch.
    """

    _SINCE: Final = "ams:revoked:since"

    def __init__(self, redis: Redis, clock: Callable[[], float] = time.time) -> None:
        self._redis = redis
        self._clock = clock

    async def open(self) -> None:
        """Begin to remember, if Redis does not yet; the first tokens after that are accepted."""
        begun = await self._begin()
        await asyncio.sleep(max(0.0, begun - self._clock()))  # a token says its whole second only

    async def ping(self) -> None:
        """See whether Redis answers."""
        with redis_errors_as_unavailable():
            await self._redis.exists(self._SINCE)

    async def revoke(self, token_id: str, expires_at: int) -> None:
        """Set a key that ends with the token."""
        with redis_errors_as_unavailable():
            await self._redis.set(_key(token_id), "1", exat=expires_at + _CLOCK_SKEW)

    async def has(self, token: AccessToken) -> bool:
        """Whether the token is listed, or older than the list."""
        with redis_errors_as_unavailable():
            since, listed = await self._redis.mget(self._SINCE, _key(token.token_id))
        begun = int(since) if since is not None else await self._begin()
        return listed is not None or token.issued_at < begun

    async def _begin(self) -> int:
        with redis_errors_as_unavailable():
            # The second that is running may have seen tokens that were listed in what is lost.
            await self._redis.set(self._SINCE, int(self._clock()) + 1, nx=True)
            kept = await self._redis.get(self._SINCE)
        return int(kept) if kept is not None else int(self._clock()) + 1


def _key(token_id: str) -> str:
    return f"ams:revoked:{token_id}"
