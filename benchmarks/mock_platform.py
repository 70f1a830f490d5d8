"""What a request costs on the mock platform, against a bare server of the testing kit and against the reference server.

Three servers of one process each take turns, many short rounds each, over one connection that is kept: that is how a
test asks. Ratios are of rounds that stood side by side, so that a busy machine slows all of them alike.

    python benchmarks/mock_platform.py [--rounds N] [--requests N] [--json]

The exit code is 1 if a budget is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from measured.connection import HttpConnection, request
from measured.figures import median_of, show
from measured.servers import reference_server
from measured.signals import end_on_signals

from ams_sdk.testing._http import LoopbackServer, Response
from ams_sdk.testing._platform import MockPlatform

if TYPE_CHECKING:
    from collections.abc import Generator

    from measured.figures import Figure

    from ams_sdk.testing._http import Request

WARM: Final = 20
BUDGET: Final = 3.0
"""Milliseconds a request."""
AGENT: Final = json.dumps({"name": "researcher", "version": "1", "tools": [{"name": "search"}]}).encode()
SPANS: Final = json.dumps(
    {
        "resourceSpans": [
            {
                "scopeSpans": [
                    {
                        "spans": [
                            {"traceId": "ab" * 16, "spanId": f"{number:016x}", "name": "run"} for number in range(1, 21)
                        ]
                    }
                ]
            }
        ]
    }
).encode()
CASES: Final = {
    "profile": ("/api/users/me", None),
    "registration, nothing new": ("/api/agents", AGENT),
    "20 spans that are known": ("/v1/traces", SPANS),
}


class Bare:
    """One answer for everything."""

    def __init__(self, body: bytes) -> None:
        self._response = Response(200, (("content-type", "application/json"),), body)

    def body_limit(self, _head: Request, /) -> int:
        """No limit that matters."""
        return 1 << 20

    def answer(self, _request: Request, /) -> Response:
        """The answer."""
        return self._response


@contextmanager
def in_a_process(kind: str) -> Generator[tuple[int, str]]:
    """A server of this file as a process of its own: its port, and a token."""
    command = [sys.executable, __file__, "--serve", kind]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True) as process:  # noqa: S603 -- this file
        try:
            yield _first_line(process)
        finally:
            process.terminate()


def _first_line(process: subprocess.Popen[str]) -> tuple[int, str]:
    if process.stdout is None:
        raise TypeError(process.args)
    port, _, token = process.stdout.readline().strip().partition(" ")
    return int(port), token


async def _round(port: int, raw: bytes, requests: int) -> float:
    """Milliseconds that half of the requests stay within."""
    taken: list[float] = []
    async with await HttpConnection.open(port) as connection:
        for _ in range(requests):
            begun = time.perf_counter()
            status, _body = await connection.ask(raw)
            taken.append((time.perf_counter() - begun) * 1000)
            if status not in {200, 201}:
                sys.exit(f"The round is void: port {port} answered {status}.")
    return statistics.median(taken)


def measure(servers: dict[str, tuple[int, str]], rounds: int, requests: int) -> list[Figure]:
    """What a request takes, of each kind and on each server."""
    figures: list[Figure] = []
    for case, (path, body) in CASES.items():
        found: dict[str, list[float]] = {name: [] for name in servers}
        for number in range(rounds + 1):
            for name, (port, token) in servers.items():
                headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
                took = asyncio.run(_round(port, request(path, headers, body), requests if number else WARM))
                if number:  # the first is to get warm
                    found[name].append(took)
        for name, values in found.items():
            most = BUDGET if name == "mock" else None
            figures.append(median_of(f"{case}: {name}", values, "ms", most=most))
        for other in ("bare", "reference server"):
            ratios = [mock / peer for mock, peer in zip(found["mock"], found[other], strict=True)]
            figures.append(median_of(f"{case}: mock to {other}", ratios, "x"))
    return figures


def start_and_stop(rounds: int) -> list[Figure]:
    """What it takes to make a platform, and to serve it and end that; nothing may be left."""
    made: list[float] = []
    served: list[float] = []
    before = threading.active_count()
    for _ in range(rounds * 5):
        begun = time.perf_counter()
        platform = MockPlatform()
        made.append((time.perf_counter() - begun) * 1000)
        begun = time.perf_counter()
        with platform.serve():
            pass
        served.append((time.perf_counter() - begun) * 1000)
    left = threading.active_count() - before
    return [
        median_of("to make a platform", made, "ms", most=BUDGET),
        median_of("to start and stop on a port", served, "ms", most=10),
        median_of("threads that are left", [float(left)], most=0),
    ]


def serve(kind: str) -> int:
    """Serve until the end of this process."""
    platform = MockPlatform()
    body = platform.account.user.model_dump_json().encode()
    server = LoopbackServer(platform if kind == "mock" else Bare(body)).start()
    print(server.port, platform.token, flush=True)
    sys.stdin.read()
    server.stop()
    return 0


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Measure the mock platform.")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--requests", type=int, default=200, help="of one round of one server")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--serve", choices=["bare", "mock"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        return serve(options.serve)
    end_on_signals()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        reference = stack.enter_context(reference_server(folder, 4))
        servers = {name: stack.enter_context(in_a_process(name)) for name in ("bare", "mock")}
        servers["reference server"] = (reference.port, reference.token)
        figures = measure(servers, options.rounds, options.requests)
    figures += start_and_stop(options.rounds)
    title = f"A request on the mock platform, median of {options.rounds} rounds of {options.requests} requests"
    return show(title, figures, as_json=options.json, packages=("h11", "pydantic", "protobuf"))


if __name__ == "__main__":
    sys.exit(main())
