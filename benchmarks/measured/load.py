"""Load on a server: as fast as some connections go, at a fixed rate, and people who log in."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from measured.connection import HttpConnection, request

if TYPE_CHECKING:
    from measured.servers import Server

CONNECTIONS: Final = 16
_OK: Final = 200
_MILLISECONDS: Final = {"us": 0.001, "ms": 1.0, "s": 1000.0}
_LATEST_SECONDS: Final = 10  # that answers may come after the last request of a fixed rate


@dataclass(frozen=True, slots=True)
class Rate:
    """Requests per second, and the latency that half and 99 of 100 stay within, in milliseconds."""

    per_second: float
    p50: float
    p99: float


def percentile(values: list[float], hundredth: int) -> float:
    """The value that so many of a hundred stay within."""
    return statistics.quantiles(values, n=100, method="inclusive")[hundredth - 1]


def generator() -> str:
    """What makes the load, for the record."""
    return "wrk" if shutil.which("wrk") else "a Python client of this benchmark"


def full_speed(server: Server, seconds: int) -> Rate:
    """Ask for the profile over 16 connections, each as soon as it has its answer.

    The round is void, and the process ends, if any answer was not the right one.
    """
    right = _profile(server)
    wrk = shutil.which("wrk")
    rate = _wrk(wrk, server, seconds, len(right)) if wrk else asyncio.run(_closed_loop(server, seconds, right))
    if _profile(server) != right:
        void(server, "the profile changed")
    return rate


def void(server: Server, why: str) -> None:
    """End: a figure of wrong answers is none."""
    sys.exit(f"The round of {server.name} is void: {why}.")


def _profile(server: Server) -> bytes:
    answer = server.profile()
    if "email" not in json.loads(answer):
        void(server, f"this is no profile: {answer!r}")
    return answer


def _wrk(wrk: str, server: Server, seconds: int, body_size: int) -> Rate:
    headers = [part for name, value in server.headers.items() for part in ("--header", f"{name}: {value}")]
    size = ["--threads", "1", "--connections", str(CONNECTIONS), "--duration", f"{seconds}s"]
    command = [wrk, *size, "--latency", *headers, server.url + server.me]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603 -- found on PATH
    if "Non-2xx" in said or "Socket errors" in said:
        void(server, f"wrk says:\n{said}")
    rate = re.search(r"Requests/sec: +([\d.]+)", said)
    sums = re.search(r"(\d+) requests in [\d.]+s, ([\d.]+)([KMG]?)B read", said)
    half, most = (re.search(rf" {part}% +([\d.]+)(us|ms|s)\n", said) for part in (50, 99))
    if not (rate and sums and half and most):
        sys.exit(f"wrk said something new:\n{said}")
    read = float(sums[2]) * 1024 ** " KMG".index(sums[3] or " ")
    if read < int(sums[1]) * body_size * 0.98:  # wrk rounds
        void(server, f"the answers were shorter than a profile:\n{said}")
    return Rate(float(rate[1]), *(float(found[1]) * _MILLISECONDS[found[2]] for found in (half, most)))


async def _closed_loop(server: Server, seconds: float, right: bytes) -> Rate:
    raw = request(server.me, server.headers)
    taken: list[float] = []
    end = time.perf_counter() + seconds

    async def client() -> None:
        async with await HttpConnection.open(server.port) as connection:
            while (begun := time.perf_counter()) < end:
                if await connection.ask(raw) != (_OK, right):
                    void(server, "an answer was wrong")
                taken.append((time.perf_counter() - begun) * 1000)

    await asyncio.gather(*(client() for _ in range(CONNECTIONS)))
    return Rate(len(taken) / seconds, percentile(taken, 50), percentile(taken, 99))


async def fixed_rate(server: Server, per_second: int, seconds: float) -> list[float]:
    """Milliseconds that profiles took at a rate that does not wait for answers.

    Each is counted from the moment when it was to be sent: what waits behind a slow answer is late as well. One without
    an answer ten seconds after the end counts as ten seconds late, which is less than it is.
    """
    raw, right = request(server.me, server.headers), server.profile()
    waiting: asyncio.Queue[float] = asyncio.Queue()
    taken: list[float] = []
    total = int(per_second * seconds)
    done = asyncio.Event()

    async def client() -> None:
        async with await HttpConnection.open(server.port) as connection:
            while True:
                due = await waiting.get()
                if await connection.ask(raw) != (_OK, right):
                    void(server, "an answer was wrong")
                taken.append((time.perf_counter() - due) * 1000)
                if len(taken) == total:
                    done.set()

    clients = [asyncio.create_task(client()) for _ in range(4 * CONNECTIONS)]
    begun = time.perf_counter()
    for number in range(total):
        due = begun + number / per_second
        await asyncio.sleep(due - time.perf_counter())
        waiting.put_nowait(due)
    end = asyncio.create_task(done.wait())
    finished, _ = await asyncio.wait([end, *clients], timeout=_LATEST_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    for task in [end, *clients]:
        task.cancel()
    for task in finished - {end}:
        task.result()  # a client ends only with an error
    return taken + [_LATEST_SECONDS * 1000.0] * (total - len(taken))


class Logins:
    """Clients that log in, again and again, until they are stopped; ``finished`` counts their logins."""

    def __init__(self, server: Server, clients: int) -> None:
        self._server = server
        self._clients = clients
        self._tasks: list[asyncio.Task[None]] = []
        self._finish: asyncio.Future[float] | None = None
        self.finished = 0

    async def next_finished(self) -> float:
        """Wait for the next login that succeeds; answer when it did, by ``time.perf_counter``."""
        self._finish = self._finish or asyncio.get_running_loop().create_future()
        finish = self._finish
        awaited: list[asyncio.Future[Any]] = [finish, *self._tasks]
        await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
        for task in self._tasks:
            if task.done():
                task.result()  # a client ends only with an error
        return finish.result()

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(self._client()) for _ in range(self._clients)]
        return self

    async def __aexit__(self, *_error: object) -> None:
        failed = [task for task in self._tasks if task.done()]
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)
        for task in failed:
            task.result()  # it ends only with an error

    async def _client(self) -> None:
        login = self._server.login
        if login is None:
            raise ValueError(self._server.name)
        raw = request(login.path, {"Content-Type": login.content_type}, login.body)
        async with await HttpConnection.open(self._server.port) as connection:
            while True:
                status, body = await connection.ask(raw)
                if status != _OK or b"access_token" not in body:
                    void(self._server, f"a login was answered with {status}: {body!r}")
                self.finished += 1
                if self._finish is not None:
                    self._finish.set_result(time.perf_counter())
                    self._finish = None
