"""Finished spans on disk until they have arrived: a process that is killed leaves them, the next one delivers them.

Many processes share a folder. What each one writes carries its name, and next to it is a file that it keeps locked
while it lives. Whoever finds files whose owner has no lock any more takes that lock, gives the files its own name and
lets go of it. So a batch belongs to one living process at any moment, and changes hands by one atomic rename. A batch
that has arrived is removed; the oldest are removed, and counted, where there is no room.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import itertools
import os
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from ams_sdk._config import state_folder
from ams_sdk._tracing.file_lock import FileLock
from ams_sdk._tracing.spool_folder import (
    BatchFile,
    Destination,
    contents,
    describe,
    description,
    files_in,
    lock_file,
    make_private,
    owners_in,
    remove_if_empty,
)
from ams_sdk._tracing.spool_journal import Journal
from ams_sdk._tracing.spool_record import record, records, write_new
from ams_sdk._tracing.spool_room import Room

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ams_sdk._tracing.spool_folder import Kind

__all__ = ["Batch", "Destination", "Spool", "contents", "spool_root"]

_MAX_BYTES: Final = 64 * 2**20
_MAX_AGE: Final = 7 * 86_400.0
_TRIES: Final = 100

T = TypeVar("T")


@dataclass(slots=True)
class Batch:
    """One file of encoded spans that belongs to this process.

    Attributes:
        path: the file.
        spans: how many are in it; after ``read``, how many of them are sound.
        size: bytes of the file.
        created: when it was first written, in seconds since 1970.
    """

    path: Path
    spans: int
    size: int
    created: float
    _room: Room | None = field(default=None, repr=False, compare=False)

    def read(self) -> bytes:
        """Return the bodies of its sound records, joined: one ``ExportTraceServiceRequest``.

        Raises:
            FileNotFoundError: another process dropped it as the oldest, or nothing in it was sound; it is gone then.
            OSError: it cannot be read.
        """
        found = records(self.path.read_bytes())
        if self._room is not None:
            self._room.count("torn", max(0, self.spans - found.spans))
        self.spans = found.spans
        if not found.body:
            self.remove()
            raise FileNotFoundError(errno.ENOENT, "nothing in it was sound", str(self.path))
        return found.body

    def remove(self) -> None:
        """Delete the file, which was delivered; one that is gone, or cannot be deleted, is no error."""
        with contextlib.suppress(OSError):
            self.path.unlink()
            if self._room is not None:
                self._room.take(-self.size)

    def set_aside(self) -> None:
        """Keep the file, but send it no more: it was refused for good. It goes when it is too old or in the way."""
        with contextlib.suppress(OSError):
            self.path = self.path.rename(self.path.with_suffix(".refused"))


class Spool:
    """One folder of batches for one destination; for any thread.

    Nothing is made on disk before there is something to keep. Files are 0600 and folders 0700.

    Args:
        root: the folder of all destinations.
        endpoint: the address that the spans are for.
        identity: whose they are, an e-mail address or a digest of a key; never a secret.
        max_bytes: how much is kept, the oldest go first; processes that write at once may exceed it for a second.
        max_age: seconds after which a batch is dropped.

    Attributes:
        folder: this destination's folder.
    """

    def __init__(
        self, root: Path, endpoint: str, identity: str, *, max_bytes: int = _MAX_BYTES, max_age: float = _MAX_AGE
    ) -> None:
        digest = hashlib.sha256(f"{endpoint}\n{identity}".encode()).hexdigest()[:16]
        self.folder = root.absolute() / digest
        self._description = description(endpoint, identity)
        self._max_bytes = max_bytes
        self._max_age = max_age
        self._reset()

    def _reset(self) -> None:
        # Reentrant: a signal handler of the program may end a span while its thread is in here.
        self._mutex = threading.RLock()
        self._lock: FileLock | None = None
        self._owner = ""
        self._journal: Journal | None = None
        self._numbers = itertools.count()
        self._room = Room(self.folder, self._max_bytes, self._max_age)
        self._has_swept = False

    @property
    def dropped(self) -> Mapping[str, int]:
        """Spans that this process dropped, by reason: "spool full", "too old", "torn", "deleted" by somebody else."""
        return self._room.dropped

    def write(self, body: bytes, spans: int) -> Batch:
        """Keep an encoded batch in a new file.

        It survives this process, however that ends, but not the machine: nothing waits for the disk.

        Raises:
            OSError: the disk is full or cannot be written to, or the batch is larger than the spool. Nothing is left.
        """
        content = record(body, spans)
        if len(content) > self._max_bytes:
            raise OSError(errno.EFBIG, "the batch is larger than the spool", str(self.folder))
        with self._mutex:
            return self._in_folder(lambda owner: self._write(owner, content, spans))

    def journal(self, body: bytes, spans: int) -> None:
        """Keep encoded spans and wait until they are on the disk itself; threads that do so at once wait together.

        Raises:
            OSError: the disk is full, or cannot be written to.
        """
        content = record(body, spans)
        # Another thread may seal the journal in between.
        while not (self._journal or self._open_journal()).append(content, spans):
            pass

    def seal_journal(self) -> Batch | None:
        """Make what was journalled since the last seal a batch like any other; None if there was nothing."""
        with self._mutex:
            journal, self._journal = self._journal, None
            if journal is None:
                return None
            spans, size = journal.close()
            created, path = _now(), journal.path
            try:
                if not spans:
                    path.unlink()
                    return None
                path = path.rename(self._new_path(self._owner, "batch", created, spans))
            except FileNotFoundError:  # the user has emptied the folder
                self._room.count("deleted", spans)
                return None
            except OSError:
                pass  # it can be read by its old name as well
            self._room.take(size)
            return Batch(path, spans, size, created / 1000, self._room)

    def orphans(self, most: int = sys.maxsize) -> list[Batch]:
        """Take over batches of processes that are gone; oldest first.

        They are this process's from now on, until they are removed or it ends, and nobody else is given them.

        Args:
            most: how many; the rest is there for the next call, or for another process.

        Raises:
            OSError: the folder cannot be written to. One that this user may not read has nothing for it.
        """
        owners: dict[str, list[BatchFile]] = {}
        with contextlib.suppress(PermissionError):
            owners = {owner: [] for owner in owners_in(self.folder)}
            for file in files_in(self.folder):
                if file.kind != "refused":
                    owners.setdefault(file.owner, []).append(file)
        adopted: list[Batch] = []
        for owner, files in owners.items():
            if len(adopted) < most:
                adopted += self._adopt(owner, sorted(files)[: most - len(adopted)])
        if not self._has_swept:
            self._has_swept = True
            self._room.sweep()
        return sorted(adopted, key=lambda batch: batch.created)

    def after_fork(self) -> None:
        """In the child of a fork, begin anew as a process of its own; the parent's lock and files stay the parent's."""
        if self._journal is not None:
            self._journal.forget()
        self._reset()  # the lock has let go by itself

    def close(self) -> None:
        """Leave the folder, and remove it if nothing is left in it; batches that are not removed are for others.

        What is written later begins anew.
        """
        with self._mutex:
            self.seal_journal()
            if self._lock is not None:
                self._leave()
                remove_if_empty(self.folder)

    def _write(self, owner: str, content: bytes, spans: int) -> Batch:
        self._room.make(len(content))
        created = _now()
        path = self._new_path(owner, "batch", created, spans)
        write_new(path, content)
        self._room.take(len(content))
        return Batch(path, spans, len(content), created / 1000, self._room)

    def _open_journal(self) -> Journal:
        with self._mutex:
            if self._journal is None:
                self._journal = self._in_folder(self._new_journal)
            return self._journal

    def _new_journal(self, owner: str) -> Journal:
        self._room.make(0)
        return Journal(self._new_path(owner, "journal", _now(), 0))

    def _in_folder(self, make: Callable[[str], T]) -> T:
        """Make a file, a second time if the folder went away under us: somebody has emptied the spool."""
        try:
            return make(self._enter())
        except FileNotFoundError:
            self._leave()
            return make(self._enter())

    def _enter(self) -> str:
        """Be known in this folder as a process that lives; answers with the name."""
        with self._mutex:
            for _ in range(_TRIES):
                if self._lock is not None:
                    return self._owner
                make_private(self.folder)
                self._owner = f"{os.getpid()}_{os.urandom(6).hex()}"
                with contextlib.suppress(FileNotFoundError):  # the last one to leave has removed the folder
                    self._lock = FileLock.create(self.folder / lock_file(self._owner))
                    if self._lock is not None:
                        self._describe()
        raise OSError(errno.EAGAIN, "another process was always quicker", str(self.folder))

    def _describe(self) -> None:
        try:
            describe(self.folder, self._description)
        except BaseException:
            self._leave()
            raise

    def _leave(self) -> None:
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.release()

    def _new_path(self, owner: str, kind: Kind, created: int, spans: int) -> Path:
        return self.folder / BatchFile(created, next(self._numbers), owner, spans, kind).name

    def _adopt(self, owner: str, files: list[BatchFile]) -> list[Batch]:
        try:
            lock = FileLock.claim(self.folder / lock_file(owner))
        except OSError:  # another user's
            return []
        if lock is None:
            return []
        try:
            heir = self._enter() if files else ""
            return [batch for file in sorted(files) if (batch := self._take_over(file, heir))]
        finally:
            lock.release()

    def _take_over(self, file: BatchFile, heir: str) -> Batch | None:
        if self._room.drop_if_old(file):
            return None
        path, spans = self.folder / file.name, file.spans
        with contextlib.suppress(OSError):  # dropped as the oldest, by another process; or, on Windows, being read
            if file.kind == "journal":
                found = records(path.read_bytes())
                spans = found.spans
                self._room.count("torn", found.gaps)  # how many spans that were nobody knows; one each, at least
                if not spans:
                    path.unlink()
                    return None
            path = path.rename(self._new_path(heir, "batch", file.created, spans))
            return Batch(path, spans, file.size, file.created / 1000, self._room)
        return None


def spool_root(environ: Mapping[str, str] | None = None) -> Path:
    """Where the spool is: ``AMS_SPOOL_DIR``, or ``spool`` beside the saved login. Makes nothing.

    Args:
        environ: the environment to read; ``os.environ`` if not given.
    """
    chosen = (os.environ if environ is None else environ).get("AMS_SPOOL_DIR", "")
    if chosen and chosen.lower() != "none":
        return Path(chosen).expanduser()
    return state_folder(environ) / "spool"


def _now() -> int:
    return int(time.time() * 1000)
