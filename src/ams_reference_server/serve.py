"""One process that serves: an event loop, uvicorn on it, and an orderly end."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import signal
import sys
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

import uvicorn

from ams_reference_server.app import create_app
from ams_reference_server.connections import ConnectionLimits, connections_within
from ams_reference_server.listener import listen, url_of
from ams_reference_server.open_files import affordable_connections, raise_limit

if sys.platform != "win32":
    import uvloop

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Generator
    from types import FrameType

    from ams_reference_server.connections import Connection
    from ams_reference_server.settings import Settings

__all__ = ["LAST_SECONDS", "announce", "is_gone", "serve", "serve_on"]

LAST_SECONDS: Final = 9.5
"""After which the process ends, whatever its threads do."""
_GRACE_SECONDS: Final = 7  # for requests in flight at the end; what closes after them has the rest of the ten
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_FAREWELL_SECONDS: Final = 1  # for answers to requests that were cancelled
_CHECK_SECONDS: Final = 0.25
_QUIET_SECONDS: Final = 60  # between two lines about descriptors that have run out
_OUT_OF_FILES: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

logger = logging.getLogger(__name__)


def serve(settings: Settings, host: str, port: int, parent_pid: int | None = None) -> None:
    """Serve in this process until a signal ends it.

    Args:
        settings: what to run with.
        host: the address to listen on.
        port: the port to listen on, 0 for a free one.
        parent_pid: end when this process, which started the server, is gone.

    Raises:
        StartError: it cannot start.
    """
    with listen(host, port) as listener:
        ends = [is_gone(parent_pid)] if parent_pid is not None else []
        serve_on(listener, settings, lambda: announce(url_of(host, listener)), *ends)


def announce(url: str) -> None:
    """Say on standard output that the server answers."""
    sys.stdout.write(f"AMS reference server listening on {url}\n")
    sys.stdout.flush()


def is_gone(parent_pid: int) -> Callable[[], bool]:
    """Whether the process that started this one is gone."""
    return lambda: os.getppid() != parent_pid


def serve_on(
    listener: socket.socket,
    settings: Settings,
    when_ready: Callable[[], None],
    *ends: Callable[[], bool],
    signals: tuple[signal.Signals, ...] = _SIGNALS,
) -> None:
    """Serve on a socket until a signal, or one of ``ends``, ends it.

    Args:
        listener: a socket that listens; it is closed at the end.
        settings: what to run with.
        when_ready: called once requests are answered.
        ends: each is asked now and then whether to end in order.
        signals: those that end it.

    Raises:
        StartError: it cannot start.
    """
    raise_limit()
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve(listener, settings, partial(_Server, when_ready=when_ready, signals=signals), ends))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    return None if sys.platform == "win32" else uvloop.new_event_loop


async def _serve(
    listener: socket.socket,
    settings: Settings,
    make_server: Callable[[uvicorn.Config], _Server],
    ends: tuple[Callable[[], bool], ...],
) -> None:
    asyncio.get_running_loop().set_exception_handler(_LoopErrors())
    app = create_app(settings)
    config = uvicorn.Config(
        app,
        http=connections_within(_limits(settings)),
        loop="none",  # it runs already
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    server = make_server(config)
    with server.capture_signals():
        # Entered here and not by uvicorn, which would print the stack of a start that fails.
        async with app.router.lifespan_context(app):
            watches = [asyncio.create_task(watch) for watch in (server.check_connections(), server.end_with(ends))]
            await server.serve(sockets=[listener])
            for watch in watches:
                watch.cancel()


def _limits(settings: Settings) -> ConnectionLimits:
    most = affordable_connections(settings.connection_limit)
    if most < settings.connection_limit:
        logger.warning(
            "AMS_CONNECTION_LIMIT is %d, and the operating system has descriptors for %d connections only.",
            settings.connection_limit,
            most,
        )
    return ConnectionLimits(most, settings.header_timeout, settings.body_timeout, settings.send_timeout)


class _LoopErrors:
    """What the event loop reports: each error once in a while, and not once for each client that meets it."""

    def __init__(self) -> None:
        self._silent_until: dict[str, float] = {}

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        now = time.monotonic()
        self._silent_until = {what: until for what, until in self._silent_until.items() if until > now}
        what = repr(error)
        if what in self._silent_until:
            return
        self._silent_until[what] = now + _QUIET_SECONDS
        if isinstance(error, OSError) and error.errno in _OUT_OF_FILES:
            logger.error("A connection could not be accepted: %s.", error.strerror)
        else:
            loop.default_exception_handler(context)


def _leave() -> None:
    # Python waits for every thread at its end, and one that waits for a stalled database never returns. Leaving it is
    # an orderly end too: an answer says yes only after the commit, so nothing that was acknowledged is lost.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


class _Server(uvicorn.Server):
    """Uvicorn, but a signal ends it with exit code 0, and it says when it serves."""

    def __init__(
        self, config: uvicorn.Config, when_ready: Callable[[], None], signals: tuple[signal.Signals, ...]
    ) -> None:
        super().__init__(config)
        self._when_ready = when_ready
        self._signals = signals
        self._captures = False
        self._is_told = False

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        # uvicorn's own raises the signal again once it has shut down, so that the process dies of it.
        if self._captures:
            yield
            return
        self._captures = True
        before = {number: signal.signal(number, self._end) for number in self._signals}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _end(self, _number: int, _frame: FrameType | None) -> None:
        self.force_exit = self._is_told  # the second time is meant
        self._is_told = True
        self._end_in_time()

    def _end_in_time(self) -> None:
        last_resort = threading.Timer(LAST_SECONDS, _leave)
        last_resort.daemon = True
        last_resort.start()
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._when_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        # Those that the grace was too short for were cancelled; they answer that before the store is closed.
        if self.server_state.tasks:
            await asyncio.wait(self.server_state.tasks, timeout=_FAREWELL_SECONDS)

    async def check_connections(self) -> None:
        """Look after slow clients, also while the server ends."""
        while True:
            await asyncio.sleep(_CHECK_SECONDS)
            now = asyncio.get_running_loop().time()
            for connection in list(cast("set[Connection]", self.server_state.connections)):
                connection.check(now)

    async def end_with(self, ends: tuple[Callable[[], bool], ...]) -> None:
        """End in order when one of them says so."""
        while ends:
            if any(is_over() for is_over in ends):
                self._end_in_time()
                return
            await asyncio.sleep(0.5)
