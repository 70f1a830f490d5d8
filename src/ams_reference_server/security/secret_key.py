"""The key that access tokens are signed with: from the settings, or made once and kept beside the database."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING, Final

from ams_reference_server.errors import StoreUnusableError
from ams_reference_server.setting_kinds import MINIMUM_KEY_BYTES
from ams_reference_server.state_folder import make_folder, unusable

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["KEY_FILE", "kept_key"]

KEY_FILE: Final = "reference-server.key"
_OWNER_ONLY: Final = 0o600


def kept_key(folder: Path) -> bytes:
    """The key in this folder, made if there is none.

    Several processes that start at once get the same key.

    Raises:
        StoreUnusableError: the folder cannot be used, or the file in it is no key.
    """
    file = folder / KEY_FILE
    make_folder(folder)
    try:
        if not file.exists():
            _make(file)
        key = file.read_bytes()
    except OSError as error:
        raise unusable(file, error.strerror) from None
    if len(key) < MINIMUM_KEY_BYTES:
        raise StoreUnusableError(
            f"The key file {file} is shorter than {MINIMUM_KEY_BYTES} bytes. Delete it; everyone then logs in anew."
        )
    return key


def _make(file: Path) -> None:
    # Written in full under another name first: a link appears at once or, if another process was faster, not at all.
    draft = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as opened:
            opened.write(secrets.token_urlsafe(48))
        os.link(draft, file)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
