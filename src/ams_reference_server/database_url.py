"""``AMS_DATABASE_URL``: which database, and how long a connection to it may stay silent."""

from __future__ import annotations

from urllib.parse import unquote

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from ams_reference_server.errors import SettingsError

__all__ = ["postgresql_limits", "read_database_url"]


def read_database_url(text: str) -> URL:
    """The URL with the driver that is used here.

    Raises:
        SettingsError: it is none that the server understands.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):  # the latter for a port that is no number
        raise SettingsError(
            "AMS_DATABASE_URL cannot be used: write sqlite:////path/to/file.db or postgresql://user:password@host/name."
        ) from None
    if url.drivername in {"postgresql", "postgresql+psycopg"}:
        return url.set(drivername="postgresql+psycopg")
    if url.drivername not in {"sqlite", "sqlite+pysqlite"}:
        raise SettingsError(
            f"AMS_DATABASE_URL cannot be used: '{url.drivername}' is neither sqlite nor postgresql, which are known."
        )
    # SQLAlchemy undoes the quoting of a path from 2.1 on only.
    url = url.set(database=unquote(text.partition(":///")[2].partition("?")[0]))
    if not url.database or url.database.startswith((":memory:", "file:")):
        raise SettingsError(
            "AMS_DATABASE_URL cannot be used: name a file, sqlite:////path/to/file.db; nothing is kept in memory only."
        )
    return url


def postgresql_limits(url: URL, lock_milliseconds: int, statement_seconds: int) -> dict[str, str | int]:
    """Connection parameters that keep a PostgreSQL which has stopped from being waited for without an end.

    What the URL says itself wins, but for the time zone (libpq, "Parameter Key Words").
    """
    limits: dict[str, str | int] = {
        "connect_timeout": 5,  # seconds
        "keepalives": 1,
        "keepalives_idle": 10,  # seconds
        "keepalives_interval": 5,  # seconds
        "keepalives_count": 3,
        "tcp_user_timeout": 15_000,  # milliseconds
    }
    said = url.query.get("options", ())
    options = [
        f"-c lock_timeout={lock_milliseconds} -c statement_timeout={statement_seconds * 1000}",
        *([said] if isinstance(said, str) else said),
        "-c timezone=UTC",  # elsewhere the last day that there is would become one that Python does not know
    ]
    return {name: value for name, value in limits.items() if name not in url.query} | {"options": " ".join(options)}
