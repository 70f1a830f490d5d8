"""What the testing kit costs: its pytest plugin where no test uses it, and its fixtures where one does.

A plugin's cost is what a run of pytest takes to import it, each import in a process of its own that has pytest already.
Every other plugin that is installed stands beside it: those of logfire and langsmith, for example. The cost of the
fixtures is that of isolating a test.

    python benchmarks/testing_kit.py [--rounds N] [--json]

The exit code is 1 if a budget is missed.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from importlib import metadata
from typing import Final

from measured.figures import Figure, median_of, show

from ams_sdk.testing import Kit

PLUGIN_BUDGET: Final = 15.0
"""Milliseconds."""
TEST_BUDGET: Final = 15.0
TESTS: Final = 20
PROGRAM: Final = """
import sys, time
import pytest, _pytest.config
began = time.perf_counter()
__import__(sys.argv[1])
print((time.perf_counter() - began) * 1000)
"""


def of_plugins(rounds: int) -> list[Figure]:
    """Milliseconds to import each plugin, in turns."""
    modules = {one.name: one.module for one in metadata.entry_points(group="pytest11")}
    found: dict[str, list[float]] = {name: [] for name in modules}
    for number in range(rounds + 1):
        for name, taken in found.items():
            command = [sys.executable, "-c", PROGRAM, modules[name]]
            done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 -- this file's own program
            if number:  # the first round writes what Python keeps compiled
                taken.append(float(done.stdout))
    figures = [
        median_of(f"plugin, unused: {name}", taken, "ms", most=PLUGIN_BUDGET if name == "ams_sdk" else None)
        for name, taken in found.items()
    ]
    for name, taken in found.items():
        if name != "ams_sdk":
            ratios = [ours / theirs for ours, theirs in zip(found["ams_sdk"], taken, strict=True)]
            figures.append(median_of(f"plugin, unused: ams_sdk to {name}", ratios, "x"))
    return figures


def of_fixtures(rounds: int) -> list[Figure]:
    """Milliseconds that a test is isolated in: configured, verified and put back."""
    taken: list[float] = []
    for number in range(rounds + 1):
        each: list[float] = []
        for _ in range(TESTS):
            began = time.perf_counter()
            with Kit() as kit:
                kit.verify()
            each.append((time.perf_counter() - began) * 1000)
        if number:
            taken.append(statistics.median(each))
    return [median_of("a test with the fixture ams", taken, "ms", most=TEST_BUDGET)]


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Measure the testing kit.")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    figures = of_plugins(options.rounds) + of_fixtures(options.rounds)
    title = f"The testing kit, median of {options.rounds} rounds"
    return show(title, figures, as_json=options.json, packages=("pytest", "httpx", "pydantic"))


if __name__ == "__main__":
    sys.exit(main())
