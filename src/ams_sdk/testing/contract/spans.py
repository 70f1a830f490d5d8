"""Spans as OTLP has them, in JSON and in protobuf, for a platform to take in."""

from __future__ import annotations

import base64
import json
import os
import time
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

    from ams_sdk.testing.contract.caller import Caller

__all__ = ["INTAKE", "SECOND", "TRACES", "as_protobuf", "attributes", "hex_id", "read", "request", "send", "span"]

INTAKE: Final = "/v1/traces"
TRACES: Final = "/api/traces"
SECOND: Final = 1_000_000_000
"""Nanoseconds."""

JsonObject = dict[str, Any]
Content: TypeAlias = "JsonValue | bytes"
"""The value of an attribute."""


def hex_id(size: int) -> str:
    """A new id of so many bytes."""
    return os.urandom(size).hex()


def attributes(values: Mapping[str, Content]) -> list[JsonObject]:
    """Attributes in OTLP/JSON."""
    return [{"key": key, "value": _any_value(item)} for key, item in values.items()]


def _any_value(item: Content) -> JsonObject:
    match item:
        case list():
            value: JsonObject = {"arrayValue": {"values": [_any_value(inner) for inner in item]}}
        case dict():
            value = {"kvlistValue": {"values": attributes(item)}}
        case None:
            value = {}
        case bytes():
            value = {"bytesValue": base64.b64encode(item).decode()}
        case bool():
            value = {"boolValue": item}
        case int():
            value = {"intValue": str(item)}
        case float():
            value = {"doubleValue": item}
        case _:
            value = {"stringValue": item}
    return value


def span(  # noqa: PLR0913 -- the fields of a span, keyword-only
    trace_id: str,
    name: str = "run",
    *,
    span_id: str | None = None,
    parent: str | None = None,
    start: int | None = None,
    took: int = SECOND,
    code: int = 0,
    values: Mapping[str, Content] | None = None,
) -> JsonObject:
    """A span in OTLP/JSON; times are in nanoseconds."""
    start = time.time_ns() if start is None else start
    said = {
        "traceId": trace_id,
        "spanId": span_id or hex_id(8),
        "name": name,
        "kind": 1,
        "startTimeUnixNano": str(start),
        "endTimeUnixNano": str(start + took),
        "status": {"code": code} if code else {},
        "attributes": attributes(values or {}),
    }
    return said | ({"parentSpanId": parent} if parent else {})


def request(*spans: JsonObject, resource: Mapping[str, Content] | None = None) -> JsonObject:
    """An ``ExportTraceServiceRequest`` in OTLP/JSON."""
    scope_spans = [{"scope": {"name": "contract", "version": "1"}, "spans": list(spans)}]
    about = {"attributes": attributes(resource or {"service.name": "contract"})}
    return {"resourceSpans": [{"resource": about, "scopeSpans": scope_spans}]}


def as_protobuf(body: JsonObject) -> bytes:
    """The same request in protobuf."""
    message = json_format.Parse(json.dumps(body), ExportTraceServiceRequest())
    said_spans = body["resourceSpans"][0]["scopeSpans"][0]["spans"]
    for one, said in zip(message.resource_spans[0].scope_spans[0].spans, said_spans, strict=True):
        one.trace_id, one.span_id = bytes.fromhex(said["traceId"]), bytes.fromhex(said["spanId"])
        one.parent_span_id = bytes.fromhex(said.get("parentSpanId", ""))
    return message.SerializeToString()


def send(owner: Caller, *spans: JsonObject, resource: Mapping[str, Content] | None = None) -> None:
    """Send spans, all of which are to be kept."""
    __tracebackhide__ = True
    answer = owner.post(INTAKE, json=request(*spans, resource=resource))
    answer.must_be(200)


def read(owner: Caller, trace_id: str) -> JsonObject:
    """A trace as the platform has it."""
    __tracebackhide__ = True
    trace: JsonObject = owner.get(f"{TRACES}/{trace_id}").must_have_json()
    return trace
