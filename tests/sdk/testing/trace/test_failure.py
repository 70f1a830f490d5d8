"""Whatever is in a trace, what is said of it is short, the same every time, and without secrets."""

from __future__ import annotations

import random
import re
from unittest.mock import ANY

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sdk.capture import secret_corpus
from tests.sdk.testing.trace.hand_made import Made, research

from ams_sdk.testing._trace.failure import MOST_LINES, TraceAssertionError, failure_text
from ams_sdk.testing._trace.folded_rows import Row, folded
from ams_sdk.testing._trace.masked_text import WIDTH, masked, shown
from ams_sdk.testing._trace.steps import agent_step, model_step, tool_step
from ams_sdk.testing._trace.value_match import differences

HOSTILE = st.one_of(
    st.sampled_from(
        ["x" * 500, "a b " * 200, "\x1b[31mred", "two\nlines\r\n", "\u2028", "\ud800", "", "✗", "<object at 0x7f00aa>"]
    ),
    st.text(max_size=30),
)


@st.composite
def large_traces(draw):
    """Some hundred spans of all kinds, in which much is wrong."""
    made = Made()
    chance = random.Random(draw(st.integers(0, 10_000)))  # noqa: S311 -- a trace that can be made again
    words = draw(st.lists(HOSTILE, min_size=1, max_size=4))
    top = made.agent("agent", question=chance.choice(words), answer=chance.choice(words))
    for _ in range(draw(st.integers(0, 250))):
        parent = chance.choice([top, *made.spans[-40:]])
        error = None if chance.random() < 0.7 else (chance.choice(["ValueError", *words]), chance.choice(words))
        kind = chance.choice(["tool", "tool", "chat", "agent", "other"])
        if kind == "tool":
            arguments = {chance.choice(words): chance.choice(words), "n": chance.randrange(3)}
            made.tool(
                chance.choice(["search", *words]), parent, arguments, words, error=error, is_open=chance.random() < 0.1
            )
        elif kind == "chat":
            made.chat(
                parent, chance.choice(words), (chance.randrange(99), 1), calls=[("c", "search", arguments_of(words))]
            )
        elif kind == "agent":
            made.agent(chance.choice(["agent", *words]), parent, error=error)
        else:
            made.add(chance.choice(words), parent, attributes={chance.choice(words): chance.choice(words)})
    if chance.random() < 0.3:
        made.add("lost", trace=2, parent_id="00000000000fffff")
    return made, words


def arguments_of(words):
    return {"query": words[0]}


def failures(view, words):
    """What every assertion says, if it fails."""
    run = view.agents("agent")[0]
    word = words[0]
    calls = [
        view.agent,
        lambda: view.agent(word),
        lambda: view.one(tool="search"),
        lambda: view.one(name=word, attributes={word: words}, where=lambda _: False),
        lambda: view.assert_tree("a\n  b\n  c"),
        lambda: view.assert_tree(view.tree() + "\nno such span"),
        lambda: view.assert_tree(view.tree() + "\nno such span", mode="subset"),
        lambda: view.assert_tree(
            "invoke_agent agent\n  execute_tool search\n    chat *\n      no such span", mode="ordered"
        ),
        view.assert_no_errors,
        view.assert_all_ended,
        view.assert_connected,
        view.assert_invariants,
        lambda: view.assert_no_leak("agent", "search", *[word for word in words if len(word) >= 4]),
        lambda: run.assert_called("search", query=words, n=1, times=3),
        lambda: run.assert_called("search", result={word: words}, n=[word]),
        lambda: run.assert_called("serach"),
        lambda: run.assert_not_called("search"),
        lambda: run.assert_only_called("x"),
        lambda: run.assert_called_in_order("search", tool_step("search", query=words), model_step(word), agent_step()),
        lambda: run.assert_within(tokens=1, seconds=0.1, model_calls=0, tool_calls=0),
        lambda: run.assert_failed("NoSuchError", match=re.escape(word)),
        run.assert_succeeded,
        *[
            lambda mode=mode: run.with_nested().assert_trajectory(
                ["search", tool_step("search", n=1), *["x"] * 50], mode=mode
            )
            for mode in ("strict", "unordered", "subset", "superset")
        ],
    ]
    said = []
    for call in calls:
        try:
            call()
        except TraceAssertionError as failure:
            said.append(str(failure))
    return said


@given(large_traces())
@settings(max_examples=12)
def test_what_is_said_fits_on_a_screen_and_is_the_same_every_time(made_of):
    check(*made_of)


@pytest.mark.slow
@given(large_traces())
@settings(max_examples=150)
def test_what_is_said_fits_on_a_screen_whatever_there_is(made_of):
    check(*made_of)


def check(made, words):
    said = failures(made.view, words)
    assert len(said) > 8
    for text in said:
        lines = text.split("\n")
        assert len(lines) <= MOST_LINES
        assert max(map(len, lines)) <= WIDTH
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\ud800-\udfff]", text)
        assert "0000000000000001" not in text
    assert failures(made.view, words) == said


@pytest.mark.parametrize("positive", secret_corpus.positives(), ids=lambda one: one.kind)
def test_no_secret_is_said(positive):
    """The spans are as a careless program has made them: nothing in them is masked."""
    text, secret = positive.text, positive.secret
    # Of JSON, some is only a secret as long as it is JSON.
    as_json = secret_corpus.is_read_as_json(positive)
    other, name = (text, text) if as_json else (f"{text}!", f"GET {text}")
    made = Made()
    top = made.agent("agent", question=text, answer=text, error=("ValueError", text))
    made.tool("search", top, {"query": text, "more": {"list": [text]}}, text, error=("ValueError", text))
    made.tool("search", top, {"query": "x"}, [text])
    made.add(name, top, status="error", status_message=text, attributes={"a": text})
    view, run = made.view, made.view.agent()
    calls = [
        lambda: run.assert_called("search", query=other, absent=1, more=ANY),
        lambda: run.assert_called("search", more={"list": [text, text], "other": text}),
        lambda: run.assert_called("search", query="x", result=[other, 1]),
        lambda: run.assert_not_called("search", query=text),
        lambda: run.assert_trajectory([tool_step("search", query=other, n=1)]),
        *([] if as_json else [lambda: run.assert_failed(match=re.escape(other))]),
        run.assert_succeeded,
        lambda: view.one(name=other, attributes={"a": other, "b": 1}),
        lambda: view.one(status="error"),
        lambda: view.assert_tree(f"invoke_agent agent\n  {name.split(chr(10))[0]}"),
        lambda: view.assert_tree("nothing", mode="subset"),
        view.assert_no_errors,
        view.assert_invariants,
    ]
    for call in calls:
        with pytest.raises(TraceAssertionError) as caught:
            call()
        assert secret not in str(caught.value)


def test_the_values_of_secret_names_are_not_said():
    made = research()
    with pytest.raises(TraceAssertionError) as caught:
        made.view.agent("researcher").assert_called("search", password="tr0ub4dor", headers={"api_key": "tr0ub4dor"})
    assert "tr0ub4dor" not in str(caught.value)
    assert "password='[redacted]'" in str(caught.value)


@given(
    st.lists(st.tuples(st.integers(0, 20), st.sampled_from([" ", "✗"]), st.sampled_from(["a", "b"])), max_size=200),
    st.integers(3, 30),
)
def test_a_folded_tree_has_its_marks_and_counts_the_rest(shape, most):
    rows, depth = [], -1
    for wanted, sign, text in shape:
        depth = min(wanted, depth + 1)
        rows.append(Row(depth, text, sign))
    lines = folded(rows, most, masked)
    assert len(lines) <= most
    hidden = sum(int(found[1]) for line in lines if (found := re.search(r"… (\d+) span", line)))
    repeated = [int(found[1]) for line in lines if (found := re.search(r"← (\d+) times", line))]
    kept = [line for line in lines if "… " not in line]
    assert len(kept) - len(repeated) + sum(repeated) + hidden == len(rows)
    if len(rows) <= most:
        assert len(kept) == len(rows)


def test_the_marked_and_what_is_above_it_stay():
    rows = [Row(0, "root"), *[Row(depth, f"level {depth}", "✗" if depth == 200 else " ") for depth in range(1, 400)]]
    lines = folded(rows, 20, masked)
    assert any("level 200" in line and line.startswith("✗") for line in lines)
    assert any("level 195" in line for line in lines)
    assert lines[0] == "  root"
    assert max(map(len, lines)) <= WIDTH


def test_long_parts_are_cut_and_long_lines_are_broken():
    text = failure_text(
        "word " * 60, [f"  detail {'x' * 300}", *["more"] * 40], rows=[Row(0, "a")], advice=["hint"] * 9
    )
    lines = text.split("\n")
    assert len(lines) <= MOST_LINES
    assert max(map(len, lines)) <= WIDTH
    assert "  … 19 more lines" in lines
    assert lines.count("hint") == 6


class Unwritable:
    def __repr__(self):
        raise RuntimeError

    def __eq__(self, other):
        raise TypeError("no")

    __hash__ = None


def test_values_are_written_whatever_they_are():
    assert shown(Unwritable()) == "<Unwritable>"
    assert shown([Unwritable()]) == "<list>"
    assert shown(object()) == "<object object>"
    assert shown({"b", "a"}) == "{'a', 'b'}"
    assert shown(set()) == "set()"
    assert shown(list(range(60))).endswith("… 10 more]")
    assert shown({str(n): n for n in range(60)}).endswith("…: 10 more}")
    assert shown((1, "a")) == "(1, 'a')"
    assert len(shown("x" * 5_000)) == 2_000
    assert shown("two\nlines\t\x1b") == "'two\\nlines\\t\\x1b'"
    assert shown("secret", name="password") == "'[redacted]'"
    assert shown(None, name="password") == "None"
    deep = []
    for _ in range(20):
        deep = [deep]
    assert shown(deep) == repr(deep)


def test_what_cannot_be_compared_says_so():
    (found,) = differences(Unwritable(), 3)
    assert found.note == "comparing raised TypeError"
    made = Made()
    made.tool("t", made.agent("a"), {"x": 1})
    with pytest.raises(TraceAssertionError, match="comparing raised TypeError"):
        made.view.agent().assert_called("t", x=Unwritable())


def test_differences_are_found_by_path_and_are_not_too_many():
    paths = [found.path for found in differences({"a": [1, {"b c": 2}], "d": 1}, {"a": [1, {"b c": 3}, 4], "e": 1})]
    assert paths == ['a[1]."b c"', "a[2]", "d", "e"]
    assert len(list(differences(list(range(999)), [-1] * 999))) == 50
    assert [found.note for found in differences("1", 1)] == ["str expected, int recorded"]
    assert [found.note for found in differences("abc", "a…[+2 characters]")] == ["cut when it was recorded"]
    assert [found.note for found in differences("abc", "a [redacted]")] == [
        "a secret in it was masked when it was recorded"
    ]


def test_pytest_points_at_the_line_of_the_test():
    with pytest.raises(TraceAssertionError) as caught:
        research().view.agent("researcher").assert_called("nothing")
    frames = [entry for entry in caught.traceback if not entry.ishidden(caught)]
    assert [frame.name for frame in frames] == ["test_pytest_points_at_the_line_of_the_test"]
    with pytest.raises(TraceAssertionError) as caught:
        research().view.agent()
    assert [entry.name for entry in caught.traceback if not entry.ishidden(caught)] == [frames[0].name]
