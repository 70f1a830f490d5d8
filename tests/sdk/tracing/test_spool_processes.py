"""Real processes that write, take over, fork and are killed: every batch arrives, and arrives once."""

import collections
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

HERE, ADA = "http://127.0.0.1:8787", "ada@example.com"
posix_only = pytest.mark.skipif(os.name != "posix", reason="forks, signals and modes are POSIX's")


PRELUDE = """
import os, random, signal, sys, threading, time
from pathlib import Path
from ams_sdk._tracing.spool import Spool

root = Path(sys.argv[1])

def spool(**bounds):
    return Spool(root, "http://127.0.0.1:8787", "ada@example.com", **bounds)

def fork(work, *arguments):
    child = os.fork()
    if child == 0:
        try:
            work(*arguments)
        except BaseException as error:
            print("FAILED", type(error), error, flush=True)
        finally:
            os._exit(0)
    return child

def killed(child):
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
"""


def run(script, root, *arguments):
    program = PRELUDE + textwrap.dedent(script)
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", program, root, *arguments]
    # Without coverage, which would write to a disk that is full for the test.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    done = subprocess.run(command, env=kept, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "FAILED" not in done.stdout
    return done.stdout.splitlines()


KILLED = """
def work(said):
    mine = spool()
    for number in range(1_000_000):
        body = b"%d;" % number + b"x" * random.randrange(20_000) + b"\\n"
        if sys.argv[2] == "write":
            mine.write(body, 1)
        else:
            mine.journal(body, 1)
            if number % 20 == 0:
                mine.seal_journal()
        os.write(said, b"%d\\n" % number)

heir = spool()
for _ in range(int(sys.argv[3])):
    read, write = os.pipe()
    child = fork(work, write)
    os.close(write)
    with open(read) as said:
        said.readline()
        time.sleep(random.random() / 30)  # anywhere, also in the midst of a write
        killed(child)
        acknowledged = 1 + len(said.readlines())
    before = dict(heir.dropped)
    numbers = []
    for batch in heir.orphans():
        try:
            numbers += [int(line.partition(b";")[0]) for line in batch.read().splitlines()]
        except FileNotFoundError:  # the last one was torn as a whole
            continue
        batch.remove()
    torn = heir.dropped.get("torn", 0) - before.get("torn", 0)
    print(acknowledged, torn, numbers == list(range(len(numbers))), len(numbers), flush=True)
heir.close()
print(list(root.iterdir()))
"""


@posix_only
@pytest.mark.parametrize("method", ["write", "journal"])
def test_what_a_process_has_written_when_it_is_killed_is_delivered(tmp_path, method):
    *rounds, left = run(KILLED, tmp_path, method, "12")
    assert left == "[]"
    assert len(rounds) == 12
    for line in rounds:
        acknowledged, torn, in_order, delivered = line.split()
        assert in_order == "True"
        # The one in the midst of which it was killed may be there, may be torn, or may not have begun.
        assert int(acknowledged) <= int(delivered) <= int(acknowledged) + 1 - int(torn)


RIVALS = """
def leave_behind(owner):
    left = spool()
    for number in range(25):
        left.write(b"%d-%d\\n" % (owner, number), 1)
    left.journal(b"%d-journal\\n" % owner, 1)
    if owner % 2:
        left._lock.release()  # a batch without a lock file is an orphan as well
    os.kill(os.getpid(), signal.SIGKILL)

def work(start, done, end):
    os.read(start, 1)
    rival, found = spool(), []
    for _ in range(20):
        found += rival.orphans()
    os.write(1, b"".join(batch.read() for batch in found))
    os.write(done, b"x")
    os.read(end, 1)  # it lives until all have looked

for owner in range(8):
    os.waitpid(fork(leave_behind, owner), 0)
(start, go), (wait, done), (end, leave) = os.pipe(), os.pipe(), os.pipe()
children = [fork(work, start, done, end) for _ in range(5)]
os.write(go, b"x" * 5)
for _ in children:
    os.read(wait, 1)
os.write(leave, b"x" * 5)
for child in children:
    os.waitpid(child, 0)
"""


@posix_only
def test_processes_that_look_at_once_share_what_is_there(tmp_path):
    said = run(RIVALS, tmp_path)
    expected = [f"{owner}-{number}" for owner in range(8) for number in [*range(25), "journal"]]
    assert sorted(said) == sorted(expected)


FORKED = """
(ready, told), (end, leave) = os.pipe(), os.pipe()

def be_child(parent):
    parent.after_fork()
    stolen = parent.orphans()
    parent.write(b"child", 1)
    parent.journal(b"child", 1)
    print("stolen", stolen, parent.dropped, flush=True)
    os.write(told, b"x")
    os.read(end, 1)

def be_parent():
    parent = spool()
    parent.write(b"parent 1", 1)
    parent.journal(b"parent 2", 1)
    fork(be_child, parent)
    parent.journal(b"parent 3", 1)
    os.read(end, 1)

parent = fork(be_parent)
os.read(ready, 1)
print("both live", spool().orphans(), flush=True)
killed(parent)
print("one lives", [batch.read() for batch in spool().orphans()], flush=True)
os.write(leave, b"x")
"""


@posix_only
def test_a_child_leaves_the_parent_s_batches_alone_and_the_parent_s_death_frees_them_though_the_child_lives(tmp_path):
    lines = run(FORKED, tmp_path)
    assert lines == [
        "stolen [] {}",
        "both live []",
        "one lives [b'parent 1', b'parent 2parent 3']",
    ]


LIMITED = """
import resource
mine = spool()
mine.write(b"before", 1)
mine.journal(b"before", 1)
resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, 5_000))
for attempt in (mine.write, mine.journal):
    try:
        attempt(b"x" * 10_000, 1)
    except OSError as error:
        print(error.strerror)
    attempt(b" behind", 1)
print(sorted(mine.seal_journal().read().split()))
mine.close()
heir = spool()
print([batch.read() for batch in heir.orphans()], heir.dropped)
"""


@posix_only
def test_a_file_that_may_not_grow_costs_what_does_not_fit_and_no_more(tmp_path):
    assert run(LIMITED, tmp_path) == [
        "File too large",
        "File too large",
        "[b'before', b'behind']",
        "[b'before', b' behind', b'before behind'] {}",
    ]


CROWD = """
marks = root.parent / "marks"
marks.mkdir()
acknowledged = os.open(root.parent / "acknowledged", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
delivered = os.open(root.parent / "delivered", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
until_all_are_gone, inherited = os.pipe()

def is_alive(process):
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        return fields[0] not in "ZX" and not int(fields[6]) & 4  # not on its way out, with its files closed already
    except OSError:
        return False

def deliver(batch):
    try:
        names = batch.read().split()
    except FileNotFoundError:
        return
    for name in names:
        mark = marks / name.decode()
        seen = mark.read_text() if mark.exists() else ""
        if seen and seen != str(os.getpid()) and is_alive(seen):
            os.write(1, b"FAILED two living processes deliver " + name + b"\\n")
        mark.write_text(str(os.getpid()))
    os.write(delivered, b"".join(name + b"\\n" for name in names))
    batch.remove()
    for name in names:
        (marks / name.decode()).unlink(missing_ok=True)

def live_as_child(inherited, depth):
    inherited.after_fork()
    live(depth)

def live(depth):
    mine, own = spool(), []
    for number in range(random.randrange(5, 60)):
        name = b"%d-%d\\n" % (os.getpid(), number)
        what = random.random()
        if what < 0.5:
            own.append(mine.write(name, 1))
            os.write(acknowledged, name)
        elif what < 0.7:
            mine.journal(name, 1)
            os.write(acknowledged, name)
        elif what < 0.75:
            own.append(mine.seal_journal())
        elif what < 0.9:
            own += mine.orphans()
        elif what < 0.93 and depth < 2:
            fork(live_as_child, mine, depth + 1)
        while own and random.random() < 0.5:
            batch = own.pop(0)
            if batch is not None:
                deliver(batch)
    if random.random() < 0.5:
        mine.close()  # the others just die

children = set()
for _ in range(int(sys.argv[2])):
    while len(children) < 6:
        children.add(fork(live, 0))
    time.sleep(random.random() / 100)
    child = random.choice(list(children))
    if random.random() < 0.5:
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    children.discard(child)
for child in children:
    os.waitpid(child, 0)
os.close(inherited)
os.read(until_all_are_gone, 1)  # grandchildren as well
heir = spool()
for batch in heir.orphans():
    deliver(batch)
print("torn", heir.dropped.get("torn", 0))
heir.close()
print("left", [path.name for path in root.iterdir()])
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="asks /proc which processes live")
@pytest.mark.parametrize("ends", [40, pytest.param(600, marks=pytest.mark.slow)])
def test_a_crowd_that_writes_delivers_forks_and_is_killed_loses_nothing(tmp_path, ends):
    lines = run(CROWD, tmp_path / "spool", str(ends))
    assert lines[-1] == "left []"
    acknowledged = set((tmp_path / "acknowledged").read_text().split())
    delivered = collections.Counter((tmp_path / "delivered").read_text().split())
    assert len(acknowledged) > 100
    assert acknowledged - delivered.keys() == set()
    # Who is killed between the delivery and the removal has its batch delivered again: at least once is the promise.
    assert sum(delivered.values()) - len(delivered) < len(acknowledged) / 10
