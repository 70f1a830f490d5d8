"""What one decorated call costs on the calling thread, as a ratio to one stock OpenTelemetry span with six attributes.

The cases take turns in one process, many short rounds each, and the medians are compared, so that a busy machine slows
all of them alike. Nothing is sent: the exporters drop what they get.

    python benchmarks/decorated_call.py [--rounds N] [--json]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import statistics
import time
from typing import TYPE_CHECKING

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

import ams_sdk
from ams_sdk import agent, tool

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from opentelemetry.sdk.trace import ReadableSpan

CALLS = 500
"""Calls in one round of one case."""

ATTRIBUTES = {f"attribute.{number}": "a short value" for number in range(6)}


class Drop(SpanExporter):
    """Takes spans and forgets them."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:  # noqa: ARG002 -- they are dropped
        """Forget a batch."""
        return SpanExportResult.SUCCESS


def plain(query: str, limit: int) -> str:
    """Do nothing."""
    return query if limit else ""


@tool
def decorated(query: str, limit: int) -> str:
    """Do nothing."""
    return query if limit else ""


@tool
async def decorated_async(query: str, limit: int) -> str:
    """Do nothing."""
    return query if limit else ""


@agent
def nested(query: str) -> str:
    """Do nothing, two levels below."""
    return decorated(query, 1)


def calls(function: Callable[[str, int], str]) -> Callable[[], None]:
    """Call a function over and over."""

    def run() -> None:
        for _ in range(CALLS):
            function("otters", 3)

    return run


def async_calls() -> None:
    """Await an async tool over and over, in one event loop."""

    async def run() -> None:
        for _ in range(CALLS):
            await decorated_async("otters", 3)

    asyncio.run(run())


def nested_calls() -> None:
    """Call an agent that calls a tool."""
    for _ in range(CALLS):
        nested("otters")


def stock_spans() -> Callable[[], None]:
    """Make spans with the stock SDK: provider, batch processor, six attributes."""
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(Drop(), max_queue_size=100_000))
    tracer = provider.get_tracer("stock")

    def run() -> None:
        for _ in range(CALLS):
            with tracer.start_as_current_span("span", attributes=ATTRIBUTES):
                pass

    return run


def measure(cases: dict[str, Callable[[], None]], rounds: int) -> dict[str, float]:
    """Run the cases in turn; answer with the median microseconds of one call."""
    taken: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(rounds):
        for name, run in cases.items():
            began = time.perf_counter()
            run()
            taken[name].append((time.perf_counter() - began) / CALLS * 1e6)
            ams_sdk.flush()
    return {name: statistics.median(values) for name, values in taken.items()}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Measure a decorated call against a stock span.")
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    cases = {"plain call": calls(plain), "unconfigured tool": calls(decorated)}
    off = measure(cases, options.rounds)
    ams_sdk.configure(exporters=[Drop()])
    on = measure(
        {
            "stock span": stock_spans(),
            "tool": calls(decorated),
            "async tool": async_calls,
            "agent and tool": nested_calls,
        },
        options.rounds,
    )
    ams_sdk.shutdown()
    microseconds = off | on
    ratios = {name: value / microseconds["stock span"] for name, value in microseconds.items()}
    if options.json:
        print(json.dumps({"python": platform.python_version(), "microseconds": microseconds, "ratios": ratios}))
        return
    print(f"Python {platform.python_version()}, median of {options.rounds} rounds of {CALLS} calls")
    for name, value in microseconds.items():
        print(f"{name:>18}  {value:8.2f} µs  {ratios[name]:6.3f} x stock span")


if __name__ == "__main__":
    main()
