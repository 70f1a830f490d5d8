"""Where attempts are counted, in the shape that the library ``limits`` asks of a store: the database, or Redis."""

from __future__ import annotations

import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final

from limits.aio.storage import RedisStorage, Storage
from sqlalchemy import Connection, case, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from ams_reference_server.errors import UnavailableError
from ams_reference_server.models import attempt_counts

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis.asyncio import Redis

    from ams_reference_server.db import Database

__all__ = ["DatabaseCounts", "redis_counts"]

_PURGE_EVERY: Final = 60  # seconds

_counts = attempt_counts.c


class DatabaseCounts(Storage):
    """Fixed windows, shared by every process on one database; a window begins with its first attempt.

    Args:
        database: where the counts are kept.
        clock: seconds since the epoch.
    """

    STORAGE_SCHEME = None

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        super().__init__()
        self._database = database
        self._clock = clock
        self._purge_at = 0.0

    @property
    def base_exceptions(self) -> type[Exception]:
        """What a store that does not answer raises."""
        return UnavailableError

    async def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count in the present window, or begin one of ``expiry`` seconds; the new count."""
        now = self._clock()
        counted = await self._database.write(
            partial(_count, key=key, amount=amount, now=now, expires_at=now + expiry),
        )
        if now >= self._purge_at:
            self._purge_at = now + _PURGE_EVERY
            with suppress(UnavailableError):  # what is left over is purged the next time
                await self._database.write(partial(_purge, now=now))
        return counted

    async def get(self, key: str) -> int:
        """The count in the present window."""
        found = await self._database.read(partial(_window, key=key))
        return found[0] if found is not None and found[1] > self._clock() else 0

    async def get_expiry(self, key: str) -> float:
        """When the present window ends, in seconds since the epoch."""
        found = await self._database.read(partial(_window, key=key))
        return max(found[1], self._clock()) if found is not None else self._clock()

    async def check(self) -> bool:
        """Whether the store answers."""
        await self.get("")
        return True

    async def reset(self) -> int:
        """Forget everything; how much that was."""
        return await self._database.write(lambda connection: connection.execute(delete(attempt_counts)).rowcount)

    async def clear(self, key: str) -> None:
        """Forget one count."""
        await self._database.write(
            lambda connection: connection.execute(delete(attempt_counts).where(_counts.key == key)),
        )


def redis_counts(redis: Redis) -> Storage:
    """Fixed windows in Redis, which forgets them itself."""
    return RedisStorage(
        "async+redis://",  # where it is, the pool knows
        implementation="redispy",
        wrap_exceptions=True,
        key_prefix="ams:attempts",
        connection_pool=redis.connection_pool,  # type: ignore[arg-type]  # the library's type leaves its own option out
    )


def _window(connection: Connection, key: str) -> tuple[int, float] | None:
    row = connection.execute(select(_counts.count, _counts.expires_at).where(_counts.key == key)).first()
    return None if row is None else (row[0], row[1])


def _purge(connection: Connection, now: float) -> None:
    # In a transaction of its own: together with counting, two of them could each hold the row that the other wants.
    connection.execute(delete(attempt_counts).where(_counts.expires_at <= now))


def _count(connection: Connection, key: str, amount: int, now: float, expires_at: float) -> int:
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    is_over = _counts.expires_at <= now
    counted = (
        insert(attempt_counts)
        .values(key=key, count=amount, expires_at=expires_at)
        .on_conflict_do_update(
            index_elements=[_counts.key],
            set_={
                "count": case((is_over, amount), else_=_counts.count + amount),
                "expires_at": case((is_over, expires_at), else_=_counts.expires_at),
            },
        )
        .returning(_counts.count)
    )
    count: int = connection.execute(counted).scalar_one()
    return count
