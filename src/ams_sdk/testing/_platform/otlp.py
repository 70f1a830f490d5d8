"""OTLP over HTTP: bytes and headers become span records, and the answer's bytes.

Source: OpenTelemetry Protocol 1.x, sections "OTLP/HTTP" and "JSON Protobuf Encoding".
"""

from __future__ import annotations

import base64
import binascii
import math
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar

from google.protobuf import json_format
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from pydantic_core import from_json

from ams_sdk.testing._platform.bodies import too_large
from ams_sdk.testing._platform.body_parts import json_exceeds, protobuf_exceeds
from ams_sdk.testing._platform.refusals import JSON, Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
    from opentelemetry.proto.trace.v1 import trace_pb2
    from pydantic import JsonValue

    from ams_sdk.wire import SpanKind, SpanStatus

__all__ = ["OTLP_LIMIT", "UNPACKED_LIMIT", "Batch", "SpanRecord", "answer", "decode", "unpack"]

OTLP_LIMIT: Final = 16 * 1024 * 1024
"""Bytes of a body as it is sent."""
UNPACKED_LIMIT: Final = 64 * 1024 * 1024
"""Bytes of a body without its content encoding."""

_KINDS: Final[dict[int, SpanKind]] = {1: "internal", 2: "server", 3: "client", 4: "producer", 5: "consumer"}
_STATUSES: Final[dict[int, SpanStatus]] = {0: "unset", 1: "ok", 2: "error"}
_LATEST: Final = 2**63 - 1  # what a database's integer holds: the year 2262
_TRACE_ID_BYTES, _SPAN_ID_BYTES = 16, 8
_HEX_FIELDS: Final = frozenset({"traceId", "spanId", "parentSpanId"})
_NO_ID: Final = base64.b64encode(b"?").decode()  # too short to pass for an id
_WINDOW_BITS: Final = {"gzip": 31, "deflate": 15}  # zlib's numbers for the two formats
_MOST_PARTS: Final = 1_000_000  # of one body: 8192 spans of ten attributes each have less than half of it
_MOST_ITEMS: Final = 128  # of one list in a span: OpenTelemetry's default limits of attributes, events and links

T = TypeVar("T")


@dataclass(slots=True)
class SpanRecord:
    """One span as it was received; ids are lower-case hex, times are nanoseconds since the epoch."""

    trace_id: str
    span_id: str
    parent_span_id: str | None
    name: str
    kind: SpanKind
    status: SpanStatus
    status_message: str | None
    started_ns: int
    ended_ns: int
    attributes: dict[str, Any]
    events: list[dict[str, Any]]
    links: list[dict[str, Any]]
    scope_name: str | None
    scope_version: str | None
    resource: dict[str, Any]


@dataclass(slots=True)
class Batch:
    """What one request held.

    Attributes:
        spans: those that can be kept.
        rejected: how many cannot.
        left_out: how many attributes, events and links of those that can.
        refused: how many more are not taken because a test wants it so.
    """

    spans: list[SpanRecord] = field(default_factory=list[SpanRecord])
    rejected: int = 0
    left_out: int = 0
    refused: int = 0

    def refuse_last(self, number: int) -> None:
        """Refuse so many of the spans that could be kept, the last ones, as a platform may."""
        self.refused = min(number, len(self.spans))
        del self.spans[len(self.spans) - self.refused :]


def unpack(body: bytes, encoding: str, limit: int = UNPACKED_LIMIT) -> bytes:
    """The body without its content encoding.

    Raises:
        Refusal: 415, the encoding is not known; 400, the body is not of it; 413, it unpacks to more than ``limit``
            bytes, and unpacking stops there.
    """
    if encoding in {"", "identity"}:
        unpacked = body
    elif encoding in _WINDOW_BITS:
        inflater = zlib.decompressobj(_WINDOW_BITS[encoding])
        try:
            unpacked = inflater.decompress(body, limit + 1)
        except zlib.error:
            raise Refusal("malformed", f"The body is not {encoding}.") from None
        if len(unpacked) <= limit and (not inflater.eof or inflater.unused_data):
            raise Refusal("malformed", f"The body is not one complete {encoding} stream.")
    else:
        raise Refusal("unsupported_media_type", "Send the body as it is, or packed with gzip or deflate.")
    if len(unpacked) > limit:
        raise too_large(limit, "unpacked body")
    return unpacked


def decode(body: bytes, media_type: str) -> Batch:
    """The spans in an ``ExportTraceServiceRequest``.

    Raises:
        Refusal: 400, the body is none; 413, it has too many parts.
    """
    exceeds = json_exceeds if media_type == JSON else protobuf_exceeds
    if exceeds(body, _MOST_PARTS):
        raise Refusal(
            "body_excessive",
            f"The body has more than {_MOST_PARTS} fields or values. Send its spans in several requests.",
        )
    try:
        request = _from_json(body) if media_type == JSON else ExportTraceServiceRequest.FromString(body)
    except (DecodeError, json_format.ParseError, ValueError, TypeError, RecursionError):
        raise Refusal("malformed", f"The body is no ExportTraceServiceRequest in {media_type}.") from None
    return _batch(request)


def _batch(request: ExportTraceServiceRequest) -> Batch:
    batch = Batch()
    for resource_spans in request.resource_spans:
        resource = _attributes(_first(resource_spans.resource.attributes, batch))
        for scope_spans in resource_spans.scope_spans:
            for span in scope_spans.spans:
                if _is_sound(span):
                    batch.spans.append(_record(span, scope_spans.scope, resource, batch))
                else:
                    batch.rejected += 1
    return batch


def answer(batch: Batch, media_type: str) -> bytes:
    """An ``ExportTraceServiceResponse``, in the encoding of the request."""
    response = ExportTraceServiceResponse()
    said: list[str] = []
    if batch.rejected:
        said.append(
            "A span needs a trace id of 16 bytes and a span id of 8, not all zero, and a time before the year 2262."
        )
    if batch.left_out:
        said.append(
            f"{batch.left_out} attributes, events or links were left out: "
            f"of each, a span, event, link or resource keeps its first {_MOST_ITEMS}."
        )
    if batch.refused:
        said.append(f"A fault that the test asked for refuses {batch.refused} spans.")
    if said:
        rejected = batch.rejected + batch.refused
        partial = ExportTracePartialSuccess(rejected_spans=rejected, error_message=" ".join(said))
        response.partial_success.CopyFrom(partial)
    if media_type == JSON:
        return json_format.MessageToJson(response, indent=None).encode()
    return response.SerializeToString()


def _from_json(body: bytes) -> ExportTraceServiceRequest:
    value = _as_protobuf_json(from_json(body, allow_inf_nan=False))
    if not isinstance(value, dict):
        raise TypeError("not a message")
    return json_format.ParseDict(value, ExportTraceServiceRequest(), ignore_unknown_fields=True)


def _as_protobuf_json(value: JsonValue) -> JsonValue:
    """OTLP's JSON differs from protobuf's: ids are hex and not base64, and only lowerCamelCase names are fields."""
    if isinstance(value, dict):
        return {
            name: _id_in_base64(inner) if name in _HEX_FIELDS else _as_protobuf_json(inner)
            for name, inner in value.items()
            if "_" not in name
        }
    if isinstance(value, list):
        return [_as_protobuf_json(inner) for inner in value]
    return value


def _id_in_base64(value: JsonValue) -> JsonValue:
    if not isinstance(value, str):
        return value
    try:
        # Unlike bytes.fromhex, this takes no blanks.
        return base64.b64encode(binascii.unhexlify(value)).decode()
    except ValueError:
        return _NO_ID


def _is_sound(span: trace_pb2.Span) -> bool:
    parent = span.parent_span_id
    return (
        len(span.trace_id) == _TRACE_ID_BYTES
        and len(span.span_id) == _SPAN_ID_BYTES
        and len(parent) in {0, _SPAN_ID_BYTES}
        and any(span.trace_id)
        and any(span.span_id)
        and max(span.start_time_unix_nano, span.end_time_unix_nano) <= _LATEST
        and all(event.time_unix_nano <= _LATEST for event in span.events[:_MOST_ITEMS])
    )


def _record(span: trace_pb2.Span, scope: InstrumentationScope, resource: dict[str, Any], batch: Batch) -> SpanRecord:
    return SpanRecord(
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_span_id=span.parent_span_id.hex() if any(span.parent_span_id) else None,
        name=_text(span.name),
        kind=_KINDS.get(span.kind, "internal"),
        status=_STATUSES.get(span.status.code, "unset"),
        status_message=_text(span.status.message) or None,
        started_ns=span.start_time_unix_nano,
        # An end before the start comes from a clock that was set back: the duration is then not known.
        ended_ns=max(span.start_time_unix_nano, span.end_time_unix_nano),
        attributes=_attributes(_first(span.attributes, batch)),
        events=[
            {
                "name": event.name,
                "at_ns": event.time_unix_nano,
                "attributes": _attributes(_first(event.attributes, batch)),
            }
            for event in _first(span.events, batch)
        ],
        links=[
            {
                "trace_id": link.trace_id.hex(),
                "span_id": link.span_id.hex(),
                "attributes": _attributes(_first(link.attributes, batch)),
            }
            for link in _first(span.links, batch)
        ],
        scope_name=_text(scope.name) or None,
        scope_version=_text(scope.version) or None,
        resource=resource,
    )


def _first(items: Sequence[T], batch: Batch) -> Sequence[T]:
    excess = len(items) - _MOST_ITEMS
    if excess <= 0:
        return items
    batch.left_out += excess
    return items[:_MOST_ITEMS]


def _text(text: str) -> str:
    # A database may keep no NUL in text.
    return text.replace("\0", "\ufffd") if "\0" in text else text


def _attributes(pairs: Iterable[KeyValue]) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: AnyValue) -> Any:  # noqa: ANN401 -- any JSON value
    kind = value.WhichOneof("value")
    match kind:
        case "string_value" | "int_value" | "bool_value":
            plain = getattr(value, kind)
        case "double_value":
            number = value.double_value
            plain = number if math.isfinite(number) else _not_finite(number)
        case "array_value":
            plain = [_value(item) for item in value.array_value.values]
        case "kvlist_value":
            plain = _attributes(value.kvlist_value.values)
        case "bytes_value":
            plain = base64.b64encode(value.bytes_value).decode()
        case _:
            plain = None
    return plain


def _not_finite(number: float) -> str:
    # JSON has no such numbers; these are protobuf's words for them.
    if math.isnan(number):
        return "NaN"
    return "Infinity" if number > 0 else "-Infinity"
