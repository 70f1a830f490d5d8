"""Spans of ours are packed from the plain values that they keep, without building what OpenTelemetry would read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from opentelemetry.trace.span import DEFAULT_TRACE_STATE

from ams_sdk import _semconv
from ams_sdk._capture import Rules, redact_attributes, redact_line, rules
from ams_sdk._decorators.content import atomic_arguments, atomic_result
from ams_sdk._guard import hold_back
from ams_sdk._tracing.call_span import NOTHING, CallSpan
from ams_sdk._tracing.encoder import (
    SPAN_ATTRIBUTES,
    encode_attributes,
    encode_events,
    encode_foreign_attributes,
    encode_foreign_text,
    encode_links,
    encode_status,
    encode_text_attribute,
    encode_trace_state,
    kind_number,
    pack_id,
    pack_span,
    pack_times,
    pack_two_ids,
)
from ams_sdk._tracing.protobuf import length_delimited
from ams_sdk._tracing.span import NOT_MADE, PLENTY, RecordingSpan

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

    from ams_sdk._decorators import Definition
    from ams_sdk._tracing.encoder import Batch

__all__ = ["Packed", "add_to", "packed"]

_PACKED: Final = 160
"""Bytes of a packed span beside its message."""


class Packed(NamedTuple):
    """A span's message, and what it belongs to."""

    resource: Resource
    scope: InstrumentationScope | None
    message: bytes


def add_to(batch: Batch, span: ReadableSpan) -> int:
    """Add a finished span to a batch; answers with the batch's size. Raises nothing, whatever the span holds."""
    message = _message_of(span)
    if message is None:
        return batch.add(span)
    origin = cast("RecordingSpan", span)._origin
    return batch.add_encoded(origin.resource, origin.scope, message)  # what the span's properties answer


def packed(span: ReadableSpan | None) -> tuple[Packed, int] | None:
    """A span as its message, with the size in bytes; None if it is not one of ours, or somebody has looked into it."""
    message = None if span is None else _message_of(span)
    if span is None or message is None:
        return None
    return Packed(span.resource, span.instrumentation_scope, message), _PACKED + len(message)


def _message_of(span: Any) -> bytes | None:  # noqa: ANN401 -- a span of ours is read from the inside
    kind = type(span)  # pyright: ignore[reportUnknownVariableType] -- of Any
    if kind is not CallSpan and kind is not RecordingSpan:
        return None
    try:
        if span._given is NOT_MADE:
            message = _pack_plain(span) if kind is CallSpan else None
            if message is None:
                message = _packed(span)
            # Another exporter's thread, or whoever kept the span, may have looked into it meanwhile.
            if span._given is NOT_MADE:
                return message
    except Exception as error:  # somebody wrote what it cannot hold; read slowly, more of it can be saved
        if not hold_back("packing a span", error):
            raise
    return None


def _packed(span: RecordingSpan) -> bytes | None:
    """The message of a span into which nobody has looked; None if it has to be read as any other."""
    if type(span) is not CallSpan:
        return _pack(span, encode_foreign_attributes(span._held, SPAN_ATTRIBUTES))
    held, own = span._held, span.attributes_of_call()
    definition, origin = span.definition, span._origin
    around = span.attributes_of_run()
    if not origin.is_plain or len(own) + len(definition.attributes) + len(around) > origin.largest:
        return None
    if held and not (own.keys().isdisjoint(definition.attributes) and own.keys().isdisjoint(around)):
        return None
    if held:
        own = _without_secrets(own, held)
    constant = definition.packed
    if not constant or not _is_of_today(constant["attributes"]):
        constant = _pack_definition(definition)
    return _pack(span, constant["attributes"] + _of_run(span) + encode_attributes(own, SPAN_ATTRIBUTES))


def _without_secrets(own: dict[str, Any], held: dict[str, Any]) -> dict[str, Any]:
    # What the call itself says was redacted when it was rendered.
    written = {name: own[name] for name in list(held) if name in own}
    left = redact_attributes(written)
    if left is written:
        return own
    return {**{name: value for name, value in own.items() if name not in written}, **left}  # names lose secrets, too


def _pack_plain(span: Any) -> bytes | None:  # noqa: ANN401 -- the same
    """What ``_packed`` makes of what nearly every call leaves, in half the time; None if anything is special about it.

    Nothing was added to such a span, it ended well, and it belongs to this process.
    """
    definition, context, parent, session = span.definition, span.made_context, span._parent, span.session
    around = len(definition.attributes) + (0 if session is None else len(session.attributes))
    is_plain = (
        span._held is span._event_list is span._link_list is None
        and span._status is _UNSET
        and span._name is definition.span_name
        and span._kind is definition.kind
        and span._origin.has_room
        and around <= _MOST_AROUND
        and (context is NOT_MADE or context[4] is DEFAULT_TRACE_STATE)
        and (parent is None or not parent[2])
    )
    if not is_plain:
        return None
    trace_id, span_id = (span.trace_id, span.span_id) if context is NOT_MADE else (context[0], context[1])
    constant = definition.packed
    if not constant or not _is_of_today(constant["attributes"]):
        constant = _pack_definition(definition)
    given, result = span._arguments, span._result
    if given is None and span._args is not None:
        given = atomic_arguments(definition, span._args, span._kwargs)
    if result.__class__ is not tuple and result is not NOTHING:  # a tuple is rendered; no atom is one
        result = atomic_result(definition, result)
    return b"".join(
        (
            b"\x0a\x10",
            trace_id.to_bytes(16, "big"),
            pack_id(0x1208, span_id) if parent is None else pack_two_ids(0x1208, span_id, 0x2208, parent[1]),
            constant["head"],
            pack_times(span._start_time, 0x41, span._end_time),
            constant["attributes"],
            b"" if span.run is None and session is None else _of_run(span),
            b"" if given is None else encode_text_attribute(given[0], given[1], SPAN_ATTRIBUTES),
            b"" if result is NOTHING else encode_text_attribute(result[0], result[1], SPAN_ATTRIBUTES),
            _TAIL,
        )
    )


_MOST_AROUND: Final = PLENTY - 4  # two of the run, the arguments, the result
_UNSET: Final = CallSpan._status
_TAIL: Final = b"\x7a\x00\x85\x01\x00\x01\x00\x00"
"""The status of a call that ended well, and the flags of a span whose parent is in this process."""


def _pack(span: Any, attributes: bytes) -> bytes:  # noqa: ANN401 -- the same
    context, parent, events, links = span._context, span._parent, span._event_list, span._link_list
    state = context.trace_state
    return pack_span(
        context.trace_id,
        context.span_id,
        None if parent is None else parent.span_id,
        parent is not None and parent.is_remote,
        encode_trace_state(state) if state else b"",
        encode_foreign_text(span._name),
        kind_number(span._kind),
        span._start_time,
        span._end_time,
        attributes,
        0,
        encode_events(events) if events else b"",
        0 if events is None else span.dropped_events,  # an empty list may have dropped what it was given
        encode_links(links) if links else b"",
        0 if links is None else span.dropped_links,
        encode_status(span._status),
    )


class _Fields(bytes):
    """Fields from which the secrets were taken by some rules; others may leave less of them."""

    rules: Rules


def _fields(attributes: Mapping[str, Any], encode: Callable[[Mapping[str, Any], bytes], bytes]) -> _Fields:
    by = rules.current
    made = _Fields(encode(attributes, SPAN_ATTRIBUTES))
    made.rules = by
    return made


def _is_of_today(fields: bytes) -> bool:
    return type(fields) is _Fields and fields.rules is rules.current


def _of_run(span: CallSpan) -> bytes:
    run, session = span.run, span.session
    if session is None:
        talk = b""
    else:
        talk = session.packed
        if not _is_of_today(talk):
            talk = session.packed = _fields(session.attributes, encode_foreign_attributes)
    if run is None:
        return talk
    if span.definition.is_agent:
        return talk + _encode_run(span.attributes_of_run_alone(), SPAN_ATTRIBUTES)
    packed_run = run.packed
    if not _is_of_today(packed_run):
        packed_run = run.packed = _fields(span.attributes_of_run_alone(), _encode_run)
    return talk + packed_run


def _encode_run(attributes: Mapping[str, Any], tag: bytes) -> bytes:
    # Made once a run. Beside ids, which only rules of the user's can mean, it has the agent's name.
    if rules.current.custom:
        return encode_foreign_attributes(attributes, tag)
    name = attributes.get(_semconv.AGENT_NAME)
    return encode_attributes({**attributes, _semconv.AGENT_NAME: redact_line(name)} if name else attributes, tag)


def _pack_definition(definition: Definition) -> dict[str, bytes]:
    attributes = _fields(definition.attributes, encode_foreign_attributes)
    name = encode_foreign_text(definition.span_name)
    made: dict[str, bytes] = {
        "attributes": attributes,
        "head": length_delimited(b"\x2a", name) + b"\x30%c\x39" % kind_number(definition.kind),
    }
    definition.packed.update(made)  # several workers may come here at once, with the same
    return made
