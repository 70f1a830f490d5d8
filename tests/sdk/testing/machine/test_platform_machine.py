"""The machine passes platforms that keep the contract, convicts one that breaks it, and says how."""

from __future__ import annotations

import re
import ssl
import subprocess
import sys
from dataclasses import replace

import httpx
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from tests.contract.differential import mutations
from tests.reference_server import UNLIMITED, started

from ams_sdk import ConfigurationError
from ams_sdk.testing import MockPlatform, PlatformAssertionError, PlatformMachine
from ams_sdk.testing._platform.agents import AgentRegistry
from ams_sdk.testing._platform.gateway import Gateway
from ams_sdk.testing._platform.traces import TraceStore
from ams_sdk.wire import AgentRegistration

# Nothing here is encrypted, but a client would load the machine's certificates, which takes longer than an example.
TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
COMMON = {"deadline": None, "suppress_health_check": list(HealthCheck), "database": None}
SUITE = """
import httpx
from hypothesis import Phase, settings

from ams_sdk.testing import MockPlatform, PlatformMachine

platform = MockPlatform()
{breaks}
TestMyPlatform = PlatformMachine.against(
    lambda: httpx.Client(base_url=platform.url, transport=platform.transport)
).TestCase
TestMyPlatform.settings = settings(
    max_examples={examples}, stateful_step_count=10, deadline=None, database=None, phases=[Phase.generate]
)
"""
FORGETS = """
from ams_sdk.testing._platform.credentials import Credentials
Credentials.revoke = lambda self, bearer: None
"""


@pytest.fixture
def platform():
    return MockPlatform()


def run(platform, examples=15, steps=30, **more):
    machine = PlatformMachine.against(lambda: httpx.Client(base_url=platform.url, transport=platform.transport))
    run_state_machine_as_test(
        machine, settings=settings(**COMMON, max_examples=examples, stateful_step_count=steps, **more)
    )


def search(platform, **more):
    """Run histories: first always the same, and then, should they have missed what there is to find, at random."""
    run(platform, examples=300, phases=[Phase.generate], derandomize=True, **more)
    run(platform, examples=900, phases=[Phase.generate], derandomize=False, **more)


def broken(platform, **more):
    """The failure of a machine that meets this platform."""
    with pytest.raises(PlatformAssertionError) as raised:
        search(platform, **more)
    return str(raised.value)


def test_the_mock_passes(platform):
    run(platform)
    assert {request.status for request in platform.requests} >= {200, 201, 204, 401, 404, 405, 409, 422}


@pytest.mark.slow
def test_the_reference_server_passes(tmp_path):
    with started(tmp_path, **UNLIMITED) as url:
        machine = PlatformMachine.against(lambda: httpx.Client(base_url=url, verify=TLS, timeout=30))
        run_state_machine_as_test(machine, settings=settings(**COMMON, max_examples=20, stateful_step_count=30))


FOUND = {
    mutations.a_token_outlives_its_logout: "a token that was logged out and a key that was deleted are refused",
    mutations.a_deleted_key_is_still_good: "a token that was logged out and a key that was deleted are refused",
    mutations.keys_are_listed_oldest_first: "an account's keys are listed newest first",
    mutations.an_agent_of_another_account_is_read: "somebody else's is not found",
    mutations.labels_make_a_new_revision: "registering is 201 for a new agent or revision, 200 if its code is the same",
    mutations.a_span_that_comes_twice_counts_twice: "trace",
    mutations.an_unknown_path_is_open: "expected:  status 401",
    mutations.head_is_not_in_allow: "a path tells which methods it knows",
    mutations.answers_may_be_cached: "Cache-Control",
}


@pytest.mark.slow
@pytest.mark.parametrize("mutate", FOUND, ids=lambda mutate: mutate.__name__)
def test_a_platform_that_breaks_one_rule_is_found_out(platform, monkeypatch, mutate):
    mutate(monkeypatch)
    assert FOUND[mutate] in broken(platform)


def test_a_failure_says_the_rule_the_request_and_the_answer(platform, monkeypatch):
    mutations.a_token_outlives_its_logout(monkeypatch)
    text = broken(platform)
    assert text.startswith("The platform answers otherwise than the contract says.\n")
    assert re.search(r"  rule:      a token that was logged out .* are refused everywhere\n", text)
    assert "  expected:  status 401\n  got:       status 200\n" in text
    assert re.search(r"  request:   [A-Z]+ /\S+\n  answer:    200 application/json \{", text)
    assert re.search(r"Before it:\n(  .* -> \d{3}\n)+", text)
    assert "eyJ" not in text


def test_passwords_and_tokens_are_not_shown(platform):
    platform.on("login").respond(403, times=None)
    text = broken(platform)
    assert re.search(
        r'request:   POST /api/auth/login \{"email": "machine-\w+@example.org", "password": "\[redacted\]"', text
    )
    assert "  expected:  status 200\n  got:       status 403\n" in text


ANSWERS = {
    "a server's own failure": (lambda answer: replace(answer, status=500), "status 201\n  got:       status 500"),
    "no request id": (lambda answer: without(answer, "x-request-id"), "a header X-Request-ID"),
    "sniffing": (lambda answer: without(answer, "x-content-type-options"), "X-Content-Type-Options: nosniff"),
    "no JSON": (lambda answer: replace(answer, body=b"{"), "a body of JSON"),
}


def without(answer, name):
    return replace(answer, headers=tuple(header for header in answer.headers if header[0] != name))


@pytest.mark.parametrize("change", ANSWERS)
def test_a_rule_for_every_answer_holds_for_every_answer(platform, monkeypatch, change):
    damage, expected = ANSWERS[change]
    finished = Gateway.finished
    monkeypatch.setattr(
        Gateway, "finished", lambda self, exchange, response: damage(finished(self, exchange, response))
    )
    assert f"expected:  {expected}" in broken(platform)


REFUSALS = {
    "no challenge": (lambda answer: without(answer, "www-authenticate"), "WWW-Authenticate"),
    "another type": (
        lambda answer: replace(
            without(answer, "content-type"),
            headers=(*without(answer, "content-type").headers, ("content-type", "application/json")),
        ),
        "Content-Type: application/problem+json",
    ),
    "no title": (
        lambda answer: replace(answer, body=answer.body.replace(b'"title"', b'"name"')),
        "fields that the problem lacks",
    ),
    "another status": (
        lambda answer: replace(answer, body=re.sub(rb'"status":\d+', b'"status":418', answer.body)),
        "the problem's status",
    ),
    "another code": (
        lambda answer: replace(answer, body=re.sub(rb'"code":"\w+"', b'"code":"no"', answer.body)),
        "the problem's code",
    ),
    "an echo": (
        lambda answer: replace(answer, body=answer.body.replace(b'"detail":"', b'"detail":"Correct-horse-7 ')),
        "a problem without passwords and tokens",
    ),
    "half a challenge": (
        lambda answer: replace(
            answer,
            headers=tuple(
                (name, text.partition(",")[0] if name == "www-authenticate" else text) for name, text in answer.headers
            ),
        ),
        'WWW-Authenticate with error="invalid_token"',
    ),
}


@pytest.mark.parametrize("change", REFUSALS)
def test_a_rule_for_every_refusal_holds_for_every_refusal(platform, monkeypatch, change):
    damage, expected = REFUSALS[change]
    refuse = Gateway.refuse
    monkeypatch.setattr(Gateway, "refuse", lambda self, exchange, refusal: damage(refuse(self, exchange, refusal)))
    if change == "an echo":
        monkeypatch.setattr(secrets_of(), "keep_secret", keeping("Correct-horse-7"))
    assert f"expected:  {expected}" in broken(platform)


def secrets_of():
    from ams_sdk.testing._machine.asking import Asking  # noqa: PLC0415 -- one test

    return Asking


def keeping(text):
    return lambda self, _secret: self._secrets.append(text)


def test_what_the_platform_forgets_is_missed(platform, monkeypatch):
    monkeypatch.setattr(TraceStore, "take_in", lambda *_: None)
    assert "a trace is read with all its spans" in broken(platform) or "the traces in the list" in broken(platform)


def test_what_the_platform_makes_up_is_seen(platform, monkeypatch):
    of = AgentRegistry.of

    def with_another(self, owner_id):
        found = of(self, owner_id)
        return [agent.model_copy(update={"description": "made up"}) for agent in found]

    monkeypatch.setattr(AgentRegistry, "of", with_another)
    assert "the list of agents" in broken(platform)


def test_it_needs_nothing_of_what_was_there_before(platform):
    platform.seed(AgentRegistration(name="researcher", version="1"))
    run(platform, examples=3)


@pytest.mark.slow
def test_a_suite_has_it_in_three_lines(tmp_path):
    good, bad = tmp_path / "test_good.py", tmp_path / "test_bad.py"
    good.write_text(SUITE.format(breaks="", examples=3))
    bad.write_text(SUITE.format(breaks=FORGETS, examples=200))

    def outcome(path):
        command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", path.name]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert "1 passed" in outcome(good).stdout
    said = outcome(bad).stdout
    assert "rule:      a token that was logged out and a key that was deleted are refused everywhere" in said
    assert re.search(r"state\.\w+\(credential=\w+", said)


def test_a_subclass_says_where_the_platform_is(platform):
    class Mine(PlatformMachine):
        def connect(self):
            return httpx.Client(base_url=platform.url, transport=platform.transport)

    run_state_machine_as_test(Mine, settings=settings(**COMMON, max_examples=2, stateful_step_count=5))
    assert platform.requests.of("register")


def test_the_client_is_closed(platform):
    opened = []

    def connect():
        opened.append(httpx.Client(base_url=platform.url, transport=platform.transport))
        return opened[-1]

    machine = PlatformMachine.against(connect)
    run_state_machine_as_test(machine, settings=settings(**COMMON, max_examples=2, stateful_step_count=2))
    assert opened
    assert all(client.is_closed for client in opened)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("http://127.0.0.1:1", r"gave a str; let it return httpx\.Client\(base_url="),
        (None, "gave a NoneType"),
        (httpx.AsyncClient(base_url="http://x.localhost", verify=TLS), "gave an asynchronous client"),
        (httpx.Client(verify=TLS), "gave a client without base_url"),
    ],
    ids=["an address", "nothing", "an asynchronous one", "nowhere"],
)
def test_what_is_no_client_is_refused(given, message):
    with pytest.raises(ConfigurationError, match=message):
        PlatformMachine.against(lambda: given)()


def test_it_must_be_told_where_the_platform_is():
    with pytest.raises(ConfigurationError, match=r"use PlatformMachine\.against\(lambda: httpx\.Client"):
        PlatformMachine()


def test_a_platform_with_limits_is_told_to_be_started_without(platform):
    platform.on("register").respond(429, headers={"Retry-After": "1"}, times=None)
    with pytest.raises(ConfigurationError, match=r"POST /api/auth/register -> 429: .* AMS_LOGIN_LIMIT_PER_ADDRESS=off"):
        run(platform, examples=1)
