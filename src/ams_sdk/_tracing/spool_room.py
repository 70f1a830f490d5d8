"""How much of a spool's folder is taken, and what goes first when it is full or too old."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter, deque
from typing import TYPE_CHECKING, Final

from ams_sdk._tracing.spool_folder import files_in, remove_if_empty, spans_in

if TYPE_CHECKING:
    from pathlib import Path

    from ams_sdk._tracing.spool_folder import BatchFile

__all__ = ["Room"]

_SPARE: Final = 16
"""Once the folder is full, the oldest files are looked for until they are this part of it, for the writes to come."""
_BLOCK: Final = 4_096
"""Bytes that the smallest file takes on most disks: so many files are as much as ``max_bytes``."""
_FEWEST_FILES: Final = 1_000
_SCAN_PAUSE: Final = 1.0
_SCAN_SHARE: Final = 50
"""Looking through a folder may take one part in so many of the time."""


class Room:
    """Bounds one folder that many processes write to, by bytes and by age, and counts what is dropped; for any thread.

    The folder is listed once a second at the most; in between, a sum is kept of what this process does.

    Args:
        folder: the folder.
        max_bytes: of all files in it, of which there are as many at the most as take that much in blocks of the disk.
        max_age: seconds.
    """

    def __init__(self, folder: Path, max_bytes: int, max_age: float) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._max_files = max(_FEWEST_FILES, max_bytes // _BLOCK)
        self._max_age = max_age
        # Reentrant: a signal handler of the program may end a span while its thread is in here.
        self._lock = threading.RLock()
        self._dropped: Counter[str] = Counter()
        self._taken = 0
        self._oldest: deque[BatchFile] = deque()
        self._stuck: set[str] = set()
        self._next_scan = 0.0

    @property
    def dropped(self) -> dict[str, int]:
        """Spans that were dropped, by reason."""
        return dict(self._dropped)

    def count(self, reason: str, spans: int) -> None:
        """Count spans that are lost."""
        if spans:
            with self._lock:
                self._dropped[reason] += spans

    def take(self, size: int) -> None:
        """Take note of bytes that were written; negative for a file that was removed."""
        with self._lock:
            self._taken += size

    def make(self, size: int) -> None:
        """Drop the oldest files until so many bytes have room, and now and then those that are too old.

        Raises:
            OSError: the folder cannot be read.
        """
        with self._lock:
            if time.monotonic() >= self._next_scan:
                self._scan(size)
            if not self._drop_oldest(size):  # those that are noted do not suffice, or none are
                self._scan(size)
                self._drop_oldest(size)

    def drop_if_old(self, file: BatchFile, folder: Path | None = None) -> bool:
        """Remove and count a file whose time is over; False if it is not."""
        if file.created >= (time.time() - self._max_age) * 1000:
            return False
        with self._lock:
            self._drop(folder or self._folder, file, "too old")
        return True

    def sweep(self) -> None:
        """Drop what is too old for other destinations: after a key was replaced, nobody else may come for it."""
        with contextlib.suppress(OSError):
            for folder in self._folder.parent.iterdir():
                with contextlib.suppress(OSError):
                    files = files_in(folder) if folder != self._folder else []
                    if [file for file in files if self.drop_if_old(file, folder)]:
                        remove_if_empty(folder)

    def _scan(self, size: int) -> None:
        began = time.monotonic()
        files = files_in(self._folder)
        self._taken = sum(file.size for file in files)
        # A journal is its process's alone until it is sealed.
        movable = [file for file in files if file.kind != "journal" and not self.drop_if_old(file)]
        # Sorted only when it matters: it costs more than the listing.
        surplus = len(files) - self._max_files
        if surplus > 0:
            movable.sort()
            for file in movable[: surplus + self._max_files // _SPARE]:
                self._drop(self._folder, file, "spool full")
            del movable[: surplus + self._max_files // _SPARE]
        self._oldest.clear()
        excess = self._taken + size - self._max_bytes
        if excess > 0:
            wanted = excess + self._max_bytes // _SPARE
            for file in sorted(file for file in movable if file.name not in self._stuck):
                if wanted <= 0:
                    break
                self._oldest.append(file)
                wanted -= file.size
        ended = time.monotonic()
        self._next_scan = ended + max(_SCAN_PAUSE, (ended - began) * _SCAN_SHARE)

    def _drop_oldest(self, size: int) -> bool:
        while self._taken + size > self._max_bytes:
            if not self._oldest:
                return False
            self._drop(self._folder, self._oldest.popleft(), "spool full")
        return True

    def _drop(self, folder: Path, file: BatchFile, reason: str) -> None:
        spans = spans_in(folder, file)
        try:
            (folder / file.name).unlink()
            self._dropped[reason] += spans
        except FileNotFoundError:
            pass  # delivered, dropped by another process, which has counted it, or taken over
        except OSError:  # on Windows, while it is read: others have to go in its place
            self._stuck.add(file.name)
            return
        if folder == self._folder:
            self._taken -= file.size
