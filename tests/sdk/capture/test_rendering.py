import collections
import json
import sys
import types

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ams_sdk._capture import REDACTED, introspection, redact_text, render, render_text, rendering
from ams_sdk._capture.contents import MAX_ITEMS
from ams_sdk._capture.rendering import MAX_DEPTH, MAX_NODES, MAX_TEXT, MAX_TOTAL

plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text("abc"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=4),
    max_leaves=20,
)
anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.text(st.characters(categories=["Cs", "Cc", "Ll"]))
    | st.binary()
    | st.complex_numbers()
    | st.decimals()
    | st.fractions()
    | st.datetimes()
    | st.timedeltas()
    | st.uuids()
    | st.from_type(type)
    | st.functions(),
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text() | st.integers() | st.none() | st.binary(), inner)
        | st.frozensets(st.integers() | st.text())
        | st.builds(Exception, inner, inner)
        | st.builds(lambda item: {0: item}.values(), inner)
    ),
    max_leaves=60,
)


class Described:
    def __repr__(self) -> str:
        return "Described(password='hunter2')"


def rendered(value):
    return json.loads(render(value))


@given(plain)
def test_small_json_values_stay_as_they_are(value):
    assert rendered(value) == value


@given(anything)
def test_every_value_becomes_json_that_utf8_can_hold(value):
    text = render(value)
    json.loads(text)
    text.encode()


@given(anything)
def test_a_rendering_is_bounded_and_the_same_every_time(value):
    text = render(value)
    # Six characters for one, where JSON has to escape it.
    assert len(text) <= 6 * MAX_TOTAL + 80 * MAX_NODES
    assert render(value) == text


def around(inner):
    """Containers that are no longer than what is shown, with something in them."""
    return (
        st.lists(inner, min_size=1, max_size=3)
        | st.tuples(anything, inner)
        | st.dictionaries(st.text("abc"), inner, min_size=1, max_size=3)
        | st.builds(ValueError, inner)
        | st.builds(lambda item: types.SimpleNamespace(a=item), inner)
        | st.builds(lambda item: collections.UserDict(a=item), inner)
        | st.builds(lambda item: [("X-Api-Key", "hunter2"), item], inner)
    )


secret_names = st.sampled_from(["password", "api_key", "Authorization", "X-Api-Key", "client_secret", "refreshToken"])


@given(st.recursive(secret_names.map(lambda name: {name: "hunter2"}), around, max_leaves=8))
def test_a_secret_under_the_name_of_one_never_survives(value):
    assert "hunter2" not in render(value)


@given(st.text() | st.from_regex(r"(password|token|key|://a:|Bearer |sk-|ghp_)[=: \"\[a-z0-9]{0,40}"), st.text())
def test_masking_a_text_twice_is_masking_it_once(first, second):
    once = redact_text(first + second)
    assert redact_text(once) == once


@given(st.characters(exclude_characters="[{"), st.integers(1, 5_000))
def test_a_long_text_is_cut_visibly(character, excess):
    assert render_text(character * (MAX_TEXT + excess)).endswith(f"…[+{excess} characters]")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"password": "hunter2", "passwords": 0}, {"password": REDACTED, "passwords": REDACTED}),
        ({"token": None, "has_password": True}, {"token": None, "has_password": True}),
        ({b"password": "hunter2", b"\xff": 1}, {"password": REDACTED, "\\xff": 1}),
        ([("X-Api-Key", "hunter2"), ("Accept", "x")], [["X-Api-Key", REDACTED], ["Accept", "x"]]),
        ([[b"authorization", b"hunter2"]], [["authorization", REDACTED]]),
        ({"a": {"credentials": {"user": "hunter2"}}}, {"a": {"credentials": REDACTED}}),
        (Described(), f"Described(password='{REDACTED}')"),
        ({None: 1, 2: 3, ("a",): 4}, {"None": 1, "2": 3, "['a']": 4}),
        ({1: "a", "1": "b"}, {"1": "a", "1 (1)": "b"}),
        (2**2000, "…[integer of 2001 bits]"),
        (float("inf"), "inf"),
        (True, True),
        ("a\ud800b\0", "a?b\0"),
    ],
)
def test_redaction_keys_and_numbers(value, expected):
    assert rendered(value) == expected


def test_a_cut_key_name_still_masks_its_value():
    assert list(rendered({"x" * 10_000 + "_password": "hunter2"}).values()) == [REDACTED]


def test_a_secret_that_the_cut_divides_is_masked():
    assert "hunt" not in render_text("x" * (MAX_TEXT - 30) + " postgresql://alice:hunter2hunter2@host")


def test_a_cycle_ends():
    cycle: list[object] = []
    cycle.append(cycle)
    assert "…[list]" in render(cycle)
    nested: object = 0
    for _ in range(100_000):
        nested = [nested]
    assert render(nested).count("[") == MAX_DEPTH + 1
    while nested:  # step by step: freeing it at once would nest as deep
        [nested] = nested


def test_the_whole_is_bounded_not_only_its_parts():
    wide = {str(number): ["x" * MAX_TEXT] * 500 for number in range(500)}
    text = render(wide)
    assert text.count("x") <= MAX_TOTAL
    assert len(text) < MAX_TOTAL + 40 * MAX_NODES
    shown = rendered(wide)
    assert shown["…"] == f"[+{500 - (len(shown) - 1)} entries]"
    assert len(shown) <= MAX_ITEMS + 1
    assert shown["0"][0] == "x" * MAX_TEXT
    assert rendered(list(range(500)))[-1] == f"…[+{500 - MAX_ITEMS} items]"
    assert rendered(dict.fromkeys(range(500)))["…"] == f"[+{500 - MAX_ITEMS} entries]"


def test_a_tree_of_many_small_values_is_bounded():
    tree: object = 0
    for _ in range(7):
        tree = [tree] * 90
    text = render(tree)
    assert text.count("0") <= 2 * MAX_NODES
    assert "items]" in text


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_what_a_repr_raises_is_not_raised(kind):
    class Stops:
        def __repr__(self) -> str:
            raise kind

    assert rendered([Stops()]) == [f"<{__name__}.{Stops.__qualname__}>"]


class FromTheSignalHandlerError(Exception):
    pass


def lines_of_a_rendering(value, at):
    """Render, and raise as a signal handler would before the given line of this package; answer the lines run."""
    seen = 0
    ours = {module.__file__ for name, module in sys.modules.items() if name.startswith("ams_sdk._capture.")}

    def step(frame, event, argument):
        nonlocal seen
        # The two lines around the user's code are where an exception can only be taken for the user's.
        if frame.f_code is introspection.attempt.__code__ or frame.f_code.co_filename not in ours:
            return step if frame.f_code.co_filename in ours else None
        if event == "line":
            seen += 1
            if seen == at:
                raise FromTheSignalHandlerError
        return step

    before = sys.gettrace()
    sys.settrace(step)
    try:
        render(value)
    finally:
        sys.settrace(before)
    return seen


def test_an_exception_of_a_signal_handler_is_the_callers():
    value = {"a": [1, "x"], "e": ValueError("x"), "d": Described(), "password": 1, "s": {2}}
    render(value)  # what is remembered, such as names, takes lines the first time only
    lines = lines_of_a_rendering(value, at=0)
    assert lines > 100
    swallowed = []
    for at in range(1, lines + 1):
        try:
            lines_of_a_rendering(value, at)
            swallowed.append(at)
        except FromTheSignalHandlerError:
            pass
    assert len(swallowed) <= 6  # those that run within attempt(): reading the first items of a container


def test_near_the_limit_of_recursion_there_is_still_an_answer():
    def deep():
        try:
            deep()
        except RecursionError:
            answers.append(render([[[[1]]]]))

    answers: list[str] = []
    deep()
    assert answers
    assert all(json.loads(answer) for answer in answers)


def test_the_encoder_is_told_to_leave_characters_as_they_are():
    assert rendering.render("ä→") == '"ä→"'
