"""Redis: one connection pool with hard deadlines, and its errors as the server's own."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from ams_reference_server.errors import MissingDriverError, SettingsError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Generator

    from redis.asyncio import Redis

__all__ = ["open_redis", "redis_errors_as_unavailable"]

_SECONDS: Final = 1  # to connect, and for an answer: a request waits no longer for a store that is close by
_CONNECTIONS: Final = 16


def open_redis(url: str) -> Redis:
    """A client; it connects when it is used, so a Redis that is down does not keep the server from starting.

    Args:
        url: ``redis://``, ``rediss://`` or ``unix://``.

    Raises:
        SettingsError: the URL is none that Redis understands.
        MissingDriverError: the driver is not installed.
    """
    try:
        from redis.asyncio import BlockingConnectionPool, Redis  # noqa: PLC0415 -- an extra
        from redis.asyncio.retry import Retry  # noqa: PLC0415
        from redis.backoff import NoBackoff  # noqa: PLC0415
    except ModuleNotFoundError:
        raise MissingDriverError(
            "AMS_REDIS_URL names Redis, which needs the extra 'redis', which is not installed. "
            "In the ams-sdk checkout run: python -m pip install '.[redis]'"
        ) from None
    try:
        pool = BlockingConnectionPool.from_url(  # pyright: ignore[reportUnknownMemberType]  # its **kwargs have no type
            url,
            max_connections=_CONNECTIONS,
            timeout=_SECONDS,
            socket_timeout=_SECONDS,
            socket_connect_timeout=_SECONDS,
            retry=Retry(NoBackoff(), 1),  # a connection that Redis closed in the meantime is made anew
        )
    except ValueError:
        raise SettingsError("AMS_REDIS_URL cannot be used: write redis://user:password@host:6379/0.") from None
    return Redis.from_pool(pool)


@contextmanager
def redis_errors_as_unavailable() -> Generator[None]:
    """What goes wrong with Redis inside is that the store does not answer."""
    from redis.exceptions import RedisError  # noqa: PLC0415 -- an extra

    try:
        yield
    except (RedisError, OSError) as error:
        raise UnavailableError from error
