"""A lock that says "the process that made this file is alive": the operating system ends it with its process."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING, Final

from ams_sdk._background import NotDuringForks

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

__all__ = ["FileLock", "is_held"]

_NO_LINK: Final = getattr(os, "O_NOFOLLOW", 0)


class FileLock:
    """A lock that this process holds on a file, until it is released or the process ends.

    On POSIX it is one of ``flock(2)``, which belongs to what ``open`` made and not to the process. So a second one in
    the same process is kept out as well, and a child of a fork would hold on to it; here it lets go of it at once.

    Attributes:
        path: the file.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor
        self._process = os.getpid()

    @classmethod
    def create(cls, path: Path) -> Self | None:
        """Make the file, for its owner only, and lock it; None if another process got hold of it first.

        Raises:
            FileNotFoundError: its folder is gone.
            OSError: the file cannot be made, or this file system has no locks.
        """
        try:
            return cls._open(path, os.O_EXCL)
        except FileExistsError:
            return None

    @classmethod
    def claim(cls, path: Path) -> Self | None:
        """Lock the file of another process, made anew if it is gone; None if that one lives, or a third was quicker.

        Raises:
            OSError: the file cannot be opened, or this file system has no locks.
        """
        return cls._open(path)

    @classmethod
    def _open(cls, path: Path, how: int = 0) -> Self | None:
        with _opening:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | _NO_LINK | how, 0o600)
            try:
                # Since it was opened another one may have locked it, removed it and left: then this locks nothing.
                if _take(descriptor) and _is_at(path, descriptor):
                    lock = cls(path, descriptor)
                    _held.add(lock)
                    return lock
            except OSError:
                os.close(descriptor)
                if how & os.O_EXCL:
                    _remove(path)
                raise
            os.close(descriptor)
            return None

    def release(self) -> None:
        """Remove the file and unlock it; whoever has it open sees that it is gone."""
        with _opening:
            _held.discard(self)
            if (
                sys.platform == "win32"
            ):  # pragma: no cover -- measured on POSIX; there no file is removed while it is open
                self.close()
                _remove(self.path)
            else:
                _remove(self.path)
                self.close()

    def close(self) -> None:
        """Let go of the file without removing it; in the child of a fork, the parent still holds the lock."""
        with contextlib.suppress(OSError):
            os.close(self._descriptor)

    def let_go_in_child(self) -> bool:
        """Close it if it is the parent's."""
        if self._process == os.getpid():
            return False
        self.close()
        return True


_opening: Final = NotDuringForks(1.0)
"""So that the child of a fork knows of each lock that it must let go of."""
_held: Final[set[FileLock]] = set()


def _let_go_in_child() -> None:
    # Those that are the child's already were made by a function that was told of the fork before this one.
    inherited = {lock for lock in _held if lock.let_go_in_child()}
    _held.difference_update(inherited)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go_in_child)


def is_held(path: Path) -> bool:
    """Whether a living process holds the lock on this file; nothing is changed."""
    try:
        descriptor = os.open(path, os.O_RDONLY | _NO_LINK)
    except OSError:
        return False
    try:
        return not _take(descriptor, shared=True)
    except OSError:
        return False
    finally:
        os.close(descriptor)


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat(follow_symlinks=False))
    except FileNotFoundError:
        return False


def _remove(path: Path) -> None:
    # What cannot be removed is found, unlocked, by the next one that looks for processes that are gone.
    with contextlib.suppress(OSError):
        path.unlink()


if sys.platform == "win32":  # pragma: no cover -- measured on POSIX
    import msvcrt

    def _take(descriptor: int, *, shared: bool = False) -> bool:  # noqa: ARG001 -- there is only one kind of lock here
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        return True
else:
    import fcntl

    def _take(descriptor: int, *, shared: bool = False) -> bool:
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
