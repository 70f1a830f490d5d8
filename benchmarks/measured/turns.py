"""Programs that take turns of some milliseconds, so that whatever slows the machine down slows all of them alike.

A machine that is shared, or that changes its clock, is twice as fast in one second as in the next. A ratio of two
processes that ran one after the other says more of that than of the two.
"""

from __future__ import annotations

import json
import statistics
import threading
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from measured.programs import MOST_SECONDS, empty_folder, failure, started
from measured.sides import AMS, STOCK, NotMeasuredError, NotOfferedError
from measured.sink import running_sink

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Generator, Mapping
    from pathlib import Path

    from measured.sides import Run, Side
    from measured.sink import Arrived, Sink

TURNS: Final = 8
WARM_TURNS: Final = 1
"""The first ones do not count."""

Turn = dict[str, float]


@dataclass(frozen=True, slots=True)
class Program:
    """Whose calls, and how they are traced: ``on``, ``unsampled``, ``unconfigured`` or ``durable``."""

    side: Side
    how: str = "on"


@dataclass(frozen=True, slots=True)
class Round:
    """The turns of one process, how many spans it made in all, and what arrived of them."""

    turns: list[Turn]
    spans: int
    arrived: Arrived


class _Running:
    """A program that waits for its next turn."""

    def __init__(self, program: Program, process: subprocess.Popen[str], sink: Sink, folder: Path) -> None:
        self._program = program
        self._process = process
        self._sink = sink
        self._folder = folder
        self._turns: list[Turn] = []

    def take_turn(self) -> None:
        """Let it run for one turn.

        Raises:
            NotMeasuredError: it failed, or was killed because it took too long.
            NotOfferedError: its side has nothing of that kind.
        """
        asked, answers = self._process.stdin, self._process.stdout
        if asked is None or answers is None:
            raise TypeError(self._process.args)
        clock = threading.Timer(MOST_SECONDS, self._process.kill)
        clock.start()
        try:
            with suppress(BrokenPipeError):  # it has ended, and may have said why
                print(file=asked, flush=True)
            answer = answers.readline()
        finally:
            clock.cancel()
        if not answer:
            self._process.kill()  # if it has not ended by itself
            self._process.wait()
            raise failure(self._program.side, self._process, self._folder)
        found = json.loads(answer)
        if "not offered" in found:
            raise NotOfferedError(f"{self._program.side.name} has no such mode: {found['not offered']}")
        self._turns.append(cast("Turn", found))

    def round(self) -> Round:
        """What it did."""
        spans = sum(int(turn["spans"]) for turn in self._turns)
        return Round(self._turns[WARM_TURNS:], spans, self._sink.count())


@contextmanager
def _running(program: Program, case: str, environ: Mapping[str, str]) -> Generator[_Running]:
    side = program.side
    with (
        running_sink() as sink,  # of its own: what arrives there is its
        empty_folder() as folder,
        started(side, "many_calls.py", side.module, case, sink.url, program.how, folder=folder, **environ) as process,
    ):
        yield _Running(program, process, sink, folder)


def in_turns(run: Run, case: str, programs: Mapping[str, Program], **environ: str) -> dict[str, list[Round]]:
    """Run the same case of several programs at once, of which only one does anything at any moment.

    Those of a peer that fails are left out, with a note, and so is what a side does not offer.

    Args:
        run: says how many rounds, each with new processes, and takes the notes.
        case: of ``many_calls.py``.
        programs: by the names that they have in the figures.
        environ: more variables.

    Raises:
        NotMeasuredError: ours or stock failed, so there is nothing to compare.
    """
    found: dict[str, list[Round]] = {name: [] for name in programs}
    for _ in range(run.rounds):
        with ExitStack() as stack:
            running = {name: stack.enter_context(_running(programs[name], case, environ)) for name in found}
            for number in range(WARM_TURNS + TURNS):
                for name in _in_order(running, programs, number):
                    try:
                        running[name].take_turn()
                    except NotMeasuredError as error:
                        leave_out(run, found, programs, name, error)
                        del running[name]
            for name, one in running.items():
                found[name].append(one.round())
    return found


def _in_order(running: Mapping[str, _Running], programs: Mapping[str, Program], number: int) -> list[str]:
    """The peers, then ours and stock side by side, every second time the other way round."""
    pair = [name for name in running if _is_needed(programs[name])]
    others = [name for name in running if name not in pair]
    return [*others, *(pair if number % 2 == 0 else reversed(pair))]


def _is_needed(program: Program) -> bool:
    return program.side.name in {AMS, STOCK}


def leave_out(
    run: Run, found: dict[str, list[Round]], programs: Mapping[str, Program], name: str, error: NotMeasuredError
) -> None:
    """Go on without a program that cannot be measured, with a note.

    Raises:
        NotMeasuredError: it is ours or stock that failed, so there is nothing to compare.
    """
    if _is_needed(programs[name]) and not isinstance(error, NotOfferedError):
        raise error
    run.note(str(error))
    del found[name]


def medians(found: Mapping[str, list[Round]], part: str) -> dict[str, list[float]]:
    """Of each program and round, the median turn."""
    return {
        name: [statistics.median(turn[part] for turn in one.turns) for one in rounds] for name, rounds in found.items()
    }


def ratios(found: Mapping[str, list[Round]], part: str, base: str) -> dict[str, list[float]]:
    """Of each program but ``base`` and each round, the median ratio of turns that stood side by side.

    Raises:
        NotMeasuredError: the clock is too coarse for a turn of ``base``.
    """
    if not all(turn[part] for one in found[base] for turn in one.turns):
        raise NotMeasuredError(f"{base}, {part}: the clock shows nothing for so short a time")
    return {
        name: [
            statistics.median(one[part] / other[part] for one, other in zip(ours.turns, theirs.turns, strict=True))
            for ours, theirs in zip(rounds, found[base], strict=True)
        ]
        for name, rounds in found.items()
        if name != base
    }


def all_arrived(run: Run, found: dict[str, list[Round]], programs: Mapping[str, Program], case: str) -> None:
    """A program is left out unless each of its spans arrived, or none where none is to be made.

    Raises:
        NotMeasuredError: it is ours or stock that lost some.
    """
    for name, rounds in list(found.items()):
        for one in rounds:
            expected = one.spans if programs[name].how in {"on", "durable"} else 0
            if one.arrived.spans != expected:
                message = f"{name}: {case}: {one.arrived.spans} spans arrived and not {expected}"
                leave_out(run, found, programs, name, NotMeasuredError(message))
                break
