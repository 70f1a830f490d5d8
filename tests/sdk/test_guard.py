import logging
import signal
import sys
import threading

import pytest

from ams_sdk._guard import guard, swallowed


def test_an_error_is_held_back_counted_and_logged_at_debug(caplog, held_back):
    before = swallowed().get("here", 0)
    with caplog.at_level(logging.DEBUG, "ams_sdk"), guard("here"):
        raise ValueError("inside")
    assert swallowed()["here"] == before + 1
    assert [(place, str(error)) for place, error in held_back] == [("here", "inside")]
    assert [record.levelno for record in caplog.records] == [logging.DEBUG]
    held_back.clear()


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_what_ends_the_program_passes(error):
    with pytest.raises(error), guard("here"):
        raise error


def test_without_an_error_nothing_is_counted():
    before = swallowed()
    with guard("here"):
        pass
    assert swallowed() == before


def test_a_guard_is_silent_by_default(capfd, held_back):
    with guard("here"):
        raise ValueError("inside")
    held_back.clear()
    assert capfd.readouterr() == ("", "")


class TimeLimit(Exception):  # noqa: N818 -- a program's name
    pass


class Handler:
    def __call__(self, *_):
        raise TimeLimit

    def method(self, *_):
        raise TimeLimit


def function(*_):
    raise TimeLimit


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGALRM")
@pytest.mark.parametrize("handler", [function, Handler(), Handler().method])
def test_what_a_signal_handler_raises_is_the_programs(handler):
    before = signal.signal(signal.SIGALRM, handler)
    try:
        with pytest.raises(TimeLimit), guard("here"):
            signal.raise_signal(signal.SIGALRM)
    finally:
        signal.signal(signal.SIGALRM, before)


def test_a_log_filter_of_the_program_that_fails_does_no_harm(held_back):
    def broken(record):
        return record.request_id

    logger = logging.getLogger("ams_sdk")
    handler = logging.StreamHandler()
    handler.addFilter(broken)
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        with guard("here"):
            raise ValueError("inside")
    finally:
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)
    assert [place for place, _ in held_back] == ["here"]
    held_back.clear()


def test_in_a_thread_of_our_own_more_can_be_held_back(held_back):
    def work():
        with guard("here", BaseException):
            raise SystemExit(3)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert [str(error) for _, error in held_back] == ["3"]
    held_back.clear()
