"""What a real process does while it is traced: it forks, is patched by gevent, handles signals, configures again."""

import sys
import textwrap
import time
from collections import Counter

import pytest
from tests.sdk.programs import HEAD, KEPT, MARGIN, Program, deliver, recorded
from tests.sdk.test_lifecycle import REGISTERED

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the signals of POSIX")

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


def patched(when):
    """The head of a program that gevent patches, before or after it imports the SDK."""
    patch = "from gevent import monkey; monkey.patch_all()\n"
    imports, rest = textwrap.dedent(HEAD).split("@tool", 1)
    return (patch + imports if when == "before" else imports + patch) + "@tool" + rest


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_process_that_gevent_has_patched_does_not_hang(sink, tmp_path, when):
    pytest.importorskip("gevent")
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
        head=patched(when),
    )
    program.process.communicate(timeout=60)
    assert program.process.returncode == 0
    assert recorded(sink) == Counter([*range(50), "last"])


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_run_goes_on_in_what_gevent_has_patched(sink, tmp_path, when):
    pytest.importorskip("gevent")
    program = Program(
        """
        import contextvars
        import gevent
        import threading
        from concurrent.futures import ThreadPoolExecutor

        @agent
        def above():
            thread = threading.Thread(target=look, args=("thread",))
            thread.start()
            thread.join()
            with ThreadPoolExecutor() as pool:
                pool.submit(look, "pool").result()
            gevent.spawn(contextvars.copy_context().run, look, "greenlet").get()

        above()
        ams_sdk.shutdown()
        print(threading.Thread.start.__name__)
        """,
        sink.url,
        tmp_path,
        head=patched(when),
    )
    assert program.end() == "start\n"
    (top,) = (span.span_id for span in sink.spans if span.name == "invoke_agent above")
    assert recorded(sink) == Counter(["thread", "pool", "greenlet"])
    assert Counter(span.parent_span_id for span in sink.spans) == {b"": 1, top: 3}


@pytest.mark.parametrize("metrics", ["0", "1"])
def test_nothing_goes_on_in_the_child_that_a_process_patched_by_gevent_forks(sink, tmp_path, metrics):
    pytest.importorskip("gevent")
    program = Program(
        """
        import gevent
        import subprocess

        me = os.getpid()

        def go_on():
            while True:
                if os.getpid() != me:
                    os.write(1, b"this is the child\\n")
                gevent.sleep(0)

        look("parent")
        assert ams_sdk.flush()
        beside = gevent.spawn(go_on)
        for _ in range(20):  # gevent's own way to start a program is to fork in Python
            subprocess.run([sys.executable, "-S", "-c", ""], check=True)
        beside.kill()
        if os.fork() == 0:
            look("child")
            ams_sdk.shutdown()
            os._exit(0)
        os.wait()
        """,
        sink.url,
        tmp_path,
        head=patched("before"),
        AMS_METRICS=metrics,
    )
    assert program.end() == ""
    assert recorded(sink) == Counter(["parent", "child"])


FORK = "if os.fork(): os.wait(); ams_sdk.shutdown(); sys.exit()"


@pytest.mark.parametrize(("early", "fork"), [("", ""), ("", FORK), ("look('early')", FORK)])
def test_gevent_may_patch_a_process_that_is_configured(sink, tmp_path, early, fork):
    """As in the workers of a server that loads the application, forks, and patches then."""
    pytest.importorskip("gevent")
    program = Program(
        f"""
        {early}
        {fork}
        import gevent
        from gevent import monkey
        monkey.patch_all()

        look("first")
        for _ in range(50):  # if our thread stops everything, it is now
            gevent.sleep(0.01)
        gevent.joinall([gevent.spawn(look, number) for number in range(50)], raise_error=True)
        assert ams_sdk.flush(10)
        look("last")
        assert ams_sdk.shutdown(10)
        os._exit(0)
        """,
        sink.url,
        tmp_path,
        "-W",
        "ignore",  # gevent warns of modules that were imported before
    )
    assert program.end() == ""
    assert recorded(sink) == Counter(["first", *range(50), "last"] + ["early"] * bool(early))


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
        for _ in range(60):
            ams_sdk.configure()
            try:
                signal.setitimer(signal.ITIMER_REAL, 0.0005)
                look("call")
                time.sleep(0.02)  # the alarm comes in here at the latest
            except TimeoutError:
                pass
        assert ams_sdk.shutdown()
        ams_sdk.configure()  # and whatever happened, tracing can begin anew
        look("after")
        assert ams_sdk.shutdown()
        """,
        sink.url,
        tmp_path,
    )
    # A handler that raises may do so inside Thread.start: Python itself may then tell of a thread that it could not
    # begin. Another one does its work.
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
