"""A trace as text, and the text as what a trace is expected to be."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sdk.testing.trace import trace_strategies as model
from tests.sdk.testing.trace.hand_made import SECOND, START, Made, research
from tests.sdk.testing.trace.trace_strategies import EXPECTED, PLAIN_NAMES, forests

import ams_sdk
from ams_sdk import ConfigurationError
from ams_sdk.testing._trace.captured_span import CapturedSpan
from ams_sdk.testing._trace.failure import TraceAssertionError
from ams_sdk.testing._trace.forest import Forest
from ams_sdk.testing._trace.readable import captured
from ams_sdk.testing._trace.tree_line import seconds_of
from ams_sdk.testing._trace.view import TraceView


def holds(view, expected, mode="exact"):
    try:
        view.assert_tree(expected, mode=mode)
    except TraceAssertionError as failure:
        lines = str(failure).splitlines()
        assert len(lines) <= 60
        assert max(map(len, lines)) <= 120
        return False
    return True


def test_a_trace_is_text_without_ids_and_times():
    assert research().view.tree() == "\n".join(  # noqa: FLY002 -- one line for each
        [
            "invoke_agent researcher",
            "  chat gpt-5",
            "  execute_tool search",
            "  execute_tool search",
            "  execute_tool fetch  ✗ TimeoutError",
            "  invoke_agent writer",
            "    execute_tool spell",
            "  chat gpt-5",
        ]
    )


def test_attributes_and_durations_are_shown_when_asked_for():
    made = Made()
    top = made.add("top", attributes={"texts": ("a", "b"), "n": 1, "odd name": "x"}, seconds=2)
    made.add("below", top, seconds=0.25, is_open=False)
    assert made.view.tree(["n", "texts", "odd name", "no"]) == 'top  [n=1 texts=["a", "b"] "odd name"="x"]\n  below'
    assert seconds_of(None) == "open"
    assert made.view.tree(durations=True) == "top  (2.00 s)\n  below  (250.0 ms)"
    assert made.view.tree(("n",), durations=True).startswith("top  (2.00 s)  [n=1]")
    with pytest.raises(ConfigurationError, match=r"\['n'\]"):
        made.view.tree("n")


def test_what_is_wrong_with_parents_is_said():
    made = Made()
    made.add("remote", parent_id="00000000000000fe", parent_is_remote=True)
    made.add("lost", parent_id="00000000000000ff")
    made.add("circle one", span_id="00000000000000a1", parent_id="00000000000000a2")
    made.add("circle two", span_id="00000000000000a2", parent_id="00000000000000a1", is_open=True)
    made.add("below the circle", parent_id="00000000000000a2")
    assert made.view.tree() == "\n".join(  # noqa: FLY002 -- one line for each
        [
            "remote  (parent is remote)",
            "lost  (parent is missing)",
            "circle one  (parents form a circle)",
            "  circle two  (open)",
            "    below the circle",
        ]
    )
    made.view.assert_tree(made.view.tree())


def test_a_parent_in_another_process_that_was_captured_too_is_no_root():
    made = Made()
    top = made.add("client")
    made.spans.append(replace(made.add("server", top), parent_is_remote=True))
    del made.spans[1]
    assert made.view.tree() == "client\n  server"


def test_spans_of_several_traces_with_equal_ids_are_kept_apart():
    made = Made()
    made.add("one", trace=1, span_id=f"{7:016x}")
    made.add("two", trace=2, span_id=f"{7:016x}")
    made.add("below two", trace=2, parent_id=f"{7:016x}")
    assert made.view.tree() == "one\ntwo\n  below two"
    assert [span.name for span in made.view.roots] == ["one", "two"]


def test_two_spans_with_one_id_are_both_there():
    made = Made()
    first = made.add("first")
    second = made.add("second", span_id=first.span_id)
    assert made.view.tree() == "first\nsecond"
    forest = Forest(made.spans)
    assert [forest.of(span).span.name for span in (first, second)] == ["first", "second"]


@given(spans=forests(), shown=st.lists(st.sampled_from(["n", "gen_ai.tool.name", "a b", 'q"', "x=y"]), unique=True))
def test_what_a_tree_prints_is_what_it_is_expected_to_be(spans, shown):
    view = TraceView.of(spans)
    text = view.tree(shown)
    assert len(text.split("\n")) == max(len(spans), 1)
    for mode in ("exact", "subset", "ordered") if spans else ("exact",):
        view.assert_tree(text, mode=mode)
        view.assert_tree("\n\n" + "\n".join(f"      {line}  " for line in text.split("\n")), mode=mode)


@given(spans=forests(), other=forests())
def test_another_tree_is_not_the_expected_one(spans, other):
    one, another = TraceView.of(spans), TraceView.of(other)
    assert holds(one, another.tree()) == (one.tree() == another.tree())


@given(spans=forests(PLAIN_NAMES, most=7, whole=True, attributes=st.just({})), expected=EXPECTED)
@settings(max_examples=300)
def test_modes_are_what_their_definitions_say(spans, expected):
    view = TraceView.of(spans)
    roots = [model.nested(root) for root in Forest(spans).roots]
    everything = [node for root in roots for node in (root, *model.below(root))]
    text = "\n".join(node.text() for node in expected)
    same = len(roots) == len(expected) and all(map(model.is_same, expected, roots))
    assert holds(view, text) == same
    for mode in ("subset", "ordered"):
        assert holds(view, text, mode) == model.are_parts(expected, everything, ordered=mode == "ordered")


@given(spans=forests(PLAIN_NAMES, most=9, whole=True), data=st.data())
def test_a_tree_without_some_of_its_spans_is_a_part_of_it(spans, data):
    view = TraceView.of(spans)
    lines = view.tree().split("\n")
    # Without a line, what is below it hangs below the line above it.
    gone = data.draw(st.sets(st.sampled_from(range(len(lines))), max_size=max(len(lines) - 1, 0)))
    left = [line for at, line in enumerate(lines) if at not in gone]
    if any(left):
        try:
            view.assert_tree("\n".join(left), mode="subset")
        except ConfigurationError as error:
            assert "further to the left" in str(error)  # noqa: PT017 -- a root is gone
        except TraceAssertionError:
            # Something hangs below a sibling now.
            assert any(at + 1 < len(lines) for at in gone)


@given(spans=forests(most=10))
def test_three_dots_are_any_number_of_spans(spans):
    view = TraceView.of(spans)
    view.assert_tree("...")
    roots = [line for line in view.tree().split("\n") if line and not line.startswith(" ")]
    if roots:
        view.assert_tree("\n".join(f"{line}\n  ..." for line in roots))
        view.assert_tree(f"...\n{roots[-1]}\n  ...")
        assert not holds(view, f"...\n{roots[-1]}\n  ...\nno such span")


@pytest.mark.parametrize(
    ("expected", "mode"),
    [
        ("invoke_agent *\n  ...", "exact"),
        ("invoke_agent researcher\n  chat *\n  ...\n  invoke_agent writer\n    *\n  ...", "exact"),
        ("execute_tool fetch  ✗ Time*", "subset"),
        ("execute_tool *  *\nexecute_tool *  *\nexecute_tool *  *\nexecute_tool *  *", "subset"),
        ('chat gpt-5  [gen_ai.usage.input_tokens=* gen_ai.provider.name="openai"]', "subset"),
        ("chat gpt-5  [gen_ai.usage.input_tokens=4*]", "ordered"),
        ("\tinvoke_agent researcher\n\t\texecute_tool spell", "ordered"),
    ],
)
def test_wildcards_stand_for_anything(expected, mode):
    research().view.assert_tree(expected, mode=mode)


@pytest.mark.parametrize(
    ("expected", "mode"),
    [
        ("invoke_agent *", "exact"),
        ("execute_tool fetch*", "subset"),  # the failure is not said
        ("execute_tool *  *\n" * 5, "subset"),
        ('"chat *"', "subset"),
        ("chat gpt-5  [gen_ai.usage.input_tokens=5*]", "subset"),
        ("chat gpt-5  [no.such=*]", "subset"),
        ("invoke_agent writer\n  chat *", "subset"),
        ("execute_tool spell\nexecute_tool search", "ordered"),
        ("...\nchat gpt-5", "exact"),
        ("", "exact"),
        ('"chat gpt-5', "subset"),
        ("chat gpt-5  [gen_ai.provider.name]", "subset"),
        ("chat gpt-5  [=3]", "subset"),
        ('chat gpt-5  ["x]', "subset"),
        ('execute_tool fetch  ✗ "x', "subset"),
        ("chat gpt-5  gen_ai.provider.name=*]", "subset"),
    ],
)
def test_wildcards_do_not_stand_for_what_is_not_there(expected, mode):
    assert not holds(research().view, expected, mode)


@pytest.mark.parametrize(
    ("expected", "mode", "says"),
    [
        ("  a\nb", "exact", "further to the left"),
        ("...\n  b", "exact", r'"\*" for one span'),
        (None, "exact", "as text, as tree"),
        ("a", "loose", "exact, subset, ordered"),
        ("  \n", "subset", "no line"),
    ],
)
def test_what_is_no_tree_is_refused(expected, mode, says):
    with pytest.raises(ConfigurationError, match=says):
        research().view.assert_tree(expected, mode=mode)


def test_the_nearest_mode_that_holds_is_named():
    made = Made()
    top = made.add("top")
    made.add("a", top)
    made.add("b", top)
    with pytest.raises(TraceAssertionError, match="mode='ordered' would pass"):
        made.view.assert_tree("top\n  b")
    with pytest.raises(TraceAssertionError, match="mode='subset' would pass"):
        made.view.assert_tree("top\n  b\n  a")


def test_open_spans_are_in_the_tree_of_a_live_trace(recorder):
    ended, still_open = [], []
    view = TraceView(lambda: ended, lambda: still_open)

    @ams_sdk.tool
    def search(query):
        return [query]

    @ams_sdk.agent
    def researcher(question):
        return search(question)

    researcher("why?")
    spans = [captured(span) for span in recorder.spans]
    tool, run = spans
    ended.append(tool)
    still_open.append(replace(run, end_ns=None))
    assert view.tree() == "invoke_agent researcher  (open)\n  execute_tool search"
    assert view.open_spans == still_open
    assert TraceView(lambda: ended).open_spans == ()
    still_open.clear()
    ended.append(run)
    assert view.tree() == "invoke_agent researcher\n  execute_tool search"
    assert repr(view) == "<TraceView: 2 spans, 0 open>"


def spans_in_a_row(count, parent_of):
    return [
        CapturedSpan(
            name=f"step {number % 7}",
            trace_id=f"{1:032x}",
            span_id=f"{number + 1:016x}",
            start_ns=START + number,
            end_ns=START + SECOND,
            parent_id=None if number == 0 else f"{parent_of(number) + 1:016x}",
        )
        for number in range(count)
    ]


def steps_of(call):
    """How many functions are called, which is the same on every machine."""
    count = 0

    def called(_frame, event, _argument):
        nonlocal count
        count += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(called)
    try:
        call()
    finally:
        sys.setprofile(before)
    return count


def test_a_deep_trace_is_read_without_recursion():
    view = TraceView.of(spans_in_a_row(5_000, lambda number: number - 1))
    text = view.tree()
    assert text.count("\n") == 4_999
    view.assert_tree(text)
    assert not holds(view, text + "x")
    for mode in ("subset", "ordered"):
        view.assert_tree("step 0\n  step 6", mode=mode)
    view.assert_invariants(except_=["conventions"])
    view.assert_no_errors()


def test_time_grows_with_the_trace_and_not_faster():
    small, large = (TraceView.of(spans_in_a_row(count, lambda number: number // 5)) for count in (1_000, 10_000))
    for call in (
        lambda view: view.tree(),
        lambda view: view.assert_tree(view.tree()),
        lambda view: view.assert_tree("step 0\n  step 1\n  step 2", mode="subset"),
        lambda view: holds(view, "step 0\n  step 1\n  step 9"),
        lambda view: view.assert_invariants(except_=["conventions"]),
        lambda view: view.assert_no_leak("hunter2"),
        lambda view: view.find(agent="nobody"),
    ):
        few, many = (steps_of(lambda: call(view)) for view in (small, large))  # noqa: B023 -- called at once
        assert many < 15 * few + 1_000


def test_a_large_subset_is_found():
    view = TraceView.of(spans_in_a_row(3_000, lambda _: 0))
    view.assert_tree(view.tree(), mode="subset")
    assert not holds(view, view.tree() + "\n  step 1", "subset")
