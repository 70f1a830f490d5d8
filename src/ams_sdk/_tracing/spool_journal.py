"""The journal: one file to which threads append finished spans, and which is on disk before they go on."""

from __future__ import annotations

import contextlib
import errno
import os
import threading
from typing import TYPE_CHECKING, Final

from ams_sdk._tracing.spool_record import NEW_FILE, write_all

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["Journal"]

# macOS has no fdatasync, and its fsync leaves out the cache of the disk itself, as most databases do: it would be slow.
_to_disk: Final[Callable[[int], None]] = getattr(os, "fdatasync", os.fsync)


class Journal:
    """A file that is appended to; for any thread.

    Every lock is reentrant: a signal handler may append while its thread is in here.

    Args:
        path: the new file.

    Raises:
        FileNotFoundError: its folder is gone.
        OSError: it cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = os.open(path, NEW_FILE, 0o600)
        self._writing = threading.RLock()
        self._syncing = threading.RLock()
        self._spans = self._written = self._synced = 0
        self._is_closed = self._is_broken = False
        _sync_folder(path.parent)

    def append(self, record: bytes, spans: int) -> bool:
        """Have a record on disk; False, and nothing is done, if the journal was closed in the meantime.

        Raises:
            OSError: the disk is full, or cannot be written to; do not count on the record.
        """
        with self._writing:
            if self._is_closed:
                return False
            self._raise_if_broken()
            start = os.lseek(self._descriptor, 0, os.SEEK_END)
            try:
                write_all(self._descriptor, record)
            except BaseException:
                self._cut(start)
                raise
            self._spans += spans
            self._written += 1
            number = self._written
        self._sync(number)
        return True

    def close(self) -> tuple[int, int]:
        """Close the file; answers with the spans that are in it, and its bytes."""
        with self._writing:
            self._is_closed = True
        with self._syncing:
            with contextlib.suppress(OSError):  # those who wait for it are told
                self._sync(self._written)
            size = os.lseek(self._descriptor, 0, os.SEEK_END)
            self.forget()
        return self._spans, size

    def forget(self) -> None:
        """Close the file and do no more; in the child of a fork, where the journal is the parent's."""
        with contextlib.suppress(OSError):
            os.close(self._descriptor)

    def _sync(self, number: int) -> None:
        # Whoever had to wait here finds that the one before has brought its record to disk too, and all that were
        # written while that one waited for its turn: one sync for many threads.
        with self._syncing:
            if self._synced >= number:
                return
            self._raise_if_broken()
            written = self._written
            try:
                _to_disk(self._descriptor)
            except OSError:
                # What the system could not write it may call written the next time (it has given up on it), so nothing
                # that comes to this file any more can be vouched for.
                self._is_broken = True
                raise
            self._synced = max(self._synced, written)  # a signal handler's may have been larger

    def _raise_if_broken(self) -> None:
        if self._is_broken:
            raise OSError(errno.EIO, "the journal could not be brought to disk", str(self.path))

    def _cut(self, end: int) -> None:
        try:
            os.ftruncate(self._descriptor, end)
        except OSError:
            self._is_broken = True


def _sync_folder(folder: Path) -> None:
    """Have on disk that the file exists; not all systems can say that of a folder."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
