from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

ID = "4bf92f3577b34da6a3ce929d0e0e4736"


def summary(**more):
    started = datetime.now(UTC) - timedelta(hours=2, minutes=1)
    return {
        "trace_id": ID,
        "root_name": "invoke_agent auditor",
        "agent": "auditor",
        "session": "conversation-1",
        "status": "ok",
        "started_at": started.isoformat(),
        "duration_ns": 1_240_000_000,
        "span_count": 12,
        "input_tokens": 100,
        "output_tokens": 20,
        **more,
    }


def spans():
    started = datetime.now(UTC).isoformat()
    common = {"trace_id": ID, "kind": "internal", "status": "unset", "started_at": started, "duration_ns": 1_000_000}
    return [
        {**common, "span_id": "1", "name": "run"},
        *({**common, "span_id": f"s{n}", "parent_span_id": "1", "name": "fetch"} for n in range(9)),
    ]


def test_the_list_at_80_columns_keeps_the_whole_id(ams, logged_in, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    items = [
        summary(),
        summary(agent="a" * 90, status="error", error="TimeoutError"),
        summary(status="error", agent=None),
    ]
    logged_in.on("GET", "/api/traces", {"items": items})
    result = ams("traces", "list")
    lines = [line.rstrip() for line in result.out.splitlines()]
    assert (result.code, result.err) == (0, "")
    assert lines[0].split() == ["TRACE", "STARTED", "NAME", "TIME", "STATUS"]
    assert lines[1].split() == [ID, "2", "h", "ago", "auditor", "1.24", "s", "ok"]
    assert lines[2].startswith(ID)
    assert lines[2].endswith("TimeoutError")
    assert lines[3].endswith("error")
    assert all(len(line) <= 80 for line in lines)


def test_the_list_at_160_columns_has_more(ams, logged_in, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    items = [summary(), summary(session=None, input_tokens=0, output_tokens=0, agent=None, root_name=None)]
    logged_in.on("GET", "/api/traces", {"items": items, "next_cursor": "n"})
    lines = ams("traces", "list").out.splitlines()
    assert lines[0].split() == ["TRACE", "STARTED", "NAME", "TIME", "SPANS", "TOKENS", "SESSION", "STATUS"]
    assert lines[1].split()[4:] == ["auditor", "1.24", "s", "12", "120", "conversation-1", "ok"]
    assert lines[2].split()[4:] == ["-", "1.24", "s", "12", "-", "-", "ok"]
    assert lines[3] == "There are more: add --cursor n"


def test_names_in_the_list_cannot_act_on_the_terminal(ams, logged_in):
    hostile = "\x1b[2J[red]x\u202e"
    items = [summary(agent=hostile, session=hostile, trace_id=hostile, status="error", error=hostile)]
    logged_in.on("GET", "/api/traces", {"items": items})
    out = ams("traces", "list").out
    assert out.count(r"\x1b[2J[red]x\u202e") == 4
    assert "\x1b" not in out


def test_the_filters_are_sent(ams, logged_in):
    logged_in.on("GET", "/api/traces", {"items": []})
    options = {
        "agent": "auditor",
        "status": "error",
        "session": "s",
        "since": "2026-01-31T12:00:00Z",
        "until": "2026-01-31T14:00:00+01:00",
        "min-duration": "500ms",
        "query": "x",
        "limit": "7",
        "cursor": "c",
    }
    result = ams("traces", "list", *(part for name, value in options.items() for part in (f"--{name}", value)))
    assert result.out == "No trace matches.\n"
    assert parse_qs(urlsplit(logged_in.requests[-1].call).query) == {
        "agent": ["auditor"],
        "status": ["error"],
        "session": ["s"],
        "since": ["2026-01-31T12:00:00Z"],
        "until": ["2026-01-31T13:00:00Z"],
        "min_duration": ["0.5"],
        "q": ["x"],
        "limit": ["7"],
        "cursor": ["c"],
    }


def test_the_list_as_json(ams, logged_in):
    logged_in.on("GET", "/api/traces", {"items": [summary()]})
    assert json.loads(ams("traces", "list", "--json").out)["items"][0]["trace_id"] == ID


def test_a_trace_is_drawn_and_all_unfolds_it(ams, logged_in):
    logged_in.on("GET", f"/api/traces/{ID}", summary(spans=spans()))
    folded, unfolded = ams("traces", "show", ID), ams("traces", "show", ID, "--all")
    assert (folded.code, folded.err) == (0, "")
    assert [line.rstrip() for line in folded.out.splitlines()][1:] == [
        "└── span run  1.00 ms",
        "    └── span fetch × 9  9.00 ms in total, slowest 1.00 ms",  # noqa: RUF001 -- the sign is meant
    ]
    assert len(unfolded.out.splitlines()) == 11


def test_a_trace_as_json(ams, logged_in):
    logged_in.on("GET", f"/api/traces/{ID}", summary(spans=spans()))
    assert len(json.loads(ams("traces", "show", ID, "--json").out)["spans"]) == 10


def test_a_trace_that_is_not_there(ams, logged_in):
    result = ams("traces", "show", ID)
    assert (result.code, result.out) == (7, "")
    assert "ams traces list" in result.err
