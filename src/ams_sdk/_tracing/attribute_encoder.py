"""Attributes become OTLP key-value messages, packed by hand.

Rules: opentelemetry-proto 1.x, ``common.proto``. What is sent is what OpenTelemetry's own encoder sends; where
that one fails, the nearest thing that can be sent: ``?`` for a lone surrogate, a text for an integer of more than 64
bits and for what is nested too deeply. A value of a type that OTLP does not have is left out with its key, as there.

Nearly all attributes have a key that was seen before and a short text or a number as their value. Then what stands
before the value (tag, lengths, key) depends on nothing but the key and the value's length, and is remembered.
"""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

from ams_sdk._guard import hold_back
from ams_sdk._tracing.protobuf import length_delimited, varint

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["copied", "encode_attributes", "encode_text", "encode_text_attribute"]

_INT64_MIN: Final = -(2**63)
_INT64_MAX: Final = 2**63 - 1
_WRITTEN_OUT: Final = 2048
"""Bits of the largest integer that is written out: fewer digits than Python can be told to refuse."""
_DEPTH: Final = 90
"""Messages within messages below an attribute. Decoders in C++, Java and Python refuse more than 100 in all."""

_TRUE: Final = b"\x10\x01"
_FALSE: Final = b"\x10\x00"
_pack_double: Final = struct.Struct("<d").pack

_SHORT: Final = 64
"""Bytes from which on a text is not short."""
_NUMBERS: Final = 12
"""What a packed number has fewer bytes than."""
_MAX_KEYS: Final = 512
_heads: Final[defaultdict[bytes, dict[str, list[bytes | None]]]] = defaultdict(dict)
"""By tag and key, what stands before a value: of a short text by its bytes, from ``_SHORT`` on of a number by its."""
_key_fields: Final[dict[str, bytes]] = {}


def encode_text(text: object) -> bytes:
    """UTF-8, with ``?`` for a lone surrogate; what is no text is sent as its ``str()``, None as nothing."""
    if type(text) is str:
        try:
            return text.encode()
        except UnicodeEncodeError:
            return text.encode("utf-8", "replace")
    if text is None:
        return b""
    if isinstance(text, bytes):  # protobuf takes them where it takes text
        text = text.decode("utf-8", "replace")
    return str.encode(text if isinstance(text, str) else str(text), "utf-8", "replace")


def encode_attributes(attributes: Mapping[str, Any] | None, tag: bytes) -> bytes:
    """Key-value messages, each a field.

    Args:
        attributes: by key; one whose value OTLP cannot hold is left out.
        tag: of the field.
    """
    if attributes is None:
        return b""
    try:
        # OpenTelemetry's containers are read item by item through Python code; a copy of them is a real dictionary.
        plain = attributes if isinstance(attributes, dict) else copied(attributes)
        return _encode_plain(plain, tag) if plain else b""
    except RuntimeError:  # another thread writes to the dictionary
        return b"".join([_attribute(tag, key, value) for key, value in copied(attributes).items()])


def encode_text_attribute(key: str, text: str, tag: bytes) -> bytes:
    """One attribute that is a text; the same as ``encode_attributes`` of it alone."""
    try:
        body = text.encode()
    except UnicodeEncodeError:
        body = encode_text(text)
    size = len(body)
    if size < _SHORT:
        heads = _heads[tag].get(key)
        head = None if heads is None else heads[size]
        return (head or _learn(_heads[tag], tag, key, size)) + body
    return _before_text(tag, key, size) + body


def copied(attributes: Any) -> dict[str, Any]:  # noqa: ANN401 -- whatever serves as a mapping
    """A real dictionary of some attributes, for this thread alone."""
    try:
        copy: dict[str, Any] = attributes.copy()
    except AttributeError:
        return dict(attributes)
    return copy


def _encode_plain(attributes: dict[str, Any], tag: bytes) -> bytes:
    heads_by_key = _heads[tag]
    parts: list[bytes] = []
    for key, value in attributes.items():
        if type(key) is not str:  # a subclass may say that it equals another key
            parts.append(_attribute(tag, key, value))
            continue
        if type(value) is str:
            try:
                body = value.encode()
            except UnicodeEncodeError:
                body = encode_text(value)
            slot = len(body)
            if slot >= _SHORT:
                parts += (_before_text(tag, key, slot), body)
                continue
        elif value is True or value is False:
            body = _TRUE if value else _FALSE
            slot = _SHORT + 2
        elif type(value) is int and _INT64_MIN <= value <= _INT64_MAX:
            body = b"\x18" + varint(value)
            slot = _SHORT + len(body)
        elif type(value) is float:
            body = b"\x21" + _pack_double(value)
            slot = _SHORT + 9
        else:
            parts.append(_attribute(tag, key, value))
            continue
        try:
            head = heads_by_key[key][slot]
        except KeyError:
            head = None
        parts += (head or _learn(heads_by_key, tag, key, slot), body)
    return b"".join(parts)


def _learn(heads_by_key: dict[str, list[bytes | None]], tag: bytes, key: str, slot: int) -> bytes:
    head = _before_text(tag, key, slot) if slot < _SHORT else _before(tag, key, slot - _SHORT)
    if len(key) <= _SHORT:
        heads = heads_by_key.get(key)
        if heads is None:
            if len(heads_by_key) >= _MAX_KEYS:
                heads_by_key.clear()
            heads = heads_by_key[key] = [None] * (_SHORT + _NUMBERS)
        heads[slot] = head
    return head


def _before_text(tag: bytes, key: object, size: int) -> bytes:
    head = b"\x0a" + varint(size)
    return _before(tag, key, len(head) + size) + head


def _before(tag: bytes, key: object, size: int) -> bytes:
    field = (_key_fields.get(key) if type(key) is str else None) or _key_field(key)
    head = field + b"\x12" + varint(size)
    return tag + varint(len(head) + size) + head


def _key_field(key: object) -> bytes:
    if not isinstance(key, (str, bytes)):
        raise TypeError(f"the key of an attribute is a text, not {type(key).__name__}")
    field = length_delimited(b"\x0a", encode_text(key))
    if type(key) is str and len(key) <= _SHORT:
        if len(_key_fields) >= _MAX_KEYS:
            _key_fields.clear()
        _key_fields[key] = field
    return field


def _attribute(tag: bytes, key: object, value: object) -> bytes:
    try:
        try:
            body = _any_value(value, _DEPTH)
        except RecursionError:
            body = length_delimited(b"\x0a", b"<nested too deeply>")
        return _before(tag, key, len(body)) + body
    except Exception as error:
        if not hold_back("encoding an attribute", error):
            raise
        return b""


def _any_value(value: Any, depth: int) -> bytes:  # noqa: ANN401, PLR0911 -- one for each member of AnyValue
    # A value may be of several of these types; OpenTelemetry's encoder asks in this order, but for the real containers.
    if isinstance(value, str):
        return length_delimited(b"\x0a", encode_text(value))
    if isinstance(value, (tuple, list)):
        return length_delimited(b"\x2a", _array(cast("Iterable[Any]", value), depth - 2))
    if value is None:
        return b""
    if isinstance(value, bool):
        return _TRUE if value else _FALSE
    if isinstance(value, int):
        return _integer(int.__index__(value))
    if isinstance(value, float):
        return b"\x21" + _pack_double(value)
    if isinstance(value, bytes):
        return length_delimited(b"\x3a", memoryview(value).tobytes())
    if isinstance(value, Sequence):
        return length_delimited(b"\x2a", _array(cast("Iterable[Any]", value), depth - 2))
    if isinstance(value, Mapping):
        return length_delimited(b"\x32", _key_values(cast("Mapping[object, object]", value), depth - 3))
    raise TypeError(f"OTLP has no value for {type(value).__name__}")


def _integer(value: int) -> bytes:
    if _INT64_MIN <= value <= _INT64_MAX:
        return b"\x18" + varint(value)
    if value.bit_length() > _WRITTEN_OUT:
        return length_delimited(b"\x0a", b"<an integer of %d bits>" % value.bit_length())
    return length_delimited(b"\x0a", b"%d" % value)


def _array(values: Iterable[Any], depth: int) -> bytes:
    if depth < 0:
        raise RecursionError("an attribute is nested too deeply")
    return b"".join([length_delimited(b"\x0a", _any_value(value, depth)) for value in values])


def _key_values(values: Mapping[Any, Any], depth: int) -> bytes:
    if depth < 0:
        raise RecursionError("an attribute is nested too deeply")
    parts: list[bytes] = []
    for key, value in values.items():
        body = _any_value(value, depth)
        parts += (_before(b"\x0a", str(key), len(body)), body)
    return b"".join(parts)
