"""Threads that run reads of one statement, each on a connection of its own that stays open."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Final, TypeVar

from sqlalchemy.exc import DBAPIError

from ams_reference_server.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection, Engine

__all__ = ["Readers"]

_MOST_WAITING: Final = 1_000
_GOODBYE_SECONDS: Final = 1.0

T = TypeVar("T")
_Job = tuple["asyncio.Future[Any]", "Callable[[Connection], Any]"]


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
        while (job := self._jobs.get()) is not None:
            future, query = job
            if future.cancelled():
                continue
            result, error = None, None
            for is_last in (False, True):
                try:
                    connection = connection or self._engine.connect()
                    result, error = query(connection), None
                except BaseException as caught:  # noqa: BLE001 -- it is raised where the result is awaited
                    error = caught
                    if isinstance(caught, DBAPIError):
                        _close(connection)
                        connection = None
                if is_last or not (isinstance(error, DBAPIError) and error.connection_invalidated):
                    break  # else the database was restarted since the last read, and a new connection may work
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                future.get_loop().call_soon_threadsafe(_settle, future, result, error)
        _close(connection)


def _settle(future: asyncio.Future[T], result: T, error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)


def _close(connection: Connection | None) -> None:
    if connection is not None:
        with contextlib.suppress(Exception):  # it is given up because it failed
            connection.close()
