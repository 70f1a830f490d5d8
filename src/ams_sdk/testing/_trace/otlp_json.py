"""Captured spans as one ``ExportTraceServiceRequest`` in OTLP's JSON, and back.

Source: OpenTelemetry Protocol 1.x, "JSON Protobuf Encoding": ids are hexadecimal, numbers of 64 bits are texts, members
of enumerations are numbers, names are in lowerCamelCase and what is not known is left aside.
"""

from __future__ import annotations

import json
import math
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final, cast, get_args

from ams_sdk._errors import ConfigurationError
from ams_sdk.testing._trace.captured_span import CapturedEvent, CapturedLink, CapturedSpan, SpanKind, SpanStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from ams_sdk.testing._trace.captured_span import AttributeValue

__all__ = ["from_otlp_json", "to_otlp_json"]

_KINDS: Final[Sequence[SpanKind]] = get_args(SpanKind)
_STATUSES: Final[Sequence[SpanStatus]] = get_args(SpanStatus)
_INT64: Final = 2**63
_KNOWN_IF_REMOTE: Final = 0x100
_REMOTE: Final = 0x200
_NOT_FINITE: Final = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def to_otlp_json(spans: Iterable[CapturedSpan]) -> str:
    """The request, in a form that people can read and compare.

    What cannot be sent is replaced: half a pair of surrogates by "?", a whole number beyond 64 bits by its digits.
    """
    groups: list[dict[str, Any]] = []
    # Only neighbours share a group, so that the spans are read back in their order.
    for _, alike in groupby(spans, key=lambda span: json.dumps(_attributes(span.resource), sort_keys=True)):
        of_resource = [*alike]
        group: dict[str, Any] = {"resource": {"attributes": _attributes(of_resource[0].resource)}, "scopeSpans": []}
        for (name, version), members in groupby(of_resource, key=lambda span: (span.scope_name, span.scope_version)):
            named = {"name": name, "version": version}
            scope = {field: _sendable(text) for field, text in named.items() if text is not None}
            group["scopeSpans"].append({"scope": scope, "spans": [_span(span) for span in members]})
        groups.append(group)
    return json.dumps({"resourceSpans": groups}, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def from_otlp_json(text: str) -> list[CapturedSpan]:
    """The spans of a request.

    Raises:
        ConfigurationError: the text is none.
    """
    try:
        request = json.loads(text)
        return [
            _captured(span, _object(scope_spans.get("scope")), resource)
            for resource_spans in request.get("resourceSpans") or ()
            for resource in (_plain(_object(resource_spans.get("resource")).get("attributes")),)
            for scope_spans in resource_spans.get("scopeSpans") or ()
            for span in scope_spans.get("spans") or ()
        ]
    except (ValueError, TypeError, AttributeError, KeyError, IndexError, RecursionError) as error:
        raise ConfigurationError(
            f"This is no ExportTraceServiceRequest in OTLP's JSON, as save() writes ({type(error).__name__}: {error})."
        ) from error


def _span(span: CapturedSpan) -> dict[str, Any]:
    status: dict[str, Any] = {"code": _STATUSES.index(span.status)}
    if span.status_message is not None:
        status["message"] = _sendable(span.status_message)
    made: dict[str, Any] = {"traceId": span.trace_id, "spanId": span.span_id}
    if span.trace_state is not None:
        made["traceState"] = _sendable(span.trace_state)
    if span.parent_id is not None:
        made["parentSpanId"] = span.parent_id
    made |= {
        "flags": _KNOWN_IF_REMOTE | (_REMOTE if span.parent_is_remote else 0),
        "name": _sendable(span.name),
        "kind": _KINDS.index(span.kind) + 1,
        "startTimeUnixNano": str(span.start_ns),
        "endTimeUnixNano": str(span.end_ns or 0),
        "attributes": _attributes(span.attributes),
        "events": [
            {
                "name": _sendable(event.name),
                "timeUnixNano": str(event.time_ns),
                "attributes": _attributes(event.attributes),
            }
            for event in span.events
        ],
        "links": [*map(_link, span.links)],
        "status": status,
    }
    return made


def _link(link: CapturedLink) -> dict[str, Any]:
    state = {} if link.trace_state is None else {"traceState": _sendable(link.trace_state)}
    return {"traceId": link.trace_id, "spanId": link.span_id, **state, "attributes": _attributes(link.attributes)}


def _captured(
    span: Mapping[str, Any], scope: Mapping[str, Any], resource: Mapping[str, AttributeValue]
) -> CapturedSpan:
    status, kind = _object(span.get("status")), int(span.get("kind") or 1)
    end, parent = int(span.get("endTimeUnixNano") or 0), str(span.get("parentSpanId") or "").lower()
    code = int(status.get("code") or 0)
    return CapturedSpan(
        name=str(span.get("name") or ""),
        trace_id=str(span["traceId"]).lower(),
        span_id=str(span["spanId"]).lower(),
        start_ns=int(span.get("startTimeUnixNano") or 0),
        end_ns=end or None,
        parent_id=parent if parent.strip("0") else None,
        parent_is_remote=bool(int(span.get("flags") or 0) & _REMOTE),
        kind=_KINDS[kind - 1] if 1 <= kind <= len(_KINDS) else "internal",
        status=_STATUSES[code] if 0 <= code < len(_STATUSES) else "unset",
        status_message=status.get("message") or None,
        attributes=_plain(span.get("attributes")),
        events=tuple(
            CapturedEvent(
                str(event.get("name") or ""), int(event.get("timeUnixNano") or 0), _plain(event.get("attributes"))
            )
            for event in span.get("events") or ()
        ),
        links=tuple(
            CapturedLink(
                str(link["traceId"]).lower(),
                str(link["spanId"]).lower(),
                _plain(link.get("attributes")),
                str(link.get("traceState") or "") or None,
            )
            for link in span.get("links") or ()
        ),
        scope_name=scope.get("name"),
        scope_version=scope.get("version"),
        resource=resource,
        trace_state=str(span.get("traceState") or "") or None,
    )


def _object(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}


def _attributes(attributes: Mapping[str, AttributeValue]) -> list[dict[str, Any]]:
    return [{"key": _sendable(name), "value": _value(value)} for name, value in attributes.items()]


def _value(value: object) -> dict[str, Any]:
    if isinstance(value, str):
        return {"stringValue": _sendable(value)}
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(int(value))} if -_INT64 <= value < _INT64 else {"stringValue": str(int(value))}
    if isinstance(value, float):
        return {"doubleValue": float(value) if math.isfinite(value) else _not_finite(value)}
    return {"arrayValue": {"values": [_value(item) for item in cast("Sequence[object]", value)]}}


def _not_finite(number: float) -> str:
    if math.isnan(number):
        return "NaN"
    return "Infinity" if number > 0 else "-Infinity"


def _plain(attributes: Iterable[Mapping[str, Any]] | None) -> dict[str, AttributeValue]:
    read = {str(pair["key"]): _read(_object(pair.get("value"))) for pair in attributes or ()}
    return {name: value for name, value in read.items() if value is not None}


def _read(value: Mapping[str, Any]) -> AttributeValue | None:
    # The first field that there is: it is one of.
    kind, held = next(iter(value.items()), ("", None))
    read = _READERS.get(kind)
    return None if read is None else read(held)


def _double(held: Any) -> float:  # noqa: ANN401 -- any JSON value
    return _NOT_FINITE[held] if isinstance(held, str) and held in _NOT_FINITE else float(held)


def _array(held: Any) -> AttributeValue:  # noqa: ANN401 -- any JSON value
    items = [_read(_object(item)) for item in _object(held).get("values") or ()]
    return cast("AttributeValue", tuple(item for item in items if item is not None))


_READERS: Final[Mapping[str, Callable[[Any], AttributeValue]]] = {
    "stringValue": str,
    "bytesValue": str,
    "boolValue": bool,
    "intValue": int,
    "doubleValue": _double,
    "arrayValue": _array,
    "kvlistValue": lambda held: json.dumps(_plain(_object(held).get("values"))),
}


def _sendable(text: str) -> str:
    return text.encode("utf-8", "replace").decode() if not text.isascii() else text
