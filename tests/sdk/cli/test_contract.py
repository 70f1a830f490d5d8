from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys

import pytest

from ams_sdk.testing import MockPlatform
from ams_sdk.testing._platform.gateway import Gateway
from ams_sdk.testing.contract import select

FEW = ("--only", "health", "--only", "everywhere.denied_by_default")


@pytest.fixture
def url():
    with MockPlatform().serve() as mock:
        yield mock.url


@pytest.fixture
def trusting(monkeypatch):
    """The mock lets everybody in, as somebody's account."""

    def authenticate(self, exchange):
        exchange.account = next(iter(self.accounts))

    monkeypatch.setattr(Gateway, "_authenticate", authenticate)


def test_a_platform_that_keeps_the_contract_is_code_0_and_a_line_a_rule(ams, url):
    result = ams("contract", "run", url, *FEW)
    assert (result.code, result.err) == (0, "")
    lines = result.out.splitlines()
    assert [line.split()[:2] for line in lines[:3]] == [
        ["kept", "everywhere.denied_by_default"],
        ["kept", "health.live"],
        ["kept", "health.ready"],
    ]
    assert re.fullmatch(r"3 rules: 3 kept, 0 broken, 0 skipped, in \d\.\d s\.", lines[-1])


def test_a_broken_rule_is_code_13_and_what_was_asked_what_came_and_what_the_contract_says(ams, url, trusting):
    result = ams("contract", "run", url, *FEW)
    assert (result.code, result.err) == (13, "")
    assert "broken  everywhere.denied_by_default" in result.out
    lines = result.out.splitlines()
    begin = lines.index("everywhere.denied_by_default")
    said = "Every path that the contract knows needs a credential, but register, login, health and the OpenAPI"
    assert lines[begin + 1 : begin + 6] == [
        f"contract  {said}",
        "          document.",
        "asked     GET /api/users/me   (without a credential)",
        "came      200",
        "          content-type: application/json",
    ]
    assert "\nwrong     the status is 200, 401 was to come.\n" in result.out
    assert "Traceback" not in result.out
    assert result.out.splitlines()[-1].startswith("3 rules: 2 kept, 1 broken, 0 skipped")


def test_json_is_one_document(ams, url, trusting):
    result = ams("contract", "run", url, *FEW, "--json")
    assert result.code == 13
    said = json.loads(result.out)
    assert (said["url"], said["kept"], said["broken"], said["skipped"]) == (url, 2, 1, 0)
    broken = said["rules"][0]
    assert (broken["name"], broken["group"], broken["outcome"]) == (
        "everywhere.denied_by_default",
        "everywhere",
        "broken",
    )
    assert broken["wrong"] == "the status is 200, 401 was to come."
    assert broken["exchanges"][0].startswith("asked     GET /api/users/me")
    assert (said["rules"][1]["wrong"], said["rules"][1]["exchanges"]) == (None, [])


def test_with_an_account_none_is_made_and_what_needs_one_says_so(ams, url):
    mock_account = {"email": "ada@example.org", "password": b"Analytical-Engine-1843\n"}
    only = ("--only", "accounts.key_is_a_bearer", "--only", "accounts.logout_revokes")
    account = ("--email", mock_account["email"], "--password-stdin")
    result = ams("contract", "run", url, *only, *account, stdin=mock_account["password"])
    assert result.code == 0
    assert "kept    accounts.key_is_a_bearer" in result.out
    assert "skipped   it needs an account of its own, and only the given one is to be used:\n" in result.out
    assert "          accounts.logout_revokes\n" in result.out
    assert "Analytical" not in result.out


def test_a_wrong_password_is_code_5(ams, url):
    result = ams("contract", "run", url, "--email", "ada@example.org", "--password-stdin", stdin=b"wrong")
    assert (result.code, result.out) == (5, "")
    assert result.err.startswith("ams: The e-mail address or the password is wrong.")


def test_where_nothing_answers_is_code_4(ams):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    result = ams("contract", "run", f"http://127.0.0.1:{port}")
    assert (result.code, result.out) == (4, "")
    assert result.err.startswith(f"ams: Nothing answered at http://127.0.0.1:{port}")


def test_who_does_not_answer_in_time_is_code_4(ams):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        result = ams("contract", "run", f"http://127.0.0.1:{silent.getsockname()[1]}", "--timeout", "0.2")
    assert result.code == 4
    assert "did not answer in time" in result.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("127.0.0.1:8787",), "A platform is a URL such as 'http://127.0.0.1:8787'"),
        (("http://127.0.0.1:1", "--only", "everywhere.unknown"), "did you mean everywhere.unknown_path"),
        (("http://127.0.0.1:1", "--only", "x"), "Write a rule's name or one of the groups everywhere, accounts"),
        (("http://127.0.0.1:1", "--password-stdin"), "name it with --email"),
        ((), "Missing argument 'URL'"),
    ],
)
def test_wrong_usage_is_code_2(ams, arguments, said):
    result = ams("contract", "run", *arguments)
    assert (result.code, result.out) == (2, "")
    assert said in result.err


def test_the_rules_are_listed_with_what_they_say(ams):
    result = ams("contract", "rules", "--only", "health")
    assert result.code == 0
    assert [line.split()[0] for line in result.out.splitlines()] == ["RULE", "health.live", "health.ready"]
    listed = json.loads(ams("contract", "rules", "--json").out)
    assert [rule["name"] for rule in listed] == [rule.name for rule in select()]


def test_it_needs_no_pytest(url, tmp_path):
    (tmp_path / "pytest.py").write_text("raise ImportError('there is no pytest here')")
    environ = os.environ | {"PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-m", "ams_sdk._cli.main", "contract", "run", url, "--only", "health"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "2 rules: 2 kept" in done.stdout
