"""One thread runs at a time, also where its start is interrupted, as by a signal handler that raises."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest

from ams_sdk._tracing.lone_thread import LoneThread


class Work:
    """Counts how often it runs, and how many of it run at once; each goes on until it is let go."""

    def __init__(self) -> None:
        self.begun = self.at_once = self.most_at_once = 0
        self.has_begun = threading.Event()
        self.go = threading.Event()
        self._lock = threading.Lock()

    def __call__(self):
        with self._lock:
            self.begun += 1
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        self.has_begun.set()
        self.go.wait(20)
        with self._lock:
            self.at_once -= 1


@pytest.fixture
def work():
    made = Work()
    yield made
    made.go.set()


@pytest.fixture
def lone(work):
    made = LoneThread(work, "test", lambda: None)
    yield made
    work.go.set()
    assert made.join(time.monotonic() + 20)


def assert_one_works(lone, work):
    assert work.has_begun.wait(20)
    work.go.set()
    assert lone.join(time.monotonic() + 20)
    assert (work.begun, work.most_at_once) == (1, 1)


def test_it_runs_once_however_often_it_is_started_and_again_when_it_has_ended(lone, work):
    assert lone.join(time.monotonic())
    assert not lone.is_running
    for _ in range(2):
        work.has_begun.clear()
        work.go.clear()
        assert [lone.start() for _ in range(3)] == [True] * 3
        assert work.has_begun.wait(20)
        assert lone.is_running
        assert not lone.join(time.monotonic())
        work.go.set()
        assert lone.join(time.monotonic() + 20)
        assert not lone.is_running
    assert (work.begun, work.most_at_once) == (2, 1)


def test_a_start_after_threads_were_replaced_renews_the_locks_before_the_thread_works(work, monkeypatch):
    renewed = []
    lone = LoneThread(work, "test", lambda: renewed.append(work.begun))
    lock = lone._lock
    monkeypatch.setattr(threading, "Lock", lambda lock_type=threading.Lock: lock_type())  # as gevent does
    assert lone.start()
    assert lone.start()
    assert_one_works(lone, work)
    assert renewed == [0]
    assert lone._lock is not lock
    work.go.clear()
    assert lone.start()
    work.go.set()
    assert lone.join(time.monotonic() + 20)
    assert renewed == [0]  # once for each replacement


def test_its_name_says_whose_it_is(lone):
    lone.start()
    assert "ams-sdk test" in {thread.name for thread in threading.enumerate()}


def test_where_no_thread_can_be_started_the_next_try_is_another_one(lone, work, monkeypatch):
    def refuse(_thread):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        assert not lone.start()
        assert not lone.is_running
    assert lone.start()
    assert work.has_begun.wait(20)


@pytest.mark.parametrize("has_started", [False, True])
def test_a_start_that_is_interrupted_is_made_up_for(work, monkeypatch, has_started):
    start = threading.Thread.start
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for number in range(50):
            lone = LoneThread(work, "test", lambda: None)
            work.has_begun.clear()
            work.go.clear()

            def interrupted(thread):
                if has_started:
                    start(thread)
                raise TimeoutError

            with monkeypatch.context() as patch:
                patch.setattr(threading.Thread, "start", interrupted)
                with pytest.raises(TimeoutError):
                    lone.start()
            assert lone.start()
            assert lone.start()
            assert work.has_begun.wait(20)
            work.go.set()
            assert lone.join(time.monotonic() + 20)
            assert (work.begun, work.most_at_once) == (number + 1, 1)
    finally:
        sys.setswitchinterval(interval)


def test_a_thread_that_comes_after_it_was_replaced_does_nothing(lone, work, monkeypatch):
    late = []

    def interrupted(thread):
        late.append(thread)
        raise TimeoutError

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", interrupted)
        with pytest.raises(TimeoutError):
            lone.start()
    assert lone.start()
    (thread,) = late
    thread.start()
    thread.join(20)
    assert work.has_begun.wait(20)
    assert work.begun == 1


def test_whoever_comes_while_it_is_started_finds_that_it_is(lone, work, monkeypatch):
    start, answers = threading.Thread.start, []

    def with_a_signal(thread):
        answers.append((lone.is_running, lone.start()))  # as a handler does in the middle of it
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", with_a_signal)
    assert lone.start()
    assert answers == [(True, False)]
    assert work.has_begun.wait(20)
    assert work.begun == 1


def test_a_handler_that_starts_it_while_another_is_about_to_leaves_one(lone, work, monkeypatch):
    make = threading.Thread.__init__
    answers = []

    def with_a_signal(thread, *args, **kwargs):
        monkeypatch.undo()
        answers.append(lone.start())  # as a handler does that ends a span
        make(thread, *args, **kwargs)

    monkeypatch.setattr(threading.Thread, "__init__", with_a_signal)
    assert lone.start()
    assert answers == [True]
    assert_one_works(lone, work)


def test_ctrl_c_that_python_hides_is_raised(lone, work, monkeypatch):
    start = threading.Thread.start

    def interrupted(thread):
        start(thread)
        try:
            raise KeyboardInterrupt  # noqa: TRY301 -- the same
        except KeyboardInterrupt:
            raise RuntimeError("release unlocked lock")  # noqa: B904 -- as Python does

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", interrupted)
        with pytest.raises(KeyboardInterrupt):
            lone.start()
    assert lone.start()
    assert_one_works(lone, work)


def test_it_works_also_while_a_handler_holds_up_whoever_starts_it(lone, work, monkeypatch):
    start, answers = threading.Thread.start, []

    def with_a_signal(thread):
        start(thread)
        answers.append(work.has_begun.wait(20))  # as the handler of a program does that flushes

    monkeypatch.setattr(threading.Thread, "start", with_a_signal)
    assert lone.start()
    assert answers == [True]


class TimeIsUpError(RuntimeError):
    """A program's own error, which looks like one of Python's."""


@pytest.fixture
def handled():
    """Raises from the handler of a signal."""

    def handle(*_):
        raise TimeIsUpError

    before = signal.signal(signal.SIGUSR1, handle)
    yield lambda: signal.raise_signal(signal.SIGUSR1)
    signal.signal(signal.SIGUSR1, before)


def clean(_raise_it):
    """Python's own way out of an interrupted start goes well."""


def failing(error):
    """It fails in turn, and hides what interrupted it."""

    def after(raise_it):
        try:
            raise_it()
        except TimeIsUpError:
            raise error  # noqa: B904 -- as Python does

    return after


needs_signals = pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="a signal of POSIX")


@needs_signals
@pytest.mark.parametrize("leave", [clean, failing(RuntimeError("release unlocked lock")), failing(KeyError("limbo"))])
def test_what_a_handler_raises_is_the_programs_whatever_python_makes_of_it(lone, work, monkeypatch, handled, leave):
    start = threading.Thread.start

    def interrupted(thread):
        start(thread)
        leave(handled)
        handled()

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", interrupted)
        with pytest.raises(TimeIsUpError):
            lone.start()
    assert lone.start()
    assert_one_works(lone, work)


@needs_signals
def test_what_the_program_handles_already_is_not_raised_again(lone, monkeypatch, handled):
    def refuse(_thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    try:
        handled()
    except TimeIsUpError:
        assert not lone.start()


def test_what_else_goes_wrong_is_not_hidden(lone, work, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", lambda _thread: {}["limbo"])
        with pytest.raises(KeyError):
            lone.start()
    assert lone.start()
    assert work.has_begun.wait(20)


@needs_signals
def test_real_signals_at_any_moment_of_a_start_leave_one_thread():
    program = """
        import signal, threading, time
        from ams_sdk._tracing.lone_thread import LoneThread

        def handle(*_):
            told.append(number)
            raise TimeoutError

        signal.signal(signal.SIGALRM, handle)
        for number in range(400):
            begun, told, go = [], [], threading.Event()
            work_begins = threading.Event()

            def work():
                begun.append(number)
                work_begins.set()
                go.wait(20)

            lone = LoneThread(work, "test", lambda: None)
            try:
                signal.setitimer(signal.ITIMER_REAL, 1e-6 * (10 + number % 200))
                lone.start()
                while not told:  # Python ignores what is raised in a callback, so this may be the way out
                    time.sleep(0.0001)
            except TimeoutError:
                pass
            another = threading.Thread(target=lone.start)  # as a worker does
            another.start()
            another.join()
            assert lone.start()
            assert work_begins.wait(20)
            go.set()
            assert lone.join(time.monotonic() + 20)
            assert begun == [number], begun
        """
    # Without coverage, whose own lock the handler would leave locked. Python tells of threads that it could not begin.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    command = [sys.executable, "-c", textwrap.dedent(program)]
    done = subprocess.run(command, env=kept, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_a_thread_that_failed_before_it_began_is_replaced(lone, work, monkeypatch):
    start = threading.Thread.start

    def half(thread):
        # As CPython leaves it if a handler raises right after the system has made the thread: that one ends at once.
        thread._target = lambda: None
        start(thread)
        thread.join()
        raise TimeoutError

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", half)
        with pytest.raises(TimeoutError):
            lone.start()
    assert not lone.is_running
    assert lone.start()
    assert work.has_begun.wait(20)


def test_a_thread_that_comes_after_all_works_where_no_other_can_be_started(lone, work, monkeypatch):
    late, start = [], threading.Thread.start

    def interrupted(thread):
        late.append(thread)
        raise SystemExit

    def refuse(_thread):
        raise RuntimeError("can't create new thread at interpreter shutdown")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", interrupted)
        with pytest.raises(SystemExit):
            lone.start()
        patch.setattr(threading.Thread, "start", refuse)
        assert not lone.start()
    start(late[0])
    assert_one_works(lone, work)


def test_a_start_that_is_going_on_can_be_given_up(lone, work, monkeypatch):
    start, answers = threading.Thread.start, []

    def with_a_signal(thread):
        answers.append(lone.give_up())  # as a handler does that shuts down
        start(thread)
        thread.join(20)

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", with_a_signal)
        assert not lone.start()
    assert answers == [True]
    assert work.begun == 0
    assert lone.start()
    assert_one_works(lone, work)


def test_what_works_is_not_given_up(lone, work):
    assert lone.give_up()
    lone.start()
    assert not lone.give_up()
    assert_one_works(lone, work)
    assert lone.give_up()


def test_a_thread_that_python_takes_for_ended_is_not_doubled(lone, work, monkeypatch):
    lone.start()
    assert work.has_begun.wait(20)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "is_alive", lambda _thread: False)
        assert lone.is_running
        assert lone.start()
        assert not lone.join(time.monotonic())
    assert_one_works(lone, work)


def test_it_does_not_wait_for_itself():
    answers = []
    lone = LoneThread(lambda: answers.append(lone.join(time.monotonic() + 20)), "test", lambda: None)
    lone.start()
    assert lone.join(time.monotonic() + 20)
    assert answers == [True]
