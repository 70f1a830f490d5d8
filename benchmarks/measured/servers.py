"""Servers to measure, each one process on a free port, ended with the ``with`` that started it."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import httpx
from sqlalchemy import Connection, insert

from ams_reference_server.db import Database
from ams_reference_server.models import revoked_tokens, users
from measured.peers import FASTAPI_USERS

if TYPE_CHECKING:
    from collections.abc import Generator

USERS: Final = 300
REVOKED: Final = 10_000
EMAIL: Final = "ada@example.org"
PASSWORD: Final = "Analytical-Engine-1843"  # noqa: S105 -- of a server that lives for a minute
_PEERS: Final = Path(__file__).parents[1] / "peers"
_START_SECONDS: Final = 30
_END_SECONDS: Final = 15


@dataclass(frozen=True, slots=True)
class Login:
    """What a client sends to log in."""

    path: str
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Server:
    """A server that answers: where, what its profile route is called, and how somebody logs in."""

    name: str
    port: int
    me: str
    login: Login | None = None
    token: str = ""

    @property
    def url(self) -> str:
        """Its address without a path."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def headers(self) -> dict[str, str]:
        """What a request for the profile carries."""
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    def profile(self) -> bytes:
        """The profile's JSON.

        Raises:
            httpx.HTTPError: it is not answered with 200.
        """
        return httpx.get(self.url + self.me, headers=self.headers, timeout=60).raise_for_status().content


@contextmanager
def reference_server(folder: Path, cost: int = 12, disabled: str = "", **settings: str) -> Generator[Server]:
    """This project's server on SQLite, with some accounts and many tokens that were logged out and have not expired.

    Args:
        folder: an empty folder for its database.
        cost: the work for one password hash, as a power of two.
        disabled: the address of one more account, which is disabled.
        settings: more ``AMS_*`` variables, by their whole name.
    """
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AMS_")}
    environ |= {
        "AMS_STATE_DIR": str(folder),
        "AMS_SECRET_KEY": secrets.token_urlsafe(48),
        "AMS_BCRYPT_COST": str(cost),
        **settings,
    }
    _fill(f"sqlite:///{folder / 'reference-server.db'}")
    command = [sys.executable, "-m", "ams_reference_server", "serve", "--port"]
    with _running(command, environ=environ) as port:
        server = Server("ams", port, "/api/users/me")
        for email in filter(None, (EMAIL, disabled)):
            account = {"email": email, "password": PASSWORD, "name": "Ada"}
            httpx.post(f"{server.url}/api/auth/register", json=account, timeout=30).raise_for_status()
        if disabled:
            disable = [sys.executable, "-m", "ams_reference_server", "users", "disable", disabled]
            subprocess.run(disable, check=True, env=environ, stdout=subprocess.DEVNULL)  # noqa: S603 -- this project's command
        login = Login("/api/auth/login", "application/json", f'{{"email":"{EMAIL}","password":"{PASSWORD}"}}'.encode())
        yield Server("ams", port, server.me, login, _token(server.url, login))


@contextmanager
def bare_starlette(answer: bytes) -> Generator[Server]:
    """A server that knows one answer only."""
    with _running([sys.executable, str(_PEERS / "bare_starlette.py")], answer.decode()) as port:
        yield Server("bare Starlette", port, "/api/users/me")


@contextmanager
def fastapi_users(folder: Path, cost: int = 12) -> Generator[Server]:
    """The server of fastapi-users on SQLite, with as many accounts.

    Args:
        folder: an empty folder for its database.
        cost: as above.
    """
    more = [str(folder / "peer.db"), str(USERS), str(cost)]
    with _running([FASTAPI_USERS.python(), str(_PEERS / "fastapi_users_server.py")], *more) as port:
        server = Server("fastapi-users", port, "/users/me")
        account = {"email": EMAIL, "password": PASSWORD}
        httpx.post(f"{server.url}/auth/register", json=account, timeout=30).raise_for_status()
        form = str(httpx.QueryParams({"username": EMAIL, "password": PASSWORD})).encode()
        login = Login("/auth/jwt/login", "application/x-www-form-urlencoded", form)
        yield Server(server.name, port, server.me, login, _token(server.url, login))


def _token(url: str, login: Login) -> str:
    answer = httpx.post(url + login.path, content=login.body, headers={"Content-Type": login.content_type}, timeout=30)
    return str(answer.raise_for_status().json()["access_token"])


def _fill(database_url: str) -> None:
    database = Database(database_url)
    database.migrate()
    now = datetime.now(UTC)
    later = int(time.time()) + 8 * 3600
    rows = [
        {
            "id": uuid4(),
            "email": f"user{number}@example.org",
            "email_key": f"user{number}@example.org",
            "name": f"User {number}",
            "password_hash": "none",
            "created_at": now,
            "updated_at": now,
        }
        for number in range(USERS)
    ]

    def fill(connection: Connection) -> None:
        connection.execute(insert(users), rows)
        connection.execute(insert(revoked_tokens), [{"jti": uuid4().hex, "expires_at": later} for _ in range(REVOKED)])

    database.write_now(fill)
    database.dispose()


@contextmanager
def _running(command: list[str], *more: str, environ: dict[str, str] | None = None) -> Generator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    # A session of its own: Ctrl-C reaches this process only, which then ends the server below.
    with subprocess.Popen(  # noqa: S603 -- this project's servers
        [*command, str(port), *more], env=environ, stdout=subprocess.DEVNULL, start_new_session=True
    ) as process:
        try:
            _wait_for(port, process)
            yield port
        finally:
            process.terminate()
            try:
                process.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    sys.exit(f"{process.args!r} does not answer on port {port}.")
