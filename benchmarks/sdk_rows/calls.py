"""What a call costs the thread that makes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from measured.figures import compared, median_of
from measured.programs import many_calls
from measured.sides import AMS, OURS, STOCK, NotMeasuredError, NotOfferedError

if TYPE_CHECKING:
    from measured.figures import Figure
    from measured.sides import Run, Side

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


def off(run: Run) -> list[Figure]:
    """A decorated call of a program that is not configured, and of one that samples nothing."""

    def measure(side: Side) -> dict[str, float]:
        found: dict[str, float] = {}
        for how in ("on", "unconfigured", "unsampled") if side.name == STOCK else ("unconfigured", "unsampled"):
            try:
                found[how] = _measured(run, side, "call", how)["wall"]
            except NotOfferedError as error:
                run.note(f"off: {error}")
        return found

    taken = {
        f"{side} {how}": [one[how] for one in values]
        for side, values in run.in_turns(run.rounds, measure).items()
        for how in values[0]
    }
    ours = (f"{AMS} unconfigured", f"{AMS} unsampled")
    return compared("off", taken, "µs", base=f"{STOCK} on", ours=ours, most=_OFF, wish=_OFF_WISH)


def large(run: Run) -> list[Figure]:
    """A call with a text of 100 KB and a mapping of 1 000 items, against ``json.dumps`` of the two in that process."""
    found = run.in_turns(run.rounds, lambda side: _measured(run, side, "large"))
    figures: list[Figure] = []
    for side, values in found.items():
        most = 1 if side == AMS else None
        ratios = [one["wall"] / one["dumps"] for one in values]
        figures += [
            median_of(f"large, wall: {side}", [one["wall"] for one in values], "µs"),
            median_of(f"large, CPU of the process: {side}", [one["process"] for one in values], "µs"),
            median_of(f"large, wall: json.dumps beside {side}", [one["dumps"] for one in values], "µs"),
            median_of(f"large, wall: {side} to json.dumps", ratios, "x", most=most),
        ]
    return figures


def durable(run: Run) -> list[Figure]:
    """A call in durable mode, beside one that is not. It has no budget."""
    found: dict[str, list[float]] = {"on": [], "durable": []}
    try:
        for _ in range(run.rounds):
            for how, values in found.items():
                values.append(_measured(run, OURS, "call", how)["wall"])
    except NotOfferedError as error:
        run.note(f"durable: left out; {error}")
        return []
    return compared("a call in durable mode, wall", found, "µs", base="on", ours=("durable",))


def _clocked(run: Run, what: str, case: str) -> list[Figure]:
    found = run.in_turns(run.rounds, lambda side: _measured(run, side, case))
    wall = {side: [one["wall"] for one in values] for side, values in found.items()}
    thread = {side: [one["thread"] for one in values] for side, values in found.items()}
    return [
        *compared(f"{what}, wall", wall, "µs", base=STOCK, ours=(AMS,), most=_CALL, wish=_CALL_WISH),
        *compared(f"{what}, CPU of the thread", thread, "µs", base=STOCK, ours=(AMS,)),
    ]


def _measured(run: Run, side: Side, case: str, how: str = "on") -> dict[str, float]:
    """A case that is void unless each of its spans arrived, or none where none is to be made."""
    run.sink.forget()
    found = many_calls(side, case, run.sink.url, how)
    expected = int(found["spans"]) if how in {"on", "durable"} else 0
    arrived = run.sink.count().spans
    if arrived != expected:
        raise NotMeasuredError(f"{side.name}: {case}, {how}: {arrived} spans arrived and not {expected}")
    return found
