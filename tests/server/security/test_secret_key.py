from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from ams_reference_server.errors import StoreUnusableError
from ams_reference_server.security.secret_key import KEY_FILE, _make, kept_key


def test_a_key_is_made_once_and_only_its_owner_reads_it(tmp_path):
    folder = tmp_path / "state"
    key = kept_key(folder)
    assert len(key) >= 32
    assert kept_key(folder) == key
    assert [file.name for file in folder.iterdir()] == [KEY_FILE]
    assert (folder / KEY_FILE).stat().st_mode & 0o777 == 0o600
    assert kept_key(tmp_path / "other") != key


def test_many_that_start_at_once_get_one_key(tmp_path):
    barrier = threading.Barrier(8)

    def start(_):
        barrier.wait()
        return kept_key(tmp_path)

    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(start, range(8)))) == 1
    assert [file.name for file in tmp_path.iterdir()] == [KEY_FILE]


def test_a_key_that_another_process_made_first_stays(tmp_path):
    key = kept_key(tmp_path)
    _make(tmp_path / KEY_FILE)
    assert kept_key(tmp_path) == key
    assert [file.name for file in tmp_path.iterdir()] == [KEY_FILE]


def test_a_folder_in_place_of_the_key_is_refused(tmp_path):
    (tmp_path / KEY_FILE).mkdir()
    with pytest.raises(StoreUnusableError, match=f"{KEY_FILE} cannot be used"):
        kept_key(tmp_path)


def test_a_file_that_is_no_key_is_refused(tmp_path):
    (tmp_path / KEY_FILE).write_text("short")
    with pytest.raises(StoreUnusableError, match="shorter than 32 bytes"):
        kept_key(tmp_path)


def test_a_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnusableError, match="AMS_STATE_DIR"):
        kept_key(tmp_path / "file")
