"""The contract in a user's suite, run by a pytest of its own."""

from __future__ import annotations

import pytest

from ams_sdk.testing.contract import PlatformContract, select

THREE_LINES = """
import pytest
from ams_sdk.testing import MockPlatform
from ams_sdk.testing.contract import PlatformContract

MOCK = MockPlatform(strict=False)
{before}

class TestMyPlatform(PlatformContract):
    @pytest.fixture
    def platform(self):
        return {where}
{body}
"""
WITH_PROBLEM = """
from ams_sdk.testing._platform.gateway import Gateway

def open_to_all(self, exchange):
    exchange.account = next(iter(self.accounts))

Gateway._authenticate = open_to_all
"""
CLIENT = "__import__('httpx').Client(base_url=MOCK.url, transport=MOCK.transport)"
QUIET = ("-p", "no:cacheprovider", "-n0", "-q")


@pytest.fixture
def run(pytester):
    def run_suite(*options, where="MOCK.transport", before="", body=""):
        pytester.makepyfile(THREE_LINES.format(before=before, where=where, body=body))
        return pytester.runpytest_subprocess(*QUIET, *options)

    return run_suite


def test_each_rule_is_a_test_with_its_name():
    names = {name for name in dir(PlatformContract) if name.startswith("test_")}
    assert names == {f"test_{rule.name.replace('.', '_')}" for rule in select()}
    assert PlatformContract.test_health_live.__doc__ == select("health.live")[0].says


@pytest.mark.slow
def test_a_suite_holds_its_platform_to_all_rules(run):
    outcomes = run(where="MOCK.start().url if MOCK.url.startswith('http://mock') else MOCK.url").parseoutcomes()
    assert outcomes == {"passed": len(select())}


@pytest.mark.parametrize("where", ["MOCK.transport", CLIENT])
def test_a_platform_in_process_is_a_transport_or_a_client(run, where):
    outcomes = run("-k", "health or refused_unread", where=where).parseoutcomes()
    assert outcomes == {"passed": 2, "skipped": 1, "deselected": len(select()) - 3}


def test_a_broken_rule_shows_what_was_asked_and_not_the_insides_of_the_contract(run):
    result = run("-k", "denied_by_default", before=WITH_PROBLEM)
    result.assert_outcomes(failed=1, deselected=len(select()) - 1)
    result.stdout.fnmatch_lines(
        [
            "E   *everywhere.denied_by_default",
            "*contract  Every path that the contract knows needs a credential*",
            "*asked     GET /api/users/me   (without a credential)",
            "*came      200",
            "*wrong     the status is 200, 401 was to come.",
        ]
    )
    assert "exchange.py" not in result.stdout.str()


def test_a_rule_is_left_out_and_marked_as_any_test_is(run):
    body = """
    test_health_live = None

    @pytest.mark.xfail(strict=True)
    def test_health_ready(self, platform):
        assert not platform
"""
    outcomes = run("-k", "health", body=body).parseoutcomes()
    assert outcomes == {"xfailed": 1, "deselected": len(select()) - 2}


def test_with_an_account_rules_that_need_one_of_their_own_are_skipped(run):
    outcomes = run(
        "-k",
        "key_is_a_bearer or logout_revokes",
        where=CLIENT,
        body='    account = ("ada@example.org", "Analytical-Engine-1843")',
    ).parseoutcomes()
    assert outcomes == {"passed": 1, "skipped": 1, "deselected": len(select()) - 2}


def test_what_is_no_platform_is_told_what_to_write(run):
    result = run("-k", "health_live", where="object()")
    result.stdout.fnmatch_lines(["E *ConfigurationError: A platform is a URL such as 'http://127.0.0.1:8787'*"])
