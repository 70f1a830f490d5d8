"""Values that are recorded as the same: assertions do not take one for the other, and stubs tell them apart."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import math
import re
from decimal import Decimal
from unittest.mock import ANY

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ams_sdk
from ams_sdk import ConfigurationError
from ams_sdk._capture import render
from ams_sdk.testing import Kit, ToolStubMismatchError, ToolStubs, tool_step
from ams_sdk.testing._trace.failure import TraceAssertionError
from ams_sdk.testing._trace.recorded_loss import could_have_been
from ams_sdk.testing._trace.value_match import differences, differences_of_values, is_expected


@dataclasses.dataclass
class Creds:
    user: str
    password: str


@dataclasses.dataclass
class Pinned:
    code: str = dataclasses.field(repr=False)


@dataclasses.dataclass
class Page:
    number: int
    text: object


class Opaque:
    def __init__(self, value):
        self.value = value


class Slotted:
    __slots__ = ("value",)

    def __init__(self, value):
        self.value = value


class Partly:
    def __init__(self, user, password):
        self.user, self.password = user, password

    def __repr__(self):
        return f"Partly({self.user})"


class Starts:
    def __init__(self, beginning):
        self.beginning = beginning

    def __eq__(self, other):
        return isinstance(other, str) and other.startswith(self.beginning)

    __hash__ = None


@ams_sdk.agent
def runner(call):
    return call()


@ams_sdk.tool
def use(x: object, limit: object = 5) -> object:
    return x


@ams_sdk.tool(exclude=("letter",))
def send(letter, to="all"):
    return to


@ams_sdk.tool
def take(*rest, **more):
    return len(rest) + len(more)


def run_of(call):
    with Kit() as kit:
        runner(call)
        return kit.trace.agent(runner)


def is_stubbed(expected, value):
    with ToolStubs(strict=False) as tools:
        tools.on(use).returns("answer", x=expected)
        try:
            return use(value) == "answer"
        except ToolStubMismatchError:
            return False
        finally:
            next(iter(tools._tools.values())).problems.clear()


def fails(call):
    with pytest.raises(TraceAssertionError) as caught:
        call()
    return " ".join(str(caught.value).split())  # wherever the lines end


def cannot_be_told(call):
    text = fails(call)
    assert "cannot be told from what was recorded" in text
    return text


KEY = "sk-proj-" + "a1B2" * 10
LOOK_ALIKE = {
    "masked field": (Creds("ann", "right-password"), Creds("ann", "WRONG-password")),
    "field that is not shown": (Pinned("1234"), Pinned("5678")),
    "long text in a field": (Page(1, "x" * 10_000 + "a"), Page(1, "x" * 10_000 + "b")),
    "long text": ("x" * 10_000 + "a", "x" * 10_000 + "b"),
    "text of any length": ("x" * 100_000, "x" * 99_999 + "y"),
    "key in a text": (f"ask with {KEY} now", f"ask with {KEY[::-1]} now"),
    "object": (Opaque(1), Opaque(2)),
    "object with slots": (Slotted(1), Slotted(2)),
    "object in a list": ([Opaque(1)], [Opaque(2)]),
    "repr that leaves something out": (Partly("ann", "right"), Partly("ann", "WRONG")),
    "bytes": (b"abc", b"xyz"),
    "function": (lambda: 1, lambda: 2),
    "built-in function": (print, len),
    "long list": ([*range(20_000)], [*range(19_999), 0]),
    "list in a dataclass": (Page(1, [*range(200)]), Page(1, [*range(199), 0])),
    "many entries": ({f"k{at}": at for at in range(200)}, {f"k{at}": at // 199 * 7 + at for at in range(200)}),
    "deep": ([[[[[[[[[[1]]]]]]]]]], [[[[[[[[[[2]]]]]]]]]]),
    "number of many digits": (2**2_000, 2**2_000 + 1),
    "half a character": ("otter \ud83e", "otter \ud83f"),
    "pattern": (re.compile("a"), re.compile("re.Pattern")),
}


@pytest.mark.parametrize("name", LOOK_ALIKE)
def test_values_that_are_recorded_as_the_same_are_not_taken_for_each_other(name):
    value, other = LOOK_ALIKE[name]
    run = run_of(lambda: use(value))
    for expected in (value, other):
        cannot_be_told(lambda: run.assert_called("use", x=expected))  # noqa: B023 -- called at once
        cannot_be_told(lambda: run.assert_called("use", result=expected))  # noqa: B023 -- the same
        cannot_be_told(lambda: run.assert_called("use", times=1, x=expected))  # noqa: B023 -- the same
        cannot_be_told(lambda: run.assert_not_called("use", x=expected))  # noqa: B023 -- the same
        for mode in ("strict", "unordered", "subset", "superset"):
            cannot_be_told(lambda: run.assert_trajectory([tool_step("use", x=expected)], mode=mode))  # noqa: B023 -- the same
    run.assert_called("use", x=ANY, result=ANY)
    assert is_stubbed(value, value)
    if name != "pattern":
        assert not is_stubbed(other, value)


@pytest.mark.parametrize("name", LOOK_ALIKE)
def test_what_is_written_as_it_was_recorded_is_what_was_recorded(name):
    run = run_of(lambda: use(LOOK_ALIKE[name][0]))
    recorded = run.tool_calls[0].arguments["x"]
    run.assert_called("use", x=recorded, result=run.tool_calls[0].result)
    if name not in {"pattern", "deep"}:  # which is one level deeper among the arguments
        assert is_stubbed(recorded, LOOK_ALIKE[name][0])


@pytest.mark.parametrize(
    ("value", "other"),
    [
        (Creds("ann", "right-password"), Creds("bob", "right-password")),
        (Page(1, "x" * 10_000), Page(2, "x" * 10_000)),
        ("x" * 10_000, "y" * 10_000),
        ("x" * 10_000, "x" * 100),
        (f"ask with {KEY} now", f"ask with {KEY} later"),
        (f"ask with {KEY} now", "ask with now"),
        (b"abc", b"abcd"),
        (Opaque(1), Slotted(1)),
        ([*range(20_000)], [*range(1_000)]),
        ([*range(20_000)], [1, *range(1, 20_000)]),
        ({f"k{at}": 1 for at in range(200)}, {"k0": 1}),
        (2**2_000, 2**2_001),
        (2**2_000, "a text"),
        (True, 1),
        (0, False),
        ([1], [True]),
        ({"a": True}, {"a": 1}),
        (1, "1"),
        (dt.date(2024, 1, 1), dt.date(2024, 1, 2)),
        ({1, 2}, {1, 3}),
        ("otters", re.compile("^tters")),
        ("otters", Starts("x")),
        (float("inf"), -math.inf),
        (None, Creds("ann", "")),
    ],
)
def test_what_certainly_is_another_value_is_said_to_be_one(value, other):
    run = run_of(lambda: use(value))
    run.assert_not_called("use", x=other)
    assert "it differs in" in fails(lambda: run.assert_called("use", x=other))
    assert not is_stubbed(other, value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Page(1, "a"), Page(1, ANY)),
        (Page(1, ["a", 2]), {"number": 1, "text": ("a", ANY)}),
        (1, 1.0),
        (math.nan, math.nan),
        ([math.inf], [math.inf]),
        ({(1, 2): 3}, {(1, 2): 3}),
        ({None: 1, 2: 3}, {"None": 1, "2": 3}),
        ({3, 1, 2}, {1, 2, 3}),
        (frozenset("abcdefgh"), frozenset("hgfedcba")),
        ("otters float", re.compile("^otters")),
        (["otters float"], [re.compile("float$")]),
        ("otters", Starts("ott")),
        (Decimal("1.50"), "1.50"),
        (ValueError("no", 3), ValueError("no", 3)),
        (None, None),
    ],
)
def test_what_is_the_same_is_the_same(value, expected):
    run_of(lambda: use(value)).assert_called("use", x=expected)
    assert is_stubbed(expected, value)


def test_a_set_may_be_written_as_a_list_in_any_order():
    assert is_stubbed([*"hgfedcba"], frozenset("abcdefgh"))
    assert not is_stubbed([*"hgfedcbb"], frozenset("abcdefgh"))
    assert is_stubbed({"items": ["b", "a"]}, {"items": {"a", "b"}})


def test_arrays_are_compared_item_by_item():
    numpy = pytest.importorskip("numpy")
    run = run_of(lambda: use(numpy.arange(50)))
    cannot_be_told(lambda: run.assert_called("use", x=numpy.arange(50)))
    assert is_stubbed(numpy.arange(50), numpy.arange(50))
    assert not is_stubbed(numpy.arange(50), numpy.arange(50)[::-1])
    assert not is_stubbed(numpy.ones(1), numpy.ones(2))


def test_a_masked_value_is_not_nothing():
    run = run_of(lambda: send("a letter"))
    run.assert_not_called("send", letter=None)
    text = cannot_be_told(lambda: run.assert_not_called(send, letter="a letter"))
    assert "masked when it was recorded" in text
    assert "ams_tools.on(send).returns(…, letter=…)" in text
    cannot_be_told(lambda: run.assert_not_called("send", letter=Starts("b")))


def test_advice_names_what_would_be_taken_for_a_secret():
    run = run_of(lambda: take(password="hunter2222"))
    text = cannot_be_told(lambda: run.assert_called("take", password="other-password"))
    assert "To accept any value: password=mock.ANY. To ask for" in text
    text = cannot_be_told(lambda: run.assert_not_called("take", password="hunter2222"))
    assert "ams_tools.on(take).returns(…, password=…)" in text
    assert "hunter2222" not in text


def test_what_was_left_out_of_the_arguments_may_have_been_given():
    run = run_of(lambda: take(**{f"name{at}": at for at in range(150)}))
    run.assert_called("take", name3=3)
    run.assert_not_called("take", name3=4)
    cannot_be_told(lambda: run.assert_not_called("take", name149=149))
    run = run_of(lambda: take(**{f"{'n' * 3_000}{at}": "v" * 3_000 for at in range(40)}))
    cannot_be_told(lambda: run.assert_not_called("take", arguments={f"{'n' * 3_000}39": "v" * 3_000}))


def test_a_default_is_an_argument_where_the_function_is_known():
    run = run_of(lambda: use("q"))
    for tool in (use, "use"):  # by its name it is found by what the span says
        run.assert_called(tool, x="q", limit=5)
        run.assert_not_called(tool, limit=6)
        run.assert_trajectory([tool_step(tool, limit=5)])
        with pytest.raises(TraceAssertionError, match="was not to call use"):
            run.assert_not_called(tool, limit=5)
        with pytest.raises(TraceAssertionError, match=r"limit  \(its default, at which the call left it\)"):
            run.assert_called(tool, limit=6)
    run.assert_not_called("use", limit=True)


def test_what_was_not_given_may_be_a_default_where_the_function_is_not_known():
    @ams_sdk.tool
    def local(x, limit=5):
        return x

    run = run_of(lambda: local("q"))
    run.assert_called(local, limit=5)
    text = cannot_be_told(lambda: run.assert_not_called("local", limit=5))
    assert "left at a default, which is not recorded" in text
    assert "in the place of 'local'" in text
    with pytest.raises(TraceAssertionError, match="No 'limit' was recorded; it was given x"):
        run.assert_called("local", limit=5)
    run.assert_not_called("local", x="other", limit=5)


def test_a_parameter_that_the_function_does_not_have_is_refused():
    run = run_of(lambda: use("q"))
    for ask in (run.assert_called, run.assert_not_called, tool_step):
        with pytest.raises(
            ConfigurationError, match=r'use has no parameter \'limti\'; it has x, limit. Did you mean "li'
        ):
            ask(use, limti=5)
    text = cannot_be_told(lambda: run.assert_not_called("use", limti=5))
    assert "use has no parameter 'limti'." in text
    assert 'Did you mean "limit"?' in text
    run_of(lambda: take(1, 2, a=3)).assert_called(take, arguments={"*args": [1, 2]}, a=3)


@pytest.mark.parametrize(
    "ask",
    [
        lambda run: run.assert_called("use", "q"),
        lambda run: run.assert_not_called(use, "q"),
        lambda _: tool_step("use", "q"),
        lambda run: run.assert_called("use", arguments=["x"]),
        lambda run: run.assert_not_called("use", arguments={1: 2}),
        lambda _: ToolStubs().on(use).returns(1, arguments=["x"]),
    ],
)
def test_arguments_without_names_are_refused(ask):
    run = run_of(lambda: use("q"))
    with pytest.raises(ConfigurationError, match=r"write (?:arguments by their names|a dictionary)"):
        ask(run)


TEXTS = st.text("ab", max_size=4)


@given(st.lists(TEXTS, min_size=2, max_size=4), st.lists(TEXTS.filter(bool), min_size=3, max_size=3))
def test_a_text_could_have_been_recorded_as_what_a_mask_leaves_of_it(parts, secrets):
    text = parts[0] + "".join(secret + part for secret, part in zip(secrets, parts[1:], strict=False))
    masked = "[redacted]".join(parts)
    assert could_have_been(text, masked)
    assert could_have_been(f"{text}rest", f"{text}…[+4 characters]")
    assert not is_expected(text, masked)
    if parts[0]:
        assert not could_have_been(f"c{text}", masked)
    if parts[-1]:
        assert not could_have_been(f"{text}c", masked)
    assert not could_have_been("".join(parts), "[redacted]".join(["", *parts, "c"]))


ATOMS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(0, 2),
    st.sampled_from(["", "a", "1", "[redacted]", "<bytes: 1 bytes>", f"key {KEY}", f"key {KEY[::-1]}", "x" * 9_000]),
    st.sampled_from([b"a", b"b", b"bc"]),
)
VALUES = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=2),
        st.lists(inner, max_size=2).map(tuple),
        st.dictionaries(st.sampled_from(["a", "password", "1"]), inner, max_size=2),
        st.builds(Page, inner, inner),
        st.builds(Creds, inner, inner),
        st.builds(Opaque, inner),
    ),
    max_leaves=4,
)


def canonical(value):
    """The same for two values exactly if they are the same to somebody who knows JSON."""
    if isinstance(value, (list, tuple)):
        return f"[{','.join(map(canonical, value))}]"
    if isinstance(value, Opaque):
        return f"Opaque({canonical(value.value)})"
    if dataclasses.is_dataclass(value):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return f"{{{','.join(sorted(f'{name!r}:{canonical(item)}' for name, item in value.items()))}}}"
    return repr(value)


@given(VALUES, VALUES)
def test_only_what_is_the_same_is_taken_for_the_same(value, other):
    recorded = json.loads(render(value))
    for expected in (value, other):
        is_same = canonical(expected) == canonical(value)
        # A test may write what was recorded, and a text that says so was given by nobody else.
        may_match = is_same or says_what_was_recorded(expected)
        if is_expected(expected, recorded):
            assert may_match
        if is_same:
            assert all(one.is_doubtful for one in differences(expected, recorded))
            assert differences_of_values(expected, value) == []
        elif not may_match and expected != value:  # a dataclass's own idea of it has True for 1
            assert differences_of_values(expected, value)


def says_what_was_recorded(expected):
    return "[redacted]" in canonical(expected) or "<bytes" in canonical(expected)


def test_what_a_field_does_not_show_is_not_shown_where_it_differs():
    (found,) = differences_of_values({"code": "1234"}, Pinned("5678"))
    assert "1234" not in "\n".join(found.lines("x"))
    assert "5678" not in "\n".join(found.lines("x"))
    assert differences_of_values({"code": "5678"}, Pinned("5678")) == []
