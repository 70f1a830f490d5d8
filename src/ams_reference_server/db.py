"""The database: a synchronous engine, driven from the event loop through worker threads of its own.

What differs between SQLite and PostgreSQL stands here and nowhere else. A function that is handed to ``read`` or
``write`` gets a connection inside one transaction, which ends with the function.
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import contextmanager
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import anyio
import anyio.to_thread
from anyio import CapacityLimiter
from pydantic_core import from_json
from pydantic_core import to_json as encode_json
from sqlalchemy import Connection, Table, create_engine, event, func, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects import sqlite as sqlite_dialect
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import NullPool

from ams_reference_server import schema
from ams_reference_server.database_url import postgresql_limits, read_database_url
from ams_reference_server.errors import (
    InvalidTokenError,
    MissingDriverError,
    StoreUnusableError,
    UnavailableError,
)
from ams_reference_server.readers import Readers
from ams_reference_server.state_folder import make_folder, unusable

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

__all__ = ["Database", "insert_new"]

# Python holds one lock for all threads: more of them on SQLite only wait for each other.
_READERS: Final = 4
_SINGLE_READERS: Final = 2  # one more than runs at once: a read that waits for the disk must not stop all
_POSTGRESQL_WRITERS: Final = 8
_BUSY_MILLISECONDS: Final = 5_000  # for a turn to read or to write
_POOL_SECONDS: Final = 5
_READ_SECONDS: Final = 10
_WRITE_SECONDS: Final = 30
# SQLSTATEs that speak of the statement and mean the store: a missing table, column or schema, a right, read-only.
_STORE_STATES: Final = frozenset({"42P01", "42703", "3F000", "42501", "25006"})
_MIGRATION_SECONDS: Final = 60
_MIGRATION_LOCK: Final = 0x616D73  # any number that every process of this server agrees on
_OWNER_ONLY: Final = 0o600

T = TypeVar("T")


class Database:
    """One database, by URL.

    Raises:
        SettingsError: the URL is none that the server understands.
        MissingDriverError: its driver is not installed.
        StoreUnusableError: the folder of the SQLite file cannot be used.
    """

    def __init__(self, database_url: str) -> None:
        url = read_database_url(database_url)
        self._is_sqlite = url.get_backend_name() == "sqlite"
        self.file = Path(url.database or "").absolute() if self._is_sqlite else None
        if self.file is not None:
            _make_private(self.file)
            self._opened = _identity(self.file)
        self._writers = 1 if self._is_sqlite else _POSTGRESQL_WRITERS
        options: dict[str, Any] = {
            **(
                {"creator": self._open_file}
                if self._is_sqlite
                else {"connect_args": postgresql_limits(url, _BUSY_MILLISECONDS, _WRITE_SECONDS)}
            ),
            "hide_parameters": True,  # they hold password hashes and people's content, and errors are logged
            "json_serializer": _json_text,
            "json_deserializer": from_json,
        }
        try:
            self._engine = create_engine(
                url,
                pool_size=_READERS + self._writers,
                max_overflow=0,
                pool_timeout=_POOL_SECONDS,
                pool_pre_ping=not self._is_sqlite,
                **options,
            )
            single_reads = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool, **options)
        except ModuleNotFoundError:
            raise MissingDriverError(
                "AMS_DATABASE_URL names PostgreSQL, which needs the extra 'postgres', which is not installed. "
                "In the ams-sdk checkout run: python -m pip install '.[postgres]'"
            ) from None
        if self._is_sqlite:
            event.listen(self._engine, "connect", _prepare_sqlite)
            event.listen(self._engine, "begin", _begin_sqlite)
            # Without _begin_sqlite: BEGIN on a connection that stays open would show one state of the database forever.
            event.listen(single_reads, "connect", _prepare_sqlite)
        self._single_readers = Readers(single_reads, _SINGLE_READERS)
        self._pool = self._engine.pool
        self._is_disposed = False

    @cached_property
    def _read_lane(self) -> CapacityLimiter:
        return CapacityLimiter(_READERS)

    @cached_property
    def _write_lane(self) -> CapacityLimiter:
        # SQLite takes one writer at a time; waiting here is fair and cheap, in the driver it is neither.
        return CapacityLimiter(self._writers)

    @cached_property
    def _threads(self) -> CapacityLimiter:
        # The lanes are the limit; anyio's default would be another, shared with whoever else runs threads.
        return CapacityLimiter(_READERS + self._writers)

    async def read(self, query: Callable[[Connection], T]) -> T:
        """Run a function that only reads.

        Raises:
            UnavailableError: the database does not answer.
        """
        return await self._in_lane(self._read_lane, _READ_SECONDS, partial(self._run, query, None))

    async def read_once(self, query: Callable[[Connection], T]) -> T:
        """Run a function that executes one statement and reads its rows to the end; for what every request asks.

        Raises:
            UnavailableError: the database does not answer.
        """
        with _store_errors():
            return await self._single_readers.run(partial(self._checked, query), _READ_SECONDS)

    def _checked(self, query: Callable[[Connection], T], connection: Connection) -> T:
        self._check_file()
        result = query(connection)
        self._check_file()
        return result

    async def write(self, change: Callable[[Connection], T]) -> T:
        """Run a function that changes rows; when this returns, the change is on disk.

        Raises:
            UnavailableError: the database does not answer, or others write for too long; whether the change was made
                is not known.
        """
        # One deadline for the lane and for SQLite's lock: with one each, those who wait would fail one after the other.
        deadline = time.monotonic() + _BUSY_MILLISECONDS / 1000
        return await self._in_lane(self._write_lane, _WRITE_SECONDS, partial(self._run, change, deadline))

    def read_now(self, query: Callable[[Connection], T]) -> T:
        """The same without an event loop, for commands.

        Raises:
            UnavailableError: the database does not answer.
        """
        return self._run(query, None)

    def write_now(self, change: Callable[[Connection], T]) -> T:
        """The same without an event loop, for commands.

        Raises:
            UnavailableError: the database does not answer.
        """
        return self._run(change, time.monotonic() + _BUSY_MILLISECONDS / 1000)

    async def _in_lane(self, lane: CapacityLimiter, seconds: float, work: Callable[[], T]) -> T:
        try:
            with anyio.fail_after(_BUSY_MILLISECONDS / 1000):
                await lane.acquire()
            try:
                with anyio.fail_after(seconds):
                    return await anyio.to_thread.run_sync(work, abandon_on_cancel=True, limiter=self._threads)
            finally:
                lane.release()
        except TimeoutError as error:
            raise UnavailableError from error

    def _run(self, work: Callable[[Connection], T], deadline: float | None) -> T:
        with _store_errors(), self._transaction(deadline) as connection:
            return self._checked(work, connection)

    @contextmanager
    def _transaction(self, deadline: float | None) -> Generator[Connection]:
        """One transaction; ``deadline`` is until when one that writes waits for its turn, None is for reading."""
        try:
            with self._engine.connect() as connection:
                connection.execution_options(ams_deadline=deadline)
                with connection.begin():
                    yield connection
        finally:
            # Who was waited for no longer gives his connection back late, to a pool that nobody empties any more.
            if self._is_disposed:
                self._pool.dispose()

    def _open_file(self) -> sqlite3.Connection:
        # Never one that is not there: SQLite would make an empty one, and throw away the log of the one that was moved.
        # Nor one that was put in its place, to which that log would be applied.
        self._check_file()
        return sqlite3.connect(f"{cast('Path', self.file).as_uri()}?mode=rw", uri=True, check_same_thread=False)

    def _check_file(self) -> None:
        # A file that was removed or replaced stays open: what is written to it then is gone with the process.
        if self.file is not None and _identity(self.file) != self._opened:
            raise UnavailableError

    def migrate(self, to: str = "head") -> tuple[str | None, str | None]:
        """Bring the schema to a revision, up or down; safe when several processes do it at once.

        Args:
            to: a revision of ``migrations/versions``, ``head`` for this release's or ``base`` for an empty database.

        Returns:
            The revision before and after, None for an empty database.

        Raises:
            SettingsError: there is no such revision.
            SchemaTooNewError: a newer release has been here.
            StoreUnusableError: the database cannot be read or written.
        """
        try:
            # Another process may be at it, and a large table takes its time.
            with self._transaction(time.monotonic() + _MIGRATION_SECONDS) as connection:
                if not self._is_sqlite:
                    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_MIGRATION_SECONDS}s'")
                    connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
                    connection.execute(select(func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
                return schema.bring(connection, to)
        except DBAPIError as error:
            reason = str(error.orig).strip().splitlines()[0]
            where = f"The database file {self.file}" if self.file else "The database of AMS_DATABASE_URL"
            raise StoreUnusableError(f"{where} cannot be used: {reason}.") from None

    async def is_current(self) -> bool:
        """Whether the schema is the one that this release expects.

        Raises:
            UnavailableError: the database does not answer.
        """
        return await self.read(schema.revision_of) == schema.newest()

    def dispose(self) -> None:
        """Close every connection."""
        self._single_readers.close()
        self._is_disposed = True
        self._engine.dispose()


@contextmanager
def _store_errors() -> Generator[None]:
    try:
        yield
    except (IntegrityError, ProgrammingError, DataError) as error:
        if _is_orphan(error):
            raise InvalidTokenError from error
        if getattr(error.orig, "sqlstate", None) in _STORE_STATES:
            raise UnavailableError from error
        raise  # the statement is to blame, not the store
    except (DBAPIError, PoolTimeoutError) as error:
        raise UnavailableError from error


def _is_orphan(error: DBAPIError) -> bool:
    # Every row hangs on an account: the caller's was deleted while the request was under way.
    code = getattr(error.orig, "sqlstate", None) or getattr(error.orig, "sqlite_errorname", None)
    return code in {"23503", "SQLITE_CONSTRAINT_FOREIGNKEY"}


def insert_new(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert those rows that break no unique constraint, and leave out the others without an error."""
    insert = sqlite_dialect.insert if connection.dialect.name == "sqlite" else postgresql.insert
    connection.execute(insert(table).on_conflict_do_nothing(), rows)


def _make_private(file: Path) -> None:
    """An empty file that only its owner reads; SQLite gives its side files the same permissions."""
    make_folder(file.parent)
    try:
        os.close(os.open(file, os.O_RDWR | os.O_CREAT, _OWNER_ONLY))
    except OSError as error:
        raise unusable(file, error.strerror) from None


def _identity(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _json_text(value: object) -> str:
    return encode_json(value).decode()


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # Transactions begin where _begin_sqlite says so, not where the driver guesses.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {_BUSY_MILLISECONDS}")
    _switch_to_wal(cursor)
    # In WAL mode only FULL makes a commit survive a power cut, and a 200 to an exporter promises that.
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _switch_to_wal(cursor: sqlite3.Cursor) -> None:
    # The one statement that does not wait for busy_timeout: several processes that start on an empty file collide here.
    deadline = time.monotonic() + _BUSY_MILLISECONDS / 1000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _begin_sqlite(connection: Connection) -> None:
    deadline: float | None = connection.get_execution_options().get("ams_deadline")
    left = _BUSY_MILLISECONDS if deadline is None else max(0, int((deadline - time.monotonic()) * 1000))
    connection.exec_driver_sql(f"PRAGMA busy_timeout = {left}")
    # A transaction that reads first and writes later cannot wait for another writer, so writers say so at once.
    connection.exec_driver_sql("BEGIN" if deadline is None else "BEGIN IMMEDIATE")
