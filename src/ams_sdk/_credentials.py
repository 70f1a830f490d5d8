"""The saved login: one file, ``credentials.json``, that only its owner can read.

Logins are kept by endpoint, and a token is only ever given out for the endpoint that issued it. Writers take a lock and
replace the file as a whole, so a reader sees the old state or the new one and two writers lose nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ams_sdk._errors import StateFolderError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

__all__ = ["FILE_NAME", "Login", "find", "forget", "save"]

FILE_NAME: Final = "credentials.json"

_VERSION: Final = 1
_LOCK_NAME: Final = "credentials.lock"


@dataclass(frozen=True, slots=True)
class Login:
    """One login at one platform.

    Args:
        endpoint: the platform's address, normalised by the caller; the token belongs to it alone.
        email: the address that logged in.
        access_token: the bearer token; never shown.
        expires_at: when the platform stops to accept the token, an aware time.
    """

    endpoint: str
    email: str
    access_token: str = field(repr=False)
    expires_at: datetime

    def is_over(self, now: datetime | None = None) -> bool:
        """Whether the token's time is over at ``now`` (the current time if not given)."""
        return self.expires_at <= (now or datetime.now(UTC))


@dataclass(slots=True)
class _Saved:
    current: str | None
    logins: dict[str, Login]


def find(folder: Path, endpoint: str | None = None) -> Login | None:
    """Return the login for ``endpoint``, or the one made last if no endpoint is given.

    Raises:
        StateFolderError: the file cannot be read, or is not one that this version writes.
    """
    saved = _load(folder)
    wanted = saved.current if endpoint is None else endpoint
    return None if wanted is None else saved.logins.get(wanted)


def save(folder: Path, login: Login) -> None:
    """Keep ``login`` and make it the current one; the folder is made if it is missing, for its owner only.

    Raises:
        StateFolderError: the file cannot be written, or what is there cannot be read and would be lost.
    """

    def change(saved: _Saved) -> None:
        saved.logins[login.endpoint] = login
        saved.current = login.endpoint

    with _reported(folder, "written"):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _change(folder, change)


def forget(folder: Path, endpoint: str) -> bool:
    """Remove the login for ``endpoint``; False if there was none, and then nothing is written.

    Raises:
        StateFolderError: the file cannot be read or written.
    """
    if endpoint not in _load(folder).logins:
        return False

    def change(saved: _Saved) -> None:
        saved.logins.pop(endpoint, None)
        if saved.current == endpoint:
            saved.current = None

    _change(folder, change)
    return True


def _change(folder: Path, change: Callable[[_Saved], None]) -> None:
    with _reported(folder, "written"), _locked(folder):
        saved = _load(folder)
        change(saved)
        _write(folder, saved)


def _load(folder: Path) -> _Saved:
    path = folder / FILE_NAME
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return _Saved(None, {})
    except OSError as error:
        raise _unusable(path, "read", error) from error
    try:
        return _parsed(json.loads(content))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError):
        # The cause is left out: a parser's message may quote the token.
        raise StateFolderError(
            f"The saved logins in {path} are damaged, or written by another version of ams-sdk. "
            "Delete that file and run: ams login"
        ) from None


def _parsed(document: Any) -> _Saved:  # noqa: ANN401 -- JSON from a file that anything may have written
    if document["version"] != _VERSION:
        raise ValueError("foreign version")
    current = document["current"]
    logins = {_text(endpoint): _login(endpoint, entry) for endpoint, entry in document["logins"].items()}
    return _Saved(None if current is None else _text(current), logins)


def _login(endpoint: str, entry: dict[str, object]) -> Login:
    expires_at = datetime.fromisoformat(_text(entry["expires_at"]))
    if expires_at.tzinfo is None:
        raise ValueError("a time without a zone")
    token = _text(entry["access_token"])
    if not (token.isascii() and token.isprintable()):
        raise ValueError("a token that no header can carry")
    return Login(endpoint, _text(entry["email"]), token, expires_at.astimezone(UTC))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _write(folder: Path, saved: _Saved) -> None:
    document = {
        "version": _VERSION,
        "current": saved.current,
        "logins": {
            endpoint: {
                "email": login.email,
                "access_token": login.access_token,
                "expires_at": login.expires_at.astimezone(UTC).isoformat(),
            }
            for endpoint, login in saved.logins.items()
        },
    }
    # mkstemp opens with O_EXCL and mode 0600: no moment in which others can read the token, no link that is followed.
    descriptor, temporary = tempfile.mkstemp(prefix=".credentials-", dir=folder)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(document, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(folder / FILE_NAME)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise


@contextlib.contextmanager
def _locked(folder: Path) -> Generator[None]:
    # A lock of the operating system: it ends with its process, so none is ever left behind.
    descriptor = os.open(folder / _LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _wait_for_lock(descriptor)
        yield
    finally:
        os.close(descriptor)


if sys.platform == "win32":  # pragma: no cover -- measured on POSIX
    import msvcrt

    def _wait_for_lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_LOCK, 1)
else:
    import fcntl

    def _wait_for_lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX)


@contextlib.contextmanager
def _reported(folder: Path, verb: str) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise _unusable(folder / FILE_NAME, verb, error) from error


def _unusable(path: Path, verb: str, error: OSError) -> StateFolderError:
    reason = error.strerror or type(error).__name__
    return StateFolderError(
        f"The saved logins in {path} cannot be {verb}: {reason}. "
        "Give yourself access to it, or set AMS_STATE_DIR to a folder that you can write to."
    )
