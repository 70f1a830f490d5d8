"""The server's parts over real databases, the application in this process, and the server as a process."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from ams_reference_server.app import create_app
from ams_reference_server.db import Database
from ams_reference_server.settings import Settings, load

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from contextlib import AbstractAsyncContextManager, AbstractContextManager
    from pathlib import Path


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Everything default, but in a folder of the test's own, and cheap hashes."""
    return load({"AMS_STATE_DIR": str(tmp_path / "state"), "AMS_BCRYPT_COST": "4"})


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    """An empty SQLite database with the present schema."""
    opened = Database(settings.database_url)
    opened.migrate()
    yield opened
    opened.dispose()


@pytest.fixture
def serving() -> Callable[[Settings], AbstractAsyncContextManager[httpx.AsyncClient]]:
    """Runs the application in this event loop and gives a client for it."""

    @asynccontextmanager
    async def serve(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
        app = create_app(settings)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://s") as client,
        ):
            yield client

    return serve


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """The environment of a server process of the test's own."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AMS_")}
    return inherited | {"AMS_STATE_DIR": str(tmp_path / "state"), "AMS_BCRYPT_COST": "4"}


class ServerProcess:
    """A server on a real port."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self.process = process
        self.line = process.stdout.readline()
        self.url = self.line.split()[-1] if self.line else ""

    def end(self, signal_number: int) -> tuple[int, str, str]:
        """Send a signal; the exit code, and what else was printed on stdout and stderr."""
        self.process.send_signal(signal_number)
        out, err = self.process.communicate(timeout=15)
        return self.process.returncode, out, err


@pytest.fixture
def server_process() -> Callable[..., AbstractContextManager[ServerProcess]]:
    """Starts ``python -m ams_reference_server`` with an environment and arguments, and waits until it serves."""

    @contextmanager
    def start(environ: dict[str, str], *arguments: str) -> Iterator[ServerProcess]:
        command = [sys.executable, "-m", "ams_reference_server", *(arguments or ("--port", "0"))]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environ, text=True
        ) as process:
            try:
                yield ServerProcess(process)
            finally:
                process.kill()

    return start


@pytest.fixture
def run_server() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs ``python -m ams_reference_server`` to its end."""

    def run(environ: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "ams_reference_server", *arguments]
        return subprocess.run(command, capture_output=True, env=environ, text=True, timeout=30, check=False)

    return run
