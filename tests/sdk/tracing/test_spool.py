"""What is written to the spool is kept, goes to one process, and is there for the next one."""

import os
import stat
import threading
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from ams_sdk._config import state_folder
from ams_sdk._tracing.spool import Spool, contents, spool_root
from ams_sdk._tracing.spool_folder import files_in

HERE, ADA = "http://127.0.0.1:8787", "ada@example.com"
posix_only = pytest.mark.skipif(os.name != "posix", reason="forks, signals and modes are POSIX's")


def bodies(batches):
    return [batch.read() for batch in batches]


def names_in(spool):
    return sorted(path.name for path in spool.folder.iterdir())


def request(*names):
    message = ExportTraceServiceRequest()
    for name in names:
        message.resource_spans.add().scope_spans.add().spans.add().name = name
    return message.SerializeToString()


def span_names(content):
    message = ExportTraceServiceRequest.FromString(content)
    return [span.name for one in message.resource_spans for two in one.scope_spans for span in two.spans]


def test_nothing_is_made_before_something_is_kept(make_spool, tmp_path):
    spool = make_spool()
    assert spool.orphans() == []
    assert spool.seal_journal() is None
    assert spool.dropped == {}
    spool.after_fork()
    spool.close()
    assert list(tmp_path.iterdir()) == []


def test_a_batch_is_kept_until_it_is_removed(make_spool):
    spool = make_spool()
    batch = spool.write(request("one", "two"), 2)
    assert span_names(batch.read()) == ["one", "two"]
    assert (batch.spans, batch.size) == (2, batch.path.stat().st_size)
    assert abs(batch.created - batch.path.stat().st_mtime) < 5
    batch.remove()
    batch.remove()
    assert not batch.path.exists()
    with pytest.raises(FileNotFoundError):
        batch.read()


def test_a_journal_becomes_a_batch_when_it_is_sealed(make_spool):
    spool = make_spool()
    spool.journal(request("one"), 1)
    spool.journal(request("two", "three"), 2)
    batch = spool.seal_journal()
    assert (batch.spans, batch.size) == (3, batch.path.stat().st_size)
    assert span_names(batch.read()) == ["one", "two", "three"]
    assert spool.seal_journal() is None
    spool.journal(request("four"), 1)
    assert span_names(spool.seal_journal().read()) == ["four"]


def test_eight_threads_journal_while_another_one_seals(make_spool):
    spool, sealed, done = make_spool(), [], threading.Event()

    def work(name):
        for number in range(40):
            spool.journal(b"%d-%d;" % (name, number), 1)

    def seal():
        while not done.is_set():
            sealed.append(spool.seal_journal())

    threads = [threading.Thread(target=work, args=(name,)) for name in range(8)]
    sealer = threading.Thread(target=seal)
    for thread in [*threads, sealer]:
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    sealer.join()
    batches = [batch for batch in [*sealed, spool.seal_journal()] if batch]
    assert sum(batch.spans for batch in batches) == 320
    said = b"".join(bodies(batches)).split(b";")[:-1]
    assert sorted(said) == sorted(b"%d-%d" % (name, number) for name in range(8) for number in range(40))


def test_a_living_process_s_batches_are_nobody_else_s(make_spool):
    mine, other = make_spool(), make_spool()
    mine.write(b"x", 1)
    mine.journal(b"y", 1)
    assert other.orphans() == []
    assert mine.orphans() == []


def test_what_is_left_at_the_end_is_for_the_next_one_oldest_first(make_spool):
    left = make_spool()
    for body in (b"1", b"2", b"3"):
        left.write(body, 5)
    left.journal(b"4", 1)
    left.close()
    heir = make_spool()
    batches = heir.orphans()
    assert bodies(batches) == [b"1", b"2", b"3", b"4"]
    assert [batch.spans for batch in batches] == [5, 5, 5, 1]
    assert [batch.created for batch in batches] == sorted(batch.created for batch in batches)
    assert heir.orphans() == []
    assert make_spool().orphans() == []


def test_who_takes_over_and_ends_leaves_it_to_the_next_one(make_spool):
    first, second, third = make_spool(), make_spool(), make_spool()
    first.write(b"x", 7)
    first.close()
    (taken,) = second.orphans()
    second.close()
    (again,) = third.orphans()
    assert (again.spans, again.created, again.read()) == (7, taken.created, b"x")


def test_destinations_are_kept_apart(make_spool):
    spools = [make_spool(), make_spool(identity="bob@example.com"), make_spool("https://ams.example.com")]
    for number, spool in enumerate(spools):
        spool.write(b"%d" % number, 1)
        spool.close()
    assert [bodies(spool.orphans()) for spool in spools] == [[b"0"], [b"1"], [b"2"]]


def test_the_last_one_to_leave_removes_the_folder(make_spool):
    first, second = make_spool(), make_spool()
    first.write(b"x", 1).remove()
    second.write(b"x", 1).remove()
    first.close()
    assert second.folder.exists()
    second.close()
    assert not second.folder.exists()
    second.write(b"x", 1).remove()  # and what is written later begins anew
    assert second.folder.exists()


def test_locks_of_processes_that_left_nothing_are_cleared_away(make_spool):
    spool = make_spool()
    spool.write(b"x", 1)
    before = names_in(spool)
    (spool.folder / "1_0123456789ab.lock").touch()
    assert spool.orphans() == []
    assert names_in(spool) == before


def test_foreign_files_are_no_obstacle_and_stay(make_spool):
    left = make_spool()
    left.write(b"x", 1)
    for name in ("notes.txt", "1_0123456789ab.lock.txt", "5.batch"):
        (left.folder / name).write_text("foreign")
    (left.folder / "2_0123456789ab.lock").mkdir()
    left.close()
    assert bodies(make_spool().orphans()) == [b"x"]
    assert {"notes.txt", "1_0123456789ab.lock.txt", "5.batch", "2_0123456789ab.lock"} <= set(names_in(left))


def test_what_was_refused_is_kept_and_not_sent_again(make_spool):
    left = make_spool()
    left.write(b"x", 1).set_aside()
    left.close()
    spool = make_spool()
    assert spool.orphans() == []
    assert [file.kind for file in files_in(spool.folder)] == ["refused"]


@posix_only
def test_files_and_folders_are_their_owner_s_alone_whatever_the_umask_is(make_spool, tmp_path):
    old = os.umask(0)
    try:
        spool = make_spool()
        spool.write(b"x", 1)
        spool.journal(b"y", 1)
    finally:
        os.umask(old)
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")}
    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o700}
    assert {mode for path, mode in modes.items() if path.is_file()} == {0o600}
    assert len(modes) == 6


def test_a_secret_is_not_among_what_is_written_but_in_the_batch(make_spool, tmp_path):
    make_spool(identity="key 0123").write(b"x", 1)
    (told,) = contents(tmp_path / "spool")
    assert (told.endpoint, told.identity) == (HERE, "key 0123")


# Where the disk or somebody else is in the way.


def test_where_the_spool_is(tmp_path):
    assert spool_root({"AMS_SPOOL_DIR": str(tmp_path)}) == tmp_path
    assert spool_root({"AMS_SPOOL_DIR": "~/x"}) == Path("~/x").expanduser()
    assert spool_root({"AMS_STATE_DIR": str(tmp_path)}) == tmp_path / "spool"
    assert spool_root({"AMS_STATE_DIR": str(tmp_path), "AMS_SPOOL_DIR": "none"}) == tmp_path / "spool"
    assert spool_root() == state_folder() / "spool"


def test_a_relative_root_stays_where_it_was(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    spool = Spool(Path("here"), HERE, ADA)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert spool.write(b"x", 1).path.is_relative_to(tmp_path / "here")
    spool.close()
