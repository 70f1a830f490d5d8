"""The fixture ``ams_tools``, in a suite of its own that a real pytest runs."""

from __future__ import annotations

import os

import pytest

SUITE = """
    import pytest
    from ams_sdk import agent, tool

    @tool
    def search(query: str) -> list[str]:
        raise RuntimeError("the body")

    @agent
    def researcher(question: str) -> str:
        try:
            return search(question)[0]
        except Exception:
            return "nothing"
"""


@pytest.fixture
def suite(pytester, monkeypatch):
    for name in list(os.environ):
        if name.startswith(("AMS_", "OTEL_", "COV_", "COVERAGE_")):
            monkeypatch.delenv(name, raising=False)
    pytester.makeini("[pytest]\n")

    def run(source):
        pytester.makepyfile(test_suite=SUITE + source)
        return pytester.runpytest_subprocess("-p", "no:schemathesis", "-W", "error")

    return run


def test_stubs_serve_their_test_and_no_other(suite):
    result = suite("""
    def test_stubbed(ams_tools, ams_trace):
        ams_tools.on(search).returns(["they float"], query="otters")
        assert researcher("otters") == "they float"
        ams_trace.agent("researcher").assert_called(search, query="otters", result=["they float"])

    def test_not_stubbed(ams):
        with pytest.raises(RuntimeError):
            search("otters")

    @pytest.mark.ams(strict=False)
    def test_relaxed(ams_tools):
        ams_tools.on(search).returns([])
    """)
    result.assert_outcomes(passed=3)


def test_a_mismatch_that_the_agent_swallowed_and_an_unused_stub_fail_at_the_end(suite):
    result = suite("""
    def test_swallowed(ams_tools):
        ams_tools.on(search).returns([], query="seals")
        assert researcher("otters") == "nothing"

    def test_unused(ams_tools):
        ams_tools.on(search).returns([], query="seals")
    """)
    result.assert_outcomes(failed=2)
    said = result.stdout.str()
    assert "search(query='otters') was called, and its only stub does not answer that." in said
    assert "The agent went on after that." in said
    assert "The only stub of tools was not used: search." in said
    assert "ams tools" in said
