"""The stack of an exception as Python prints it, as far as there is room."""

import traceback

import pytest

from ams_sdk._decorators.stack_text import stack_text


class Counted(Exception):  # noqa: N818 -- a user's name
    asked = 0

    def __str__(self):
        type(self).asked += 1
        return "counted"


@pytest.fixture(autouse=True)
def _from_zero():
    Counted.asked = 0


def raised(error, cause=None):
    try:
        if cause is None:
            raise error  # noqa: TRY301 -- for its traceback
        raise error from cause  # noqa: TRY301 -- the same
    except BaseException as caught:  # noqa: BLE001 -- whatever it is
        return caught


def written(error, size=100_000):
    return stack_text(error, str(error), size)


def during(first, second):
    try:
        raise first
    except type(first):
        return raised(second)


def noted(error):
    error.add_note("see the handbook")
    error.add_note("and ask Ada")
    return error


def without_context(error):
    error.__suppress_context__ = True
    return error


@pytest.mark.parametrize(
    "make",
    [
        lambda: raised(ValueError("no luck")),
        lambda: raised(ValueError()),
        lambda: ValueError("never raised"),
        lambda: raised(Counted()),
        lambda: raised(ValueError("second"), raised(KeyError("first"))),
        lambda: during(KeyError("first"), ValueError("second")),
        lambda: without_context(during(KeyError("first"), ValueError("second"))),
        lambda: raised(noted(ValueError("several\nlines"))),
        lambda: raised(KeyboardInterrupt()),
        lambda: raised(ValueError("third"), during(KeyError("first"), raised(ValueError("second"), OSError("x")))),
    ],
)
def test_it_is_what_python_prints(make):
    error = make()
    assert written(error) == "".join(traceback.format_exception(error))


def test_exceptions_that_lead_to_each_other_end():
    first, second = raised(KeyError("first")), raised(ValueError("second"))
    first.__context__, second.__context__ = second, first
    assert written(second).count("KeyError: 'first'") == 1


def test_of_a_long_chain_the_last_ones_are_there_and_no_other_is_asked():
    error = Counted()
    for _ in range(3_000):
        error = raised(Counted(), error)
    text = stack_text(error, "the last", 100_000)
    assert Counted.asked < 30
    assert text.startswith("[what came before is left out]\n")
    assert text.endswith("Counted: the last\n")


def test_where_there_is_little_room_the_exception_itself_is_there():
    error = raised(ValueError("second"), raised(KeyError("first")))
    assert written(error, 1) == (
        "[what came before is left out]\n\nThe above exception was the direct cause of the following exception:\n\n"
        + "".join(traceback.format_exception(without_cause(error)))
    )


def without_cause(error):
    made = type(error)(*error.args)
    return made.with_traceback(error.__traceback__)


def nested(depth, width):
    members = [Counted()] if depth == 0 else [nested(depth - 1, width)] * width
    return ExceptionGroup(f"level {depth}", members)


def test_of_a_group_the_first_members_are_there_and_no_other_is_asked():
    group = ExceptionGroup("all", [raised(Counted()) for _ in range(100_000)])
    text = written(raised(group))
    assert Counted.asked < 30
    assert "ExceptionGroup: all (100000 sub-exceptions)" in text
    assert "  +---------------- 1 ----------------\n  Traceback" in text
    assert "[+99992 exceptions]" in text


def test_groups_in_groups_are_bounded_together():
    text = written(raised(nested(12, 6)))
    assert text.count("ExceptionGroup") < 30
    assert len(text) < 20_000


def test_code_of_the_program_does_not_run_for_it():
    class Asked:
        def __dir__(self):
            raise AssertionError("asked for names that may have been meant")

    with pytest.raises(AttributeError) as caught:
        Asked().nothing  # noqa: B018 -- the access is the test
    assert "AttributeError: 'Asked' object has no attribute 'nothing'" in written(caught.value)


def test_a_message_is_asked_for_once_and_one_that_raises_is_left_out(held_back):
    class Mute(Exception):  # noqa: N818 -- a user's name
        def __str__(self):
            raise RuntimeError("no words")

        @property
        def __notes__(self):
            raise RuntimeError("no notes")

    assert written(raised(Counted(), Mute())).count("Counted: counted") == 1
    assert Counted.asked == 1  # by the test itself
    assert [place for place, _ in held_back] == ["reading an exception's message"]
    held_back.clear()


def test_long_messages_and_many_notes_are_cut():
    error = raised(ValueError(), ValueError("x" * 10**6))
    for _ in range(10_000):
        error.add_note("y" * 5_000)
    assert len(written(error)) < 30_000
