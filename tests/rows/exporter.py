"""An OpenTelemetry exporter that keeps each span as a line of a file, for SDKs that are built on OpenTelemetry."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import StatusCode
from tests.rows.seen import SeenSpan, keep

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from opentelemetry.sdk.trace import ReadableSpan

__all__ = ["FileExporter", "seen"]

_EXCEPTION = "exception"
_MESSAGE = "langfuse.observation.status_message"


class FileExporter(SpanExporter):
    """Keeps spans in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        for span in spans:
            # What logfire sends when a span starts, beside the span itself.
            if (span.attributes or {}).get("logfire.span_type") != "pending_span":
                keep(self._path, seen(span))
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        pass


def seen(span: ReadableSpan) -> SeenSpan:
    """The span as the checks see it."""
    attributes = dict(span.attributes or {})
    events = [(event.name, dict(event.attributes or {})) for event in span.events]
    said = [span.name, attributes, events, span.status.description]
    context = span.get_span_context()
    is_error = span.status.status_code is StatusCode.ERROR
    return SeenSpan(
        name=span.name,
        trace_id=f"{context.trace_id:032x}",
        span_id=f"{context.span_id:016x}",
        parent_id=None if span.parent is None else f"{span.parent.span_id:016x}",
        start=span.start_time or 0,
        end=span.end_time or 0,
        is_error=is_error,
        # langfuse has no event for it, but an attribute.
        exception_events=sum(name == _EXCEPTION for name, _ in events) or int(is_error and _MESSAGE in attributes),
        text=json.dumps(said, default=str, ensure_ascii=False),
        attributes=attributes,
    )
