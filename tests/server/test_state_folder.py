from __future__ import annotations

import pytest

from ams_reference_server.errors import StoreUnusableError
from ams_reference_server.state_folder import make_folder


def test_a_folder_is_made_for_its_owner_only_and_may_be_there(tmp_path):
    folder = tmp_path / "a" / "b"
    make_folder(folder)
    make_folder(folder)
    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(("path", "reason"), [("file", "it is not a folder"), ("file/below", "Not a directory")])
def test_what_cannot_be_a_folder_is_named(tmp_path, path, reason):
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnusableError, match=f"{path} cannot be used: {reason}.*AMS_DATABASE_URL.*AMS_STATE_DIR"):
        make_folder(tmp_path / path)
