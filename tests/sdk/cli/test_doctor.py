import json
import sys

import pytest
from tests.sdk.libraries.conftest import site

from ams_sdk._libraries import LIBRARIES
from ams_sdk._tracing.spool import Spool, spool_root
from ams_sdk._version import __version__

__all__ = ["site"]
GENAI, OTHER = "opentelemetry-instrumentation-genai-openai", "openinference-instrumentation-openai"


@pytest.fixture
def report(ams):
    def run():
        result = ams("doctor", "--json")
        assert (result.code, result.err) == (0, "")
        found = json.loads(result.out)
        return found | {"libraries": {row["name"]: row for row in found["libraries"]}}

    return run


def test_it_says_which_instrumentor_would_trace_a_library_and_why_not_another(site, ams, report):
    site.library("openai", "3.5")
    site.instrumentor(GENAI, "openai", version="1.3b0")
    site.instrumentor(OTHER, "openai", version="0.1")
    site.library("groq", "9")
    openai = report()["libraries"]["openai"]
    assert (openai["installed"], openai["is_traced"], openai["reason"]) == ("3.5", True, "")
    assert (openai["by"]["distribution"], openai["by"]["version"]) == (GENAI, "1.3b0")
    assert [one["distribution"] for one in openai["passed_over"]] == [OTHER]
    lines = ams("doctor").out.splitlines()
    (line,) = [line for line in lines if line.startswith("openai ")]
    assert line.split() == ["openai", "3.5", GENAI, "1.3b0"]
    assert [line for line in lines if OTHER in line and f"{GENAI} goes first" in line]
    assert [line.split() for line in lines if line.startswith("groq ")] == [
        ["groq", "9", "-", *["no", "instrumentor", "is", "installed"]]
    ]
    assert "openai" not in sys.modules


def test_every_library_that_is_known_is_in_the_document(report):
    assert list(report()["libraries"]) == [library.name for library in LIBRARIES]


def test_what_auto_trace_leaves_out_is_said_to_be(site, report, monkeypatch):
    site.library("openai")
    site.instrumentor(GENAI, "openai")
    monkeypatch.setenv("AMS_AUTO_TRACE", "httpx")
    openai = report()["libraries"]["openai"]
    assert (openai["is_traced"], openai["by"], openai["reason"]) == (False, None, "auto_trace leaves it out")


def test_a_library_that_traces_itself_is_traced_by_itself(site, ams, report):
    site.library("mcp", "2.3")
    mcp = report()["libraries"]["mcp"]
    assert (mcp["is_traced"], mcp["by"]) == (True, None)
    assert [line.split() for line in ams("doctor").out.splitlines() if line.startswith("mcp ")] == [
        ["mcp", "2.3", "itself"]
    ]


def test_the_credential_is_named_and_not_shown(ams, report, monkeypatch):
    monkeypatch.setenv("AMS_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("AMS_API_KEY", "hunter2-hunter2")
    assert report()["credential"].startswith("key ")
    assert "hunter2" not in ams("doctor").out + ams("doctor", "--json").out
    assert report()["problems"] == []


def test_a_login_is_named_by_its_address(logged_in, report):
    found = report()
    assert found["credential"] == "ada@example.com (ams login)"
    assert found["endpoint"] == logged_in.url
    assert logged_in.requests == []  # nothing is sent


@pytest.mark.parametrize(
    "case",
    [
        ("AMS_AUTO_TRACE", "opnai", "auto_trace cannot be used: it knows no opnai."),
        ("AMS_ENDPOINT", "nowhere", "AMS_ENDPOINT cannot be used"),
        ("AMS_ENABLED", "no", "The SDK is turned off"),
        ("AMS_SPOOL_DIR", "/dev/null/spool", "The spool /dev/null/spool cannot be written to"),
    ],
)
def test_what_is_wrong_is_a_problem_and_no_error(ams, report, monkeypatch, case):
    variable, value, problem = case
    monkeypatch.setenv("AMS_API_KEY", "k")
    monkeypatch.setenv(variable, value)
    found = report()
    assert [one for one in found["problems"] if one.startswith(problem)]
    assert not any(row["is_traced"] for row in found["libraries"].values()) or variable == "AMS_SPOOL_DIR"
    assert f"problem     {problem}" in ams("doctor").out


def test_without_a_credential_it_says_how_to_get_one(report):
    found = report()
    assert found["credential"] == "none"
    assert [one for one in found["problems"] if "ams login" in one]


def test_what_waits_in_the_spool_is_counted(ams, report):
    assert (report()["spool_state"], report()["spans_waiting"]) == ("not made yet", 0)
    left = Spool(spool_root(), "http://127.0.0.1:9", "ada@example.com")
    left.write(b"", 3)
    left.close()
    assert (report()["spool_state"], report()["spans_waiting"]) == ("there", 3)
    assert "3 spans wait: ams spool list" in ams("doctor").out


def test_a_spool_that_is_turned_off_is_said_to_be(ams, report, monkeypatch):
    monkeypatch.setenv("AMS_SPOOL_DIR", "none")
    assert (report()["spool"], report()["spool_state"]) == (None, "off")
    assert "memory only (off)" in ams("doctor").out


def test_the_version_is_the_one_that_runs(report):
    assert report()["sdk"] == __version__
