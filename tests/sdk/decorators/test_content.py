import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ams_sdk import agent, tool
from ams_sdk._capture import CutText, cut_atoms
from ams_sdk._decorators import content, definition_of


@tool
def search(query, limit=3, *more, **options):
    return query, limit, more, options


@agent
def planner(goal):
    return goal


class Desk:
    @agent
    def clerk(self, form):
        return form


values = st.text("ab", max_size=3) | st.integers(0, 9)


@given(st.lists(values, min_size=1, max_size=5), st.dictionaries(st.text("xy", min_size=1, max_size=2), values))
def test_every_argument_is_recorded_once(args, kwargs):
    name, value = content.arguments(definition_of(search), args, kwargs)
    recorded = json.loads(value)
    positional = [recorded[one] for one in ("query", "limit") if one in recorded] + recorded.get("*args", [])
    assert name == "gen_ai.tool.call.arguments"
    assert positional == args
    assert {key: recorded[key] for key in kwargs} == kwargs
    assert len(recorded) == min(len(args), 2) + (len(args) > 2) + len(kwargs)


@pytest.mark.parametrize(
    ("definition", "args", "kwargs", "name"),
    [
        (planner, ("fly",), {}, "gen_ai.input.messages"),
        (planner, (), {"goal": "fly"}, "gen_ai.input.messages"),
        (Desk.clerk, (Desk(), "fly"), {}, "gen_ai.input.messages"),
        (planner, (3,), {}, "ams.input"),
        (planner, (), {}, "ams.input"),
        (planner, ("fly", "high"), {}, "ams.input"),
    ],
)
def test_one_string_to_an_agent_is_a_message(definition, args, kwargs, name):
    said = definition_of(definition)
    assert content.arguments(said, args[said.skipped :], kwargs)[0] == name


@agent
def vault(api_key):
    return api_key


@pytest.mark.parametrize(("args", "kwargs"), [(("hunter2",), {}), ((), {"api_key": "hunter2"})])
def test_one_string_that_is_a_secret_is_no_message(args, kwargs):
    assert content.arguments(definition_of(vault), args, kwargs) == ("ams.input", '{"api_key":"[redacted]"}')


def test_a_message_has_the_shape_of_the_conventions_and_is_redacted():
    _, value = content.arguments(definition_of(planner), ("use password=hunter2",), {})
    (message,) = json.loads(value)
    assert message == {"role": "user", "parts": [{"type": "text", "content": "use password=[redacted]"}]}


@pytest.mark.parametrize(
    ("definition", "value", "expected"),
    [
        (
            planner,
            "done",
            ("gen_ai.output.messages", [{"role": "assistant", "parts": [{"type": "text", "content": "done"}]}]),
        ),
        (planner, {"a": 1}, ("ams.output", {"a": 1})),
        (planner, None, ("ams.output", None)),
        (search, "done", ("gen_ai.tool.call.result", "done")),
        (search, (1, 2), ("gen_ai.tool.call.result", [1, 2])),
    ],
)
def test_results(definition, value, expected):
    name, recorded = content.result(definition_of(definition), value)
    assert (name, json.loads(recorded)) == expected


@tool
def strangely_named(placeholder):
    return placeholder


code = strangely_named.__wrapped__.__code__
strangely_named.__wrapped__.__code__ = code.replace(co_varnames=("50%s",))
strangely_named = tool(strangely_named.__wrapped__)


@tool
def of_many(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r):  # noqa: E741, PLR0913, PLR0917 -- more than most have
    return a


atoms = st.text(max_size=20) | st.integers() | st.floats() | st.booleans() | st.none()
names = st.sampled_from(
    [
        *(
            "query",
            "limit",
            "password",
            "api_key",
            "x",
            "é",
            "",
            "50%s",
            '"',
            "\ud800",
            "n" * 64,
            "n" * 65,
            "n" * 9_000,
        ),
        *("https://u:pw@h", "password=hunter2", "sk-0123456789abcdef", "Bearer abcdefgh"),
    ]
)


@given(
    st.sampled_from([search, planner, vault, Desk.clerk, strangely_named, of_many]),
    st.lists(atoms, max_size=4) | st.lists(atoms, min_size=15, max_size=20),
    st.dictionaries(names, atoms, max_size=3)
    | st.integers(30, 120).map(lambda count: {f"n{number}": number for number in range(count)}),
)
def test_the_short_way_for_atoms_says_the_same(function, given, kwargs):
    definition = definition_of(function)
    assert content.atomic_arguments(definition, given, kwargs) == content.arguments(definition, given, kwargs)


@given(st.sampled_from([search, planner]), atoms)
def test_the_short_way_for_an_atomic_result_says_the_same(function, value):
    definition = definition_of(function)
    assert content.atomic_result(definition, value) == content.result(definition, value)


MAKE = {
    "plain": lambda size: "otters " * (size // 7) + "x" * (size % 7),
    "json": lambda size: json.dumps([{"name": "a\nb", "token": "hunter22", "n": size}] * (size // 20)),
    "accents": lambda size: "é" * size,
    "key": lambda size: "x" * (size % 40 + 8_150) + "sk-ant-api03-" + "A1b2C3d4" * 8,
    "short": lambda size: '{"password": "hunter22"}'[: size % 30],
    "number": lambda size: size,
    "none": lambda _: None,
}
LONG = st.tuples(st.sampled_from(sorted(MAKE)), st.integers(8_100, 8_300))  # made in the test: they are long


@given(function=st.sampled_from([search, planner]), values=st.lists(LONG, max_size=3), named=st.lists(LONG, max_size=2))
def test_long_texts_that_are_cut_at_once_say_what_they_would_have_said_whole(function, values, named):
    definition = definition_of(function)
    values, named = ([MAKE[kind](size) for kind, size in drawn] for drawn in (values, named))
    kwargs = {f"name{number}": value for number, value in enumerate(named)}
    found = cut_atoms((*values, *kwargs.values()))
    if found is not None:
        cut, size = found
        assert size <= 24_576
        later = dict(zip(kwargs, cut[len(values) :], strict=True))
        expected = content.arguments(definition, values, kwargs)
        assert content.atomic_arguments(definition, tuple(cut[: len(values)]), later) == expected
    for value in values:
        if type(value) is str:
            assert content.atomic_result(definition, CutText.of(value)) == content.result(definition, value)


def test_what_may_change_or_is_too_much_is_not_cut_but_rendered_at_once():
    assert cut_atoms(["x" * 9_000, []]) is None
    assert cut_atoms(["x" * 9_000] * 4) is None
    assert cut_atoms(["x" * 9_000] * 3) is not None
