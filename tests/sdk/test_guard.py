import logging

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
