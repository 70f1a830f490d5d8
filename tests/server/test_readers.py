from __future__ import annotations

import asyncio
import threading
import time

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import OperationalError, ProgrammingError

from ams_reference_server import readers
from ams_reference_server.db import Database
from ams_reference_server.errors import UnavailableError
from ams_reference_server.models import revoked_tokens

COUNT = text("SELECT count(*) FROM revoked_tokens")


def count(connection):
    return connection.execute(COUNT).scalar_one()


@pytest.fixture(params=["sqlite", "postgresql"])
def opened(request, settings):
    url = settings.database_url if request.param == "sqlite" else request.getfixturevalue("postgresql_url")
    database = Database(url)
    database.migrate()
    yield database
    database.dispose()


def revoke(jti):
    return lambda connection: connection.execute(insert(revoked_tokens).values(jti=jti, expires_at=1))


def test_a_read_sees_what_was_committed_before_it(opened):
    async def scenario():
        for number in range(20):
            assert await opened.read_once(count) == number
            await opened.write(revoke(str(number)))
        return await asyncio.gather(*(opened.read_once(count) for _ in range(50)))

    assert asyncio.run(scenario()) == [20] * 50


def test_a_read_that_fails_leaves_the_others_alone(opened):
    async def scenario():
        with pytest.raises(ZeroDivisionError):
            await opened.read_once(lambda _connection: 1 // 0)
        with pytest.raises((UnavailableError, ProgrammingError, OperationalError)):
            await opened.read_once(lambda connection: connection.execute(text("SELECT x FROM nowhere")))
        return await opened.read_once(count)

    assert asyncio.run(scenario()) == 0


@pytest.fixture
def occupied(opened):
    """Keeps both threads busy until it is released: gives the tasks that wait, and what releases them."""
    release, begun = threading.Event(), threading.Barrier(3)

    def block(_connection):
        begun.wait(10)
        return release.wait(10)

    async def occupy():
        stuck = [asyncio.create_task(opened.read_once(block)) for _ in range(2)]
        await asyncio.to_thread(begun.wait, 10)
        return stuck, release

    return occupy


def test_reads_that_do_not_end_are_unavailable_and_the_loop_goes_on(opened, occupied, monkeypatch):
    monkeypatch.setattr("ams_reference_server.db._READ_SECONDS", 0.3)

    async def scenario():
        stuck, release = await occupied()
        answers = await asyncio.gather(*stuck, opened.read_once(count), return_exceptions=True)
        release.set()
        return answers

    begun = time.monotonic()
    answers = asyncio.run(scenario())
    assert [type(answer) for answer in answers] == [UnavailableError] * 3
    assert time.monotonic() - begun < 5
    monkeypatch.setattr("ams_reference_server.db._READ_SECONDS", 10)
    assert asyncio.run(opened.read_once(count)) == 0


def test_a_read_that_does_not_end_leaves_the_other_thread_to_the_others(opened):
    release = threading.Event()

    async def scenario():
        stuck = asyncio.create_task(opened.read_once(lambda _connection: release.wait(10)))
        await asyncio.sleep(0)
        answers = [await opened.read_once(count) for _ in range(5)]
        release.set()
        return answers, await stuck

    assert asyncio.run(scenario()) == ([0] * 5, True)


def test_only_so_many_wait(opened, occupied, monkeypatch):
    monkeypatch.setattr(readers, "_MOST_WAITING", 3)

    async def scenario():
        stuck, release = await occupied()
        waiting = [asyncio.create_task(opened.read_once(count)) for _ in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(UnavailableError):
            await opened.read_once(count)
        release.set()
        return await asyncio.gather(*stuck, *waiting)

    assert asyncio.run(scenario()) == [True, True, 0, 0, 0]


def test_a_connection_that_the_database_closed_is_made_anew(postgresql_url):
    database = Database(postgresql_url)
    database.migrate()
    kill = text(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
        "WHERE pid <> pg_backend_pid() AND query LIKE '%revoked_tokens%' AND usename = current_user "
        "AND application_name = 'ams-test-readers'"
    )

    async def scenario():
        await asyncio.gather(*(named(database) for _ in range(4)))
        assert await database.read(lambda connection: connection.execute(kill).scalar_one()) >= 1
        return await asyncio.gather(*(database.read_once(count) for _ in range(4)))

    assert asyncio.run(scenario()) == [0] * 4
    database.dispose()


async def named(database):
    def read(connection):
        connection.execute(text("SET application_name = 'ams-test-readers'"))
        return count(connection)

    return await database.read_once(read)


def test_a_file_that_is_gone_is_unavailable(settings):
    database = Database(settings.database_url)
    database.migrate()

    async def scenario():
        assert await database.read_once(count) == 0
        database.file.unlink()
        with pytest.raises(UnavailableError):
            await database.read_once(count)

    asyncio.run(scenario())
    database.dispose()


def test_who_waits_no_longer_is_left_out(opened):
    release, ran = threading.Event(), threading.Event()

    async def scenario():
        stuck = [asyncio.create_task(opened.read_once(lambda _connection: release.wait(10))) for _ in range(2)]
        gone = asyncio.create_task(opened.read_once(lambda _connection: ran.set()))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        release.set()
        await asyncio.gather(*stuck)
        return await opened.read_once(lambda connection: connection.execute(select(1)).scalar_one())

    assert asyncio.run(scenario()) == 1
    assert not ran.is_set()
