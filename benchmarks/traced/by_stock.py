"""The calls that are measured, each with one span of the stock OpenTelemetry SDK that has six attributes.

That is less than the others do: nothing is captured.
"""

from __future__ import annotations

import json

from opentelemetry import baggage, trace
from opentelemetry.context import attach, detach
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

ATTRIBUTES = {f"attribute.{number}": "a short value" for number in range(6)}

tracer = trace.get_tracer("benchmark")


def call(query: str, limit: int) -> str:
    """Do nothing in a span."""
    with tracer.start_as_current_span("call", attributes=ATTRIBUTES):
        return query if limit else ""


async def call_async(query: str, limit: int) -> str:
    """Do nothing in a span."""
    with tracer.start_as_current_span("call", attributes=ATTRIBUTES):
        return query if limit else ""


def nested(query: str, limit: int) -> str:
    """Do nothing in the third span."""
    with (
        tracer.start_as_current_span("agent", attributes=ATTRIBUTES),
        tracer.start_as_current_span("outer", attributes=ATTRIBUTES),
    ):
        return call(query, limit)


def in_session(query: str, limit: int) -> str:
    """Do nothing in a span, with OpenTelemetry's way to say something of all that is inside: its baggage."""
    context = baggage.set_baggage("user.id", "somebody", baggage.set_baggage("gen_ai.conversation.id", query))
    token = attach(context)
    try:
        with tracer.start_as_current_span("call", attributes=ATTRIBUTES) as span:
            for name, value in baggage.get_all().items():
                span.set_attribute(name, str(value))
            return query if limit else ""
    finally:
        detach(token)


def large(text: str, mapping: dict[str, str]) -> int:
    """Do nothing with much."""
    attributes = {"text": text, "mapping": json.dumps(mapping)}
    with tracer.start_as_current_span("large", attributes=attributes):
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
    provider = TracerProvider(sampler=ALWAYS_OFF) if how == "unsampled" else TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{url}/v1/traces")))
    trace.set_tracer_provider(provider)
    # The one from the start is a proxy, which costs more.
    global tracer  # noqa: PLW0603 -- as a program has it
    tracer = trace.get_tracer("benchmark")


def flush() -> None:
    """Send what there is."""
    provider = trace.get_tracer_provider()
    if isinstance(provider, TracerProvider):
        provider.force_flush()


def finish() -> None:
    """Send what there is and stop."""
    flush()
    provider = trace.get_tracer_provider()
    if isinstance(provider, TracerProvider):
        provider.shutdown()
