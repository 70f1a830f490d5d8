from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from ams_sdk._cli.trace_tree import trace_tree
from ams_sdk.wire import Span, SpanEvent, Trace

START = datetime(2026, 1, 31, 12, tzinfo=UTC)
MS = 1_000_000


def span(  # noqa: PLR0913 -- the parts of a span that tests vary
    name, span_id, parent=None, *, at=0, ms=1.0, operation=None, error=None, **more
):
    attributes = {}
    if operation:
        attributes["gen_ai.operation.name"] = operation
    if error:
        attributes["error.type"] = error
    return Span(
        **{
            "trace_id": "a" * 32,
            "span_id": span_id,
            "parent_span_id": parent,
            "name": name,
            "kind": "internal",
            "status": "error" if error else "unset",
            "started_at": START + timedelta(milliseconds=at),
            "duration_ns": int(ms * MS),
            "attributes": attributes,
            **more,
        }
    )


def trace(*spans, status="ok", **more):
    return Trace(
        **{
            "trace_id": "a" * 32,
            "root_name": "invoke_agent auditor",
            "agent": "auditor",
            "status": status,
            "started_at": START,
            "duration_ns": 1_240 * MS,
            "span_count": len(spans),
            "spans": spans,
            **more,
        }
    )


def drawn(a_trace, *, width=100, unfold=False, colour=False):
    file = io.StringIO()
    console = Console(file=file, width=width, markup=False, emoji=False, highlight=False, force_terminal=colour)
    console.print(trace_tree(a_trace, unfold=unfold))
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines())


def below_headline(a_trace, **options):
    return drawn(a_trace, **options).split("\n")[1:]


def test_a_run_with_tools_model_calls_and_an_error():
    a_trace = trace(
        span("invoke_agent auditor", "1", ms=1_240, operation="invoke_agent"),
        span("execute_tool search", "3", "1", at=20, ms=0.85, operation="execute_tool"),
        span("chat gpt-x", "2", "1", at=10, ms=410, operation="chat"),
        span("GET", "4", "3", at=21, ms=0.0008),
        span(
            "execute_tool fetch",
            "5",
            "1",
            at=30,
            ms=2,
            operation="execute_tool",
            error="ValueError",
            status_message="no [b]such[/b] page",
        ),
        status="error",
    )
    local = START.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    assert drawn(a_trace) == "\n".join(
        [
            f"auditor  error  1.24 s  5 spans  {local}",
            "└── agent auditor  1.24 s",
            "    ├── model gpt-x  410 ms",
            "    ├── tool search  850 µs",
            "    │   └── span GET  800 ns",
            "    └── tool fetch  2.00 ms  ✗ ValueError: no [b]such[/b] page",
        ]
    )


def test_many_equal_siblings_are_one_line_and_all_unfolds_them():
    tools = [span("execute_tool fetch", f"t{n}", "1", at=n, ms=n + 1, operation="execute_tool") for n in range(41)]
    inner = [span("GET", f"g{n}", f"t{n}", at=n) for n in range(41)]
    a_trace = trace(span("invoke_agent auditor", "1", ms=900, operation="invoke_agent"), *tools, *inner)
    assert below_headline(a_trace) == [
        "└── agent auditor  900 ms",
        "    └── tool fetch × 41  861 ms in total, slowest 41.0 ms  (and 41 below: --all)",  # noqa: RUF001 -- the sign is meant
    ]
    assert len(below_headline(a_trace, unfold=True)) == 83


def test_six_are_shown_and_an_outcome_or_another_name_between_keeps_apart():
    def tools(count, start, **more):
        return [
            span("execute_tool fetch", f"{start}-{n}", "1", at=start + n, operation="execute_tool", **more)
            for n in range(count)
        ]

    a_trace = trace(
        span("run", "1"),
        *tools(6, 0),
        *tools(7, 100, error="TimeoutError", status_message="slow"),
        *tools(1, 200),
        span("other", "x", "1", at=250),
        *tools(6, 300),
    )
    lines = below_headline(a_trace)
    assert [line for line in lines if "×" in line] == [  # noqa: RUF001 -- the sign is meant
        "    ├── tool fetch × 7  7.00 ms in total, slowest 1.00 ms  ✗ TimeoutError: slow"  # noqa: RUF001 -- the sign is meant
    ]
    assert len(lines) == 1 + 6 + 1 + 1 + 1 + 6


def test_a_span_whose_parent_is_missing_stands_at_the_root_level_and_says_so():
    a_trace = trace(span("lost", "2", "gone", at=1), span("child", "3", "2", at=2), span("run", "1"))
    assert below_headline(a_trace) == [
        "├── span run  1.00 ms",
        "└── span lost  1.00 ms  (its parent is not in this trace)",
        "    └── span child  1.00 ms",
    ]


def test_a_circle_of_parents_is_cut_at_its_first_span():
    a_trace = trace(
        span("b", "b", "a", at=1),
        span("a", "a", "c"),
        span("c", "c", "b", at=2),
        span("below", "d", "b", at=3),
        span("own", "e", "e", at=4),
    )
    assert below_headline(a_trace) == [
        "├── span a  1.00 ms  (its parents form a circle)",
        "│   └── span b  1.00 ms",
        "│       ├── span c  1.00 ms",
        "│       └── span below  1.00 ms",
        "└── span own  1.00 ms  (its parents form a circle)",
    ]


def test_a_trace_of_a_thousand_levels_is_drawn_and_stays_on_the_screen():
    a_trace = trace(*(span(f"s{n}", str(n), str(n - 1) if n else None, at=n) for n in range(1000)))
    lines = below_headline(a_trace, width=80)
    assert len(lines) == 1000
    assert lines[11] == " " * 44 + "├── span s11  1.00 ms"
    assert lines[12] == " " * 44 + "├── level 13: span s12  1.00 ms"
    assert lines[-1] == " " * 44 + "└── level 1000: span s999  1.00 ms"


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        ("invoke_agent", "agent"),
        ("create_agent", "agent"),
        ("execute_tool", "tool"),
        ("chat", "model"),
        ("embeddings", "model"),
        ("text_completion", "model"),
        ("generate_content", "model"),
        ("invoke_workflow", "workflow"),
        ("plan", "plan"),
        ("retrieval", "retrieval"),
        ("search_memory", "memory"),
        ("something_new", "span"),
        (["chat"], "span"),
        (None, "span"),
    ],
)
def test_the_kind_comes_from_the_operation(operation, kind):
    assert below_headline(trace(span("x", "1", operation=operation))) == [f"└── {kind} x  1.00 ms"]


def test_an_operation_that_is_all_the_name_is_said_once():
    assert below_headline(trace(span("plan", "1", operation="plan"))) == ["└── plan  1.00 ms"]


def test_an_error_says_what_it_can():
    event = SpanEvent(name="exception", at=START, attributes={"exception.type": "KeyError", "exception.message": "'x'"})
    assert below_headline(trace(span("a", "1", status="error", events=[event]))) == [
        "└── span a  1.00 ms  ✗ KeyError: 'x'"
    ]
    assert below_headline(trace(span("a", "1", status="error"))) == ["└── span a  1.00 ms  ✗ error"]
    assert below_headline(trace(span("a", "1", status_message="not an error"))) == ["└── span a  1.00 ms"]


HOSTILE = "\x1b[2J\x1b]0;owned\x07\x9b31m[red]x[/red]:bomb:\u202egpj.exe\r\nams: fine\x00"


def test_nothing_that_acts_on_a_terminal_gets_through():
    a_trace = trace(
        span(HOSTILE, "1", operation="chat", error=HOSTILE, status_message=HOSTILE),
        span("  ", "2"),
        agent=HOSTILE,
    )
    text = drawn(a_trace, width=4000)
    assert all(character.isprintable() or character == "\n" for character in text)
    assert len(text.split("\n")) == 3
    assert "[red]x[/red]:bomb:" in text
    assert "(no name)" in text


def test_colours_are_ours_alone():
    text = drawn(trace(span(HOSTILE, "1")), width=4000, colour=True)
    assert "\x1b[2J" not in text
    assert "\x1b[1mauditor" in text


def test_long_texts_are_cut():
    a_trace = trace(span("n" * 10_000, "1", error="E", status_message="m" * 1_000_000))
    assert len(drawn(a_trace, width=4000)) < 600


ids = st.sampled_from([*"abcdefgh"])


@given(st.lists(st.tuples(st.text(), ids, st.none() | ids, st.integers(0, 5)), max_size=30), st.booleans())
def test_every_span_is_drawn_exactly_once_whatever_its_parent(rows, unfold):
    spans = [span(f"n{index}.", span_id, parent, at=at) for index, (_, span_id, parent, at) in enumerate(rows)]
    lines = below_headline(trace(*spans), unfold=unfold)
    names = sorted(line.partition("span ")[2].partition(".")[0] for line in lines)
    assert names == sorted(f"n{index}" for index in range(len(rows)))


@given(st.text(), st.text(), st.text())
def test_any_text_is_drawn_without_control_characters(name, message, kind):
    text = drawn(trace(span(name, "1", error=kind, status_message=message)), width=10_000)
    assert all(character.isprintable() or character == "\n" for character in text)
    assert text.count("\n") == 1


@given(st.integers(1, 60), st.integers(40, 200))
def test_it_fits_the_width(depth, width):
    spans = [span(f"step {n}", str(n), str(n - 1) if n else None, at=n, error="ValueError" * 3) for n in range(depth)]
    assert all(len(line) <= width for line in drawn(trace(*spans), width=width).split("\n"))
