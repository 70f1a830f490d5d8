"""The ids of the spans in the body of an export request, read as far as is needed to count them."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_RESOURCE_SPANS, _SCOPE_SPANS, _SPANS, _SPAN_ID = 1, 2, 2, 2
"""Field numbers of OTLP's trace.proto: in the request, ResourceSpans, ScopeSpans and Span."""
_FIXED: Final = {1: 8, 5: 4}
_VARINT, _LENGTH_DELIMITED = 0, 2


def unpacked(body: bytes, encoding: str) -> bytes:
    """A body without its ``Content-Encoding``."""
    match encoding:
        case "gzip":
            return gzip.decompress(body)
        case "deflate":
            return zlib.decompress(body)
        case _:
            return body


def in_body(body: bytes, *, is_json: bool) -> list[bytes]:
    """The span ids of an OTLP request, or of the JSON that the tracing of openai-agents sends."""
    if is_json:
        items = json.loads(body)["data"]
        return [item["id"].encode() for item in items if item["object"] == "trace.span"]
    return [
        next(_fields(span, _SPAN_ID))
        for resource in _fields(body, _RESOURCE_SPANS)
        for scope in _fields(resource, _SCOPE_SPANS)
        for span in _fields(scope, _SPANS)
    ]


def _fields(message: bytes, wanted: int) -> Iterator[bytes]:
    # The encoding of Protocol Buffers: a key (field number and wire type), then the value.
    at, end = 0, len(message)
    while at < end:
        key, at = _varint(message, at)
        wire_type = key & 7
        if wire_type == _LENGTH_DELIMITED:
            size, at = _varint(message, at)
            if key >> 3 == wanted:
                yield message[at : at + size]
            at += size
        elif wire_type == _VARINT:
            _, at = _varint(message, at)
        else:
            at += _FIXED[wire_type]


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004 -- the highest bit says that more follows
            return value, at
        shift += 7
