"""A destination's folder: the names in it, and what is told of it."""

import os
import stat
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ams_sdk._tracing import spool_folder
from ams_sdk._tracing.spool import Destination, Spool, contents
from ams_sdk._tracing.spool_folder import BatchFile, files_in, make_private, owners_in, remove_if_empty

OWNER = "123_0123456789ab"
HERE, THERE, ADA = "http://127.0.0.1:8787", "https://ams.example.com", "ada@example.com"


@given(
    st.builds(
        BatchFile,
        created=st.integers(0, 10**15 - 1),
        number=st.integers(0, 10**15 - 1),
        owner=st.just(OWNER),
        spans=st.integers(0, 2**32 - 1),
        kind=st.sampled_from(["batch", "journal", "refused"]),
        size=st.just(5),
    )
)
def test_a_name_tells_what_it_was_made_of(tmp_path_factory, file):
    folder = tmp_path_factory.mktemp("folder")
    (folder / file.name).write_bytes(b"12345")
    assert files_in(folder) == [file]


def test_files_are_sorted_by_age_and_then_in_the_order_in_which_they_were_written():
    files = [
        BatchFile(2, 0, OWNER, 1, "batch"),
        BatchFile(1, 10, OWNER, 1, "batch"),
        BatchFile(1, 9, OWNER, 1, "batch"),
    ]
    assert [(file.created, file.number) for file in sorted(files)] == [(1, 9), (1, 10), (2, 0)]


def test_what_is_foreign_is_left_out(tmp_path):
    for name in (
        "notes.txt",
        f"1-{OWNER}-0-1.txt",
        f"x-{OWNER}-0-1.batch",
        "1-2-0-1.batch",
        f"\u0661-{OWNER}-0-1.batch",
    ):
        (tmp_path / name).write_text("x")
    (tmp_path / f"1-{OWNER}-0-1.batch").mkdir()
    (tmp_path / f"2-{OWNER}-0-1.batch").symlink_to(tmp_path / "notes.txt")
    (tmp_path / f"{OWNER}.lock").touch()
    (tmp_path / "x.lock").touch()
    assert files_in(tmp_path) == []
    assert owners_in(tmp_path) == {OWNER}


def test_a_folder_that_is_not_there_is_empty(tmp_path):
    assert files_in(tmp_path / "none") == []
    assert owners_in(tmp_path / "none") == set()
    assert contents(tmp_path / "none") == []


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_every_folder_that_is_made_is_its_owners_alone(tmp_path):
    old = os.umask(0)
    try:
        make_private(tmp_path / "state" / "spool" / "one")
    finally:
        os.umask(old)
    made = [tmp_path / "state", tmp_path / "state" / "spool", tmp_path / "state" / "spool" / "one"]
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in made] == [0o700] * 3
    make_private(made[-1])


def test_a_file_in_the_place_of_a_folder_is_an_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        make_private(tmp_path / "file" / "one")


def test_everything_that_waits_is_told_by_destination(tmp_path):
    mine, theirs, quiet = (Spool(tmp_path, *what) for what in ((HERE, ADA), (THERE, "key 0123"), (HERE, "nobody")))
    quiet.write(b"x", 1).remove()
    theirs.write(b"four", 4).set_aside()
    before = time.time()
    sizes = [mine.write(b"one", 1).size, mine.write(b"two", 2).size]
    mine.close()
    living = Spool(tmp_path, HERE, ADA)
    sizes.append(living.write(b"three", 3).size)
    living.journal(b"journalled", 1)
    living.journal(b"twice", 2)
    found = {(one.endpoint, one.identity): one for one in contents(tmp_path)}
    assert found.keys() == {(HERE, ADA), (THERE, "key 0123"), (HERE, "nobody")}
    told = found[HERE, ADA]
    assert (told.batches, told.in_use, told.spans, told.refused) == (4, 2, 9, 0)
    assert told.bytes == sum(sizes) + living.seal_journal().size
    assert abs(told.oldest - before) < 5
    assert found[THERE, "key 0123"] == Destination(THERE, "key 0123", 0, 0, 0, 0, None, 1)
    for left in (living, theirs, quiet):
        left.close()


def test_looking_changes_nothing(tmp_path):
    left = Spool(tmp_path, HERE, ADA)
    left.write(b"x", 1)
    left.close()
    lock = left.folder / f"{OWNER}.lock"
    lock.touch()

    def state():
        return {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in tmp_path.rglob("*")}

    before = state()
    assert contents(tmp_path)[0].batches == 1
    assert state() == before


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"\xff", b'{"endpoint": 1}', b"[" * 100_000])
def test_a_description_that_cannot_be_read_is_no_error(tmp_path, text):
    left = Spool(tmp_path, HERE, ADA)
    left.write(b"x", 1)
    (left.folder / "destination.json").write_bytes(text)
    (told,) = contents(tmp_path)
    assert (told.endpoint, told.identity, told.batches) == ("", "", 1)
    left.close()
    with_text_again = Spool(tmp_path, HERE, ADA)
    with_text_again.write(b"x", 1)
    assert contents(tmp_path)[0].endpoint == HERE
    with_text_again.close()


def test_what_cannot_be_looked_into_is_left_out(tmp_path, monkeypatch):
    left = Spool(tmp_path, HERE, ADA)
    left.write(b"x", 1)
    (tmp_path / "file").touch()
    (tmp_path / "locked").mkdir()
    scan = os.scandir

    def refuse(folder):
        if Path(folder).name == "locked":
            raise PermissionError(13, "Permission denied")
        return scan(folder)

    monkeypatch.setattr(spool_folder.os, "scandir", refuse)
    assert [one.endpoint for one in contents(tmp_path)] == [HERE]
    left.close()


def test_a_folder_that_somebody_enters_while_it_is_removed_is_described_again(tmp_path, monkeypatch):
    left = Spool(tmp_path, HERE, ADA)
    left.write(b"x", 1).remove()
    rmdir, entered = Path.rmdir, Spool(tmp_path, HERE, ADA)

    def slow(folder):
        entered.write(b"y", 1)
        rmdir(folder)

    # The one that enters finds the description still there if it looks a moment earlier.
    monkeypatch.setattr("ams_sdk._tracing.spool.describe", lambda *_: None)
    monkeypatch.setattr(Path, "rmdir", slow)
    left.close()
    assert [(one.endpoint, one.batches) for one in contents(tmp_path)] == [(HERE, 1)]
    monkeypatch.setattr(Path, "rmdir", rmdir)
    entered.close()


def test_a_folder_with_anything_else_in_it_stays(tmp_path):
    (tmp_path / "notes.txt").touch()
    remove_if_empty(tmp_path)
    remove_if_empty(tmp_path / "none")
    assert (tmp_path / "notes.txt").exists()
