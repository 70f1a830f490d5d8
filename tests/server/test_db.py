from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from uuid import uuid4

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import IntegrityError

from ams_reference_server.accounts.api_keys import make_key
from ams_reference_server.db import Database, insert_new
from ams_reference_server.errors import (
    InvalidTokenError,
    MissingDriverError,
    StoreUnusableError,
    UnavailableError,
)
from ams_reference_server.models import revoked_tokens


def add(jti):
    return lambda connection: connection.execute(insert(revoked_tokens).values(jti=jti, expires_at=1))


def count(connection):
    return len(connection.execute(select(revoked_tokens)).all())


@pytest.mark.parametrize(
    ("pragma", "value"), [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("busy_timeout", 5000)]
)
def test_sqlite_is_set_up_to_last_and_to_share(database, pragma, value):
    found = asyncio.run(database.read(lambda connection: connection.execute(text(f"PRAGMA {pragma}")).scalar()))
    assert found == value


def test_only_its_owner_reads_the_file(database):
    asyncio.run(database.write(add("a")))
    folder = database.file.parent
    assert {file.stat().st_mode & 0o077 for file in folder.iterdir()} == {0}
    assert folder.stat().st_mode & 0o077 == 0


def test_a_change_lasts_and_a_failed_one_leaves_nothing(database):
    def twice(connection):
        add("b")(connection)
        add("b")(connection)

    async def scenario():
        await database.write(add("a"))
        with pytest.raises(IntegrityError) as caught:
            await database.write(twice)
        assert "'b'" not in str(caught.value)
        # The failed change holds no lock: the next one goes through.
        await database.write(add("c"))
        return await database.read(count)

    assert asyncio.run(scenario()) == 2


def test_rows_that_are_there_already_are_left_out(database):
    rows = [{"jti": "a", "expires_at": 1}, {"jti": "b", "expires_at": 2}]

    async def scenario():
        await database.write(lambda connection: insert_new(connection, revoked_tokens, rows[:1]))
        await database.write(lambda connection: insert_new(connection, revoked_tokens, rows))
        return await database.read(count)

    assert asyncio.run(scenario()) == 2


def test_readers_go_on_while_somebody_writes(database):
    async def scenario():
        inside, done = threading.Event(), threading.Event()

        def slow(connection):
            add("a")(connection)
            inside.set()
            assert done.wait(10)

        writing = asyncio.create_task(database.write(slow))
        await asyncio.to_thread(inside.wait, 10)
        seen = await database.read(count)
        done.set()
        await writing
        return seen, await database.read(count)

    assert asyncio.run(scenario()) == (0, 1)


def test_a_database_that_does_not_answer_is_unavailable(database):
    asyncio.run(database.write(lambda connection: connection.execute(text("DROP TABLE revoked_tokens"))))
    with pytest.raises(UnavailableError):
        asyncio.run(database.read(count))


def test_the_schema_is_current_after_migrating_and_not_before(settings):
    database = Database(settings.database_url)
    assert asyncio.run(database.is_current()) is False
    database.migrate()
    database.migrate()
    assert asyncio.run(database.is_current()) is True
    database.dispose()


def test_many_connections_turn_one_empty_file_to_wal_at_once(tmp_path):
    for number in range(10):
        databases = [Database(f"sqlite:///{tmp_path}/{number}.db") for _ in range(6)]
        barrier = threading.Barrier(6)

        def touch(database, barrier=barrier):
            barrier.wait()
            return asyncio.run(
                database.read(lambda connection: connection.execute(text("PRAGMA journal_mode")).scalar())
            )

        with ThreadPoolExecutor(6) as threads:
            assert set(threads.map(touch, databases)) == {"wal"}
        for database in databases:
            database.dispose()


def test_a_file_that_is_locked_for_good_is_unusable(settings, monkeypatch):
    monkeypatch.setattr("ams_reference_server.db._BUSY_MILLISECONDS", 50)
    database = Database(settings.database_url)
    holder = sqlite3.connect(database.file, isolation_level=None)
    holder.execute("PRAGMA locking_mode = EXCLUSIVE")
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreUnusableError, match="database is locked"):
        database.migrate()
    holder.close()
    database.dispose()


def test_writers_that_wait_for_a_lock_give_up_together(database, monkeypatch):
    monkeypatch.setattr("ams_reference_server.db._BUSY_MILLISECONDS", 600)
    with closing(sqlite3.connect(database.file, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")

        async def scenario():
            begun = time.monotonic()
            outcomes = await asyncio.gather(*(database.write(add(str(n))) for n in range(4)), return_exceptions=True)
            return time.monotonic() - begun, outcomes

        took, outcomes = asyncio.run(scenario())
    assert [type(outcome) for outcome in outcomes] == [UnavailableError] * 4
    assert 0.5 < took < 1.2
    asyncio.run(database.write(add("after")))


@pytest.mark.parametrize("replace", [True, False])
def test_what_would_be_written_to_a_file_that_is_gone_is_refused(database, replace):
    asyncio.run(database.write(add("before")))
    kept = database.file.with_name("kept.db")
    database.file.rename(kept)
    if replace:
        database.file.write_bytes(kept.read_bytes())
    with pytest.raises(UnavailableError):
        asyncio.run(database.write(add("lost")))
    with pytest.raises(UnavailableError):
        asyncio.run(database.is_current())
    assert database.file.exists() is replace
    kept.replace(database.file)
    asyncio.run(database.write(add("after")))
    assert asyncio.run(database.read(count)) == 2


def test_a_file_that_goes_while_it_is_written_takes_nothing_with_it(database):
    kept = database.file.with_name("kept.db")

    def change(connection):
        add("lost")(connection)
        database.file.rename(kept)

    with pytest.raises(UnavailableError):
        asyncio.run(database.write(change))
    kept.rename(database.file)
    assert asyncio.run(database.read(count)) == 0


@pytest.mark.parametrize(("call", "limit"), [("read", "_READ_SECONDS"), ("write", "_WRITE_SECONDS")])
def test_work_that_does_not_end_is_given_up(database, monkeypatch, call, limit):
    monkeypatch.setattr(f"ams_reference_server.db.{limit}", 0.1)
    done, workers = threading.Event(), []

    def work(_connection):
        workers.append(threading.current_thread())
        done.wait(10)

    try:
        with pytest.raises(UnavailableError):
            asyncio.run(getattr(database, call)(work))
    finally:
        done.set()
        for worker in workers:
            worker.join(10)  # it gives its connection back, for the fixture to close


def test_a_file_that_is_no_database_is_refused(settings):
    settings.state_dir.mkdir()
    (settings.state_dir / "reference-server.db").write_text("no database " * 100)
    database = Database(settings.database_url)
    with pytest.raises(StoreUnusableError, match="file is not a database"):
        database.migrate()
    database.dispose()


def test_a_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnusableError, match="AMS_STATE_DIR"):
        Database(f"sqlite:///{tmp_path}/file/x.db")


def test_a_folder_in_place_of_the_file_is_refused(tmp_path):
    with pytest.raises(StoreUnusableError, match="Is a directory"):
        Database(f"sqlite:///{tmp_path}")


def test_a_driver_that_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingDriverError, match="extra 'postgres'"):
        Database("postgresql://h/d")


def test_a_postgresql_that_does_not_answer_is_unusable_without_its_password():
    database = Database("postgresql://u:hidden@127.0.0.1:1/d?connect_timeout=2")
    with pytest.raises(StoreUnusableError, match="AMS_DATABASE_URL") as caught:
        database.migrate()
    assert "hidden" not in str(caught.value)
    with pytest.raises(UnavailableError):
        asyncio.run(database.read(count))
    database.dispose()


def test_the_folder_of_the_migrations_may_hold_a_percent_sign(monkeypatch, tmp_path, settings):
    # Alembic's settings give the sign a meaning of its own.
    folder = tmp_path / "100%"
    os.symlink(os.path.dirname(sys.modules["ams_reference_server.db"].__file__), folder)  # noqa: PTH120, PTH211 -- one line
    monkeypatch.setattr("ams_reference_server.db.__file__", str(folder / "db.py"))
    database = Database(settings.database_url)
    database.migrate()
    assert asyncio.run(database.is_current())
    database.dispose()


def test_what_belongs_to_an_account_that_is_gone_is_refused_like_its_token(database):
    def orphan(connection):
        return make_key(connection, uuid4(), "k", None)

    with pytest.raises(InvalidTokenError):
        database.write_now(orphan)
