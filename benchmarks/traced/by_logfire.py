"""The calls that are measured, traced by logfire, which sends to another backend as its documentation says.

It runs in an environment of its own, which ``measured.peers`` makes.
"""

from __future__ import annotations

import logfire
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace.export import BatchSpanProcessor


@logfire.instrument
def call(query: str, limit: int) -> str:
    """Do nothing."""
    return query if limit else ""


@logfire.instrument
async def call_async(query: str, limit: int) -> str:
    """Do nothing."""
    return query if limit else ""


@logfire.instrument
def outer(query: str, limit: int) -> str:
    """Do nothing, one level below."""
    return call(query, limit)


@logfire.instrument
def nested(query: str, limit: int) -> str:
    """Do nothing, two levels below."""
    return outer(query, limit)


@logfire.instrument
def large(text: str, mapping: dict[str, str]) -> int:
    """Do nothing with much."""
    return len(text) + len(mapping)


def start(url: str, how: str) -> None:
    """Trace from now on.

    Raises:
        NotImplementedError: it cannot be traced in that way.
    """
    if how == "unconfigured":
        return
    if how not in {"on", "unsampled"}:
        raise NotImplementedError(how)
    logfire.configure(
        send_to_logfire=False,
        console=False,
        sampling=logfire.SamplingOptions(head=0.0) if how == "unsampled" else None,
        additional_span_processors=[BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{url}/v1/traces"))],
    )


def flush() -> None:
    """Send what there is."""
    logfire.force_flush()


def finish() -> None:
    """Send what there is and stop."""
    logfire.force_flush()
    logfire.shutdown()
