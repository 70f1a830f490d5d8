from __future__ import annotations

import json

import pytest

NOW = "2026-01-31T12:00:00Z"


def agent(name="researcher", **revision):
    return {
        "id": "00000000-0000-0000-0000-000000000002",
        "name": name,
        "description": "Finds things out.",
        "status": "active",
        "labels": {"team": "blue"},
        "created_at": NOW,
        "updated_at": NOW,
        "revision": {"number": 3, "version": "1.2.0", "created_at": NOW, **revision},
    }


def test_the_list_at_80_columns_leaves_out_what_one_can_do_without(ams, logged_in, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    logged_in.on("GET", "/api/agents", {"items": [agent(), agent("w" * 120)], "next_cursor": None})
    result = ams("agents", "list")
    lines = [line.rstrip() for line in result.out.splitlines()]
    assert (result.code, result.err) == (0, "")
    assert lines[0].split() == ["NAME", "VERSION", "STATUS", "CHANGED"]
    assert lines[1].split()[:3] == ["researcher", "1.2.0", "active"]
    assert "…  1.2.0" in lines[2]
    assert all(len(line) <= 80 for line in lines)


def test_the_list_into_a_pipe_has_everything_and_cuts_no_name(ams, logged_in, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    logged_in.on("GET", "/api/agents", {"items": [agent("w" * 120)], "next_cursor": "c\x1b="})
    result = ams("agents", "list")
    assert "w" * 120 in result.out
    assert "00000000-0000-0000-0000-000000000002  Finds things out." in result.out
    assert "\x1b" not in result.out
    assert result.out.splitlines()[-1] == r"There are more: add --cursor c\x1b="


def test_the_filters_are_sent(ams, logged_in):
    logged_in.on("GET", "/api/agents", {"items": []})
    result = ams("agents", "list", "--status", "active", "-q", "x", "--limit", "7", "--cursor", "c")
    assert logged_in.requests[-1].call == "GET /api/agents?status=active&q=x&limit=7&cursor=c"
    assert result.out == "No agent matches.\n"
    assert ams("agents", "list").out.startswith("No agents here.")


def test_the_list_as_json(ams, logged_in):
    logged_in.on("GET", "/api/agents", {"items": [agent()], "next_cursor": "c"})
    page = json.loads(ams("agents", "list", "--json").out)
    assert page["items"][0]["name"] == "researcher"
    assert page["next_cursor"] == "c"


def test_one_agent_with_its_tools(ams, logged_in):
    tools = [{"name": "search", "description": "Looks\x1b[2J it up."}, {"name": "fetch"}]
    skills = [{"id": "s", "name": "Research", "description": "Knows how."}]
    logged_in.on("GET", "/api/agents/researcher", agent(tools=tools, skills=skills, model="gpt-x"))
    result = ams("agents", "show", "researcher")
    rows = dict.fromkeys(tuple(line.rstrip().split(maxsplit=1)) for line in result.out.splitlines())
    assert (result.code, result.err) == (0, "")
    assert ("version", "1.2.0 (revision 3)") in rows
    assert ("tool", r"search  Looks\x1b[2J it up.") in rows
    assert ("tool", "fetch") in rows
    assert ("skill", "Research  Knows how.") in rows
    assert ("labels", "team=blue") in rows
    assert ("model", "gpt-x") in rows
    assert not any(row[0] == "framework" for row in rows)


def test_one_agent_as_json(ams, logged_in):
    logged_in.on("GET", "/api/agents/researcher", agent())
    assert json.loads(ams("agents", "show", "researcher", "--json").out)["revision"]["version"] == "1.2.0"


@pytest.mark.parametrize(("name", "code"), [("nobody", 7), ("..", 2), ("\udcff", 2), ("a/b", 7)])
def test_an_agent_that_is_not_there(ams, logged_in, name, code):
    result = ams("agents", "show", name)
    assert (result.code, result.out) == (code, "")
    assert result.err.count("\n") == 1
