"""The server's parts over real databases, the application in this process, and the server as a process."""

from __future__ import annotations

import os
import selectors
import socket
import subprocess
import sys
import threading
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.services import REDIS, no_service, schema_of_postgresql

from ams_reference_server.app import create_app
from ams_reference_server.db import Database
from ams_reference_server.settings import Settings, load

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from contextlib import AbstractAsyncContextManager, AbstractContextManager
    from pathlib import Path


@pytest.fixture
def postgresql_url() -> Iterator[str]:
    """An empty schema of PostgreSQL, gone afterwards."""
    with schema_of_postgresql() as url:
        yield url


@pytest.fixture
def redis_url(worker_id: str) -> Iterator[str]:
    """An empty database of Redis, emptied afterwards; one that holds anything is somebody else's and left alone."""
    redis = pytest.importorskip("redis")
    # Tests that run beside each other take different ones.
    number = 2 + int(worker_id.removeprefix("gw")) if worker_id.startswith("gw") else 1
    url = f"{REDIS}/{number}"
    with redis.Redis.from_url(url, socket_connect_timeout=3) as client:
        try:
            size = client.dbsize()
        except redis.RedisError as error:
            no_service(f"no Redis answers at {REDIS}; name one in AMS_TEST_REDIS ({error})")
        if size:
            no_service(f"database {number} of the Redis at {REDIS} is not empty, so the tests leave it alone")
        yield url
        client.flushdb()


class Proxy:
    """Stands in front of a service; once ``stalled`` it keeps every connection open and passes nothing on."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._ended = threading.Event()
        self.stalled = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._forward)

    @contextmanager
    def running(self) -> Iterator[Proxy]:
        """Serve until the block ends; then every connection is closed, and new ones are refused."""
        self._thread.start()
        try:
            yield self
        finally:
            self._ended.set()
            self._thread.join(10)

    def _forward(self) -> None:
        with selectors.DefaultSelector() as selector, closing(self._listener):
            selector.register(self._listener, selectors.EVENT_READ)
            while not self._ended.is_set():
                if self.stalled.is_set():
                    self._ended.wait(0.05)
                    continue
                for key, _ in selector.select(0.05):
                    self._step(selector, key)
            for key in list(selector.get_map().values()):
                key.fileobj.close()

    def _step(self, selector: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
        if key.fileobj is self._listener:
            near, far = self._listener.accept()[0], socket.create_connection(self._target)
            selector.register(near, selectors.EVENT_READ, far)
            selector.register(far, selectors.EVENT_READ, near)
            return
        with suppress(OSError):  # an end that gave up
            if data := key.fileobj.recv(65_536):
                key.data.sendall(data)
                return
        for end in (key.fileobj, key.data):
            if end.fileno() >= 0:
                selector.unregister(end)
                end.close()


@pytest.fixture
def proxy_to() -> Callable[[str, int], AbstractContextManager[Proxy]]:
    """Starts a proxy in front of a host and port."""
    return lambda host, port: Proxy((host, port)).running()


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


@pytest.fixture(scope="session")
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
