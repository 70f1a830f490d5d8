"""What a call costs the thread that makes it."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Final

from measured.figures import compared, median_of
from measured.sides import AMS, OURS, STOCK
from measured.turns import Program, all_arrived, in_turns, medians, ratios

if TYPE_CHECKING:
    from measured.figures import Figure
    from measured.sides import Run, Side
    from measured.turns import Round

_CALL, _CALL_WISH = 0.20, 0.12
_OFF: Final = round(0.5 / 24, 4)
_OFF_WISH: Final = round(0.2 / 24, 4)
"""Half a microsecond, or a fifth, where a stock span takes 24."""


def call(run: Run) -> list[Figure]:
    """A decorated call with two short arguments captured, against a stock span with six attributes."""
    return _clocked(run, "call", "call")


def call_async(run: Run) -> list[Figure]:
    """The same of a coroutine function."""
    return _clocked(run, "async call", "call_async")


def nested(run: Run) -> list[Figure]:
    """An agent that calls a tool that calls a tool, for each of the three spans."""
    return _clocked(run, "nested, a span", "nested")


def in_session(run: Run) -> list[Figure]:
    """A call in a session of its own, against a stock span with the same facts in baggage. It has no budget."""
    found = _found(run, "in_session", _all_on(run))
    return _compared("a call in a session, wall", found, "wall", base=STOCK, ours=(AMS,))


def off(run: Run) -> list[Figure]:
    """A decorated call of a program that is not configured, and of one that samples nothing."""
    programs = {f"{side.name} {how}": Program(side, how) for side in run.sides for how in ("unconfigured", "unsampled")}
    base = f"{STOCK} on"
    found = _found(run, "call", {base: Program(_stock(run)), **programs})
    ours = (f"{AMS} unconfigured", f"{AMS} unsampled")
    return _compared("off", found, "wall", base=base, ours=ours, most=_OFF, wish=_OFF_WISH)


def large(run: Run) -> list[Figure]:
    """A call with a text of 100 KB and a mapping of 1 000 items, against ``json.dumps`` of the two in that process."""
    found = _found(run, "large", _all_on(run))
    wall, process, dumps = (medians(found, part) for part in ("wall", "process", "dumps"))
    figures: list[Figure] = []
    for side, rounds in found.items():
        most = 1 if side == AMS else None
        to_dumps = [statistics.median(turn["wall"] / turn["dumps"] for turn in one.turns) for one in rounds]
        figures += [
            median_of(f"large, wall: {side}", wall[side], "µs"),
            median_of(f"large, CPU of the process: {side}", process[side], "µs"),
            median_of(f"large, wall: json.dumps beside {side}", dumps[side], "µs"),
            median_of(f"large, wall: {side} to json.dumps", to_dumps, "x", most=most),
        ]
    return figures


def durable(run: Run) -> list[Figure]:
    """A call in durable mode, beside one that is not. It has no budget."""
    found = _found(run, "call", {"on": Program(OURS), "durable": Program(OURS, "durable")})
    return _compared("a call in durable mode", found, "wall", base="on", ours=("durable",))


def _clocked(run: Run, what: str, case: str) -> list[Figure]:
    found = _found(run, case, _all_on(run))
    return [
        *_compared(f"{what}, wall", found, "wall", base=STOCK, ours=(AMS,), most=_CALL, wish=_CALL_WISH),
        *_compared(f"{what}, CPU of the thread", found, "thread", base=STOCK, ours=(AMS,)),
    ]


def _found(run: Run, case: str, programs: dict[str, Program]) -> dict[str, list[Round]]:
    found = in_turns(run, case, programs)
    all_arrived(run, found, programs, case)
    return found


def _compared(  # noqa: PLR0913 -- all but three are keyword-only
    what: str,
    found: dict[str, list[Round]],
    part: str,
    *,
    base: str,
    ours: tuple[str, ...],
    most: float | None = None,
    wish: float | None = None,
) -> list[Figure]:
    if base not in found:
        return []
    values, beside = medians(found, part), ratios(found, part, base)
    return compared(what, values, "µs", base=base, ours=ours, most=most, wish=wish, ratios=beside)


def _all_on(run: Run) -> dict[str, Program]:
    return {side.name: Program(side) for side in run.sides}


def _stock(run: Run) -> Side:
    return next(side for side in run.sides if side.name == STOCK)
