"""Disks that are full or broken, folders that may not be used, files that go away or are torn."""

import os
from pathlib import Path

import pytest

from ams_sdk._tracing import spool as module
from ams_sdk._tracing import spool_record
from ams_sdk._tracing.spool import Spool, contents
from ams_sdk._tracing.spool_folder import files_in

HERE, ADA = "http://127.0.0.1:8787", "ada@example.com"


def bodies(batches):
    return [batch.read() for batch in batches]


def names_in(spool):
    return sorted(path.name for path in spool.folder.iterdir())


@pytest.mark.parametrize("method", ["write", "journal"])
def test_a_folder_that_cannot_be_made_is_an_error(tmp_path, method):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        getattr(Spool(tmp_path / "file", HERE, ADA), method)(b"x", 1)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
@pytest.mark.parametrize("method", ["write", "journal"])
def test_a_folder_that_cannot_be_written_to_is_an_error(tmp_path, method):
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError):
        getattr(Spool(tmp_path / "spool", HERE, ADA), method)(b"x", 1)


def test_a_folder_that_may_not_be_read_has_no_orphans(make_spool, monkeypatch):
    left = make_spool()
    left.write(b"x", 1)
    left.close()

    def refuse(_folder):
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(module, "files_in", refuse)
        assert make_spool().orphans() == []
    assert bodies(make_spool().orphans()) == [b"x"]


def test_a_folder_that_cannot_be_entered_is_an_error_and_its_orphans_stay(make_spool, monkeypatch):
    left = make_spool()
    left.write(b"x", 1)
    left.close()

    def refuse(_path):
        raise PermissionError(13, "Permission denied")

    spool = make_spool()
    with monkeypatch.context() as patch:
        patch.setattr(module.FileLock, "create", refuse)
        with pytest.raises(PermissionError):
            spool.orphans()
    assert bodies(spool.orphans()) == [b"x"]


def test_a_full_disk_is_an_error_leaves_nothing_and_is_over_when_there_is_room(make_spool, monkeypatch):
    spool = make_spool()
    spool.write(b"before", 1)
    before, write = names_in(spool), os.write

    def full(descriptor, content):
        if bytes(content[:3]) != b"AMS":
            raise OSError(28, "No space left on device")
        return write(descriptor, content[:10])

    with monkeypatch.context() as patch:
        patch.setattr(spool_record.os, "write", full)
        for _ in range(3):
            with pytest.raises(OSError, match="No space left on device"):
                spool.write(b"x" * 4, 1)
    assert names_in(spool) == before
    assert spool.write(b"behind", 1).read() == b"behind"


def test_a_full_disk_at_the_very_first_batch_leaves_no_lock(make_spool, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    spool = make_spool()
    with monkeypatch.context() as patch:
        patch.setattr(spool_record.os, "write", full)
        with pytest.raises(OSError, match="No space left on device"):
            spool.write(b"x", 1)
    assert names_in(spool) == []
    spool.write(b"x", 1)
    assert contents(spool.folder.parent)[0].endpoint == HERE


def test_a_file_system_without_locks_is_an_error(make_spool, monkeypatch):
    def no_locks(*_args, **_more):
        raise OSError(95, "Operation not supported")

    spool = make_spool()
    with monkeypatch.context() as patch:
        patch.setattr("ams_sdk._tracing.file_lock._take", no_locks)
        with pytest.raises(OSError, match="Operation not supported"):
            spool.write(b"x", 1)
    assert names_in(spool) == []


def test_another_process_that_is_always_quicker_is_an_error_and_no_endless_loop(make_spool, monkeypatch):
    monkeypatch.setattr(module.FileLock, "create", lambda _path: None)
    with pytest.raises(OSError, match="always quicker"):
        make_spool().write(b"x", 1)


def test_a_spool_that_is_emptied_by_hand_begins_anew(make_spool):
    spool = make_spool()
    lost = spool.write(b"lost", 1)
    spool.journal(b"lost too", 3)
    for path in spool.folder.iterdir():
        path.unlink()
    spool.folder.rmdir()
    assert spool.write(b"x", 1).read() == b"x"
    assert spool.seal_journal() is None
    assert spool.dropped == {"deleted": 3}
    with pytest.raises(FileNotFoundError):
        lost.read()
    assert make_spool().orphans() == []  # it is known to live


def test_a_journal_that_cannot_be_renamed_is_a_batch_all_the_same(make_spool, monkeypatch):
    spool = make_spool()
    spool.journal(b"x", 1)

    def fail(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", fail)
        batch = spool.seal_journal()
    assert batch.read() == b"x"
    batch.remove()
    assert files_in(spool.folder) == []


def test_a_journal_in_which_nothing_arrived_is_no_batch(make_spool, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    spool = make_spool()
    spool.write(b"x", 1).remove()
    with monkeypatch.context() as patch:
        patch.setattr(spool_record.os, "write", fail)
        with pytest.raises(OSError, match="No space left on device"):
            spool.journal(b"x", 1)
    assert spool.seal_journal() is None
    assert files_in(spool.folder) == []


def test_a_batch_that_goes_while_it_is_taken_over_is_left_out(make_spool, monkeypatch):
    left = make_spool()
    first, second = left.write(b"1", 1), left.write(b"2", 1)
    left.close()
    rename = Path.rename

    def slow(path, target):
        first.path.unlink(missing_ok=True)
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", slow)
    spool = make_spool()
    assert bodies(spool.orphans()) == [b"2"]
    assert spool.dropped == {}
    assert not second.path.exists()  # it has the new owner's name


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_torn_batch_is_counted_and_what_is_sound_in_it_is_read(make_spool, cut):
    left = make_spool()
    for body in (b"a" * 10, b"b" * 10, b"c" * 10):
        left.journal(body, 4)
    batch = left.seal_journal()
    left.close()
    content = batch.path.read_bytes()
    batch.path.write_bytes(content[:-cut])
    spool = make_spool()
    (torn,) = spool.orphans()
    whole = (len(content) - cut) * 3 // len(content)
    if whole:
        assert torn.read() == torn.read() == b"a" * 10 + b"b" * 10 * (whole - 1)
        assert torn.spans == 4 * whole
    else:
        with pytest.raises(FileNotFoundError, match="nothing in it was sound"):
            torn.read()
        assert not torn.path.exists()
    assert spool.dropped == {"torn": 12 - 4 * whole}
