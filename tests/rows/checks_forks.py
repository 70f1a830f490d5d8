"""Row 15: a process that is forked, as servers do that load the program before they fork their workers."""

from __future__ import annotations

from tests.rows.backend import Backend
from tests.rows.check import check
from tests.rows.programs import NEXT, run

_FORKED = """
    @tool
    def heron(what):
        return what

    heron("word-parent-before")
    child = os.fork()
    if child == 0:
        heron("word-child")
        {ending}
    heron("word-parent-after")
    deadline = time.monotonic() + 30
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended or time.monotonic() > deadline:
            break
        time.sleep(0.01)
    if not ended:
        os.kill(child, signal.SIGKILL)
        sys.exit("the child hangs")
"""

_SERVER = """
    @tool
    def heron(what):
        return what

    heron("word-parent-before")
    children = []
    for number in range(3):
        child = os.fork()
        if child == 0:
            for request in range(2):
                heron(f"word-worker-{number}-{request}")
            sys.exit(0)
        children.append(child)
    heron("word-parent-after")
    hung = []
    for child in children:
        deadline = time.monotonic() + 20
        while not os.waitpid(child, os.WNOHANG)[0]:
            if time.monotonic() > deadline:
                os.kill(child, signal.SIGKILL)
                hung.append(child)
                break
            time.sleep(0.01)
    sys.exit("workers hang" if hung else 0)
"""


def _arrived(subject, program, words):
    """Run a program; of each word, how many different spans have arrived, and how often in all."""
    with Backend(subject) as backend:
        ran = run(subject, program, backend=backend.url, file=False, state="configured")
        if not all(backend.wait_for(word, 0.5) for word in words):
            # What an SDK has kept on disk arrives with the next process of the program.
            run(subject, NEXT, backend=backend.url, file=False, state="configured")
            for word in words:
                backend.wait_for(word, 0.5)
        found = {word: backend.ids(word) for word in words}
    return ran, found


def _all_once(found):
    missing = [word for word, ids in found.items() if not ids]
    assert not missing, f"there has arrived nothing of {', '.join(missing)}"
    twice = [word for word, ids in found.items() if len(ids) != len(set(ids))]
    assert not twice, f"more than once has arrived {', '.join(twice)}"


@check(row=15, says="a forked child that ends with `sys.exit`: its spans and the parent's arrive, once", alone=True)
def forked_child(subject):
    words = ("word-parent-before", "word-child", "word-parent-after")
    ran, found = _arrived(subject, _FORKED.format(ending="sys.exit(0)"), words)
    assert ran.code == 0, ran.reason
    _all_once(found)


@check(row=15, says="a forked child that ends with `os._exit`, after two seconds: the same", alone=True, slow=True)
def forked_child_ends_hard(subject):
    words = ("word-parent-before", "word-child", "word-parent-after")
    ran, found = _arrived(subject, _FORKED.format(ending="time.sleep(2); os._exit(0)"), words)
    assert ran.code == 0, ran.reason
    _all_once(found)


@check(
    row=15,
    says="three workers, forked after the first traced call: all arrives, each once",
    alone=True,
    slow=True,
)
def forked_workers(subject):
    words = ["word-parent-before", "word-parent-after"]
    words += [f"word-worker-{number}-{request}" for number in range(3) for request in range(2)]
    ran, found = _arrived(subject, _SERVER, words)
    assert ran.code == 0, ran.reason
    _all_once(found)


@check(row=15, says="a fork while other threads trace: neither process hangs", alone=True, slow=True)
def fork_while_threads_trace(subject):
    program = """
        @tool
        def heron(what):
            return what

        over = threading.Event()
        def work():
            while not over.is_set():
                heron("busy")
        threads = [threading.Thread(target=work) for _ in range(4)]
        for one in threads:
            one.start()
        hung = []
        for number in range(10):
            child = os.fork()
            if child == 0:
                heron("word-child")
                os._exit(0)
            deadline = time.monotonic() + 15
            while not os.waitpid(child, os.WNOHANG)[0]:
                if time.monotonic() > deadline:
                    os.kill(child, signal.SIGKILL)
                    os.waitpid(child, 0)
                    hung.append(number)
                    break
                time.sleep(0.005)
        over.set()
        for one in threads:
            one.join()
        print("hung", len(hung), flush=True)
        os._exit(0)
    """
    with Backend(subject) as backend:
        ran = run(subject, program, backend=backend.url, file=False, state="configured")
    assert "hung 0" in ran.out, f"{ran.out.strip() or ran.err[-200:]}, of 10 children"


@check(row=15, says="a child that is forked inside of a call: its spans are below that call", alone=True)
def forked_inside_of_a_call(subject):
    from tests.rows.seen import below, only, read  # noqa: PLC0415 -- for this alone

    program = """
        @tool
        def stork(what):
            return what

        @agent
        def heron():
            child = os.fork()
            if child == 0:
                stork("a")
                subject.close()
                os._exit(0)
            os.waitpid(child, 0)

        heron()
        subject.close()
    """
    ran = run(subject, program)
    assert ran.code == 0, ran.reason
    if subject.records:
        spans = read(subject.setup.file)
        assert below(only(spans, "stork"), only(spans, "heron"))
