"""What a whole process pays: its start, its end, and its memory while nobody listens."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

from measured.figures import compared, median_of
from measured.programs import MOST_SECONDS, empty_folder, failure, many_calls, run_to_end, started
from measured.sides import AMS, OURS, STOCK, NotMeasuredError

if TYPE_CHECKING:
    from pathlib import Path

    from measured.figures import Figure
    from measured.sides import Run, Side

_START, _START_WISH = 0.8, 0.6
_EXIT_SECONDS, _EXIT_WISH = 2.0, 1.0
_ADDED: Final = 32
_OUTAGES: Final = {"refuse": "down", "hang": "hanging", "fail": "answering 503"}
_NESTED_SPANS: Final = 3
_SECOND_START_SECONDS: Final = 10
_LOOK_SECONDS: Final = 0.002


def start(run: Run) -> list[Figure]:
    """From the start of a fresh process to the import, to the end of the first span, and to its own end."""

    def measure(side: Side) -> dict[str, float]:
        run.sink.forget()
        with empty_folder() as folder:
            imported = run_to_end(side, "one_run.py", side.imports, folder=folder)
            whole = run_to_end(side, "one_run.py", side.module, run.sink.url, "call", folder=folder)
        if run.sink.count().spans != 1:
            raise NotMeasuredError(f"{side.name}: the span of a short program did not arrive")
        return {
            "import": (float(imported.said.split()[0]) - imported.started) * 1000,
            "first span": (float(whole.said.split()[1]) - whole.started) * 1000,
            "whole": (whole.ended - whole.started) * 1000,
        }

    run.in_turns(1, measure)  # files are read and compiled
    found = run.in_turns(run.rounds, measure)

    def part(name: str) -> dict[str, list[float]]:
        return {side: [one[name] for one in values] for side, values in found.items()}

    return [
        median_of("start, the interpreter alone", [_bare_start() for _ in range(run.rounds)], "ms"),
        *compared("start to import", part("import"), "ms", base=STOCK, ours=(AMS,)),
        *compared(
            "start to first span", part("first span"), "ms", base=STOCK, ours=(AMS,), most=_START, wish=_START_WISH
        ),
        *compared("start to end, one span sent", part("whole"), "ms", base=STOCK, ours=(AMS,)),
    ]


def _bare_start() -> float:
    with empty_folder() as folder:
        bare = run_to_end(OURS, "one_run.py", "time", folder=folder)
    return (float(bare.said.split()[0]) - bare.started) * 1000


def exit_time(run: Run) -> list[Figure]:
    """From the last line of a program to its end while the backend is out, and what the next start still delivers.

    Ours has the machine to itself. The peers wait for the backend side by side, once: they wait and compute little.
    """
    figures: list[Figure] = []
    for mode, outage in _OUTAGES.items():
        seconds: list[float] = []
        lost: list[float] = []
        for _ in range(min(run.rounds, 3)):
            with empty_folder() as folder:
                run.sink.become(mode)
                seconds += _exits(run, outage, {OURS: folder}).values()
                run.sink.become("take")
                lost.append(_NESTED_SPANS - _delivered_by_the_next_start(run, folder))
        figures += [
            median_of(f"exit, {outage}: {AMS} (wish: {_EXIT_WISH:g})", seconds, "s", most=_EXIT_SECONDS),
            median_of(f"exit, {outage}, spans lost after the next start: {AMS}", lost, most=0),
        ]
        with ExitStack() as stack:
            run.sink.become(mode)
            folders = {side: stack.enter_context(empty_folder()) for side in run.peers}
            found = _exits(run, outage, folders)
            run.sink.become("take")
        figures += [median_of(f"exit, {outage}: {side.name}", [taken], "s") for side, taken in found.items()]
    return figures


def _exits(run: Run, outage: str, folders: dict[Side, Path]) -> dict[Side, float]:
    """Seconds from the last line to the end, of programs that run side by side."""
    with ExitStack() as stack:
        running = {
            side: stack.enter_context(started(side, "one_run.py", side.module, run.sink.url, "nested", folder=folder))
            for side, folder in folders.items()
        }
        ended: dict[Side, float] = {}
        deadline = time.monotonic() + MOST_SECONDS
        while len(ended) < len(running) and time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS)  # several processes are polled in turn, none of them wakes us
            now = time.monotonic()
            ended |= {side: now for side, one in running.items() if side not in ended and one.poll() is not None}
        taken: dict[Side, float] = {}
        for side, process in running.items():
            if side not in ended:
                run.note(f"{side.name}: exit, {outage}: killed after {MOST_SECONDS} s")
                taken[side] = MOST_SECONDS
            elif process.returncode == 0 and process.stdout:
                taken[side] = ended[side] - float(process.stdout.read().split()[1])
            else:
                run.note(str(failure(side, process, folders[side])))
    if OURS in folders and OURS not in taken:
        raise NotMeasuredError(f"{AMS}: exit, {outage}: it failed")
    return taken


def _delivered_by_the_next_start(run: Run, folder: Path) -> int:
    """How many spans a second program delivers that are not its own; it runs until they came or too long."""
    run.sink.forget()
    with started(OURS, "one_run.py", OURS.module, run.sink.url, "call", "wait", folder=folder):
        deadline = time.monotonic() + _SECOND_START_SECONDS
        while time.monotonic() < deadline:
            spans = run.sink.count().spans
            if spans > _NESTED_SPANS:
                break
            time.sleep(_LOOK_SECONDS * 10)  # the count is what another process says
    return max(run.sink.count().spans - 1, 0)


def memory(run: Run) -> list[Figure]:
    """What 20 000 calls add to the most memory that the process has had, with nothing listening."""
    run.sink.become("refuse")
    try:
        found = run.in_turns(
            min(run.rounds, 3), lambda side: many_calls(side, "memory", run.sink.url)["added"], peer_rounds=1
        )
    finally:
        run.sink.become("take")
    return [
        median_of(f"memory added, nothing listens: {side}", values, "MiB", most=_ADDED if side == AMS else None)
        for side, values in found.items()
    ]
