"""How many parts an OTLP body has, counted before it is parsed: an empty message of two bytes takes hundreds in memory.

Source: Protocol Buffers' "Encoding", and RFC 8259 for JSON.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor

__all__ = ["json_exceeds", "protobuf_exceeds"]

_VARINT, _FIXED_64, _LENGTH, _GROUP, _END_GROUP, _FIXED_32 = range(6)  # the wire types
_FIXED: Final = {_FIXED_64: 8, _FIXED_32: 4}
_LONGEST_VARINT: Final = 10

# A text without an end runs to the body's end, so that no quote in it is tried again.
_JSON_TEXT: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)

_Messages = dict[int, "_Messages"]
"""By its tag, each field that is a message, with the same of that message."""


def json_exceeds(body: bytes, most: int) -> bool:
    """Whether JSON has more than ``most`` parts: objects, arrays, and commas between values."""
    # Texts may be full of commas and braces; they are only taken out where it matters.
    return _marks(body) > most and _marks(_JSON_TEXT.sub(b"", body)) > most


def _marks(body: bytes) -> int:
    return body.count(b"{") + body.count(b"[") + body.count(b",")


def protobuf_exceeds(body: bytes, most: int) -> bool:
    """Whether an ``ExportTraceServiceRequest`` has more than ``most`` fields, those of inner messages included.

    What is not well-formed is counted up to there: a parser gets no further either.
    """
    if len(body) <= most:
        return False  # no field is shorter than a byte
    try:
        return _walk(body, most)
    except (ValueError, IndexError):
        return False


def _walk(body: bytes, most: int) -> bool:
    position, end, messages = 0, len(body), _REQUEST
    around: list[tuple[int, _Messages]] = []  # the ends and the fields of what this message is in
    for _ in range(most + 1):
        while position == end:
            if not around:
                return False
            end, messages = around.pop()
        tag, position = _varint(body, position)
        wire_type = tag & 7
        if wire_type == _VARINT:
            _, position = _varint(body, position)
        elif wire_type == _LENGTH:
            size, position = _varint(body, position)
            if tag in messages and position + size <= end:
                around.append((end, messages))
                end, messages = position + size, messages[tag]
            else:
                position += size
        elif wire_type == _GROUP:
            around.append((end, messages))
            messages = {}  # OTLP has no groups, so that no field in one is known
        elif wire_type == _END_GROUP:
            end, messages = around.pop()
        else:
            position += _FIXED.get(wire_type, len(body))
        if position > end:
            return False
    return True


def _varint(body: bytes, position: int) -> tuple[int, int]:
    """A number and where it ends."""
    byte = body[position]
    if byte < 0x80:  # noqa: PLR2004 -- the bit that says that more follows
        return byte, position + 1
    number = 0
    for place in range(_LONGEST_VARINT):
        byte = body[position + place]
        number |= (byte & 0x7F) << 7 * place
        if byte < 0x80:  # noqa: PLR2004 -- the same
            return number, position + place + 1
    raise ValueError("a number without an end")


def _messages(descriptor: Descriptor, known: dict[str, _Messages]) -> _Messages:
    if descriptor.full_name not in known:
        known[descriptor.full_name] = inner = {}
        for field in descriptor.fields:
            if field.message_type is not None:
                inner[field.number << 3 | _LENGTH] = _messages(field.message_type, known)
    return known[descriptor.full_name]


_REQUEST: Final = _messages(ExportTraceServiceRequest.DESCRIPTOR, {})
