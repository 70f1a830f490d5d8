"""Threads that run reads of one statement, each on a connection of its own that stays open."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Final, TypeVar

from sqlalchemy.exc import DBAPIError

from ams_reference_server.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection, Engine

__all__ = ["Readers"]

_MOST_WAITING: Final = 1_000
_MOST_AT_ONCE: Final = 16  # one that takes long holds back the others
_GOODBYE_SECONDS: Final = 1.0

T = TypeVar("T")
_Job = tuple["asyncio.Future[Any]", "Callable[[Connection], Any]"]
_Answer = tuple["asyncio.Future[Any]", Any, "BaseException | None"]


class Readers:
    """Runs functions that read with one statement, outside the event loop.

    There is no transaction around it: one statement sees one state of the database anyhow. So there is nothing to
    begin, to end and to check out, and a read costs a third of what it costs in ``Database.read``.

    Args:
        engine: gives connections that commit by themselves.
        threads: how many read at once.
    """

    def __init__(self, engine: Engine, threads: int) -> None:
        self._engine = engine
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._threads = [threading.Thread(target=self._work, name=f"reader-{n}", daemon=True) for n in range(threads)]
        self._is_started = False

    async def run(self, query: Callable[[Connection], T], seconds: float) -> T:
        """Run a function that executes one statement and reads its rows to the end.

        Raises:
            UnavailableError: it did not end in time, or too many wait already.
            DBAPIError: the database refused.
        """
        if not self._is_started:
            self._is_started = True
            for thread in self._threads:
                thread.start()
        if self._jobs.qsize() >= _MOST_WAITING:
            raise UnavailableError
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._jobs.put((future, query))
        try:
            async with asyncio.timeout(seconds):
                return await future  # cancelled with the timeout: a thread that has not begun it leaves it out
        except TimeoutError as error:
            raise UnavailableError from error

    def close(self) -> None:
        """End the threads and close their connections; one that hangs in the database is left behind."""
        for _ in self._threads:
            self._jobs.put(None)
        if self._is_started:
            for thread in self._threads:
                thread.join(_GOODBYE_SECONDS)

    def _work(self) -> None:
        connection: Connection | None = None
        while jobs := self._next_jobs():
            answers: list[_Answer] = []
            for future, query in jobs:
                if not future.cancelled():
                    connection, result, error = self._answer(connection, query)
                    answers.append((future, result, error))
            if answers:
                with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                    # At once: to wake the loop costs more than to read.
                    answers[0][0].get_loop().call_soon_threadsafe(_settle, answers)
        _close(connection)

    def _next_jobs(self) -> list[_Job]:
        """One job and this thread's share of those behind it; nothing at the end."""
        jobs: list[_Job] = []
        job = self._jobs.get()
        share = min(_MOST_AT_ONCE, 1 + self._jobs.qsize() // len(self._threads))
        while job is not None:
            jobs.append(job)
            if len(jobs) == share:
                return jobs
            try:
                job = self._jobs.get_nowait()
            except Empty:  # another thread was faster
                return jobs
        if jobs:
            self._jobs.put(None)  # the end comes when these are answered
        return jobs

    def _answer(
        self, connection: Connection | None, query: Callable[[Connection], Any]
    ) -> tuple[Connection | None, Any, BaseException | None]:
        for is_last in (False, True):
            try:
                connection = connection or self._engine.connect()
                return connection, query(connection), None
            except DBAPIError as caught:
                _close(connection)
                connection = None
                if is_last or not caught.connection_invalidated:
                    return None, None, caught
                # else the database was restarted since the last read, and a new connection may work
            except BaseException as caught:  # noqa: BLE001 -- it is raised where the result is awaited
                return connection, None, caught
        raise AssertionError  # the second time is the last


def _settle(answers: list[_Answer]) -> None:
    for future, result, error in answers:
        if future.done():
            continue
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)


def _close(connection: Connection | None) -> None:
    if connection is not None:
        with contextlib.suppress(Exception):  # it is given up because it failed
            connection.close()
