"""The platform under the contract: a real server on a real port, started once."""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
import sys
from typing import TYPE_CHECKING
from uuid import uuid4

import httpx
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PASSWORD = "Correct-horse-7"
# Nothing here is encrypted, but every client would load the machine's certificates, which takes longer than most tests.
TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The base URL of the platform; whatever answers the contract can stand here."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AMS_")}
    environ = inherited | {"AMS_STATE_DIR": str(tmp_path_factory.mktemp("platform")), "AMS_BCRYPT_COST": "4"}
    command = [sys.executable, "-m", "ams_reference_server", "serve", "--port", "0", "--parent-pid", str(os.getpid())]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environ, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("AMS reference server listening on http://"), line
        yield line.split()[-1]
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0


@pytest.fixture
def client(platform: str) -> Iterator[httpx.Client]:
    """Somebody without a credential."""
    with httpx.Client(base_url=platform, timeout=30, verify=TLS) as opened:
        yield opened


@pytest.fixture
def new_account(platform: str) -> Iterator[Callable[[], httpx.Client]]:
    """Makes an account of its own and gives a client that is logged in to it."""
    opened: list[httpx.Client] = []

    def make() -> httpx.Client:
        client = httpx.Client(base_url=platform, timeout=30, verify=TLS)
        opened.append(client)
        body = {"email": f"{uuid4().hex}@example.org", "password": PASSWORD}
        client.post("/api/auth/register", json=body).raise_for_status()
        token = client.post("/api/auth/login", json=body).raise_for_status().json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        return client

    yield make
    for client in opened:
        client.close()


@pytest.fixture
def account(new_account: Callable[[], httpx.Client]) -> httpx.Client:
    """Somebody who is logged in to an account of their own."""
    return new_account()
