from __future__ import annotations

import ast
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ams_sdk.testing._replay.python_code import Bracketed, Named, Text, call, equality, literal, quoted, statement

TEXTS = st.text(max_size=150) | st.lists(
    st.sampled_from(["otters", "hold", '"hands"', "it's", "a\nb", "\\", "x" * 120, "é⚓", "\ud800", "  "]), max_size=40
).map(" ".join)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


def same(one, other):
    return repr(one) == repr(other)


@given(VALUES, st.integers(0, 12), st.booleans())
def test_a_value_is_written_so_that_python_reads_the_same(value, depth, alone):
    code = (
        call("f", literal(value)) if alone else call("f", literal(1), named={"a": literal(value), "*": literal(value)})
    )
    lines = statement(code, 4 * depth)
    tree = ast.parse("\n".join(lines).strip())
    # ``float("nan")`` is a call, so names are looked up.
    read = eval(compile(ast.Expression(tree.body[0].value), "x", "eval"), {"f": lambda *args, **named: (args, named)})  # noqa: S307 -- what was written here
    expected = ((value,), {}) if alone else ((1,), {"a": value, "*": value})
    assert same(read, expected)


@given(VALUES)
def test_after_a_name_it_is_the_same(value):
    lines = statement(literal(value), 4, "x = ")
    scope = {}
    exec("if True:\n" + "\n".join(lines), scope)  # noqa: S102 -- what was written here
    assert same(scope["x"], value)


@given(TEXTS)
def test_a_text_in_quotes_is_the_same_text(text):
    assert ast.literal_eval(quoted(text)) == text


def test_lines_are_at_most_100_columns_if_words_allow_it():
    lines = statement(call("text", Text("otters hold hands " * 40)), 8)
    assert all(len(line) <= 100 for line in lines)
    assert len(lines) > 5


def formatted(source):
    ruff = shutil.which("ruff")
    if ruff is None:
        pytest.skip("ruff is not installed here")
    arguments = ["format", "--isolated", "--line-length", "100", "-"]
    return subprocess.run([ruff, *arguments], input=source.encode(), capture_output=True, check=True).stdout.decode()


def test_it_is_written_as_ruff_formats_it():
    words = ["otters " * count for count in range(1, 16)] + ["x" * count for count in range(1, 110, 9)]
    codes = []
    for one in words:
        codes += [
            call("f", Text(one)),
            call(
                "ams_tools.on(search, exact=True).returns",
                literal({"title": one, "n": [1, 2]}),
                named={"query": Text(one)},
            ),
            call("f", literal([one])),
            call("f", literal([{"title": one}, {"title": "b"}])),
            call("f", literal(1), named={"a": Text(one), "b c": literal(2)}),
            call("script", call("text", Text(one)), call("text", Text("b")), is_open=True),
            call("g", Bracketed("[", tuple(Named("", call("step", Text(one))) for _ in range(2)), "]", is_open=True)),
            call("f", named={"a": literal({"b": {"c": one}})}),
        ]
    lines = ["def test():"]
    for code in codes:
        lines += statement(code, 4)
    for one in words:
        lines += equality("agent_run.output", Text(one), 4)
        lines += equality("agent_run.output", literal({"title": one, "b": 1}), 4)
        lines += [
            *statement(call("pytest.raises", "LookupError", named={"match": Text(one)}), 4, "with ", ":"),
            "        pass",
        ]
    source = "\n".join(lines) + "\n"
    assert formatted(source) == source
