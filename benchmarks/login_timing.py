"""Whether the time of a refused login tells that an address is known.

A wrong password for a known address, for an unknown one and for a disabled account are sent in turn, one at a time over
one connection, in an order that is shuffled anew each time. Compared are the medians and the means without the fastest
and slowest tenth, with the interval in which 95 of 100 resamples of the pairs lie (bootstrap).

    python benchmarks/login_timing.py [--rounds N] [--cost N] [--json]

The exit code is 1 if a budget is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from measured.connection import HttpConnection, request
from measured.figures import Figure, median_of, show
from measured.load import void
from measured.servers import EMAIL, reference_server
from measured.signals import end_on_signals

if TYPE_CHECKING:
    from collections.abc import Callable

    from measured.servers import Server

DISABLED: Final = "disabled@example.org"
ADDRESSES: Final = {"known": EMAIL, "unknown": "nobody@example.org", "disabled": DISABLED}
LEAST, MOST = 0.8, 1.25
RESAMPLES: Final = 2_000
_REFUSED: Final = 401


def trimmed_mean(values: list[float]) -> float:
    """The mean without the fastest and the slowest tenth."""
    tenth = len(values) // 10
    return statistics.fmean(sorted(values)[tenth : len(values) - tenth])


async def refusals(server: Server, rounds: int) -> dict[str, list[float]]:
    """Milliseconds of refused logins, by kind of address."""
    taken: dict[str, list[float]] = {kind: [] for kind in ADDRESSES}
    raw = {kind: _wrong_login(address) for kind, address in ADDRESSES.items()}
    async with await HttpConnection.open(server.port) as connection:
        for number in range(-5, rounds):  # the first ones warm
            for kind in random.sample(list(raw), len(raw)):
                begun = time.perf_counter()
                status, body = await connection.ask(raw[kind])
                milliseconds = (time.perf_counter() - begun) * 1000
                if status != _REFUSED:
                    void(server, f"the address that is {kind} was answered with {status}: {body!r}")
                if number >= 0:
                    taken[kind].append(milliseconds)
    return taken


def _wrong_login(address: str) -> bytes:
    body = json.dumps({"email": address, "password": "not-the-Password-1"}).encode()
    return request("/api/auth/login", {"Content-Type": "application/json"}, body)


def compare(name: str, one: list[float], other: list[float], average: Callable[[list[float]], float]) -> Figure:
    """The ratio of two averages, with its interval."""
    ratios: list[float] = []
    for _ in range(RESAMPLES):
        picked = random.choices(range(len(one)), k=len(one))  # noqa: S311 -- no secret
        ratios.append(average([one[index] for index in picked]) / average([other[index] for index in picked]))
    percents = statistics.quantiles(ratios, n=40, method="inclusive")
    return Figure(name, average(one) / average(other), percents[0], percents[-1], "x", LEAST, MOST)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Measure how long logins to known and unknown addresses are refused.")
    parser.add_argument("--rounds", type=int, default=250)
    parser.add_argument("--cost", type=int, default=10, help="of bcrypt")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    end_on_signals()
    no_limits = {"AMS_LOGIN_LIMIT_PER_ADDRESS": "off", "AMS_LOGIN_LIMIT_PER_CLIENT": "off"}
    with (
        TemporaryDirectory() as folder,
        reference_server(Path(folder), options.cost, disabled=DISABLED, **no_limits) as server,
    ):
        taken = asyncio.run(refusals(server, options.rounds))
    figures = [median_of(f"{kind}: milliseconds", values, "ms") for kind, values in taken.items()]
    for kind in ("unknown", "disabled"):
        for text, average in (("medians", statistics.median), ("trimmed means", trimmed_mean)):
            figures.append(compare(f"{text}, known to {kind}", taken["known"], taken[kind], average))
    return show(
        f"Refused logins, bcrypt cost {options.cost}, {options.rounds} of each kind",
        figures,
        as_json=options.json,
        interval="95 % of resamples",
    )


if __name__ == "__main__":
    sys.exit(main())
