"""The JSON Schemas of what ``POST /v1/traces`` takes and answers in JSON.

Source: OpenTelemetry Protocol 1.x, "JSON Protobuf Encoding": ids are hexadecimal, enumerations are numbers, integers of
64 bits may be strings, and no field is required.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pydantic import JsonValue

__all__ = ["REQUEST", "RESPONSE", "STATUS", "otlp_schemas"]

REQUEST: Final = "OtlpExportTraceServiceRequest"
RESPONSE: Final = "OtlpExportTraceServiceResponse"
STATUS: Final = "RpcStatus"

_Schema = dict[str, "JsonValue"]

_TEXT: Final[_Schema] = {"type": "string"}
_COUNT: Final[_Schema] = {"type": "integer", "minimum": 0, "maximum": 2**32 - 1}
_TIME: Final[_Schema] = {
    "description": "Nanoseconds since 1970. A span with a time after the year 2262 is not kept.",
    "anyOf": [
        {"type": "string", "pattern": r"^[0-9]{1,18}$"},
        {"type": "integer", "minimum": 0, "maximum": 2**63 - 1},
    ],
}
_INT64: Final[_Schema] = {
    "anyOf": [
        {"type": "string", "pattern": r"^-?[0-9]{1,18}$"},
        {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1},
    ],
}
_DOUBLE: Final[_Schema] = {"anyOf": [{"type": "number"}, {"enum": ["NaN", "Infinity", "-Infinity"]}]}
_BYTES: Final[_Schema] = {
    "type": "string",
    "contentEncoding": "base64",
    "pattern": r"^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
}
_TRACE_ID: Final[_Schema] = {"type": "string", "pattern": r"^[0-9A-Fa-f]{32}$"}
_SPAN_ID: Final[_Schema] = {"type": "string", "pattern": r"^[0-9A-Fa-f]{16}$"}
_PARENT_ID: Final[_Schema] = {"type": "string", "pattern": r"^(?:[0-9A-Fa-f]{16})?$"}


def _one(name: str) -> _Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _many(name: str) -> _Schema:
    return {"type": "array", "items": _one(name)}


def _choice(most: int) -> _Schema:
    return {"type": "integer", "minimum": 0, "maximum": most}


_ATTRIBUTES: Final[dict[str, _Schema]] = {"attributes": _many("OtlpKeyValue"), "droppedAttributesCount": _COUNT}

_MESSAGES: Final[dict[str, dict[str, _Schema]]] = {
    REQUEST: {"resourceSpans": _many("OtlpResourceSpans")},
    "OtlpResourceSpans": {
        "resource": _one("OtlpResource"),
        "scopeSpans": _many("OtlpScopeSpans"),
        "schemaUrl": _TEXT,
    },
    "OtlpResource": _ATTRIBUTES,
    "OtlpScopeSpans": {
        "scope": _one("OtlpInstrumentationScope"),
        "spans": _many("OtlpSpan"),
        "schemaUrl": _TEXT,
    },
    "OtlpInstrumentationScope": {"name": _TEXT, "version": _TEXT, **_ATTRIBUTES},
    "OtlpSpan": {
        "traceId": _TRACE_ID,
        "spanId": _SPAN_ID,
        "traceState": _TEXT,
        "parentSpanId": _PARENT_ID,
        "flags": _COUNT,
        "name": _TEXT,
        "kind": _choice(5),
        "startTimeUnixNano": _TIME,
        "endTimeUnixNano": _TIME,
        **_ATTRIBUTES,
        "events": _many("OtlpSpanEvent"),
        "droppedEventsCount": _COUNT,
        "links": _many("OtlpSpanLink"),
        "droppedLinksCount": _COUNT,
        "status": _one("OtlpStatus"),
    },
    "OtlpSpanEvent": {"timeUnixNano": _TIME, "name": _TEXT, **_ATTRIBUTES},
    "OtlpSpanLink": {
        "traceId": _TRACE_ID,
        "spanId": _SPAN_ID,
        "traceState": _TEXT,
        **_ATTRIBUTES,
        "flags": _COUNT,
    },
    "OtlpStatus": {"message": _TEXT, "code": _choice(2)},
    "OtlpKeyValue": {"key": _TEXT, "value": _one("OtlpAnyValue")},
    "OtlpAnyValue": {
        "stringValue": _TEXT,
        "boolValue": {"type": "boolean"},
        "intValue": _INT64,
        "doubleValue": _DOUBLE,
        "arrayValue": _one("OtlpArrayValue"),
        "kvlistValue": _one("OtlpKeyValueList"),
        "bytesValue": _BYTES,
    },
    "OtlpArrayValue": {"values": _many("OtlpAnyValue")},
    "OtlpKeyValueList": {"values": _many("OtlpKeyValue")},
    RESPONSE: {"partialSuccess": _one("OtlpExportTracePartialSuccess")},
    "OtlpExportTracePartialSuccess": {"rejectedSpans": _INT64, "errorMessage": _TEXT},
}


def otlp_schemas() -> dict[str, JsonValue]:
    """Each message by its name in the document, ``google.rpc.Status`` among them."""
    schemas: dict[str, JsonValue] = {
        name: {"type": "object", "properties": dict(fields)} for name, fields in _MESSAGES.items()
    }
    schemas["OtlpAnyValue"] = {  # a oneof: the kinds of value exclude each other
        "type": "object",
        "properties": dict(_MESSAGES["OtlpAnyValue"]),
        "maxProperties": 1,
    }
    schemas[STATUS] = {
        "type": "object",
        "description": "What went wrong, as `google.rpc.Status`; OTLP answers errors with it.",
        "properties": {
            "code": {"type": "integer", "minimum": 1, "maximum": 16},
            "message": _TEXT,
            "details": {
                "type": "array",
                "items": {"type": "object", "properties": {"@type": _TEXT}, "required": ["@type"]},
            },
        },
        "required": ["code", "message"],
    }
    return schemas
