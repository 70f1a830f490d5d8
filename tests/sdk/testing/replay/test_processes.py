"""The whole way in real processes: a program, its trace on a platform, the written test, and pytest on changed code."""

from __future__ import annotations

import pytest
from tests.sdk.testing.replay.processes import Project

from ams_sdk.testing import error, text, tool_call, tool_calls

PROGRAM = '''
import dataclasses
import json
import os
from datetime import date

import httpx

from ams_sdk import agent, model_call, tool


@dataclasses.dataclass
class Fact:
    text: str
    seen: date


class NotThereError(Exception):
    def __init__(self, what, code):
        super().__init__(f"{what} is not there ({code})")


@tool
def search(query: str, limit: int = 3) -> list[Fact]:
    """Search for facts."""
    if query == "unicorns":
        raise NotThereError(query, 404)
    return [Fact(f"{query} float", date(2026, 1, 31))]


@tool
async def publish(title: str, *words: str) -> None:
    """Publish what was found."""


def ask(messages):
    tools = [{"type": "function", "function": {"name": "search", "parameters": {"type": "object"}}}]
    with model_call(provider="openai", model="gpt-5", messages=messages, tools=tools) as call:
        response = httpx.post(
            os.environ["OPENAI_BASE_URL"] + "/chat/completions",
            json={"model": "gpt-5", "messages": messages, "tools": tools},
            headers={"Authorization": "Bearer " + os.environ["OPENAI_API_KEY"]},
        )
        response.raise_for_status()
        call.record(response.json())
    return response.json()["choices"][0]["message"]


@agent(version="1.2.0")
async def researcher(question: str) -> str:
    messages = [{"role": "user", "content": question}]
    while "tool_calls" in (said := ask(messages)):
        messages.append(said)
        for call in said["tool_calls"]:
            try:
                facts = search(**json.loads(call["function"]["arguments"]))
                found = "; ".join(f"{fact.text} ({fact.seen:%d.%m.%Y})" for fact in facts)
            except NotThereError as problem:
                found = str(problem)
            messages.append({"role": "tool", "tool_call_id": call["id"], "content": found})
    await publish("Otters", *said["content"].split())
    return said["content"] + " " + found


if __name__ == "__main__":
    import asyncio

    print(asyncio.run(researcher("Why do otters float?")))
'''
SCRIPT = (
    tool_calls(tool_call("search", query="otters"), tool_call("search", query="unicorns", limit=1)),
    text("They float."),
)
CHANGES = {
    "another argument": (
        'search(**json.loads(call["function"]["arguments"]))',
        'search(**{"limit": 9} | json.loads(call["function"]["arguments"]))',
        ["search(query='otters'", "limit", "9"],
    ),
    "another order": ('in said["tool_calls"]:', 'in reversed(said["tool_calls"]):', ["search", "unicorns", "otters"]),
    "a dropped tool call": (
        'await publish("Otters", *said["content"].split())',
        "pass",
        ["1 step missing", "- publish(title='Otters'"],
    ),
    "one more tool call": (
        "    while",
        '    search("seals")\n    while',
        ["search(query='seals') was called, and none of its 2 stubs answers that."],
    ),
    "one more model call": (
        '    await publish("Otters"',
        '    ask(messages)\n    await publish("Otters"',
        ["→ no step left"],
    ),
    "another final text": ('return said["content"] + " "', 'return said["content"] + " So: "', ["So: "]),
    "an exception that is no longer caught": (
        "except NotThereError as",
        "except KeyError as",
        ["unicorns is not there (404)"],
    ),
    "a renamed tool": ("search(", "look_up(", ["cannot import name 'search'"]),
}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    made = Project(tmp_path_factory.mktemp("project"), PROGRAM)
    made.source = made.record(*SCRIPT)
    return made


@pytest.mark.slow
def test_the_written_test_passes_and_no_body_of_a_tool_runs(project):
    assert "from otters import NotThereError, publish, researcher, search\n" in project.source
    assert "Run it: python -m pytest test_researcher_why_do_otters_float.py" in project.said
    project.write(PROGRAM.replace("    if query ==", '    exit("the real tool")\n    if query =='))
    passed = project.pytest()
    assert passed.code == 0, passed.out


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES)
def test_the_written_test_fails_when_the_code_changes_and_tells_what_did(project, change):
    before, after, says = CHANGES[change]
    changed = PROGRAM.replace(before, after)
    assert changed != PROGRAM
    out = project.fails(changed)
    for text_ in says:
        assert text_ in out


@pytest.mark.slow
def test_an_error_of_the_agent_is_replayed_and_swallowing_it_fails(tmp_path):
    source = PROGRAM.replace("print(asyncio.run", "try:\n        print(asyncio.run").replace(
        'float?")))', 'float?")))\n    except httpx.HTTPError:\n        pass'
    )
    project = Project(tmp_path, source)
    written = project.record(error(503))
    assert "pytest.raises(HTTPStatusError)" in written
    assert project.pytest().code == 0
    out = project.fails(
        source.replace("        response.raise_for_status()\n", "").replace(
            '["choices"][0]["message"]', '.get("x", {"content": ""})'
        )
    )
    assert "DID NOT RAISE" in out or "researcher" in out
