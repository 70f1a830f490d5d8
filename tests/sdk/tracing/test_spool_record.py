"""Records: what is whole is read, what is not is noticed."""

import errno
import os
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ams_sdk._tracing import spool_record
from ams_sdk._tracing.spool_record import record, records, write_new

BATCHES = st.lists(st.tuples(st.binary(min_size=1, max_size=60), st.integers(0, 2**32 - 1)), min_size=1, max_size=6)


def joined(batches):
    return b"".join(body for body, _ in batches), sum(spans for _, spans in batches)


@given(BATCHES)
def test_any_records_are_read_as_they_were_written(batches):
    found = records(b"".join(record(*batch) for batch in batches))
    assert ((found.body, found.spans), found.gaps) == (joined(batches), 0)


def test_a_torn_tail_at_any_place_costs_the_last_record_and_no_other():
    batches = [(b"first", 1), (b"second", 20), (b"AMS\x01 third", 300)]
    content = b"".join(record(*batch) for batch in batches)
    ends = [len(b"".join(record(*batch) for batch in batches[:number])) for number in range(4)]
    for cut in range(len(content) + 1):
        whole = sum(end <= cut for end in ends[1:])
        found = records(content[:cut])
        assert (found.body, found.spans) == joined(batches[:whole]), cut
        assert found.gaps == (cut not in ends), cut


@given(BATCHES, st.data())
def test_a_bit_that_flips_costs_its_record_and_no_other(batches, data):
    wrapped = [record(*batch) for batch in batches]
    hit = data.draw(st.integers(0, len(batches) - 1))
    bit = data.draw(st.integers(0, len(wrapped[hit]) * 8 - 1))
    broken = bytearray(wrapped[hit])
    broken[bit // 8] ^= 1 << bit % 8
    found = records(b"".join([*wrapped[:hit], bytes(broken), *wrapped[hit + 1 :]]))
    assert (found.body, found.spans) == joined(batches[:hit] + batches[hit + 1 :])
    assert found.gaps == 1


@given(st.binary(max_size=200))
def test_what_is_no_record_is_one_gap(content):
    found = records(content)
    assert (found.body, found.spans, found.gaps) == (b"", 0, bool(content))


def test_zeros_in_the_place_of_a_tail_are_a_gap():
    # What a file system may leave after a loss of power: the length is there, the content is not.
    found = records(record(b"body", 2) + bytes(5_000))
    assert (found.body, found.spans, found.gaps) == (b"body", 2, 1)


def test_content_that_is_full_of_beginnings_is_given_up_in_time():
    hostile = b"AMS\x01" * 300_000
    found = records(record(b"before", 1) + hostile + record(b"behind", 1))
    assert (found.body, found.gaps) == (b"before", 1)


def test_a_new_file_is_its_owners_alone_and_replaces_none(tmp_path):
    old = os.umask(0)
    try:
        write_new(tmp_path / "new", b"content")
    finally:
        os.umask(old)
    assert (tmp_path / "new").read_bytes() == b"content"
    assert os.name != "posix" or stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o600
    with pytest.raises(FileExistsError):
        write_new(tmp_path / "new", b"other")
    assert (tmp_path / "new").read_bytes() == b"content"


def test_a_system_that_takes_less_at_a_time_gets_it_in_pieces(tmp_path, monkeypatch):
    write = os.write
    monkeypatch.setattr(spool_record.os, "write", lambda descriptor, content: write(descriptor, content[:3]))
    write_new(tmp_path / "new", b"in pieces")
    assert (tmp_path / "new").read_bytes() == b"in pieces"


@pytest.mark.parametrize("failing", ["write", "close"])
def test_a_write_that_fails_leaves_nothing(tmp_path, monkeypatch, failing):
    write, close, calls = os.write, os.close, []

    def full(descriptor, content):
        calls.append(content)
        if len(calls) > 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, content[:3])

    def late(descriptor):
        close(descriptor)
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(spool_record.os, failing, full if failing == "write" else late)
        with pytest.raises(OSError, match="No space left on device"):
            write_new(tmp_path / "new", b"content")
    assert list(tmp_path.iterdir()) == []
