"""A program that makes many traced calls and prints what they cost, as a line of JSON.

python many_calls.py MODULE CASE URL HOW

HOW is ``on``, ``unsampled``, ``unconfigured`` or ``durable``. The line is ``{"not offered": …}`` where the module has
none of that. Most cases take turns: they run once for each line on standard input, until it ends.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import statistics
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Callable

    Clocks = tuple[int, int]
    Turn = Callable[[], dict[str, float]]

ROUNDS: Final = 5
"""Of one turn."""
CALLS: Final = 200
"""Of one round. Fewer than any queue holds, so that nobody saves time by losing spans, and so short that, of a call
of some 20 µs or less, the round ends before the interpreter may give another thread its turn (5 ms)."""
LARGE_CALLS: Final = 10
NESTED_SPANS: Final = 3
DELIVERED_CALLS: Final = 400
BURST_CALLS: Final = 200_000
UNHEARD_CALLS: Final = 20_000
SETTLE_SECONDS: Final = 1.0

TEXT: Final = "Otters hold hands while they sleep. " * 2_800
MAPPING: Final = {f"item {number}": f"value {number}" for number in range(1_000)}


class Traced(Protocol):
    """A module ``by_….py``: functions that are traced, and how that begins and ends."""

    def call(self, query: str, limit: int) -> str:
        """One span."""
        ...

    async def call_async(self, query: str, limit: int) -> str:
        """One span."""
        ...

    def nested(self, query: str, limit: int) -> str:
        """Three spans, one in the other."""
        ...

    def in_session(self, query: str, limit: int) -> str:
        """One span, in a session of its own; some have no such thing."""
        ...

    def large(self, text: str, mapping: dict[str, str]) -> int:
        """One span with much in it."""
        ...

    def start(self, url: str, how: str) -> None:
        """Begin; raises NotImplementedError where it cannot be traced in that way."""
        ...

    def flush(self) -> None:
        """Send what there is."""
        ...

    def finish(self) -> None:
        """Send what there is and stop."""
        ...


def clocks() -> Clocks:
    """Nanoseconds of the wall and of this thread's CPU."""
    return time.perf_counter_ns(), time.thread_time_ns()


def since(began: Clocks) -> Clocks:
    """Nanoseconds from then to now."""
    wall, thread = clocks()
    return wall - began[0], thread - began[1]


def in_rounds(traced: Traced, one_round: Callable[[], Clocks], spans: int) -> dict[str, float]:
    """The median of short rounds, in microseconds of one span, with a flush after each."""
    found: list[Clocks] = []
    for _ in range(ROUNDS):
        found.append(one_round())
        traced.flush()
    wall, thread = zip(*found, strict=True)
    return {
        "spans": spans * ROUNDS,
        "wall": statistics.median(wall) / spans / 1000,
        "thread": statistics.median(thread) / spans / 1000,
    }


def call(traced: Traced) -> Turn:
    """One call after the other."""

    def one_round() -> Clocks:
        function, began = traced.call, clocks()
        for _ in range(CALLS):
            function("otters", 3)
        return since(began)

    return lambda: in_rounds(traced, one_round, CALLS)


def call_async(traced: Traced) -> Turn:
    """One coroutine after the other, in an event loop."""

    async def calls() -> Clocks:
        function, began = traced.call_async, clocks()
        for _ in range(CALLS):
            await function("otters", 3)
        return since(began)

    return lambda: in_rounds(traced, lambda: asyncio.run(calls()), CALLS)


def nested(traced: Traced) -> Turn:
    """An agent that calls a tool that calls a tool."""

    def one_round() -> Clocks:
        function, began = traced.nested, clocks()
        for _ in range(CALLS // NESTED_SPANS):
            function("otters", 3)
        return since(began)

    return lambda: in_rounds(traced, one_round, CALLS // NESTED_SPANS * NESTED_SPANS)


def in_session(traced: Traced) -> Turn:
    """Calls, each in a session of its own."""

    def one_round() -> Clocks:
        function, began = traced.in_session, clocks()
        for _ in range(CALLS):
            function("otters", 3)
        return since(began)

    return lambda: in_rounds(traced, one_round, CALLS)


def offered(traced: Traced) -> None:
    """Refuse what has no sessions, or none that is measured.

    Raises:
        NotImplementedError: that is so.
    """
    if not hasattr(traced, in_session.__name__):
        raise NotImplementedError("sessions")


def large(traced: Traced) -> Turn:
    """Calls with large arguments, beside the standard library's ``json.dumps`` of them."""

    def one_round() -> Clocks:
        function, began = traced.large, clocks()
        for _ in range(LARGE_CALLS):
            function(TEXT, MAPPING)
        return since(began)

    def dumps() -> Clocks:
        began = clocks()
        for _ in range(LARGE_CALLS):
            json.dumps([TEXT, MAPPING])
        return since(began)

    def turn() -> dict[str, float]:
        # The two take turns round by round.
        dumped: list[Clocks] = []

        def both() -> Clocks:
            dumped.append(dumps())
            return one_round()

        process = time.process_time_ns()
        found = in_rounds(traced, both, LARGE_CALLS)
        process = time.process_time_ns() - process - sum(thread for _, thread in dumped)
        return found | {
            "dumps": statistics.median(wall for wall, _ in dumped) / LARGE_CALLS / 1000,
            "process": process / (LARGE_CALLS * ROUNDS) / 1000,
        }

    return turn


def delivered(traced: Traced) -> Turn:
    """CPU of all threads, for calls that come no faster than they are sent."""

    def turn() -> dict[str, float]:
        spans = DELIVERED_CALLS * ROUNDS
        began = time.process_time()
        for _ in range(ROUNDS):
            for _ in range(DELIVERED_CALLS):
                traced.call("otters", 3)
            traced.flush()
        return {"spans": spans, "process": (time.process_time() - began) / spans * 1e6}

    return turn


def burst(traced: Traced) -> dict[str, float]:
    """Calls as fast as one thread makes them, then the end."""
    function = traced.call
    began, cpu = time.perf_counter(), time.process_time()
    for _ in range(BURST_CALLS):
        function("otters", 3)
    called = time.perf_counter() - began
    traced.finish()
    return {
        "calls": BURST_CALLS,
        "called": called / BURST_CALLS * 1e6,
        "finished": time.perf_counter() - began,
        "cpu": time.process_time() - cpu,
        "peak": peak_memory(),
    }


def memory(traced: Traced) -> dict[str, float]:
    """Memory that calls add while nobody listens, with what is loaded for the first time meanwhile."""
    traced.call("otters", 3)
    before = peak_memory()
    for _ in range(UNHEARD_CALLS):
        traced.call("otters", 3)
    time.sleep(SETTLE_SECONDS)  # no exporter tells when it has failed
    return {"added": peak_memory() - before}


def peak_memory() -> float:
    """The most megabytes (MiB) of memory that this process has had so far."""
    status = Path("/proc/self/status")
    if status.exists():
        # ru_maxrss begins with what the parent had when it started this process.
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) / 1024
    import resource  # noqa: PLC0415 -- not on every system

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 1024**2 if sys.platform == "darwin" else most / 1024


IN_TURNS: Final = {one.__name__: one for one in (call, call_async, nested, in_session, large, delivered)}
AT_ONCE: Final = {one.__name__: one for one in (burst, memory)}


def main() -> None:
    """Measure one case and print."""
    module, case, url, how = sys.argv[1:]
    traced = cast("Traced", importlib.import_module(module))
    try:
        traced.start(url, how)
        if case == in_session.__name__:
            offered(traced)
    except NotImplementedError as error:
        print(json.dumps({"not offered": str(error)}))
        return
    if case in IN_TURNS:
        turn = IN_TURNS[case](traced)
        for _ in sys.stdin:
            print(json.dumps(turn()), flush=True)
    else:
        print(json.dumps(AT_ONCE[case](traced)), flush=True)
    # What comes at the end, such as waiting for a backend that is down, is measured elsewhere.
    os._exit(0)


if __name__ == "__main__":
    main()
