"""The budgets of the SDK, as ratios to the stock OpenTelemetry SDK, beside peers.

Every side runs in processes of its own, and each peer in an environment of its own, which is made the first time (pip
installs it). All of them send to processes on 127.0.0.1 that count the spans. Calls are measured in turns of some
milliseconds: all sides' processes live at once and one of them runs, then the next. Ratios are of turns that stood side
by side, so that a machine that is busy or changes its clock slows all of them alike.

    python benchmarks/sdk.py [--rounds N] [--only ROW …] [--peers stock,logfire,…] [--json]

One call is shown in wall time and in CPU time of the thread that makes it; the budget is held against wall time, which
is what a program waits, and which has in it what the thread waits for the exporter's thread. Rounds are short (200
calls, then a flush outside the clock), so that no queue overflows and nobody saves time by losing spans. The
exporter's thread hardly runs in rounds so short; what it takes is in the CPU of the whole process for a delivered span,
and in what a call takes in the burst.

The exit code is 1 if a budget is missed, or could not be measured.
"""

from __future__ import annotations

import argparse
import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from measured.figures import show
from measured.sides import PEER_NAMES, NotMeasuredError, Run, sides_of
from measured.signals import end_on_signals
from measured.sink import running_sink
from sdk_rows import calls, delivery, processes

if TYPE_CHECKING:
    from collections.abc import Callable

    from measured.figures import Figure

ROWS: Final[dict[str, Callable[[Run], list[Figure]]]] = {
    "call": calls.call,
    "async": calls.call_async,
    "nested": calls.nested,
    "session": calls.in_session,
    "off": calls.off,
    "large": calls.large,
    "durable": calls.durable,
    "cpu": delivery.cpu,
    "burst": delivery.burst,
    "start": processes.start,
    "exit": processes.exit_time,
    "memory": processes.memory,
}


def peers(text: str) -> list[str]:
    """Names of peers, separated by commas."""
    names = text.split(",")
    if unknown := set(names) - set(PEER_NAMES):
        raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: choose from {', '.join(PEER_NAMES)}")
    return names


def processor() -> str:
    """What the machine computes with."""
    file = Path("/proc/cpuinfo")
    lines = file.read_text().splitlines() if file.exists() else []
    named = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return named[0] if named else platform.machine()


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Measure the SDK against the stock OpenTelemetry SDK and peers.")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", choices=ROWS, nargs="+", default=list(ROWS), metavar="ROW", help=", ".join(ROWS))
    parser.add_argument("--peers", type=peers, default=list(PEER_NAMES), help=", ".join(PEER_NAMES))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    end_on_signals()
    sides, versions = sides_of(options.peers)
    figures: list[Figure] = []
    is_measured = True
    with running_sink() as sink:
        run = Run(sides, sink, options.rounds)
        for row in options.only:
            print(f"Measuring: {row}", file=sys.stderr)
            try:
                figures += ROWS[row](run)
            except NotMeasuredError as error:
                is_measured = False
                run.note(f"{row}: NOT MEASURED; {error}")
    exit_code = show(
        f"The SDK's budgets, median of {options.rounds} rounds",
        figures,
        as_json=options.json,
        packages=("ams-sdk", "opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http"),
        notes=run.notes,
        processor=processor(),
        system=platform.system(),
        **versions,
    )
    return exit_code if is_measured else 1


if __name__ == "__main__":
    sys.exit(main())
