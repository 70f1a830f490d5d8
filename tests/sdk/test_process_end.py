"""However a real process ends, its finished spans have arrived or the next process sends them; and nothing twice."""

import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections import Counter

import pytest
from tests.sdk.span_sink import hang
from tests.sdk.test_lifecycle import REGISTERED

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the signals of POSIX")

HEAD = """
    import os, signal, sys, threading, time
    import ams_sdk
    from ams_sdk import agent, tool

    @tool
    def look(where):
        return where

    ams_sdk.configure()
"""


class Program:
    """A program in a process of its own."""

    def __init__(self, body, url, tmp_path, *options, head=HEAD, **environ) -> None:
        # Without coverage: it has a handler of its own for SIGTERM, and here it matters who has one.
        left_out = ("PYTEST_VERSION", "COVERAGE_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
        kept |= {"AMS_ENDPOINT": url, "AMS_API_KEY": "the-key", "AMS_SPOOL_DIR": str(tmp_path / "spool")}
        kept |= {"AMS_EXIT_TIMEOUT": "30"}  # more than it needs, however busy the machine is
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", *options, "-c", textwrap.dedent(head) + textwrap.dedent(body)],
            env=kept | environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def said(self, line):
        assert self.process.stdout.readline() == f"{line}\n"

    def end(self, *, code=0, errors=""):
        out, err = self.process.communicate(timeout=60)
        assert (self.process.returncode, err) == (code, errors)
        return out


def recorded(sink):
    """How often each argument of ``look`` has arrived."""
    return Counter(
        json.loads(one.value.string_value)["where"]
        for span in sink.spans
        for one in span.attributes
        if one.key == "gen_ai.tool.call.arguments"
    )


def deliver(sink, tmp_path, expected):
    """Start a process that does nothing itself, and wait until it has sent what was left behind."""
    sink.answers = [200]
    del sink.requests[:]
    successor = Program("print('up', flush=True); sys.stdin.read()", sink.url, tmp_path)
    successor.said("up")
    with sink.arrived:
        assert sink.arrived.wait_for(lambda: sum(recorded(sink).values()) >= expected, 20), recorded(sink)
    successor.end()


KEPT = 0.2  # the flush interval
MARGIN = 1.0  # two busy cores


def test_a_process_that_is_killed_loses_at_most_what_is_younger_than_the_interval(sink, tmp_path):
    sink.answers = [hang]
    victim = Program(
        """
        for number in range(100_000):
            look(number)
            if number % 10 == 0:
                print(number, time.monotonic(), flush=True)
            time.sleep(0.002)
        """,
        sink.url,
        tmp_path,
    )
    done = []
    while not done or done[-1][1] - done[0][1] < 2 * (KEPT + MARGIN):
        number, when = victim.process.stdout.readline().split()
        done.append((int(number), float(when)))
    killed = time.monotonic()
    victim.process.kill()
    victim.end(code=-signal.SIGKILL)
    must = max(number for number, when in done if when < killed - KEPT - MARGIN)
    assert must > 100
    sink.released.set()
    deliver(sink, tmp_path, must + 1)
    arrived = recorded(sink)
    assert set(arrived) >= set(range(must + 1))
    assert max(arrived.values()) == 1


@pytest.mark.parametrize(
    ("ending", "code"),
    [
        ("os.kill(os.getpid(), signal.SIGTERM); time.sleep(30)", -signal.SIGTERM),
        ("time.sleep(1.2); os._exit(0)", 0),
        ("sys.exit(3)", 3),
        ("", 0),
    ],
)
@pytest.mark.parametrize("platform", ["hangs", "down", "says 503"])
def test_what_cannot_be_sent_is_sent_by_the_next_process(sink, tmp_path, ending, code, platform):
    sink.answers = [hang] if platform == "hangs" else [503]
    url = sink.url
    if platform == "down":
        # Nothing listens at the address for now.
        sink.socket.close()
    body = f"for number in range(50): look(number)\nprint('done', flush=True)\n{ending}"
    victim = Program(body, url, tmp_path, AMS_EXIT_TIMEOUT="2")
    victim.said("done")
    began = time.monotonic()
    victim.end(code=code)
    assert time.monotonic() - began < 2 + MARGIN + 1.2 * ("_exit" in ending)
    sink.released.set()
    if platform == "down":
        revive(sink)
    deliver(sink, tmp_path, 50)
    assert recorded(sink) == Counter(range(50))


def revive(sink):
    sink.socket = socket.create_server(sink.server_address, reuse_port=False)
    sink.released.clear()


def test_sigterm_that_the_program_handles_itself_is_the_programs(sink, tmp_path):
    program = Program(
        """
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
        look(1)
        os.kill(os.getpid(), signal.SIGTERM)
        """,
        sink.url,
        tmp_path,
    )
    program.end(code=7)
    assert recorded(sink) == Counter([1])


def test_sigterm_is_left_alone_where_somebody_has_said_what_to_do(sink, tmp_path):
    head = HEAD.replace("ams_sdk.configure()", "signal.signal(signal.SIGTERM, signal.SIG_IGN); ams_sdk.configure()")
    body = "os.kill(os.getpid(), signal.SIGTERM); look(1); print(repr(signal.getsignal(signal.SIGTERM)), flush=True)"
    program = Program(body, sink.url, tmp_path, head=head)
    assert "SIG_IGN" in program.end()
    assert recorded(sink) == Counter([1])


def test_a_handler_that_passes_the_signal_on_to_the_one_before_decides_itself(sink, tmp_path):
    program = Program(
        """
        before = signal.getsignal(signal.SIGTERM)
        signal.signal(signal.SIGTERM, lambda *given: before(*given))
        look(1)
        os.kill(os.getpid(), signal.SIGTERM)
        look(2)
        """,
        sink.url,
        tmp_path,
    )
    program.end()
    assert recorded(sink) == Counter([1, 2])


def test_after_a_shutdown_sigterm_is_as_it_was(sink, tmp_path):
    program = Program(
        """
        assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
        ams_sdk.shutdown()
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        """,
        sink.url,
        tmp_path,
    )
    program.end()


@pytest.mark.parametrize("ending", ["os._exit(0)", "os.kill(os.getpid(), signal.SIGKILL)"])
def test_a_durable_span_is_on_disk_before_the_call_returns(sink, tmp_path, ending):
    sink.answers = [hang]
    victim = Program(f"for number in range(5): look(number)\n{ending}", sink.url, tmp_path, AMS_DURABLE="true")
    victim.process.communicate(timeout=60)
    sink.released.set()
    deliver(sink, tmp_path, 5)
    assert recorded(sink) == Counter(range(5))


def test_a_durable_program_that_ends_well_sends_each_span_once(sink, tmp_path):
    Program("for number in range(20): look(number)", sink.url, tmp_path, AMS_DURABLE="true").end()
    assert recorded(sink) == Counter(range(20))
    assert list((tmp_path / "spool").rglob("*.*")) == []


PREFORK = """
    import warnings
    warnings.simplefilter("ignore", DeprecationWarning)  # forking with threads is what is tested

    def serve(number):
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        for request in range(10):
            look(f"{number}.{request}")
        os.write(1, b"ready\\n")  # in one piece: the others write too
        while True:
            time.sleep(0.01)

    look("master")
    workers = []
    for number in range(3):
        worker = os.fork()
        if worker == 0:
            serve(number)
        workers.append(worker)
    for line in sys.stdin:
        break
    for worker in workers:
        os.kill(worker, signal.SIGTERM)
    codes = [os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1]) for worker in workers]
    look("master again")
    print(codes, flush=True)
"""


def test_a_master_that_forks_workers_as_web_servers_do(sink, tmp_path):
    master = Program(PREFORK, sink.url, tmp_path)
    for _ in range(3):
        master.said("ready")
    master.process.stdin.write("end\n")
    assert "[0, 0, 0]" in master.end()
    expected = [f"{worker}.{request}" for worker in range(3) for request in range(10)]
    assert recorded(sink) == Counter([*expected, "master", "master again"])


def test_workers_that_are_killed_leave_their_spans_to_the_others(sink, tmp_path):
    sink.answers = [503]
    master = Program(
        PREFORK.replace("os.kill(worker, signal.SIGTERM)", "os.kill(worker, signal.SIGKILL)"), sink.url, tmp_path
    )
    for _ in range(3):
        master.said("ready")
    time.sleep(KEPT + MARGIN)  # what is younger may be lost
    master.process.stdin.write("end\n")
    assert "[-9, -9, -9]" in master.end()
    deliver(sink, tmp_path, 32)
    assert set(recorded(sink).values()) == {1}
    assert len(recorded(sink)) == 32


def test_a_fork_while_our_thread_imports_what_it_needs(sink, tmp_path):
    sink.answers = [200]
    program = Program(
        """
        import warnings
        warnings.simplefilter("ignore", DeprecationWarning)
        children = []
        for number in range(5):
            look(f"parent {number}")  # the worker starts to import an HTTP client
            time.sleep(0.04 * number)
            child = os.fork()
            if child == 0:
                look(f"child {number}")
                assert ams_sdk.shutdown(10)
                os._exit(0)
            children.append(child)
        codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
        assert codes == [0] * 5, codes
        """,
        sink.url,
        tmp_path,
    )
    program.end()
    expected = [f"{who} {number}" for number in range(5) for who in ("parent", "child")]
    assert recorded(sink) == Counter(expected)


def test_asyncio_in_debug_mode_finds_nothing_to_complain_about(sink, tmp_path):
    sink.answers = [REGISTERED, 200]
    program = Program(
        """
        import asyncio

        @agent
        async def walker(where):
            await asyncio.sleep(0)
            return look(where)

        async def main():
            asyncio.get_running_loop().slow_callback_duration = 5
            await asyncio.gather(*(walker(str(number)) for number in range(20)))

        asyncio.run(main(), debug=True)
        """,
        sink.url,
        tmp_path,
        "-X",
        "dev",
    )
    program.end()
    del sink.requests[0]
    assert recorded(sink) == Counter(str(number) for number in range(20))


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_process_that_gevent_has_patched_does_not_hang(sink, tmp_path, when):
    pytest.importorskip("gevent")
    patch = "from gevent import monkey; monkey.patch_all()\n"
    imports, rest = textwrap.dedent(HEAD).split("@tool", 1)
    head = (patch + imports if when == "before" else imports + patch) + "@tool" + rest
    program = Program(
        """
        import gevent
        jobs = [gevent.spawn(look, number) for number in range(50)]
        gevent.joinall(jobs, raise_error=True)
        assert ams_sdk.flush(10)
        look("last")
        """,
        sink.url,
        tmp_path,
        head=head,
    )
    program.process.communicate(timeout=60)
    assert program.process.returncode == 0
    assert recorded(sink) == Counter([*range(50), "last"])


def test_configured_and_shut_down_again_and_again(sink, tmp_path):
    program = Program(
        """
        for number in range(5):
            ams_sdk.configure()
            look(number)
            if number % 2:
                assert ams_sdk.shutdown()
                look("plain")
        """,
        sink.url,
        tmp_path,
    )
    program.end()
    assert recorded(sink) == Counter(range(5))


@pytest.mark.parametrize("handler", ["look('handler')", "raise TimeoutError"])
def test_a_signal_handler_during_the_first_call_starts_no_second_worker(sink, tmp_path, handler):
    sink.answers = [200]
    program = Program(
        f"""
        def handle(*_):
            {handler}

        signal.signal(signal.SIGALRM, handle)
        calls = 0
        for _ in range(60):
            ams_sdk.configure()
            signal.setitimer(signal.ITIMER_REAL, 0.0005)
            try:
                look("call")
                time.sleep(0.02)  # the alarm comes in here at the latest
            except TimeoutError:
                pass
        complete = ams_sdk.shutdown()
        assert complete or {"raise" in handler}
        ams_sdk.configure()  # and whatever happened, tracing can begin anew
        look("after")
        assert ams_sdk.shutdown()
        """,
        sink.url,
        tmp_path,
    )
    # A handler that raises may do so inside Thread.start: Python itself may then tell of a thread that
    # it could not begin, and what that thread was to send is not promised. Nothing hangs or comes twice.
    errors = program.process.communicate(timeout=60)[1]
    assert program.process.returncode == 0, errors
    assert errors == "" or "TimeoutError" in handler
    ids = Counter(span.span_id for span in sink.spans)
    assert set(ids.values()) == {1}
    assert recorded(sink)["after"] == 1


def test_a_child_of_multiprocessing_is_terminated_at_once_whatever_it_does(sink, tmp_path):
    program = Program(
        """
        import hashlib, multiprocessing, warnings
        warnings.simplefilter("ignore", DeprecationWarning)

        def work(ready):
            look(1)
            ready.set()
            hashlib.pbkdf2_hmac("sha256", b"x", b"y", 2_000_000_000)  # half an hour in C

        context = multiprocessing.get_context("fork")
        ready = context.Event()
        child = context.Process(target=work, args=(ready,))
        child.start()
        ready.wait()
        began = time.monotonic()
        child.terminate()
        child.join()
        assert time.monotonic() - began < 10
        assert child.exitcode == -signal.SIGTERM
        """,
        sink.url,
        tmp_path,
    )
    program.end()


def test_sigterm_can_be_left_alone(sink, tmp_path):
    body = "assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL; look(1)"
    Program(body, sink.url, tmp_path, AMS_SAVE_ON_SIGTERM="false").end()
    assert recorded(sink) == Counter([1])


def test_a_handler_that_was_set_in_c_is_left_alone(sink, tmp_path):
    head = HEAD.replace(
        "ams_sdk.configure()",
        "import ctypes; libc = ctypes.CDLL(None); libc.signal(15, ctypes.cast(libc._exit, ctypes.c_void_p)); "
        "ams_sdk.configure()",
    )
    program = Program("look(1); ams_sdk.flush(); os.kill(os.getpid(), signal.SIGTERM)", sink.url, tmp_path, head=head)
    program.end(code=15)
    assert recorded(sink) == Counter([1])


def test_the_end_does_not_wait_for_a_thread_that_configures(sink, tmp_path):
    program = Program(
        """
        from ams_sdk._decorators import runtime
        look(1)
        held = threading.Event()

        def hold():
            with runtime.lock():
                held.set()
                time.sleep(60)

        threading.Thread(target=hold, daemon=True).start()
        held.wait()
        print("done", flush=True)
        """,
        sink.url,
        tmp_path,
    )
    program.said("done")
    began = time.monotonic()
    program.end()
    assert time.monotonic() - began < 20
    assert recorded(sink) == Counter([1])
