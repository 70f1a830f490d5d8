"""A span of OpenTelemetry's SDK becomes a captured one."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, cast

from opentelemetry.trace import SpanKind as OTelKind
from opentelemetry.trace import StatusCode

from ams_sdk._tracing.redacted_span import redacted_span
from ams_sdk._tracing.span import RecordingSpan
from ams_sdk.testing._trace.captured_span import CapturedEvent, CapturedLink, CapturedSpan

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import Event, ReadableSpan
    from opentelemetry.trace import Link, SpanContext

    from ams_sdk.testing._trace.captured_span import AttributeValue, SpanKind, SpanStatus

__all__ = ["captured", "plain_attributes"]

_KINDS: Final[Mapping[OTelKind, SpanKind]] = {
    OTelKind.INTERNAL: "internal",
    OTelKind.SERVER: "server",
    OTelKind.CLIENT: "client",
    OTelKind.PRODUCER: "producer",
    OTelKind.CONSUMER: "consumer",
}
_STATUSES: Final[Mapping[StatusCode, SpanStatus]] = {
    StatusCode.UNSET: "unset",
    StatusCode.OK: "ok",
    StatusCode.ERROR: "error",
}
_PLAIN: Final = (str, bool, int, float)


def captured(span: ReadableSpan, *, redacted: bool = True) -> CapturedSpan:
    """A span as the testing kit keeps it; one that is still open has no ``end_ns``.

    Args:
        span: whoever made it. It is read, and stays as it is.
        redacted: leave its secrets out, by the rules that hold for everything that leaves the process.

    Raises:
        ValueError: the span has no context, so nobody can say which one it is.
    """
    readable = redacted_span(span) if redacted else _unmasked(span)
    context, parent, scope = readable.get_span_context(), readable.parent, readable.instrumentation_scope
    if context is None:
        raise ValueError(f"the span {readable.name!r} has no context")
    return CapturedSpan(
        name=str(readable.name),
        trace_id=f"{context.trace_id:032x}",
        span_id=f"{context.span_id:016x}",
        start_ns=readable.start_time or 0,
        end_ns=readable.end_time,
        parent_id=None if parent is None else f"{parent.span_id:016x}",
        parent_is_remote=parent is not None and parent.is_remote,
        kind=_KINDS.get(readable.kind, "internal"),
        status=_STATUSES.get(readable.status.status_code, "unset"),
        status_message=readable.status.description or None,
        attributes=plain_attributes(readable.attributes),
        events=tuple(map(_event, readable.events)),
        links=tuple(map(_link, readable.links)),
        scope_name=None if scope is None else scope.name,
        scope_version=None if scope is None else scope.version,
        resource=plain_attributes(readable.resource.attributes),
        trace_state=_state(context),
    )


def _unmasked(span: ReadableSpan) -> ReadableSpan:
    return span._readable_span() if isinstance(span, RecordingSpan) else span  # noqa: SLF001 -- ours has no public way


def plain_attributes(attributes: Mapping[str, object] | None) -> dict[str, AttributeValue]:
    """A copy that nobody else writes to: sequences become tuples, None is left out.

    Bytes become base64 and nested values JSON, as in the JSON form of OTLP and on spans that hold no structures.
    """
    if not attributes:
        return {}
    return {str(name): _value(value) for name, value in attributes.items() if value is not None}


def _value(value: object) -> AttributeValue:
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, Sequence):
        items = tuple(cast("Sequence[object]", value))
        if all(isinstance(item, _PLAIN) for item in items):
            return cast("AttributeValue", items)
        return json.dumps(items, default=_nested)
    return json.dumps(_nested(value), default=_nested)


def _nested(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(name): inner for name, inner in cast("Mapping[object, object]", value).items()}
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, Sequence) and not isinstance(value, str):
        return list(cast("Sequence[object]", value))
    return str(value)


def _event(event: Event) -> CapturedEvent:
    return CapturedEvent(event.name, event.timestamp, plain_attributes(event.attributes))


def _link(link: Link) -> CapturedLink:
    context = link.context
    return CapturedLink(
        f"{context.trace_id:032x}", f"{context.span_id:016x}", plain_attributes(link.attributes), _state(context)
    )


def _state(context: SpanContext) -> str | None:
    return (context.trace_state.to_header() or None) if context.trace_state else None
