"""The server as a process: arguments, one listening socket, an orderly end."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import errno
import logging
import os
import signal
import socket
import sys
import threading
from typing import TYPE_CHECKING, Final, NoReturn

import uvicorn

from ams_reference_server.app import create_app
from ams_reference_server.errors import PortTakenError, SettingsError, StartError
from ams_reference_server.settings import load

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from types import FrameType

__all__ = ["main"]

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_GRACE_SECONDS: Final = 7  # for requests in flight; what closes after them has the rest of the ten
_FAREWELL_SECONDS: Final = 1  # for answers to requests that were cancelled
_LAST_SECONDS: Final = 9.5  # after which the process ends, whatever its threads do
_HIGHEST_PORT: Final = 65_535


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the server until it is told to end.

    Args:
        arguments: the command line without the program; the process's own if not given.

    Returns:
        The exit code; the table is in ``docs/server.md``.
    """
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    try:
        asyncio.run(_serve(_parsed(arguments)))
    except StartError as error:
        return _failed(str(error), error.exit_code)
    except Exception as error:  # noqa: BLE001 -- a start that fails says so in one line, whatever it was
        return _failed(f"The server could not start: {type(error).__name__}: {error}", StartError.exit_code)
    return 0


def _failed(message: str, exit_code: int) -> int:
    sys.stderr.write(f"Error: {' '.join(message.split())}\n")
    return exit_code


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise SettingsError(f"{message} (see python -m ams_reference_server --help)")


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = _Parser(prog="python -m ams_reference_server", description="The reference server of AMS.")
    parser.add_argument("command", nargs="?", choices=["serve"], default="serve", help="what to do (default: serve)")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: 127.0.0.1)")
    parser.add_argument(
        "--port", type=_port, default=8787, help="the port to listen on, 0 for a free one (default: 8787)"
    )
    parser.add_argument("--parent-pid", type=int, help="end when this process, which started the server, is gone")
    return parser.parse_args(arguments)


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > _HIGHEST_PORT:
        raise argparse.ArgumentTypeError(f"write a number from 0 to {_HIGHEST_PORT}")
    return int(text)


async def _serve(arguments: argparse.Namespace) -> None:
    app = create_app(load())
    with _listening(arguments.host, arguments.port) as listener:
        config = uvicorn.Config(
            app,
            lifespan="off",
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
        server = _Server(config, f"http://{_authority(arguments.host, listener)}")
        with server.capture_signals():
            # Entered here and not by uvicorn, which would print the stack of a start that fails.
            async with app.router.lifespan_context(app):
                watch = asyncio.create_task(server.end_with(arguments.parent_pid))
                await server.serve(sockets=[listener])
                watch.cancel()


def _listening(host: str, port: int) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except OSError as error:
        raise SettingsError(f"--host {host} cannot be used: {error.strerror}.") from None
    # asyncio turns Nagle's algorithm off, but only where the protocol is named; else an answer can wait for 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortTakenError(
                f"Port {port} on {host} is taken by another program. End it, or choose another with --port."
            ) from None
        raise SettingsError(f"--host {host} --port {port} cannot be used: {error.strerror}.") from None
    return listener


def _authority(host: str, listener: socket.socket) -> str:
    port = listener.getsockname()[1]
    return f"[{host}]:{port}" if listener.family == socket.AF_INET6 else f"{host}:{port}"


def _leave() -> None:
    # Python waits for every thread at its end, and one that waits for a stalled database never returns. Leaving it is
    # an orderly end too: an answer says yes only after the commit, so nothing that was acknowledged is lost.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


class _Server(uvicorn.Server):
    """Uvicorn, but a signal ends it with exit code 0, and it says on stdout when it serves."""

    def __init__(self, config: uvicorn.Config, address: str) -> None:
        super().__init__(config)
        self._address = address
        self._captures = False

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        # uvicorn's own raises the signal again once it has shut down, so that the process dies of it.
        if self._captures:
            yield
            return
        self._captures = True
        before = {number: signal.signal(number, self._end) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _end(self, _number: int, _frame: FrameType | None) -> None:
        self.force_exit = self.should_exit  # the second time is meant
        self._end_in_time()
        self.should_exit = True

    def _end_in_time(self) -> None:
        last_resort = threading.Timer(_LAST_SECONDS, _leave)
        last_resort.daemon = True
        last_resort.start()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        sys.stdout.write(f"AMS reference server listening on {self._address}\n")
        sys.stdout.flush()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        # Those that the grace was too short for were cancelled; they answer that before the store is closed.
        if self.server_state.tasks:
            await asyncio.wait(self.server_state.tasks, timeout=_FAREWELL_SECONDS)

    async def end_with(self, parent_pid: int | None) -> None:
        """End in order when the process that started this one is gone."""
        while parent_pid is not None:
            if os.getppid() != parent_pid:
                self._end_in_time()
                self.should_exit = True
                return
            await asyncio.sleep(1)
