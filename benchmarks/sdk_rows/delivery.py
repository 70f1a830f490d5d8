"""What arrives at the backend, and what that costs the whole process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from measured.figures import compared, median_of
from measured.programs import many_calls
from measured.sides import AMS, STOCK, NotMeasuredError
from measured.turns import Program, in_turns, leave_out, medians, ratios

if TYPE_CHECKING:
    from measured.figures import Figure
    from measured.sides import Run, Side

_CPU, _CPU_WISH = 0.25, 0.15
_PEAK, _PEAK_WISH = 128, 100


def cpu(run: Run) -> list[Figure]:
    """CPU of all threads for each span that arrived, with everybody's own compression and with gzip for all."""
    return [
        *_cpu_of(run, "CPU of a delivered span"),
        *_cpu_of(run, "the same, gzip", OTEL_EXPORTER_OTLP_COMPRESSION="gzip"),
    ]


def _cpu_of(run: Run, what: str, **environ: str) -> list[Figure]:
    programs = {side.name: Program(side) for side in run.sides}
    found = in_turns(run, "delivered", programs, **environ)
    for side, rounds in list(found.items()):
        if not all(one.arrived.spans for one in rounds):
            leave_out(run, found, programs, side, NotMeasuredError(f"{side}: {what}: nothing arrived"))
            continue
        for one in rounds:
            arrived = one.arrived
            if arrived.spans < one.spans:
                run.note(f"{side}: {what}: {one.spans - arrived.spans} spans of {one.spans} did not arrive")
            if environ and arrived.compressed < arrived.requests:
                run.note(f"{side}: {what}: {arrived.compressed} of {arrived.requests} requests were compressed")
            for turn in one.turns:
                turn["process"] *= one.spans / arrived.spans
    taken, beside = medians(found, "process"), ratios(found, "process", STOCK)
    return compared(what, taken, "µs", base=STOCK, ours=(AMS,), most=_CPU, wish=_CPU_WISH, ratios=beside)


def burst(run: Run) -> list[Figure]:
    """200 000 calls as fast as one thread makes them, then the end: what is lost, and how much memory that takes."""

    def measure(side: Side) -> dict[str, float]:
        run.sink.forget()
        found = many_calls(side, "burst", run.sink.url)
        arrived = run.sink.count()
        if arrived.duplicates:
            run.note(f"{side.name}: burst: {arrived.duplicates} spans arrived twice")
        return found | {"lost": found["calls"] - arrived.spans}

    figures: list[Figure] = []
    for side, values in run.in_turns(min(run.rounds, 3), measure, peer_rounds=1).items():
        ours = side == AMS
        peak = f"burst, peak memory: {side}" + (f" (wish: {_PEAK_WISH})" if ours else "")
        figures += [
            median_of(f"burst, spans lost: {side}", [one["lost"] for one in values], most=0 if ours else None),
            median_of(peak, [one["peak"] for one in values], "MiB", most=_PEAK if ours else None),
            median_of(f"burst, a call: {side}", [one["called"] for one in values], "µs"),
            median_of(f"burst, until all is sent: {side}", [one["finished"] for one in values], "s"),
        ]
    return figures
