from __future__ import annotations

import json

import pytest

from ams_sdk.testing._trace import TraceView

ID = "4bf92f3577b34da6a3ce929d0e0e4736"
OTHER = "0af7651916cd43dd8448eb211c80319c"
NAME = "test_researcher_why_do_otters_float.py"


def span(name, number, parent=None, trace_id=ID, **attributes):
    return {
        "trace_id": trace_id,
        "span_id": f"{number:016x}",
        "parent_span_id": parent and f"{parent:016x}",
        "name": name,
        "kind": "internal",
        "status": "unset",
        "started_at": f"2026-01-31T12:00:00.00000{number}Z",
        "duration_ns": 10_000 - number * 2_000,
        "scope_name": "ams_sdk",
        "attributes": {name.replace("__", "."): value for name, value in attributes.items()},
    }


def spans(trace_id=ID, agent="researcher"):
    said = [{"role": "user", "parts": [{"type": "text", "content": "Why do otters float?"}]}]
    return [
        span(
            f"invoke_agent {agent}",
            1,
            trace_id=trace_id,
            gen_ai__operation__name="invoke_agent",
            gen_ai__agent__name=agent,
            code__function__name=f"otters.{agent}",
            gen_ai__input__messages=json.dumps(said),
            ams__output='["They float.", null]',
            more={"nested": [1, None]},
            mixed=[1, 2],
        ),
        span(
            "execute_tool search",
            2,
            1,
            trace_id=trace_id,
            gen_ai__operation__name="execute_tool",
            gen_ai__tool__name="search",
            code__function__name="otters.tools.search",
            gen_ai__tool__call__arguments='{"query":"otters"}',
            gen_ai__tool__call__result='["They float."]',
        ),
    ]


def trace(**more):
    return {
        "trace_id": ID,
        "status": "ok",
        "started_at": "2026-01-31T12:00:00Z",
        "duration_ns": 10_000,
        "span_count": 2,
        "spans": spans(),
        **more,
    }


@pytest.fixture
def here(tmp_path, monkeypatch):
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def held(logged_in):
    logged_in.on("GET", f"/api/traces/{ID}", trace())
    return logged_in


@pytest.fixture
def saved(here):
    """A file with the traces of these agents, as pytest's --ams-trace-dir saves them."""
    from ams_sdk.testing._trace import from_wire  # noqa: PLC0415 -- heavy
    from ams_sdk.wire import Trace  # noqa: PLC0415 -- the same

    def save(agents):
        traces = [Trace.model_validate(trace(spans=spans(trace_id, agent))) for trace_id, agent in agents.items()]
        TraceView.of(from_wire(span) for one in traces for span in one.spans).save(here / "saved.json")
        return "saved.json"

    return save


def test_a_trace_of_the_platform_becomes_a_file_here(ams, held, here):
    result = ams("traces", "to-test", ID)
    assert (result.code, result.err) == (0, "")
    assert result.out == f"Wrote {NAME}, a run of researcher replayed.\nRun it: python -m pytest {NAME}\n"
    source = (here / NAME).read_text(encoding="utf-8")
    assert "from otters import researcher\nfrom otters.tools import search\n" in source
    assert 'ams_tools.on(search, exact=True).returns(["They float."], query="otters")' in source
    assert 'assert agent_run.output == ["They float.", None]' in source
    assert f"from trace {ID}." in source


def test_a_file_that_is_there_is_kept_unless_forced(ams, held, here):
    (here / NAME).write_text("mine")
    refused = ams("traces", "to-test", ID)
    assert (refused.code, refused.out) == (2, "")
    assert f"There is a file {NAME} already: write another with --output, or add --force." in refused.err
    assert (here / NAME).read_text() == "mine"
    assert ams("traces", "to-test", ID, "--force").code == 0
    assert "def test_researcher" in (here / NAME).read_text()


def test_the_file_may_be_named_and_its_folder_has_to_be_there(ams, held, here):
    assert ams("traces", "to-test", ID, "--output", "test_it.py").code == 0
    assert (here / "test_it.py").exists()
    missing = ams("traces", "to-test", ID, "-o", "no/test_it.py")
    assert (missing.code, missing.out) == (2, "")
    assert "Make its folder first." in missing.err


def test_stdout_gets_the_test_and_nothing_else(ams, held, here):
    result = ams("traces", "to-test", ID, "--output", "-", "--agent-code", "otters:Desk.answer")
    assert result.code == 0
    assert result.out.startswith('"""A run of researcher, replayed.\n')
    assert 'run(Desk().answer, "Why do otters float?")' in result.out
    assert result.err == "ams: The test makes Desk() without arguments: write those that it needs.\n"
    assert not list(here.iterdir())


def test_the_json_says_what_was_written_and_where(ams, held, here):
    assert json.loads(ams("traces", "to-test", ID, "--json").out) == {
        "trace_id": ID,
        "agent": "researcher",
        "file": NAME,
        "test": NAME.removesuffix(".py"),
        "notes": [],
        "run": ["python", "-m", "pytest", NAME],
    }
    both = ams("traces", "to-test", ID, "--json", "--output", "-")
    assert (both.code, both.out) == (2, "")
    assert "leave one of them out" in both.err


def test_a_saved_trace_needs_no_platform_and_no_id(ams, saved, here):
    result = ams("traces", "to-test", "--from", saved({ID: "researcher"}))
    assert (result.code, result.err) == (0, "")
    assert (here / NAME).exists()


def test_of_several_saved_traces_one_is_chosen(ams, saved, here):
    file = saved({ID: "researcher", OTHER: "writer"})
    several = ams("traces", "to-test", "--from", file)
    assert (several.code, several.out) == (2, "")
    assert f"There are several traces in saved.json: give the TRACE_ID of one ({ID}, {OTHER})." in several.err
    assert ams("traces", "to-test", OTHER.upper(), "--from", file).code == 0
    assert (here / "test_writer_why_do_otters_float.py").exists()
    missing = ams("traces", "to-test", "f" * 32, "--from", file)
    assert (missing.code, missing.out) == (7, "")
    assert f"it has {ID}, {OTHER}" in missing.err


def test_what_cannot_become_a_test_is_refused_with_the_reason(ams, held, here):
    result = ams("traces", "to-test", ID, "--agent", "bob")
    assert (result.code, result.out) == (2, "")
    assert result.err == (
        "ams: This trace cannot become a test: no agent 'bob' ran in it. "
        "There are researcher: choose one with --agent.\n"
    )
    assert not list(here.iterdir())


@pytest.mark.parametrize(
    ("arguments", "outcome"),
    [
        (["f" * 32], (7, "ams traces list")),
        ([], (2, "Which trace? Give its TRACE_ID")),
        (["--from", "nothing.json"], (2, "cannot be loaded from nothing.json")),
        (["--from", "empty.json"], (2, "There is no span in empty.json.")),
        (["--from", "other.json"], (2, "This is no ExportTraceServiceRequest")),
    ],
)
def test_what_is_not_there_is_named(ams, logged_in, here, arguments, outcome):
    code, says = outcome
    (here / "empty.json").write_text("{}")
    (here / "other.json").write_text("[]")
    result = ams("traces", "to-test", *arguments)
    assert (result.code, result.out) == (code, "")
    assert says in result.err
