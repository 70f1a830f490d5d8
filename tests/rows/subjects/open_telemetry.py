"""What the SDKs that are built on OpenTelemetry have in common: their wire, and how a trace goes on over HTTP."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING

from google.protobuf.json_format import MessageToDict
from opentelemetry import context, propagate
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, MutableMapping

__all__ = ["arrived", "extract", "inject"]


def arrived(path: str, body: bytes) -> list[tuple[str, str]]:
    """The spans in an OTLP request over HTTP."""
    if not path.endswith("/traces"):
        return []
    request = ExportTraceServiceRequest.FromString(body)
    spans = [span for one in request.resource_spans for scope in one.scope_spans for span in scope.spans]
    return [(span.span_id.hex(), json.dumps(MessageToDict(span), ensure_ascii=False)) for span in spans]


def inject(headers: MutableMapping[str, str]) -> None:
    """As OpenTelemetry documents it."""
    propagate.inject(headers)


@contextmanager
def extract(headers: Mapping[str, str]) -> Iterator[None]:
    """As OpenTelemetry documents it."""
    token = context.attach(propagate.extract(headers))
    try:
        yield
    finally:
        context.detach(token)
