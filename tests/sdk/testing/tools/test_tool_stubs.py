from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from unittest.mock import ANY
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sdk.testing.tools import many_tools
from tests.sdk.testing.tools.many_tools import (
    BodyRanError,
    Colour,
    Decorated,
    Desk,
    Hit,
    Page,
    Slotted,
    SmallDesk,
    anything,
    both_ways,
    called,
    delegated,
    fetch,
    hits,
    ids,
    later,
    made,
    no_tool,
    old_style,
    partial,
    search,
    spanned,
    words,
    wrapped,
)

from ams_sdk import ConfigurationError, tool
from ams_sdk.testing import Kit, ToolStubMismatchError, ToolStubs, run
from ams_sdk.testing._tools.rebuilding import rebuilt

MOMENT = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
HIT = {"title": "t", "at": "2026-01-31 12:00:00+00:00", "colour": "red", "place": [1, 2], "took": "1 day, 0:00:10"}
REBUILT = Hit("t", MOMENT, Colour.RED, (1, 2), timedelta(days=1, seconds=10))


@pytest.fixture
def tools():
    with ToolStubs() as made:
        yield made


async def _old_style(question):
    return await old_style(question)


SHAPES = {
    "def": (search, search, [HIT], [REBUILT]),
    "async def": (fetch, lambda q: asyncio.run(fetch(q)), {"number": 1, "hits": ["a"]}, Page(number=1, hitList=["a"])),
    "generator": (words, lambda q: list(words(q)), ["a", "b"], ["a", "b"]),
    "generator with one text": (words, lambda q: list(words(q)), "ab", ["ab"]),
    "async generator": (hits, lambda q: run(hits, q), [HIT, HIT], [REBUILT, REBUILT]),
    "types.coroutine": (old_style, lambda q: asyncio.run(_old_style(q)), 7, 7),
    "def that gives an awaitable": (later, lambda q: run(later, q), "red", Colour.RED),
    "method": (Desk.method, lambda q: Desk().method(q), 7, 7),
    "method of an instance": (Desk().method, lambda q: Desk().method(q), 7, 7),
    "inherited method": (Desk.method, lambda q: SmallDesk().method(q), 7, 7),
    "classmethod": (Desk.of_class, Desk.of_class, 7, 7),
    "staticmethod": (Desk.static, lambda q: Desk().static(q), 7, 7),
    "class": (Decorated, lambda q: Decorated().run(q), 7, 7),
    "callable object": (called, lambda q: asyncio.run(called(q)), 7, 7),
    "callable object below another decorator": (spanned, lambda q: asyncio.run(spanned(q)), 7, 7),
    "partial of a tool": (wrapped, wrapped, 7, 7),
    "partial": (partial, partial, 7, 7),
    "tool above agent": (delegated, delegated, 7, 7),
    "agent above tool": (both_ways, both_ways, 7, 7),
    "inside of a framework's object": (made, made.invoke, 7, 7),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_stubbed_tool_of_any_shape_gives_what_the_test_says_and_its_body_does_not_run(shape):
    subject, call, value, expected = SHAPES[shape]
    with Kit() as kit:
        kit.tools().on(subject).returns(value)
        assert call("q") == expected
        kit.verify()
        assert kit.trace.find(operation="execute_tool")
        kit.trace.assert_no_errors()
    if shape != "inside of a framework's object":
        with pytest.raises(BodyRanError):
            call("q")


def test_the_span_of_a_stubbed_call_is_that_of_a_real_one():
    with Kit() as kit:
        stub = kit.tools().on(search).returns([HIT], limit=2)
        stub.raises(LookupError("nothing"), query="x")
        search("otters", limit=2)
        with pytest.raises(LookupError, match="nothing"):
            search("x")
        first, second = kit.trace.spans
        assert first.attributes["gen_ai.tool.call.arguments"] == '{"query":"otters","limit":2}'
        assert '"title":"t"' in first.attributes["gen_ai.tool.call.result"]
        assert second.error_type == "LookupError"
        kit.verify()


def test_the_first_stub_that_fits_and_is_left_answers(tools):
    tools.on(search).returns(1, query="a", times=2).returns(2, query="a").returns(3)
    assert [search("a"), search("b"), search("a"), search("a")] == [1, 3, 1, 2]
    assert [dict(call.arguments) for call in tools.calls(search)] == [{"query": one} for one in "abaa"]


def test_arguments_match_in_part_by_equality_and_by_the_form_in_which_they_are_recorded(tools):
    on = tools.on(anything)
    on.returns(1, a=ANY, b=Colour.RED)
    on.returns(2, c={"colour": "red", "at": "2026-01-31 12:00:00+00:00", "title": "t", "place": [], "took": None})
    on.returns(3, arguments={"*args": [1, 2], "times": 7})
    assert anything(a=1, b=Colour.RED, more=3) == 1
    assert anything(c=Hit("t", MOMENT)) == 2
    assert anything(1, 2, times=7) == 3


def test_times_none_answers_any_number_of_calls_and_none(tools):
    tools.on(search).returns(0, times=None)
    tools.on(fetch).returns({"number": 1}, times=None)
    assert [search("a"), search("b")] == [0, 0]


def test_each_answer_is_a_value_of_its_own(tools):
    tools.on(anything).returns([{"a": 1}], times=2)
    first = anything()
    first[0]["a"] = 2
    assert anything() == [{"a": 1}]


def test_what_is_no_json_is_given_as_it_is(tools):
    value = object()
    tools.on(anything).returns(value)
    tools.on(search).returns([REBUILT])
    assert anything() is value
    assert search("q")[0] is REBUILT


def test_what_cannot_be_rebuilt_is_the_json_value(tools):
    tools.on(search).returns("no list")
    tools.on(fetch).returns({"number": "seven"})
    tools.on(ids).returns({"12345678-1234-5678-1234-567812345678": "1.50"})
    assert search("q") == "no list"
    assert asyncio.run(fetch("q")) == {"number": "seven"}
    assert ids() == {UUID("12345678-1234-5678-1234-567812345678"): Decimal("1.50")}


def test_an_exception_of_a_class_that_wants_more_than_a_message_says_the_message(tools):
    class PickyError(LookupError):
        def __init__(self, what, code):
            super().__init__(f"{what}: {code}")

    stub = tools.on(anything).raises(PickyError, "otters: 3").raises(LookupError).raises(LookupError, "plain")
    stub.raises(KeyError, "it")
    for kind, text in ((PickyError, "otters: 3"), (LookupError, ""), (LookupError, "plain"), (KeyError, "it")):
        with pytest.raises(kind) as caught:
            anything()
        assert str(caught.value) == text
        assert type(caught.value).__qualname__ == kind.__qualname__


def test_a_call_that_nobody_stubbed_fails_though_the_agent_goes_on():
    tools = ToolStubs()
    tools.on(search).returns([], query="otters").returns([], query="seals", limit=5)
    with pytest.raises(ToolStubMismatchError) as caught:
        search("seals", 4)
    with pytest.raises(ToolStubMismatchError, match="went on after that"):
        tools.verify()
    tools.close()
    text = str(caught.value)
    assert text.startswith("search(query='seals', limit=4) was called, and none of its 2 stubs answers that.")
    assert "The nearest is search(query='seals', limit=5) -> [], stub 2 of 2; the call differs in" in text
    assert "    expected  5\n    got       4" in text
    assert "write limit=4 in the stub" in text
    assert "not used, nearest" in text
    assert "calls of search\n  ✗   1  search(query='seals', limit=4)" in text


def test_a_call_beyond_its_stubs_says_so():
    with ToolStubs(strict=False) as tools:
        tools.on(search).returns([], query="otters")
        search("otters")
        with pytest.raises(ToolStubMismatchError, match="once more than it is stubbed: its only stub was used before"):
            search("otters")
        tools.on(search).returns([])
        search("otters")
        with pytest.raises(ToolStubMismatchError, match="each stub that fits was used before"):
            search("otters")
        tools._tools[next(iter(tools._tools))].problems.clear()


def test_a_stub_without_an_answer_forbids_the_call():
    tools = ToolStubs()
    tools.on(search)
    with pytest.raises(ToolStubMismatchError, match="its stub has no answer"):
        search("otters")
    tools.close()


def test_exact_stubs_answer_no_call_with_other_arguments():
    tools = ToolStubs()
    tools.on(search, exact=True).returns([], query="otters")
    with pytest.raises(ToolStubMismatchError, match="leave exact=True out"):
        search("otters", limit=3)
    assert search("otters") == []
    tools.close()


def test_unused_stubs_fail_and_the_text_says_how_to_relax():
    def use():
        with ToolStubs() as tools:
            tools.on(search).returns([], query="otters").returns([], query="seals", times=3)
            tools.on(fetch).returns({})
            search("otters")
            search("seals")

    with pytest.raises(ToolStubMismatchError) as caught:
        use()
    text = str(caught.value)
    assert text.startswith("2 of 3 stubs of tools were not used: search, fetch.")
    assert "used 1 of 3x" in text
    assert "calls of fetch: none" in text
    assert "strict=False" in text
    with ToolStubs(strict=False) as tools:
        tools.on(search).returns([])


@given(st.lists(st.text(max_size=200), min_size=1, max_size=60), st.text(max_size=200))
def test_a_failure_is_at_most_60_lines_of_120_columns(queries, query):
    tools = ToolStubs()
    try:
        for one in queries:
            tools.on(search, exact=True).returns([{"title": one}], query=one)
        with pytest.raises(ToolStubMismatchError) as caught:
            search(query, limit=-1)
        with pytest.raises(ToolStubMismatchError) as at_the_end:
            tools.verify()
    finally:
        tools.close()
    for error in (caught, at_the_end):
        lines = str(error.value).split("\n")
        assert len(lines) <= 60
        assert all(len(line) <= 120 for line in lines)


def test_secrets_are_masked():
    tools = ToolStubs()
    tools.on(anything).returns("sk-proj-" + "a1B2" * 10, password="hunter2-hunter2")
    with pytest.raises(ToolStubMismatchError) as caught:
        anything(password="swordfish-swordfish", key="sk-proj-" + "b1C2" * 10)
    shown = f"{caught.value}\n{tools.transcript()}"
    tools.close()
    assert "password='[redacted]'" in shown
    for secret in ("hunter2", "swordfish", "a1B2a1B2", "b1C2b1C2"):
        assert secret not in shown


def test_nested_stubs_are_put_back_in_any_order():
    first, second, third = ToolStubs(strict=False), ToolStubs(strict=False), ToolStubs(strict=False)
    cell = many_tools.search.__closure__[many_tools.search.__code__.co_freevars.index("function")]
    body = cell.cell_contents
    for number, tools in enumerate((first, second, third), 1):
        tools.on(search).returns(number, times=None)
    assert search("q") == 3
    second.close()
    assert search("q") == 3
    third.close()
    assert search("q") == 1
    first.close()
    first.close()
    assert cell.cell_contents is body
    assert len(third.calls(search)) == 2
    with pytest.raises(ConfigurationError, match="closed"):
        first.on(search)


def test_any_thread_may_call():
    with ToolStubs() as tools:
        tools.on(search).returns(0, times=400)
        threads = [threading.Thread(target=lambda: [search("q") for _ in range(50)]) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(tools.calls(search)) == 400


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda tools: tools.on("search"), "not its name 'search'"),
        (lambda tools: tools.on(no_tool), "which is no tool"),
        (lambda tools: tools.on(len), "which is no tool"),
        (lambda tools: tools.on(Kit), "which is no tool"),
        (lambda tools: tools.on(Slotted()), "which is no tool"),
        (lambda tools: tools.on(None), "which is no tool"),
        (lambda tools: tools.on(Several()), "holds several tools"),
        (lambda tools: tools.on(search).returns(1, times=0), "times=0: write how often"),
        (lambda tools: tools.on(search).returns(1, times=True), "times=True: write how often"),
        (lambda tools: tools.on(search).returns(1, arguments={"query": 1}, query=2), "'query' twice"),
        (lambda tools: tools.on(search).returns(1, arguments=["query"]), "write a dictionary"),
        (lambda tools: tools.on(search).returns([], times=None, qurey="x"), "search has no parameter 'qurey'; it has"),
        (lambda tools: tools.on(search).raises(LookupError, qurey="x"), 'Did you mean "query"?'),
        (lambda tools: tools.on(Desk.method).returns(1, self=1), "method has no parameter 'self'; it has question."),
        (lambda tools: tools.on(partial).returns(1, first=1), "partial has no parameter 'first'; it has question."),
        (lambda tools: tools.on(search).raises("LookupError"), "write an exception"),
        (lambda tools: tools.on(search).raises(LookupError("a"), "b"), "write an exception"),
        (lambda tools: tools.calls(fetch), "fetch is not stubbed"),
    ],
)
def test_misuse_is_told_what_to_write(wrong, says):
    with ToolStubs(strict=False) as tools, pytest.raises(ConfigurationError) as caught:
        wrong(tools)
    assert says in str(caught.value)


class Several:
    def __init__(self):
        self.first, self.second = search, fetch


def test_a_kit_shows_its_stubs_and_says_what_a_tool_did_not_answer_first():
    with Kit() as kit:
        tools, model = kit.tools(), kit.model()
        model.script("unused")
        tools.on(search).returns([], query="otters")
        with pytest.raises(ToolStubMismatchError):
            search("seals")
        with pytest.raises(ToolStubMismatchError):
            kit.verify()
        assert "stubs of search" in dict(kit.sections())["tools"]
        assert repr(tools) == "<ToolStubs: 1 stubs of 1 tools>"


def test_a_tool_without_annotations_that_can_be_evaluated_is_stubbed_all_the_same(tools):
    @tool
    def strange(x: Nowhere) -> AlsoNowhere:  # noqa: F821 -- that is the point
        """Ask."""

    tools.on(strange).returns({"a": [1]})
    assert strange(1) == {"a": [1]}


def test_an_argument_whose_comparison_raises_does_not_match_and_the_text_says_so():
    class Picky:
        def __eq__(self, other):
            raise ZeroDivisionError

        __hash__ = None

    tools = ToolStubs()
    tools.on(anything).returns(1, a=Picky())
    with pytest.raises(ToolStubMismatchError, match="comparing raised ZeroDivisionError"):
        anything(a=1)
    with pytest.raises(ToolStubMismatchError, match=r"The call has no argument 'a'. If that is right: leave a= out"):
        anything(b=1)
    tools.close()


@pytest.mark.parametrize(
    ("annotation", "value", "expected"),
    [
        (set[int], [2, 1], {1, 2}),
        (list[int], "ab", "ab"),
        (int, "5", "5"),
        (float, 5, 5.0),
        (dict[str, Page], {"a": {"number": 1, "hits": ["x"]}}, {"a": Page(number=1, hitList=["x"])}),
        (Page, {"number": 1}, Page(number=1)),
        (Page, {"number": 1, "unknown": 2}, {"number": 1, "unknown": 2}),
        (tuple[int, str], [1, "a"], (1, "a")),
        (Hit | None, None, None),
        (datetime, "2026-01-31T12:00:00Z", MOMENT),
        (Colour, "blue", "blue"),
        (object, {"a": 1}, {"a": 1}),
        (ToolStubs, {"a": 1}, {"a": 1}),
    ],
)
def test_a_value_is_rebuilt_only_if_it_would_be_recorded_as_the_same(annotation, value, expected):
    found = rebuilt(value, annotation)
    assert found == expected
    assert type(found) is type(expected)


def test_a_secret_in_a_value_does_not_keep_it_from_being_rebuilt():
    assert rebuilt({"number": 1, "hits": ["sk-proj-" + "a1B2" * 10]}, Page).hits == ["sk-proj-" + "a1B2" * 10]


def test_what_a_call_leaves_at_its_default_is_compared_as_well(tools):
    tools.on(search).returns(1, query="a", limit=3).returns(2, query="b")
    assert search("a") == 1
    assert search("b") == 2
    tools.on(search, exact=True).returns(3, query="c")
    assert search("c") == 3
    other = ToolStubs()
    other.on(search).returns(1, query="a", limit=4)
    with pytest.raises(ToolStubMismatchError) as caught:
        search("a")
    other.close()
    assert "limit  (its default, at which the call left it)\n    expected  4\n    got       3" in str(caught.value)
    assert "write limit=3 in the stub" in str(caught.value)


def test_advice_on_a_secret_does_not_say_to_write_its_mask():
    tools = ToolStubs()
    tools.on(anything).returns(1, password="hunter2-hunter2")
    with pytest.raises(ToolStubMismatchError) as caught:
        anything(password="swordfish-swordfish")
    tools.close()
    text = " ".join(str(caught.value).split())
    assert "give the stub the value that the call has. To accept any value: leave password= out, or write" in text
    assert text.endswith("password=mock.ANY.")
    assert "write password='[redacted]'" not in text
    assert "(they differ in what is not shown here)" in text


def test_a_hint_on_an_argument_that_is_not_there_keeps_its_words():
    tools = ToolStubs()
    tools.on(anything).returns(1, password="hunter2-hunter2")
    with pytest.raises(ToolStubMismatchError, match=r"leave password= out of the stub\."):
        anything(1)
    tools.close()
