"""The folder of one destination, and the names in it.

A file of batches is called ``<created>-<owner>-<number>-<spans>.<kind>``: milliseconds since 1970; the process that has
it, by its id and a random number; a count of that process; the spans, 0 where they are not known yet. So a folder is
listed, sorted by age and counted without opening a file. ``<owner>.lock`` is locked while that process lives.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, cast

from ams_sdk._tracing.file_lock import is_held
from ams_sdk._tracing.spool_record import records, write_new

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "BatchFile",
    "Destination",
    "Kind",
    "contents",
    "describe",
    "description",
    "files_in",
    "lock_file",
    "make_private",
    "owners_in",
    "remove_if_empty",
    "spans_in",
]

Kind = Literal["batch", "journal", "refused"]
"""What is to be sent; what is still written to; what the platform will never take."""

_OWNER: Final = r"(\d{1,10}_[0-9a-f]{12})"
_LOCK_NAME: Final = re.compile(rf"{_OWNER}\.lock", re.ASCII)
_BATCH_NAME: Final = re.compile(rf"(\d{{1,15}})-{_OWNER}-(\d{{1,15}})-(\d{{1,10}})\.(batch|journal|refused)", re.ASCII)
_DESCRIPTION: Final = "destination.json"


class BatchFile(NamedTuple):
    """A file as its name tells it; sorted by age. ``created`` in milliseconds since 1970, ``size`` in bytes."""

    created: int
    number: int
    owner: str
    spans: int
    kind: Kind
    size: int = 0

    @property
    def name(self) -> str:
        """The file's name."""
        return f"{self.created}-{self.owner}-{self.number}-{self.spans}.{self.kind}"


@dataclass(frozen=True, slots=True)
class Destination:
    """What waits for one destination.

    Attributes:
        endpoint: its address; empty if that cannot be read.
        identity: whose spans they are, an e-mail address or a digest of a key; empty for nobody's.
        batches: how many wait; of these, ``in_use`` belong to processes that live, which deliver them themselves.
        spans: how many are in them.
        bytes: of their files.
        oldest: when the first was written, in seconds since 1970; None if there is none.
        refused: batches that the destination will never take.
    """

    endpoint: str
    identity: str
    batches: int
    in_use: int
    spans: int
    bytes: int
    oldest: float | None
    refused: int


def contents(root: Path) -> list[Destination]:
    """Look at every destination below ``root``; nothing is changed, and what cannot be read is left out."""
    found: list[Destination] = []
    with contextlib.suppress(OSError):
        for folder in sorted(root.iterdir()):
            with contextlib.suppress(OSError):
                if folder.is_dir():
                    found.append(_content(folder))
    return found


def _content(folder: Path) -> Destination:
    files = files_in(folder)
    waiting = [file for file in files if file.kind != "refused"]
    living = {owner for owner in {file.owner for file in waiting} if is_held(folder / lock_file(owner))}
    said = _said(folder)
    return Destination(
        endpoint=said.get("endpoint", ""),
        identity=said.get("identity", ""),
        batches=len(waiting),
        in_use=sum(file.owner in living for file in waiting),
        spans=sum(spans_in(folder, file) for file in waiting),
        bytes=sum(file.size for file in waiting),
        oldest=min((file.created / 1000 for file in waiting), default=None),
        refused=len(files) - len(waiting),
    )


def spans_in(folder: Path, file: BatchFile) -> int:
    """How many spans a file has, as far as they are sound where only its content tells; 0 if it cannot be read."""
    if file.kind == "journal":
        with contextlib.suppress(OSError):
            return records((folder / file.name).read_bytes()).spans
    return file.spans


def _said(folder: Path) -> dict[str, str]:
    try:
        document: object = json.loads((folder / _DESCRIPTION).read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(document, dict):
        return {}
    pairs = cast("dict[str, Any]", document)
    return {name: value for name, value in pairs.items() if isinstance(value, str)}


def files_in(folder: Path) -> list[BatchFile]:
    """The files of batches that are there, in no order; what else is there is left out.

    Raises:
        OSError: the folder cannot be read. One that is not there is empty.
    """
    found: list[BatchFile] = []
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            match = _BATCH_NAME.fullmatch(entry.name)
            if match is None:
                continue
            with contextlib.suppress(FileNotFoundError):  # removed since it was listed
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(status.st_mode):
                    created, owner, number, spans, kind = match.groups()
                    file = BatchFile(int(created), int(number), owner, int(spans), cast("Kind", kind), status.st_size)
                    found.append(file)
    return found


def lock_file(owner: str) -> str:
    """The name of the file that a process keeps locked."""
    return f"{owner}.lock"


def owners_in(folder: Path) -> set[str]:
    """The processes that have, or had, a lock there.

    Raises:
        OSError: the folder cannot be read. One that is not there is empty.
    """
    with contextlib.suppress(FileNotFoundError):
        return {match[1] for path in folder.iterdir() if (match := _LOCK_NAME.fullmatch(path.name))}
    return set()


def make_private(folder: Path) -> None:
    """Make a folder, and those above it that are missing, for their owner only.

    Raises:
        OSError: it cannot be made, or something else has its name.
    """
    missing = [path for path in (folder, *folder.parents) if not path.is_dir()]
    for path in reversed(missing):
        path.mkdir(mode=0o700, exist_ok=True)


def description(endpoint: str, identity: str) -> bytes:
    """What a folder says of its destination."""
    return json.dumps({"endpoint": endpoint, "identity": identity}).encode()


def describe(folder: Path, text: bytes) -> None:
    """Have the description in the folder; whoever reads it sees all of it or nothing.

    Raises:
        OSError: it cannot be written.
    """
    path = folder / _DESCRIPTION
    with contextlib.suppress(OSError):
        if path.read_bytes() == text:
            return
    temporary = path.with_suffix(f".{os.urandom(6).hex()}")
    write_new(temporary, text)
    temporary.replace(path)


def remove_if_empty(folder: Path) -> None:
    """Remove a folder in which there is only its description."""
    path = folder / _DESCRIPTION
    with contextlib.suppress(OSError):
        if [entry.name for entry in folder.iterdir()] != [_DESCRIPTION]:
            return
        text = path.read_bytes()
        path.unlink()
        try:
            folder.rmdir()
        except OSError:  # a process has come in between, and may have found the description there
            describe(folder, text)
