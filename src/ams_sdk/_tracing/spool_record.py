"""Records on disk: each tells whether it is whole.

A record is a magic number, the bytes of its body, its spans, the CRC-32 of these two numbers and of the body, and the
body: an encoded ``ExportTraceServiceRequest``. Numbers are unsigned, of 32 bits, little-endian.
"""

from __future__ import annotations

import contextlib
import os
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["NEW_FILE", "Records", "record", "records", "write_all", "write_new"]

NEW_FILE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | getattr(os, "O_BINARY", 0)
"""How files of records are opened: nothing that is there is written to, and no link is followed."""

_MAGIC: Final = b"AMS\x01"
_SIZES: Final = struct.Struct("<II")
_CRC: Final = struct.Struct("<I")
_HEAD: Final = len(_MAGIC) + _SIZES.size + _CRC.size
_MOST_TRIES: Final = 1_000
"""To find the next record behind a broken one: each may have to look at the whole file."""


def record(body: bytes, spans: int) -> bytes:
    """Wrap an encoded batch."""
    sizes = _SIZES.pack(len(body), spans)
    return b"".join((_MAGIC, sizes, _CRC.pack(zlib.crc32(body, zlib.crc32(sizes))), body))


@dataclass(frozen=True, slots=True)
class Records:
    """What is sound of a file: the bodies joined, their spans, and how many ``gaps`` there are of what is not."""

    body: bytes
    spans: int
    gaps: int


def records(content: bytes) -> Records:
    """Find the records that are whole, also behind one that is not."""
    bodies: list[memoryview] = []
    view = memoryview(content)
    spans = gaps = tries = position = 0
    was_sound = True
    while 0 <= position < len(content) and tries < _MOST_TRIES:
        end, found = _record_at(view, position)
        if end:
            bodies.append(view[position + _HEAD : end])
            spans += found
            position = end
        else:
            gaps += was_sound
            tries += 1
            position = content.find(_MAGIC, position + 1)
        was_sound = bool(end)
    return Records(b"".join(bodies), spans, gaps)


def _record_at(view: memoryview, start: int) -> tuple[int, int]:
    """Where the record ends, and its spans; the end is 0 if there is no whole one."""
    body = start + _HEAD
    if len(view) < body or bytes(view[start : start + len(_MAGIC)]) != _MAGIC:
        return 0, 0
    sizes = view[start + len(_MAGIC) : body - _CRC.size]
    length, spans = _SIZES.unpack(sizes)
    (expected,) = _CRC.unpack(view[body - _CRC.size : body])
    if len(view) < body + length or zlib.crc32(view[body : body + length], zlib.crc32(sizes)) != expected:
        return 0, 0
    return body + length, spans


def write_new(path: Path, content: bytes) -> None:
    """Write a new file that only its owner can read, in one piece where the system allows; or leave nothing there.

    Raises:
        FileNotFoundError: its folder is gone.
        OSError: the disk is full, or cannot be written to.
    """
    descriptor = os.open(path, NEW_FILE, 0o600)
    try:
        try:
            write_all(descriptor, content)
        finally:
            os.close(descriptor)  # a disk on the network may say only here that it is full
    except BaseException:
        with contextlib.suppress(OSError):
            path.unlink()
        raise


def write_all(descriptor: int, content: bytes) -> None:
    """Write all of it; the system may take less at a time.

    Raises:
        OSError: the disk is full, or cannot be written to.
    """
    written = os.write(descriptor, content)
    while written < len(content):
        written += os.write(descriptor, memoryview(content)[written:])
