"""What a test is told at its end: each text as its reader sees it."""

from __future__ import annotations

import httpx
import pytest

import ams_sdk
from ams_sdk.testing._platform import Latency, MockPlatform, PlatformAssertionError, Status

PASSWORD = "Correct-horse-7"


def told(platform):
    """The paragraphs between the heading and the table."""
    with pytest.raises(PlatformAssertionError) as caught:
        platform.verify()
    text = str(caught.value)
    assert text.startswith("The mock platform saw what this test does not account for:\n\n")
    assert len(text.splitlines()) <= 60
    return text


def ask(platform, method, path, *, url=None, bearer=None, **sent):
    headers = {"Authorization": f"Bearer {bearer or platform.token}"}
    with httpx.Client(base_url=url or platform.url, transport=platform.transport, headers=headers) as client:
        return client.request(method, path, **sent)


def test_a_test_that_accounts_for_everything_is_told_nothing(platform):
    ask(platform, "GET", "/api/users/me")
    assert ask(platform, "GET", "/api/agents/nobody").status_code == 404
    assert ask(platform, "GET", "/api/users/me", bearer="x").status_code == 401
    platform.verify()


def test_a_path_that_the_contract_does_not_know(platform):
    for _ in range(3):
        ask(platform, "GET", "/api/agnts")
    assert told(platform) == (
        "The mock platform saw what this test does not account for:\n"
        "\n"
        "  <#1 GET /api/agnts -> 404 unknown by ada@example.org "
        "(not_found: There is nothing here under this address.)>\n"
        "    The contract has no such path. The nearest is /api/agents.\n"
        "    If that is meant: allow(path='/api/agnts').\n"
        "    (and 2 requests more like it)\n"
        "\n"
        "@pytest.mark.ams(strict=False), or MockPlatform(strict=False), looks at expectations only.\n"
        "\n"
        "It got:\n"
        "#  status  operation  request         account          note\n"
        "1  404     -          GET /api/agnts  ada@example.org  not_found: There is nothing here under this address.\n"
        "2  404     -          GET /api/agnts  ada@example.org  not_found: There is nothing here under this address.\n"
        "3  404     -          GET /api/agnts  ada@example.org  not_found: There is nothing here under this address."
    )
    platform.allow(path="/api/agnts")
    platform.verify()


def test_a_method_that_the_path_does_not_know(platform):
    ask(platform, "PUT", "/api/agents")
    assert "/api/agents does not know PUT, only GET, POST." in told(platform)


def test_a_stranger_at_an_unknown_path(here, platform):
    assert here("GET", "/elsewhere").status_code == 401
    assert "allow(path='/elsewhere')" in told(platform)


def test_a_request_that_breaks_the_contract(platform):
    ask(platform, "POST", "/api/agents", json={"name": "a b", "version": "1"})
    text = told(platform)
    assert (
        "  <#1 POST /api/agents -> 422 register_agent by ada@example.org (validation: name: String should match" in text
    )
    assert "It breaks the contract.\n    If that is meant: expect('register_agent', answered=422), or allow(" in text
    platform.allow("register_agent")
    platform.verify()


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"content": b"{", "headers": {"Content-Type": "application/json"}}, 400),
        ({"content": b"{}", "headers": {"Content-Type": "text/plain"}}, 415),
        ({"content": b" " * 70_000, "headers": {"Content-Type": "application/json"}}, 413),
        ({"json": {}}, 422),
    ],
)
def test_each_way_to_break_it_is_told_unless_it_is_expected(platform, sent, status):
    assert ask(platform, "POST", "/api/keys", **sent).status_code == status
    assert f"-> {status} create_key" in told(platform)
    platform.reset()
    platform.expect("create_key", answered=status)
    ask(platform, "POST", "/api/keys", **sent)
    platform.verify()


def test_what_a_stub_or_a_fault_answers_is_not_the_clients_fault(platform):
    platform.on("create_key").respond(422, times=1)
    platform.fault(Status(400), on="create_key", after=1)
    for _ in range(2):
        ask(platform, "POST", "/api/keys", json={})
    platform.verify()


def test_another_host(platform):
    refused = ask(platform, "GET", "/models", url="https://api.example.com")
    assert (refused.status_code, refused.json()["code"]) == (421, "misdirected")
    text = told(platform)
    assert "It was for 'api.example.com', which is another host than the platform's." in text
    assert "allow(host='api.example.com')" in text
    platform.allow(host="API.example.com")
    assert ask(platform, "GET", "/api/users/me", url="https://api.example.com").status_code == 200
    platform.verify()


def test_an_expectation_that_is_not_met(platform):
    platform.expect("login", times=1)
    platform.expect("register_agent", name="researcher", version="1.2.0")
    platform.expect("login", password=PASSWORD)
    ask(platform, "POST", "/api/agents", json={"name": "researcher", "version": "1"})
    text = told(platform)
    assert "  expect('login', times=1) was to happen once and happened never.\n" in text
    assert "expect('register_agent', name='researcher', version='1.2.0') was to happen once or more and" in text
    assert "If the number does not matter: expect('login') without times=.\n" in text
    assert (
        "and happened never.\n"
        "    #1 differs: version: expected '1.2.0', got '1'\n"
        "    If it need not happen, leave it out.\n" in text
    )
    assert PASSWORD not in text
    assert "expect('login', password=[redacted])" in text


def test_an_expectation_counts_from_when_it_was_made_and_by_what_compares_equal(platform):
    class AnyText:
        __hash__ = None

        def __eq__(self, other):
            return isinstance(other, str)

    ask(platform, "POST", "/api/agents", json={"name": "a", "version": "1"})
    platform.expect("register_agent", times=2, name=AnyText())
    for version in "23":
        ask(platform, "POST", "/api/agents", json={"name": "a", "version": version})
    platform.verify()
    ask(platform, "POST", "/api/agents", json={"name": "a", "version": "4"})
    assert "was to happen 2 times and happened 3 times" in told(platform)


def test_what_differs_in_an_answer_is_told_too(platform):
    platform.expect("me", answered=401)
    ask(platform, "GET", "/api/users/me")
    assert "    #1 differs: answered: expected 401, got 200\n" in told(platform)


def test_what_is_to_happen_never(platform):
    platform.expect("logout", times=0)
    platform.verify()
    ask(platform, "POST", "/api/auth/logout")
    assert "expect('logout', times=0) was to happen never and happened once." in told(platform)


def test_a_request_counts_for_an_expectation_by_its_answer(here, platform):
    platform.expect("me", answered=401, times=1)
    for bearer in ("x", platform.token):
        here("GET", "/api/users/me", bearer=bearer)
    platform.verify()


def test_a_stub_and_a_fault_that_were_not_used_up(platform):
    platform.on("login").respond(503, times=2)
    platform.on("me").respond_with(told, times=1)
    platform.fault(Status(500), on="list_keys", times=2, after=1)
    platform.fault(Latency(0), times=None)
    for _ in range(2):
        ask(platform, "GET", "/api/keys")
    ask(platform, "POST", "/api/auth/login", json={})
    text = told(platform)
    assert "  on('login').respond(503, times=2) was used once.\n    If it need not be used: times=None, or" in text
    assert "  on('me').respond_with(told, times=1) was used never.\n" in text
    assert (
        "  fault(Status(status=500, retry_after=None), on='list_keys', times=2, after=1) happened once: "
        "2 requests could have met it.\n    If it need not happen: times=None, or leave it out." in text
    )
    assert "Latency" not in text.partition("It got:")[0]


def test_a_platform_that_is_not_strict_looks_at_expectations_only():
    platform = MockPlatform(strict=False)
    platform.on("login").respond(503, times=2)
    assert ask(platform, "GET", "/nope", url="http://elsewhere.example").status_code == 404
    ask(platform, "POST", "/api/keys", json={})
    platform.verify()
    platform.expect("login")
    assert "strict=False" not in told(platform)


def test_the_text_is_short_and_without_secrets(platform):
    for number in range(100):
        ask(platform, "GET", f"/{platform.token}/{number}")
    ask(platform, "GET", "/password=hunter2-hunter2")
    text = told(platform)
    assert (len(text.splitlines()), text.splitlines()[-1]) == (60, "(272 more lines)")
    assert platform.token not in text
    platform.reset()
    ask(platform, "GET", "/password=hunter2-hunter2")
    assert "hunter2" not in told(platform)


@pytest.mark.parametrize(
    "misuse",
    [
        lambda platform: platform.expect("logn"),
        lambda platform: platform.allow("logn"),
        lambda platform: platform.assert_requested("logn"),
    ],
)
def test_an_operation_that_is_none_is_told_at_once(platform, misuse):
    with pytest.raises(ams_sdk.ConfigurationError, match="Did you mean 'login'"):
        misuse(platform)


@pytest.mark.parametrize("times", [-1, True, "2", 1.0])
def test_a_number_of_times_that_is_none_is_told(platform, times):
    with pytest.raises(ams_sdk.ConfigurationError, match="write how often, 0 for never"):
        platform.expect("login", times=times)
