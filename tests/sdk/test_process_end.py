"""However a real process ends, its finished spans have arrived or the next process sends them; and nothing twice."""

import signal
import socket
import sys
import time
from collections import Counter

import pytest
from tests.sdk.programs import HEAD, KEPT, MARGIN, Program, deliver, recorded
from tests.sdk.span_sink import hang

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the signals of POSIX")


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
