"""The folder for what the server keeps; it holds password hashes and a key, so only its owner may look inside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ams_reference_server.errors import StoreUnusableError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["make_folder", "unusable"]


def make_folder(folder: Path) -> None:
    """Make the folder if it is not there.

    Raises:
        StoreUnusableError: it cannot be made, or is something else.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except FileExistsError:
        raise unusable(folder, "it is not a folder") from None
    except OSError as error:
        raise unusable(folder, error.strerror) from None


def unusable(path: Path, reason: str | None) -> StoreUnusableError:
    """The error for a file or folder that the server needs."""
    advice = "Name a place that you may write to in AMS_DATABASE_URL, or in AMS_STATE_DIR where that is not set."
    return StoreUnusableError(f"{path} cannot be used: {reason}. {advice}")
