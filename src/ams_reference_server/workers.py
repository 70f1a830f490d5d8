"""Several processes that serve from one socket, and the one that looks after them.

Each worker holds one end of a pipe whose other end only its supervisor has. It says there that it serves, or why it
cannot start; and when the pipe is closed it ends in order, whether the supervisor meant that or was killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import multiprocessing
import os
import pickle
import signal
import threading
import time
from dataclasses import replace
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Final

from ams_reference_server import logs
from ams_reference_server.app import create_app
from ams_reference_server.errors import StartError
from ams_reference_server.listener import listen, url_of
from ams_reference_server.serve import LAST_SECONDS, announce, is_gone, serve_on

if TYPE_CHECKING:
    import socket
    from collections.abc import Generator
    from multiprocessing.connection import Connection
    from types import FrameType

    from ams_reference_server.settings import Settings

__all__ = ["serve_with_workers"]

_LAST_SECONDS: Final = LAST_SECONDS + 0.2  # the workers come to their own end first
_LOOK_SECONDS: Final = 0.2
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0  # seconds before a worker that ended is started again
_READY: Final = b"ready"
_STEADY_SECONDS: Final = 60  # whoever served that long has not failed to start

_spawn = multiprocessing.get_context("spawn")  # forked, a worker would share the supervisor's threads and locks
logger = logging.getLogger(__name__)


def serve_with_workers(settings: Settings, host: str, port: int, count: int, parent_pid: int | None = None) -> None:
    """Serve in several processes until a signal ends it.

    Args:
        settings: what to run with; ``hash_threads`` is divided among the workers.
        host: the address to listen on.
        port: the port to listen on, 0 for a free one.
        count: how many processes.
        parent_pid: end when this process, which started the server, is gone.

    Raises:
        StartError: it cannot start.
    """
    with listen(host, port) as listener:
        asyncio.run(_prepare(settings))
        share = replace(settings, hash_threads=max(1, settings.hash_threads // count))
        _Supervisor(listener, share, count, parent_pid).run(url_of(host, listener))


async def _prepare(settings: Settings) -> None:
    """Bring the database up to date, and find out here, in one place, what does not work."""
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        pass


class _Worker:
    """One place among the workers, and the process that has it."""

    def __init__(self, number: int, listener: socket.socket, settings: Settings) -> None:
        self._number = number
        self._arguments = (listener, settings)
        self._failures = 0
        self._start_at = 0.0
        self.has_served = self.is_running = False

    def start(self) -> None:
        self._started_at = time.monotonic()
        self.control, theirs = _spawn.Pipe()
        self.process = _spawn.Process(target=_work, args=(*self._arguments, theirs), daemon=True)
        self._problem: StartError | None = None
        self.process.start()
        theirs.close()  # so that the pipe is closed when either process is gone
        self.is_running = True

    def look_after(self) -> None:
        """Hear what the process says, and start another if it is gone.

        Raises:
            StartError: it has never served, and cannot.
        """
        if not self.is_running:
            if time.monotonic() >= self._start_at:
                self.start()
            return
        is_alive = self.process.is_alive()  # asked first: what it says before its end is in the pipe by then
        self._listen()
        if is_alive:
            return
        self.is_running = False
        problem = self._problem
        how = f"exit code {self.process.exitcode}"
        if not self.has_served:
            raise problem or StartError(f"A worker ended before it served ({how}).")
        steady = time.monotonic() - self._started_at > _STEADY_SECONDS
        self._failures = 0 if steady else self._failures + 1
        pause = min(_LONGEST_PAUSE, _SHORTEST_PAUSE * 2 ** min(self._failures, 10))
        self._start_at = time.monotonic() + pause
        logger.error(
            "Worker %d (process %s) ended unexpectedly (%s)%s. It is started again in %.0f s.",
            self._number,
            self.process.pid,
            how,
            f": {problem}" if problem else "",
            pause,
        )
        self.control.close()
        self.process.close()

    def _listen(self) -> None:
        with contextlib.suppress(EOFError, OSError):  # it is gone, or about to be
            while self.control.poll():
                said = self.control.recv_bytes()
                if said == _READY:
                    self.has_served = True
                else:
                    self._problem = pickle.loads(said)  # noqa: S301 -- from a process of our own


class _Supervisor:
    """Starts the workers, keeps them running, and ends them."""

    def __init__(self, listener: socket.socket, settings: Settings, count: int, parent_pid: int | None) -> None:
        self._listener = listener
        self._workers = [_Worker(number, listener, settings) for number in range(1, count + 1)]
        self._parent_is_gone = is_gone(parent_pid) if parent_pid is not None else None
        self._signals = 0

    def run(self, url: str) -> None:
        """Serve until a signal ends it.

        Raises:
            StartError: a worker cannot start.
        """
        is_announced = False
        with self._capture_signals():
            try:
                for worker in self._workers:
                    worker.start()
                while not self._signals and not (self._parent_is_gone and self._parent_is_gone()):
                    running = [worker for worker in self._workers if worker.is_running]
                    # A pipe that is closed would be ready for ever; what it says is heard in time all the same.
                    wait([worker.process.sentinel for worker in running], timeout=_LOOK_SECONDS)
                    for worker in self._workers:
                        worker.look_after()
                    if not is_announced and all(worker.has_served for worker in self._workers):
                        is_announced = True
                        announce(url)
            finally:
                self._end()

    @contextlib.contextmanager
    def _capture_signals(self) -> Generator[None]:
        numbers = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.signal(number, self._count_signal) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _count_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._signals += 1

    def _end(self) -> None:
        deadline = time.monotonic() + _LAST_SECONDS
        self._listener.close()
        running = [worker for worker in self._workers if worker.is_running]
        for worker in running:
            worker.control.close()
        while any(worker.process.is_alive() for worker in running):
            if self._signals > 1 or time.monotonic() > deadline:  # the second time is meant
                for worker in running:
                    worker.process.kill()
            wait([worker.process.sentinel for worker in running if worker.process.is_alive()], timeout=_LOOK_SECONDS)


def _work(listener: socket.socket, settings: Settings, control: Connection) -> None:
    """What a worker does, in its process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process of a terminal; the supervisor decides
    logs.configure(settings.log_level, settings.log_format)
    is_over = threading.Event()
    threading.Thread(target=_wait_for_end, args=(control, is_over), daemon=True).start()
    try:
        serve_on(listener, settings, lambda: _say(control, _READY), is_over.is_set, signals=(signal.SIGTERM,))
    except StartError as error:
        _say(control, pickle.dumps(error))
    except Exception as error:  # noqa: BLE001 -- the supervisor says in one line what it was
        _say(control, pickle.dumps(StartError(f"It did not work: {type(error).__name__}: {error}")))


def _wait_for_end(control: Connection, is_over: threading.Event) -> None:
    with contextlib.suppress(EOFError, OSError):
        control.recv_bytes()
    is_over.set()
    time.sleep(LAST_SECONDS)
    os._exit(0)  # something does not let go; nothing that was acknowledged is lost


def _say(control: Connection, what: bytes) -> None:
    with contextlib.suppress(OSError):  # nobody may be left to hear it
        control.send_bytes(what)
