"""The programs on docs/decorators.md do what the page says."""

import asyncio
import re
from pathlib import Path

import pytest

from ams_sdk import agent

NAMES = ["article", "Researcher", "search", "handbook", "writer"]
PAGE = Path(__file__).parents[3] / "docs" / "decorators.md"


@pytest.fixture
def page():
    names = {"__name__": "page"}
    for program in re.findall(r"^```python\n(.+?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
        exec(compile(program, str(PAGE), "exec"), names)  # noqa: S102 -- this project's own page
    return names


def test_its_first_program_makes_the_tree_below_it(recorder, page):
    assert asyncio.run(page["article"]("Otters")) == "Otters hold hands. Otters: a mammal. "
    spans = {span.context.span_id: span for span in recorder.spans}
    tree = {
        span.name.partition(" ")[2]: spans[span.parent.span_id].name.partition(" ")[2] if span.parent else None
        for span in spans.values()
    }
    assert tree == {
        "article": None,
        "Researcher": "article",
        "writer": "article",
        "search": "Researcher",
        "handbook": "Researcher",
    }
    (shown,) = re.findall(r"^```text\n(.+?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert [line.split()[-1] for line in shown.splitlines()] == [
        "article",
        "Researcher",
        "search",
        "handbook",
        "writer",
    ]


def test_sessions_runs_and_headers_do_what_it_says(recorder, page):
    page["handle"]("c-1", "Otters")
    for span in recorder.spans:
        assert (span.attributes["gen_ai.conversation.id"], span.attributes["user.id"]) == ("c-1", "ann")

    sent = []

    @agent
    def caller():
        page["call"](lambda headers: sent.append(headers))  # noqa: PLW0108 -- it is called by name

    caller()
    page["answer"](sent[0], "Otters")
    assert recorder.spans[-1].context.trace_id == recorder.one("invoke_agent caller").context.trace_id
    identity = page["shop"](7)
    run = recorder.one("invoke_agent shop")
    assert (run.attributes["ams.run.id"], run.attributes["order.id"]) == (identity, 7)


def test_its_links_lead_somewhere():
    links = re.findall(r"\]\(([^)#]+)", PAGE.read_text(encoding="utf-8"))
    assert links
    assert [link for link in links if not (PAGE.parent / link).exists()] == []
