"""The same suite against a real platform on a port, which another mock plays here."""

from __future__ import annotations

import os

import pytest

from ams_sdk.testing import MockPlatform

SUITE = """
import ams_sdk
import pytest
from ams_sdk.testing import RateLimit
from ams_sdk.wire import AgentRegistration

@ams_sdk.agent(version="3")
def worker(number):
    return number

def test_registered(ams, ams_trace, ams_client):
    worker(1)
    ams_trace.agent("worker").assert_succeeded()
    ams.assert_registered("worker", version="3")
    ams.assert_not_registered("somebody")
    assert [span.name for span in ams.spans] == ["invoke_agent worker"]
    assert [agent.name for agent in ams_client.agents.list().items] == ["worker"]

def test_not_registered(ams):
    ams.assert_registered("somebody")

def test_fault(ams):
    ams.fault(RateLimit(1))

@pytest.mark.ams(seed=[AgentRegistration(name="a", version="1")])
def test_seed():
    pass

def test_port(ams_server):
    pass

def test_fails(ams):
    worker(2)
    assert False
"""


@pytest.fixture
def run(pytester, monkeypatch):
    for name in list(os.environ):
        if name.startswith(("AMS_", "COV_", "COVERAGE_")):
            monkeypatch.delenv(name, raising=False)
    pytester.makeini("[pytest]\n")
    pytester.makepyfile(test_suite=SUITE)

    def run(*args):
        return pytester.runpytest_subprocess("-p", "no:schemathesis", "-W", "error", "-rs", *args)

    return run


def test_what_any_platform_can_do_runs_and_the_rest_is_skipped(run):
    with MockPlatform().serve() as platform:
        result = run(f"--ams-target={platform.url}")
        result.assert_outcomes(passed=1, failed=2, skipped=3)
        output = result.stdout.str()
        assert "No agent 'somebody' is registered." in output
        assert f"ams.fault needs the mock platform, and this run has --ams-target={platform.url}" in output
        assert "ams.seed needs the mock platform" in output
        assert "ams requests" not in output
        assert [agent.name for agent in platform.agents] == ["worker"]
        assert len({request.account for request in platform.requests if request.account}) == 1


def test_the_mock_does_it_all(run):
    run("--ams-target=mock").assert_outcomes(passed=3, failed=3)


def test_a_platform_that_is_not_there_is_an_error_that_says_so(run):
    result = run("--ams-target=http://127.0.0.1:9")
    result.assert_outcomes(errors=6)
    assert "PlatformUnreachableError" in result.stdout.str()
