"""Who holds a lock, who gets it, and who has it when processes fork and are killed: real ones."""

import errno
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from ams_sdk._tracing import file_lock
from ams_sdk._tracing.file_lock import FileLock, is_held

posix_only = pytest.mark.skipif(os.name != "posix", reason="forks, signals and modes are POSIX's")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "1_0.lock"


def test_a_lock_keeps_others_out_until_it_is_released(path):
    held = FileLock.create(path)
    assert is_held(path)
    assert FileLock.create(path) is None
    assert FileLock.claim(path) is None
    held.release()
    assert not path.exists()
    assert not is_held(path)


def test_a_file_that_nobody_holds_can_be_claimed_once(path):
    path.touch()
    assert not is_held(path)
    claimed = FileLock.claim(path)
    assert is_held(path)
    assert FileLock.claim(path) is None
    claimed.release()


def test_a_file_that_is_gone_is_made_anew_to_be_claimed(path):
    claimed = FileLock.claim(path)
    assert is_held(path)
    claimed.release()


def test_a_lock_cannot_be_made_in_a_folder_that_is_gone(tmp_path):
    with pytest.raises(FileNotFoundError):
        FileLock.create(tmp_path / "gone" / "1_0.lock")


@posix_only
def test_the_file_is_its_owners_alone_whatever_the_umask_is(path):
    old = os.umask(0)
    try:
        held = FileLock.create(path)
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    held.release()


@posix_only
def test_a_link_is_not_followed(path, tmp_path):
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic"):
        FileLock.claim(path)
    assert not is_held(path)
    assert not (tmp_path / "elsewhere").exists()


@posix_only
@pytest.mark.parametrize("leaves", [True, False], ids=["and leaves", "and stays"])
def test_who_is_locked_out_of_a_new_file_at_once_does_not_hold_it(path, monkeypatch, leaves):
    take, others = file_lock._take, []

    def slow_take(descriptor):
        monkeypatch.setattr(file_lock, "_take", take)
        others.append(FileLock.claim(path))  # between the opening of the file and its lock
        if leaves:
            others.pop().release()
        return take(descriptor)

    monkeypatch.setattr(file_lock, "_take", slow_take)
    assert FileLock.create(path) is None
    assert path.exists() is not leaves
    for other in others:
        other.release()


@posix_only
def test_a_file_system_that_has_no_locks_is_an_error_and_leaves_no_file(path, tmp_path, monkeypatch):
    def no_locks(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    other = tmp_path / "2_0.lock"
    other.touch()
    monkeypatch.setattr(file_lock.fcntl, "flock", no_locks)
    with pytest.raises(OSError, match="No locks available"):
        FileLock.create(path)
    with pytest.raises(OSError, match="No locks available"):
        FileLock.claim(other)
    assert not is_held(other)
    assert [file.name for file in tmp_path.iterdir()] == ["2_0.lock"]


def start(script, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def kill(process):
    process.send_signal(signal.SIGKILL)
    process.wait(10)


HOLDER = """
import sys
from pathlib import Path
from ams_sdk._tracing.file_lock import FileLock
held = FileLock.create(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


@posix_only
def test_the_lock_of_a_process_that_is_killed_is_free(path):
    with start(HOLDER, path) as holder:
        assert holder.stdout.readline() == "held\n"
        assert is_held(path)
        assert FileLock.claim(path) is None
        kill(holder)
    assert not is_held(path)
    FileLock.claim(path).release()


FORKER = """
import os, sys
from pathlib import Path
from ams_sdk._tracing.file_lock import FileLock
held = FileLock.create(Path(sys.argv[1]))
first = os.fork()
if first == 0:
    os._exit(0)  # one child ends at once
os.waitpid(first, 0)
if os.fork() == 0:
    print("forked", flush=True)
    sys.stdin.read()  # the other lives on
    os._exit(0)
sys.stdin.read()
"""


@posix_only
def test_a_child_neither_releases_the_lock_of_its_parent_nor_keeps_it(path):
    with start(FORKER, path) as parent:
        assert parent.stdout.readline() == "forked\n"
        assert is_held(path)
        kill(parent)
        assert not is_held(path)
        FileLock.claim(path).release()


BUSY_FORKER = """
import os, sys, threading, warnings
from pathlib import Path
from ams_sdk._tracing.file_lock import FileLock
warnings.simplefilter("ignore", DeprecationWarning)  # forking with threads is what is tested
folder, done, locks = Path(sys.argv[1]), threading.Event(), []

def make():
    number = 0
    while number < 250 and not done.is_set():  # a process may not have many more files open
        locks.append(FileLock.create(folder / f"{threading.get_ident()}_{number}.lock"))
        number += 1

sys.setswitchinterval(1e-5)
threads = [threading.Thread(target=make) for _ in range(3)]
for thread in threads:
    thread.start()
for _ in range(30):
    if os.fork() == 0:
        os.write(1, b"child\\n")
        sys.stdin.read()
        os._exit(0)
done.set()
for thread in threads:
    thread.join()
os.write(1, b"%d\\n" % len(locks))
sys.stdin.read()
"""


@posix_only
def test_a_lock_that_is_made_during_a_fork_is_not_kept_by_the_child(tmp_path):
    with start(BUSY_FORKER, tmp_path) as parent:
        said = [parent.stdout.readline() for _ in range(31)]
        made = sum(int(line) for line in said if line != "child\n")
        kill(parent)
        paths = list(Path(tmp_path).iterdir())
        assert len(paths) == made
        assert [path for path in paths if is_held(path)] == []


@posix_only
def test_a_lock_that_the_child_has_made_before_it_was_told_of_the_fork_stays(tmp_path):
    class OfAnotherProcess(FileLock):
        def __init__(self, path, descriptor):
            super().__init__(path, descriptor)
            self._process = 0

    inherited, own = OfAnotherProcess.create(tmp_path / "1"), FileLock.create(tmp_path / "2")
    held = set(file_lock._held)
    file_lock._let_go_in_child()
    assert not is_held(inherited.path)
    assert is_held(own.path)
    assert file_lock._held == held - {inherited}
    own.release()
