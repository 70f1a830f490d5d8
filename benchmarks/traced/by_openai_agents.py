"""The calls that are measured, traced by the tracing of openai-agents, which sends to the endpoint that it is given.

Its spans need a trace around them; one is open as long as the program runs. It runs in an environment of its own,
which ``measured.peers`` makes.
"""

from __future__ import annotations

import json

from agents import set_trace_processors, set_tracing_disabled
from agents.tracing import agent_span, flush_traces, function_span, get_trace_provider, trace
from agents.tracing.processors import BackendSpanExporter, BatchTraceProcessor


def call(query: str, limit: int) -> str:
    """Do nothing in a span."""
    with function_span("call", input=json.dumps({"query": query, "limit": limit})) as span:
        span.span_data.output = query if limit else ""
        return span.span_data.output


async def call_async(query: str, limit: int) -> str:
    """Do nothing in a span."""
    return call(query, limit)


def nested(query: str, limit: int) -> str:
    """Do nothing in the third span."""
    with agent_span("nested"), function_span("outer", input=json.dumps({"query": query, "limit": limit})) as span:
        span.span_data.output = call(query, limit)
        return span.span_data.output


def large(text: str, mapping: dict[str, str]) -> int:
    """Do nothing with much."""
    with function_span("large", input=json.dumps({"text": text, "mapping": mapping})):
        return len(text) + len(mapping)


def start(url: str, how: str) -> None:
    """Trace from now on.

    Raises:
        NotImplementedError: it cannot be traced in that way.
    """
    match how:
        case "on":
            exporter = BackendSpanExporter(api_key="benchmark-key", endpoint=f"{url}/v1/traces/ingest")
            set_trace_processors([BatchTraceProcessor(exporter)])
        case "unsampled":
            set_tracing_disabled(disabled=True)
        case _:
            raise NotImplementedError(how)
    trace("benchmark").start(mark_as_current=True)


def flush() -> None:
    """Send what there is."""
    flush_traces()


def finish() -> None:
    """Send what there is and stop."""
    flush_traces()
    get_trace_provider().shutdown()
