"""Protobuf's wire format, as far as spans need it, packed by hand.

Rules: protobuf.dev, "Encoding". A field is a tag (its number times eight, plus the wire type) and a value; a message,
a text and bytes carry their length before them; an integer is a varint of seven bits a byte, lowest first; a negative
one is its two's complement of 64 bits. Fields may come in any order.
"""

from __future__ import annotations

from typing import Final

__all__ = ["UINT32_MAX", "UINT64_MAX", "VARINTS", "length_delimited", "varint"]

UINT32_MAX: Final = 2**32 - 1
UINT64_MAX: Final = 2**64 - 1

VARINTS: Final = tuple(bytes((number,)) for number in range(128))
"""The varints of one byte, by number: nearly every length in a span is one of them."""
_CONTINUED: Final = tuple(bytes((number | 0x80,)) for number in range(128))


def varint(number: int) -> bytes:
    """A base 128 varint.

    Args:
        number: what is packed; of a negative number, the two's complement of 64 bits.
    """
    if 0 <= number < 0x80:  # noqa: PLR2004 -- what seven bits hold
        return VARINTS[number]
    if 0 < number < 0x4000:  # noqa: PLR2004 -- and twice seven
        return _CONTINUED[number & 0x7F] + VARINTS[number >> 7]
    number &= UINT64_MAX
    packed = b""
    while number > 0x7F:  # noqa: PLR2004 -- the same
        packed += _CONTINUED[number & 0x7F]
        number >>= 7
    return packed + VARINTS[number]


def length_delimited(tag: bytes, payload: bytes) -> bytes:
    """A field that holds a message, a text or bytes."""
    return tag + varint(len(payload)) + payload
