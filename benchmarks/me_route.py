"""What ``GET /api/users/me`` costs, against one bare Starlette route and against fastapi-users with the same answer.

Three servers of one process each, all on the same uvicorn, httptools and uvloop, take turns, many short rounds each;
ratios are of rounds that stood side by side, so that a busy machine slows all of them alike. Then the profile is asked
for 200 times a second while eight clients log in without a pause.

    python benchmarks/me_route.py [--rounds N] [--seconds N] [--json]

The exit code is 1 if a budget is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from measured.figures import median_of, show
from measured.load import Logins, fixed_rate, full_speed, generator, percentile
from measured.peers import FASTAPI_USERS
from measured.servers import REVOKED, bare_starlette, fastapi_users, reference_server
from measured.signals import end_on_signals

if TYPE_CHECKING:
    from measured.figures import Figure
    from measured.load import Rate
    from measured.servers import Server

COST: Final = 12
LOGIN_CLIENTS: Final = 8
PROFILES_PER_SECOND: Final = 200


def compare_speed(ams: Server, peer: Server, bare: Server, rounds: int, seconds: int) -> list[Figure]:
    """Requests per second and latencies at full speed."""
    servers = (bare, ams, peer)
    found: dict[Server, list[Rate]] = {server: [] for server in servers}
    for server in servers:
        full_speed(server, 1)  # warm
    for _ in range(rounds):
        for server in servers:
            found[server].append(full_speed(server, seconds))
    figures: list[Figure] = []
    for server in servers:
        figures += [
            median_of(f"{server.name}: requests per second", [rate.per_second for rate in found[server]]),
            median_of(f"{server.name}: p50", [rate.p50 for rate in found[server]], "ms"),
            median_of(f"{server.name}: p99", [rate.p99 for rate in found[server]], "ms"),
        ]

    def ratio(other: Server) -> list[float]:
        pairs = zip(found[ams], found[other], strict=True)
        return [ours.per_second / theirs.per_second for ours, theirs in pairs]

    return [
        *figures,
        median_of("speed, ams to fastapi-users", ratio(peer), "x", least=5),
        median_of("speed, ams to bare Starlette (wish: 0.25)", ratio(bare), "x", least=0.15),
    ]


async def _under_logins(server: Server, seconds: int) -> tuple[float, float]:
    async with Logins(server, LOGIN_CLIENTS) as logins:
        await asyncio.sleep(1)
        before, begun = logins.finished, time.perf_counter()
        taken = await fixed_rate(server, PROFILES_PER_SECOND, seconds)
        return percentile(taken, 99), (logins.finished - before) / (time.perf_counter() - begun)


def compare_under_logins(ams: Server, peer: Server, rounds: int, seconds: int) -> list[Figure]:
    """The latency of the profile while others log in."""
    p99: dict[Server, list[float]] = {ams: [], peer: []}
    logins: dict[Server, list[float]] = {ams: [], peer: []}
    for _ in range(rounds):
        for server in (ams, peer):
            late, rate = asyncio.run(_under_logins(server, seconds))
            p99[server].append(late)
            logins[server].append(rate)
    return [
        median_of("ams: p99 while 8 clients log in", p99[ams], "ms", most=25),
        median_of("fastapi-users: p99 while 8 clients log in", p99[peer], "ms"),
        median_of("ams: logins per second meanwhile", logins[ams]),
        median_of("fastapi-users: logins per second meanwhile", logins[peer]),
    ]


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Measure the profile route against two peers.")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=4, help="of one round of one server")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    end_on_signals()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        ams = stack.enter_context(reference_server(folder, COST))
        peer = stack.enter_context(fastapi_users(folder, COST))
        bare = stack.enter_context(bare_starlette(ams.profile()))
        figures = compare_speed(ams, peer, bare, options.rounds, options.seconds)
        figures += compare_under_logins(ams, peer, min(options.rounds, 3), max(options.seconds, 5))
    return show(
        f"GET /api/users/me, {REVOKED} revoked tokens, median of {options.rounds} rounds of {options.seconds} s",
        figures,
        as_json=options.json,
        load=generator(),
        fastapi_users=FASTAPI_USERS.version(),
    )


if __name__ == "__main__":
    sys.exit(main())
