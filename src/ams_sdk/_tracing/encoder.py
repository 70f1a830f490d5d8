"""Spans become OTLP protobuf bytes, packed by hand.

Rules: opentelemetry-proto 1.x, ``trace.proto`` and ``resource.proto``. The message is the one that OpenTelemetry's
own encoder makes, with two differences: a link keeps its trace state, and what cannot be sent does not cost the batch.
A time that 64 bits do not hold becomes the nearest one that they do, an id is cut to its length.

Loading protobuf takes longer than loading the rest of the engine, and filling its messages several times as long as
writing their bytes. Tags stand here as bytes: the field's number times eight, plus the wire type.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, Final, cast

from opentelemetry.trace import SpanKind, StatusCode

from ams_sdk._capture import Rules, redact_attributes, redact_line, redact_name, rules
from ams_sdk._guard import guard, hold_back
from ams_sdk._tracing.attribute_encoder import copied, encode_attributes, encode_text, encode_text_attribute
from ams_sdk._tracing.protobuf import UINT32_MAX, UINT64_MAX, VARINTS, length_delimited, varint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import Event, ReadableSpan
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope
    from opentelemetry.trace import Link, SpanContext, Status, TraceState

__all__ = [
    "SPAN_ATTRIBUTES",
    "Batch",
    "encode_attributes",
    "encode_events",
    "encode_foreign_attributes",
    "encode_foreign_text",
    "encode_links",
    "encode_status",
    "encode_text",
    "encode_text_attribute",
    "encode_trace_state",
    "kind_number",
    "pack_id",
    "pack_span",
    "pack_times",
    "pack_two_ids",
]

SPAN_ATTRIBUTES: Final = b"\x4a"
"""The tag of a span's attributes."""

_NOBODY: Final = object()
_TRACE_ID_MAX: Final = 2**128 - 1
_LONGEST_PREFIX: Final = 6
"""Bytes of a tag and a length: protobuf knows no message of more than two gigabytes."""

pack_id: Final = struct.Struct(">HQ").pack
pack_two_ids: Final = struct.Struct(">HQHQ").pack
pack_times: Final = struct.Struct("<QBQ").pack
_pack_time: Final = struct.Struct("<BQ").pack

# By identity: members of an enumeration live for ever, and to hash one runs Python code.
_KIND_NUMBERS: Final = {id(kind): kind.value + 1 for kind in SpanKind}
_STATUSES: Final = {id(StatusCode.OK): b"\x7a\x02\x18\x01", id(StatusCode.ERROR): b"\x7a\x02\x18\x02"}
_UNSET: Final = b"\x7a\x00"
_KINDS: Final = tuple(b"\x30%c\x39" % number for number in range(len(SpanKind) + 1))
"""By its number, the field of a kind, and the tag of the start time, which follows it."""
# Flags: it is known whether a context is remote (0x100), and it is (0x200); of a link, and of a span's parent.
_LINK_LOCAL: Final = b"\x35\x00\x01\x00\x00"
_LINK_REMOTE: Final = b"\x35\x00\x03\x00\x00"
_SPAN_LOCAL: Final = b"\x85\x01\x00\x01\x00\x00"
_SPAN_REMOTE: Final = b"\x85\x01\x00\x03\x00\x00"


def encode_foreign_attributes(attributes: Mapping[str, Any] | None, tag: bytes) -> bytes:
    """Attributes that others wrote: as ``encode_attributes``, without their secrets."""
    if not attributes:
        return b""
    plain: dict[str, Any] = attributes if isinstance(attributes, dict) else copied(attributes)
    return encode_attributes(redact_attributes(plain), tag)


def encode_foreign_text(text: Any) -> bytes:  # noqa: ANN401 -- whatever was given as a name
    """A text that others wrote: as ``encode_text``, without its secrets."""
    return encode_text(redact_line(text) if isinstance(text, str) else text)


def kind_number(kind: object) -> int:
    """OTLP's number of a span kind; 0, "unspecified", for what is none."""
    return _KIND_NUMBERS.get(id(kind), 0)


def encode_trace_state(state: TraceState | None) -> bytes:
    """The entries, as in the header of W3C Trace Context."""
    return encode_text(",".join([f"{key}={value}" for key, value in state.items()])) if state else b""


def encode_status(status: Status | None) -> bytes:
    """The field of a span's status; an unknown code is sent as unset."""
    if status is None:
        return b""
    field = _STATUSES.get(id(getattr(status, "status_code", status)), _UNSET)
    description = getattr(status, "description", None)
    if not description:
        return field
    return length_delimited(b"\x7a", length_delimited(b"\x12", encode_foreign_text(description)) + field[2:])


def encode_events(events: Iterable[Event] | None) -> bytes:
    """The fields of a span's events; one that cannot be read is left out."""
    if not events:
        return b""
    parts: list[bytes] = []
    for event in events:
        with guard("encoding an event"):
            parts.append(length_delimited(b"\x5a", _event(event)))
    return b"".join(parts)


def _event(event: Event) -> bytes:
    return (
        _pack_time(0x09, _within(event.timestamp, UINT64_MAX))
        + length_delimited(b"\x12", encode_foreign_text(event.name))
        + encode_foreign_attributes(event.attributes, b"\x1a")
        + _count(b"\x20", getattr(event, "dropped_attributes", 0))
    )


def encode_links(links: Iterable[Link] | None) -> bytes:
    """The fields of a span's links; one that cannot be read is left out."""
    if not links:
        return b""
    parts: list[bytes] = []
    for link in links:
        with guard("encoding a link"):
            parts.append(length_delimited(b"\x6a", _link(link)))
    return b"".join(parts)


def _link(link: Link) -> bytes:
    context = link.context
    return (
        length_delimited(b"\x0a", (context.trace_id & _TRACE_ID_MAX).to_bytes(16, "big"))
        + pack_id(0x1208, context.span_id & UINT64_MAX)
        + length_delimited(b"\x1a", encode_trace_state(context.trace_state))
        + encode_foreign_attributes(link.attributes, b"\x22")
        + _count(b"\x28", getattr(link, "dropped_attributes", 0))
        + (_LINK_REMOTE if context.is_remote else _LINK_LOCAL)
    )


def _within(number: float | None, largest: int) -> int:
    return max(0, min(int(number or 0), largest))


def _count(tag: bytes, number: int | None) -> bytes:
    return tag + varint(_within(number, UINT32_MAX)) if number else b""


def pack_span(  # noqa: PLR0913, PLR0917 -- what a span has; by position, which is faster
    trace_id: int,
    span_id: int,
    parent_span_id: int | None,
    parent_is_remote: bool,  # noqa: FBT001 -- the same
    trace_state: bytes,
    name: bytes,
    kind: int,
    start: int,
    end: int,
    attributes: bytes,
    dropped_attributes: int = 0,
    events: bytes = b"",
    dropped_events: int = 0,
    links: bytes = b"",
    dropped_links: int = 0,
    status: bytes = b"",
) -> bytes:
    """A span's message, without tag and length.

    Args:
        trace_id: of 128 bits; more are cut off.
        span_id: of 64 bits, as all ids of spans.
        parent_span_id: None for a root.
        parent_is_remote: whether the parent is in another process.
        trace_state: from ``encode_trace_state``.
        name: from ``encode_text``.
        kind: from ``kind_number``.
        start: in nanoseconds since the epoch.
        end: the same.
        attributes: fields, from ``encode_attributes`` with the tag ``SPAN_ATTRIBUTES``.
        dropped_attributes: how many are not in ``attributes``.
        events: fields, from ``encode_events``.
        dropped_events: how many are not in ``events``.
        links: fields, from ``encode_links``.
        dropped_links: how many are not in ``links``.
        status: a field, from ``encode_status``.
    """
    try:
        trace = trace_id.to_bytes(16, "big")
        ids = (
            pack_id(0x1208, span_id)
            if parent_span_id is None
            else pack_two_ids(0x1208, span_id, 0x2208, parent_span_id)
        )
        times = pack_times(start, 0x41, end)
    except (OverflowError, struct.error):
        trace = (trace_id & _TRACE_ID_MAX).to_bytes(16, "big")
        ids = pack_id(0x1208, span_id & UINT64_MAX)
        if parent_span_id is not None:
            ids += pack_id(0x2208, parent_span_id & UINT64_MAX)
        times = pack_times(_within(start, UINT64_MAX), 0x41, _within(end, UINT64_MAX))
    size = VARINTS[len(name)] if len(name) < 0x80 else varint(len(name))  # noqa: PLR2004 -- what one byte holds
    flags = _SPAN_REMOTE if parent_is_remote else _SPAN_LOCAL
    parts = b"\x0a\x10", trace, ids, b"\x2a", size, name, _KINDS[kind], times, attributes, events, links, status, flags
    packed = b"".join(parts)
    if trace_state:
        packed += length_delimited(b"\x1a", trace_state)
    if dropped_attributes or dropped_events or dropped_links:
        packed += _count(b"\x50", dropped_attributes) + _count(b"\x60", dropped_events) + _count(b"\x70", dropped_links)
    return packed


class _GroupHead:
    """The resource or the scope of a group of spans, encoded and hashed once.

    OpenTelemetry hashes a resource by writing it as JSON.
    """

    __slots__ = ("_hash", "packed", "rules", "source")

    def __init__(self, source: Resource | InstrumentationScope | None, message: bytes) -> None:
        self.source = source
        self.rules: Rules = rules.current
        # ResourceSpans and ScopeSpans have the same fields: 1 is what all have in common, 2 are they, 3 is a schema.
        schema_url = encode_text(source.schema_url) if source is not None else b""
        self.packed = length_delimited(b"\x0a", message) + length_delimited(b"\x1a", schema_url)
        try:
            self._hash = hash(source)
        except Exception:  # noqa: BLE001 -- older releases cannot hash a resource that has bytes
            self._hash = hash(message)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _GroupHead) and self.source == other.source


_MAX_GROUP_HEADS: Final = 256
_group_heads: Final[dict[int, _GroupHead]] = {}
"""By the identity of their source, which they hold, so that no other object gets that identity."""


def _group_head(source: Resource | InstrumentationScope | None, encode: Callable[[Any], bytes]) -> _GroupHead:
    found = _group_heads.get(id(source))
    if found is None or found.rules is not rules.current:
        found = _GroupHead(source, encode(source))
        if len(_group_heads) >= _MAX_GROUP_HEADS:
            _group_heads.clear()
        _group_heads[id(source)] = found
    return found


def _resource_message(resource: Resource | None) -> bytes:
    return encode_foreign_attributes(resource.attributes, b"\x0a") if resource is not None else b""


def _scope_message(scope: InstrumentationScope | None) -> bytes:
    if scope is None:
        return b""
    return (
        length_delimited(b"\x0a", encode_text(redact_name(scope.name)))
        + length_delimited(b"\x12", encode_text(scope.version and redact_name(scope.version)))
        + encode_foreign_attributes(scope.attributes, b"\x1a")
    )


_PREFIXES: Final[dict[int, bytes]] = {}
"""By the length of a span's message, the tag and the length that stand before it; of lengths that come back."""
_MOST_PREFIXES: Final = 1_024


def _span_prefix(length: int) -> bytes:
    prefix = b"\x12" + varint(length)
    if len(_PREFIXES) < _MOST_PREFIXES:
        _PREFIXES[length] = prefix
    return prefix


class Batch:
    """Encoded spans, grouped by resource and scope, each of which is encoded once.

    Not for several threads at once.
    """

    def __init__(self) -> None:
        self.spans = 0
        self.failed = 0
        """Spans that could not be read."""
        self.size = 0
        """Bytes that the message has at most; of the length of each span and group, the longest form is counted."""
        self._groups: dict[_GroupHead, dict[_GroupHead, list[bytes]]] = {}
        self._by_identity: dict[tuple[int, int], tuple[list[bytes], Resource, InstrumentationScope | None]] = {}
        # Most spans have the resource and the scope of the one before.
        self._group: list[bytes] = []
        self._resource: object = _NOBODY
        self._scope: object = _NOBODY

    def add(self, span: ReadableSpan) -> int:
        """Encode a finished span, read by its public properties, without its secrets.

        Returns:
            The size so far. It is unchanged if the span could not be read, which is counted in ``failed``.
        """
        try:
            # A span without a context is one that cannot be read.
            context, parent = cast("SpanContext", span.get_span_context()), span.parent
            message = pack_span(
                context.trace_id,
                context.span_id,
                parent.span_id if parent else None,
                parent.is_remote if parent else False,
                encode_trace_state(context.trace_state),
                encode_foreign_text(span.name),
                kind_number(span.kind),
                span.start_time or 0,
                span.end_time or 0,
                encode_foreign_attributes(span.attributes, SPAN_ATTRIBUTES),
                span.dropped_attributes,
                encode_events(span.events),
                span.dropped_events,
                encode_links(span.links),
                span.dropped_links,
                encode_status(span.status),
            )
            return self.add_encoded(span.resource, span.instrumentation_scope, message)
        except Exception as error:
            if not hold_back("encoding a span", error):
                raise
            self.failed += 1
            return self.size

    def add_encoded(self, resource: Resource, scope: InstrumentationScope | None, span: bytes) -> int:
        """Add the message of a span, as ``pack_span`` makes it.

        Returns:
            The size so far.
        """
        if resource is not self._resource or scope is not self._scope:
            self._turn_to(resource, scope)
        length = len(span)
        self._group += (_PREFIXES.get(length) or _span_prefix(length), span)
        self.spans += 1
        self.size = size = self.size + length + _LONGEST_PREFIX
        return size

    def message(self) -> bytes:
        """The complete ExportTraceServiceRequest."""
        parts: list[bytes] = []
        for resource, scopes in self._groups.items():
            inner = [resource.packed]
            for scope, fields in scopes.items():
                spans = b"".join(fields)
                inner += (b"\x12", varint(len(scope.packed) + len(spans)), scope.packed, spans)
            parts += (b"\x0a", varint(sum(map(len, inner))), *inner)
        return b"".join(parts)

    def _turn_to(self, resource: Resource, scope: InstrumentationScope | None) -> None:
        found = self._by_identity.get((id(resource), id(scope)))
        if found is None:
            group = self._group_of(_group_head(resource, _resource_message), _group_head(scope, _scope_message))
            # With what it is found by: an identity is given to another object when nobody holds the first one.
            found = self._by_identity[id(resource), id(scope)] = group, resource, scope
        self._group, self._resource, self._scope = found

    def _group_of(self, resource: _GroupHead, scope: _GroupHead) -> list[bytes]:
        scopes = self._groups.get(resource)
        if scopes is None:
            scopes = self._groups[resource] = {}
            self.size += len(resource.packed) + _LONGEST_PREFIX
        group = scopes.get(scope)
        if group is None:
            group = scopes[scope] = []
            self.size += len(scope.packed) + _LONGEST_PREFIX
        return group
