"""The batches that a process has to send: its own first, then what others left behind; bounded where in memory."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ams_sdk._tracing.spool import Batch

__all__ = ["Parcel", "Parcels"]

MAX_IN_MEMORY: Final = 32 * 2**20
"""Bytes of encoded batches that could not be written to disk; beyond, the oldest go."""


@dataclass(slots=True, eq=False)
class Parcel:
    """An encoded batch: on disk as ``stored``, or in memory as ``body`` where there is no disk to write to."""

    spans: int
    stored: Batch | None = None
    body: bytes | None = None
    is_own: bool = True
    attempts: int = 0
    is_in_flight: bool = False

    def message(self) -> bytes:
        """The bytes to send.

        Raises:
            OSError: they cannot be read; FileNotFoundError if another process dropped them, as the oldest.
        """
        if self.stored is not None:
            body = self.stored.read()
            self.spans = self.stored.spans  # those that are whole, if some were torn
            return body
        return self.body or b""

    def discard(self) -> None:
        """It is not needed any more."""
        if self.stored is not None:
            self.stored.remove()

    def set_aside(self) -> None:
        """It was refused for good, and is not tried again; on disk it stays until it is too old."""
        if self.stored is not None:
            self.stored.set_aside()


class Parcels:
    """What is to be sent, in order. Not safe for threads; its owner has a lock."""

    def __init__(self) -> None:
        self._own: deque[Parcel] = deque()
        self._left_behind: deque[Parcel] = deque()
        self._in_memory = 0

    def add(self, parcel: Parcel) -> list[Parcel]:
        """Append one; answers with those that had to go for it."""
        (self._own if parcel.is_own else self._left_behind).append(parcel)
        self._in_memory += len(parcel.body or b"")
        lost: list[Parcel] = []
        while self._in_memory > MAX_IN_MEMORY:
            oldest = next((one for one in self._own if one.body and not one.is_in_flight), None)
            if oldest is None:
                break
            self.remove(oldest)
            lost.append(oldest)
        return lost

    def first(self) -> Parcel | None:
        """The next to be sent; it stays until it is removed."""
        return self._own[0] if self._own else self._left_behind[0] if self._left_behind else None

    def remove(self, parcel: Parcel) -> bool:
        """Take one out; False if it is not there any more."""
        try:
            (self._own if parcel.is_own else self._left_behind).remove(parcel)
        except ValueError:
            return False
        self._in_memory -= len(parcel.body or b"")
        return True

    @property
    def has_own(self) -> bool:
        """Whether something of this process is left."""
        return bool(self._own)

    @property
    def all_on_disk(self) -> bool:
        """Whether nothing of it would be lost with the process."""
        return self._in_memory == 0

    def spans(self) -> tuple[int, int]:
        """How many spans of this process wait, and how many of them are on disk."""
        own = list(self._own)
        return sum(one.spans for one in own), sum(one.spans for one in own if one.stored is not None)
