"""A spool is bounded by size and age: the oldest go first, and are counted in spans."""

import os
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ams_sdk._tracing import spool_room
from ams_sdk._tracing.spool import Spool
from ams_sdk._tracing.spool_folder import files_in

HERE, ADA = "http://127.0.0.1:8787", "ada@example.com"
HEAD = 16
"""Bytes of a record before its body."""


@pytest.fixture
def make(tmp_path):
    made = []

    def spool(**bounds):
        made.append(Spool(tmp_path, HERE, bounds.pop("identity", ADA), **bounds))
        return made[-1]

    yield spool
    for one in made:
        one.close()


def taken(spool):
    return sum(file.size for file in files_in(spool.folder))


def age(batch, seconds):
    """Make a batch look as if it had been written so long ago."""
    created, rest = batch.path.name.split("-", 1)
    batch.path = batch.path.rename(batch.path.with_name(f"{int(created) - seconds * 1000}-{rest}"))
    return batch


def test_the_oldest_go_first_and_are_counted(make):
    spool = make(max_bytes=10 * (100 + HEAD))
    batches = [spool.write(b"%100d" % number, number) for number in range(15)]
    assert [batch.path.exists() for batch in batches] == [False] * 5 + [True] * 10
    assert spool.dropped == {"spool full": sum(range(5))}
    with pytest.raises(FileNotFoundError):
        batches[0].read()


@settings(max_examples=30)
@given(sizes=st.lists(st.integers(1, 900), min_size=1, max_size=60), removed=st.sets(st.integers(0, 59)))
def test_what_one_process_writes_never_exceeds_the_bound(tmp_path_factory, sizes, removed):
    spool = Spool(tmp_path_factory.mktemp("spool"), HERE, ADA, max_bytes=2_000)
    for number, size in enumerate(sizes):
        batch = spool.write(b"x" * size, 1)
        if number in removed:
            batch.remove()
        assert taken(spool) <= 2_000
    kept = sum(file.spans for file in files_in(spool.folder))
    assert kept + spool.dropped.get("spool full", 0) == len(sizes) - len(removed & set(range(len(sizes))))
    spool.close()


def test_room_that_was_freed_is_used_again(make):
    spool = make(max_bytes=10 * (100 + HEAD))
    for _ in range(50):
        spool.write(b"x" * 100, 1).remove()
    assert spool.dropped == {}


def test_what_other_processes_wrote_counts_and_goes_by_age(make, monkeypatch):
    first, second = make(max_bytes=1_000), make(max_bytes=1_000)
    old = age(first.write(b"x" * 400, 3), 60)
    young = second.write(b"x" * 400, 5)
    third = make(max_bytes=1_000).write(b"x" * 400, 7)
    assert not old.path.exists()
    assert young.path.exists()
    assert third.path.exists()


def test_a_folder_is_listed_once_a_second_and_less_often_if_that_takes_long(make, monkeypatch):
    clock, listings = [100.0], []

    def slow(folder):
        listings.append(clock[0])
        clock[0] += 0.1
        return files_in(folder)

    monkeypatch.setattr(spool_room, "files_in", slow)
    monkeypatch.setattr(spool_room.time, "monotonic", lambda: clock[0])
    spool = make()
    while clock[0] < 111:
        spool.write(b"x", 1)
        clock[0] += 0.01
    assert [round(at) for at in listings] == [100, 105, 110]


def test_a_batch_that_is_larger_than_the_spool_is_refused_and_costs_nothing(make):
    spool = make(max_bytes=1_000)
    batch = spool.write(b"x" * 500, 1)
    with pytest.raises(OSError, match="larger than the spool"):
        spool.write(b"x" * 1_000, 1)
    assert batch.read() == b"x" * 500
    assert spool.dropped == {}


def test_what_is_too_old_goes_when_something_is_written(make):
    spool = make(max_age=60)
    old, young = age(spool.write(b"x", 3), 61), age(spool.write(b"x", 5), 50)
    spool.write(b"x", 1)
    assert old.path.exists()  # within the second, nobody has looked
    make(max_age=60).write(b"x", 1)
    assert not old.path.exists()
    assert young.path.exists()


def test_what_is_too_old_is_no_orphan(make):
    left = make()
    age(left.write(b"x", 3), 61)
    left.close()
    spool = make(max_age=60)
    assert spool.orphans() == []
    assert spool.dropped == {"too old": 3}


def test_what_was_journalled_too_long_ago_is_counted_by_its_records(make):
    left = make()
    left.journal(b"x", 3)
    left.journal(b"y", 4)
    (file,) = files_in(left.folder)
    path = left.folder / file.name
    left._lock.release()  # as if it had been killed; the journal is not sealed
    path.rename(path.with_name(file._replace(created=file.created - 61_000).name))
    spool = make(max_age=60)
    assert spool.orphans() == []
    assert spool.dropped == {"too old": 7}
    assert files_in(spool.folder) == []


def test_what_was_refused_goes_like_the_rest(make):
    spool = make(max_bytes=1_000, max_age=60)
    spool.write(b"x" * 400, 3).set_aside()
    age(spool.write(b"y" * 100, 5), 61).set_aside()
    spool = make(max_bytes=1_000, max_age=60)
    kept = spool.write(b"z" * 600, 7)
    assert spool.dropped == {"too old": 5, "spool full": 3}
    assert [file.name for file in files_in(spool.folder)] == [kept.path.name]


def test_what_is_too_old_for_a_destination_that_nobody_uses_any_more_goes_with_its_folder(make, tmp_path):
    replaced, other = make(identity="key 0123"), make(identity="key 4567")
    age(replaced.write(b"x", 3), 61)
    age(other.write(b"x", 4), 61)
    young = other.write(b"x", 5)
    replaced.close()
    other.close()
    (tmp_path / "file").touch()
    spool = make(max_age=60)
    spool.orphans()
    assert spool.dropped == {"too old": 7}
    assert not replaced.folder.exists()
    assert young.path.exists()


def test_a_journal_that_is_written_to_is_not_dropped(make):
    spool = make(max_bytes=1_000)
    for _ in range(3):
        spool.journal(b"x" * 300, 1)
    batch = spool.write(b"y" * 500, 1)
    assert batch.path.exists()
    assert spool.seal_journal().read() == b"x" * 900


def test_a_file_that_cannot_be_removed_is_passed_over(make, monkeypatch):
    spool = make(max_bytes=1_000)
    first, second = spool.write(b"x" * 400, 3), spool.write(b"x" * 400, 5)
    unlink = Path.unlink

    def refuse(path, *, missing_ok=False):
        if path == first.path:
            raise PermissionError(13, "Permission denied")
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", refuse)
    spool.write(b"x" * 100, 7)
    spool.write(b"x" * 400, 9)
    first.remove()  # no error
    assert first.path.exists()
    assert not second.path.exists()
    assert spool.dropped == {"spool full": 5}


def test_a_file_that_another_process_dropped_is_not_counted_twice(make):
    first = make(max_bytes=1_000)
    batches = [first.write(b"x" * 300, 1) for _ in range(4)]
    batches[1].path.unlink()
    for _ in range(3):
        first.write(b"x" * 300, 1)
    assert taken(first) <= 1_000
    assert first.dropped["spool full"] == 7 - 1 - len(files_in(first.folder))


def test_time_goes_by_the_clock_of_the_files(make, monkeypatch):
    spool = make(max_age=60)
    batch = spool.write(b"x", 1)
    monkeypatch.setattr(spool_room.time, "time", lambda now=time.time: now() + 61)
    assert os.path.exists(batch.path)  # noqa: PTH110 -- Path.exists may look at a clock
    make(max_age=60).write(b"x", 1)
    assert not batch.path.exists()
