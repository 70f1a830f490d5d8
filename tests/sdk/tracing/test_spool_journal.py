"""The journal: durable, shared by threads, and honest when the disk is not well."""

import errno
import os
import threading
import time

import pytest

from ams_sdk._tracing import spool_journal, spool_record
from ams_sdk._tracing.spool_journal import Journal
from ams_sdk._tracing.spool_record import record, records


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal"


class Disk:
    """Counts the syncs of a journal; ``at_sync`` is called with each one's number, before it."""

    def __init__(self, monkeypatch):
        self.syncs = 0
        self.at_sync = lambda _number: None
        to_disk = spool_journal._to_disk

        def sync(descriptor):
            self.syncs += 1
            self.at_sync(self.syncs)
            to_disk(descriptor)

        monkeypatch.setattr(spool_journal, "_to_disk", sync)


@pytest.fixture
def disk(monkeypatch):
    return Disk(monkeypatch)


def in_threads(number, work):
    failed = []

    def run(name):
        try:
            work(name)
        except OSError as error:
            failed.append(error)

    threads = [threading.Thread(target=run, args=(name,)) for name in range(number)]
    for thread in threads:
        thread.start()
    return threads, failed


def wait_for_records(journal, number):
    deadline = time.monotonic() + 10
    while journal._written < number:
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_each_record_is_on_disk_before_append_returns(path, disk):
    journal = Journal(path)
    for number in range(3):
        assert journal.append(record(b"%d" % number, 1), 1)
        assert disk.syncs == number + 1
    assert journal.close() == (3, path.stat().st_size)
    assert records(path.read_bytes()).body == b"012"
    assert disk.syncs == 3


def test_threads_that_wait_for_a_sync_share_the_next_one(path, disk):
    syncing, waiting = threading.Event(), threading.Event()

    def hold(number):
        if number == 1:
            syncing.set()
            assert waiting.wait(10)

    disk.at_sync = hold
    journal = Journal(path)
    first, failed = in_threads(1, lambda _: journal.append(record(b"x", 1), 1))
    assert syncing.wait(10)
    others, failed_too = in_threads(7, lambda _: journal.append(record(b"x", 1), 1))
    wait_for_records(journal, 8)
    waiting.set()
    for thread in first + others:
        thread.join()
    assert disk.syncs == 2
    assert journal.close()[0] == 8
    assert failed + failed_too == []


def test_eight_threads_at_once_leave_sound_records_only(path):
    journal = Journal(path)

    def work(name):
        for number in range(50):
            assert journal.append(record(b"%d-%d;" % (name, number) * (number + 1), 2), 2)

    threads, failed = in_threads(8, work)
    for thread in threads:
        thread.join()
    assert failed == []
    assert journal.close()[0] == 800
    found = records(path.read_bytes())
    assert (found.spans, found.gaps) == (800, 0)
    said = found.body.decode().split(";")[:-1]
    assert {f"{name}-{number}" for name in range(8) for number in range(50)} == set(said)


def test_what_is_closed_takes_no_more_and_says_so(path):
    journal = Journal(path)
    journal.append(record(b"x", 1), 1)
    journal.close()
    assert not journal.append(record(b"y", 1), 1)
    assert records(path.read_bytes()).body == b"x"


def test_who_waits_while_the_journal_is_closed_has_its_record_on_disk(path, disk):
    closing = threading.Event()
    disk.at_sync = lambda _number: closing.wait(10)
    journal = Journal(path)
    threads, failed = in_threads(4, lambda _: journal.append(record(b"x", 1), 1))
    wait_for_records(journal, 4)
    closer = threading.Thread(target=journal.close)
    closer.start()
    closing.set()
    for thread in [*threads, closer]:
        thread.join()
    assert failed == []
    assert records(path.read_bytes()).spans == 4


def test_a_record_that_does_not_fit_is_taken_back_and_the_next_one_is_sound(path, monkeypatch):
    journal, write = Journal(path), os.write
    journal.append(record(b"before", 1), 1)

    def full(descriptor, content):
        if bytes(content[:4]) != b"AMS\x01":
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, content[:7])

    with monkeypatch.context() as patch:
        patch.setattr(spool_record.os, "write", full)
        with pytest.raises(OSError, match="No space left on device"):
            journal.append(record(b"too much", 1), 1)
    journal.append(record(b"behind", 1), 1)
    assert journal.close() == (2, path.stat().st_size)
    found = records(path.read_bytes())
    assert (found.body, found.gaps) == (b"beforebehind", 0)


def test_after_a_sync_that_failed_nothing_is_vouched_for(path, disk):
    def fail(number):
        if number == 2:
            raise OSError(errno.EIO, "Input/output error")

    disk.at_sync = fail
    journal = Journal(path)
    journal.append(record(b"on disk", 1), 1)
    for _ in range(2):
        with pytest.raises(OSError, match=r"Input/output error|could not be brought to disk"):
            journal.append(record(b"lost", 1), 1)
    assert disk.syncs == 2
    journal.close()
    assert records(path.read_bytes()).body.startswith(b"on disk")


def test_who_shares_a_sync_that_fails_is_told_as_well(path, disk):
    together = threading.Event()

    def fail(_number):
        assert together.wait(10)
        raise OSError(errno.EIO, "Input/output error")

    disk.at_sync = fail
    journal = Journal(path)
    threads, failed = in_threads(4, lambda _: journal.append(record(b"x", 1), 1))
    wait_for_records(journal, 4)
    together.set()
    for thread in threads:
        thread.join()
    assert len(failed) == 4
    assert disk.syncs == 1
    journal.close()


def test_a_file_that_cannot_be_cut_is_not_appended_to(path, monkeypatch):
    journal = Journal(path)

    def fail(*_):
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(spool_record.os, "write", fail)
        patch.setattr(spool_journal.os, "ftruncate", fail)
        with pytest.raises(OSError, match="Input/output error"):
            journal.append(record(b"x", 1), 1)
    with pytest.raises(OSError, match="could not be brought to disk"):
        journal.append(record(b"x", 1), 1)
    assert journal.close() == (0, 0)


def test_a_signal_handler_may_append_while_its_thread_does(path, disk):
    journal = Journal(path)

    def interrupt(number):
        if number == 1:
            journal.append(record(b"from the handler", 1), 1)

    disk.at_sync = interrupt
    journal.append(record(b"interrupted ", 1), 1)
    assert journal._synced == 2
    assert journal.close()[0] == 2
    assert records(path.read_bytes()).body == b"interrupted from the handler"


def test_a_folder_that_cannot_be_synced_is_no_obstacle(path, monkeypatch):
    def refuse(_descriptor):
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(spool_journal.os, "fsync", refuse)
    journal = Journal(path)
    assert journal.append(record(b"x", 1), 1)
    journal.close()
