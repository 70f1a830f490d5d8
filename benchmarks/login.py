"""How many people log in per second and core, as a ratio to bare bcrypt hashes in a tight loop.

The server has one process and one thread that hashes; the loop has one process as well. They take turns, many rounds
each, and the ratio is of rounds that stood side by side.

    python benchmarks/login.py [--rounds N] [--seconds N] [--cost N] [--json]

The exit code is 1 if a budget is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import bcrypt
from measured.figures import median_of, show
from measured.load import Logins
from measured.servers import reference_server
from measured.signals import end_on_signals

if TYPE_CHECKING:
    from measured.servers import Server

CLIENTS: Final = 4
"""Enough that the thread that hashes never waits for one."""


def bare_hashes(cost: int, seconds: float) -> float:
    """Hashes per second of a secret as long as what the server hashes, 44 characters."""
    salt = bcrypt.gensalt(cost)
    count, begun = 0, time.perf_counter()
    while (taken := time.perf_counter() - begun) < seconds:
        bcrypt.hashpw(b"x" * 44, salt)
        count += 1
    return count / taken


async def logins(server: Server, seconds: float) -> float:
    """Logins per second, from the end of one to the end of another, so that none is counted in part."""
    async with Logins(server, CLIENTS) as clients:
        first = await clients.next_finished()
        end = first + seconds
        before = clients.finished
        while (last := await clients.next_finished()) < end:
            pass
        return (clients.finished - before) / (last - first)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Measure logins against bare bcrypt hashes.")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=5, help="of one round")
    parser.add_argument("--cost", type=int, default=12, help="of bcrypt")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    end_on_signals()
    found: list[tuple[float, float]] = []
    with (
        TemporaryDirectory() as folder,
        reference_server(Path(folder), options.cost, AMS_HASH_THREADS="1") as server,
    ):
        for _ in range(options.rounds):
            hashes = bare_hashes(options.cost, options.seconds)
            found.append((asyncio.run(logins(server, options.seconds)), hashes))
    return show(
        f"POST /api/auth/login, bcrypt cost {options.cost}, median of {options.rounds} rounds of {options.seconds} s",
        [
            median_of("logins per second and core", [login for login, _ in found]),
            median_of("bare hashes per second and core", [hashes for _, hashes in found]),
            median_of("logins to bare hashes", [login / hashes for login, hashes in found], "x", least=0.8),
        ],
        as_json=options.json,
    )


if __name__ == "__main__":
    sys.exit(main())
