"""What a platform accepts is accepted, and what it refuses is refused by the very rules that are named."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from ams_sdk import ConfigurationError
from ams_sdk.testing import strategies

REGISTER, LOGIN, KEYS = "/api/auth/register", "/api/auth/login", "/api/keys"
RULES = (
    *("too_short", "too_long", "no_lowercase", "no_uppercase"),
    *("no_digit", "no_symbol", "too_common", "is_email"),
)


def holds(judge, *drawn):
    """Run a check for as many examples as this platform is asked about."""
    return lambda check: settings(max_examples=judge.examples)(given(*drawn)(check))()


def test_registrations_are_accepted_and_can_log_in(judge):
    @holds(judge, strategies.registrations())
    def check(wanted):
        taken = judge.client.post(REGISTER, json=wanted.model_dump(mode="json"))
        # Two examples may have one address.
        assert taken.status_code in {201, 409}, taken.text
        if taken.status_code == 201:
            assert taken.json()["name"] == wanted.name
            credentials = {"email": wanted.email, "password": wanted.password}
            assert judge.client.post(LOGIN, json=credentials).status_code == 200


def test_passwords_are_accepted_with_the_address_that_they_are_for(judge):
    @holds(judge, st.data())
    def check(data):
        email = judge.address()
        password = data.draw(strategies.passwords(email=email))
        answer = judge.client.post(REGISTER, json={"email": email, "password": password})
        assert answer.status_code == 201, answer.text


def test_spellings_of_an_address_are_one_account(judge):
    @holds(judge, st.data())
    def check(data):
        email = judge.address(data.draw(strategies.emails(domains=st.just("example.org")).filter(is_short)))
        spelt = data.draw(strategies.email_spellings(email))
        body = {"password": "Correct-horse-7"}
        assert judge.client.post(REGISTER, json=body | {"email": email}).status_code == 201
        assert judge.client.post(REGISTER, json=body | {"email": spelt}).json()["code"] == "email_taken"
        assert judge.client.post(LOGIN, json=body | {"email": spelt}).status_code == 200


def is_short(email):
    return len(email.partition("@")[0].encode()) < 40


def test_refused_addresses_are_refused_by_their_rule(judge):
    @holds(judge, strategies.refused_emails())
    def check(refused):
        answer = judge.client.post(REGISTER, json={"email": refused.text, "password": "Correct-horse-7"})
        assert answer.status_code == 422
        found = [(error["field"], error["code"]) for error in answer.json()["errors"]]
        assert found == [("email", code) for code in refused.codes]


@pytest.mark.parametrize("rule", [None, *RULES])
def test_refused_passwords_are_refused_by_their_rules(judge, rule):
    email = f"Ada1.{uuid4().hex}@example.org"

    @holds(judge, strategies.refused_passwords(rule=rule, email=email))
    def check(refused):
        answer = judge.client.post(REGISTER, json={"email": email, "password": refused.text})
        assert answer.status_code == 422
        errors = answer.json()["errors"]
        assert [(error["field"], error["code"]) for error in errors] == [("password", code) for code in refused.codes]
        assert refused.why == " ".join(error["message"] for error in errors)
        assert rule is None or rule in refused.codes


def test_requests_for_keys_are_accepted(judge):
    account = judge.new_account()

    @holds(judge, strategies.api_key_requests())
    def check(wanted):
        answer = judge.client.post(KEYS, json=wanted.model_dump(mode="json"), headers=account)
        assert answer.status_code == 201, answer.text
        made = answer.json()
        ends = made["expires_at"]
        assert made["name"] == wanted.name
        assert (None if ends is None else datetime.fromisoformat(ends)) == wanted.expires_at


@given(strategies.api_key_requests(expires=True), strategies.api_key_requests(expires=False))
def test_keys_end_or_not_as_asked_for(ending, lasting):
    assert ending.expires_at is not None
    assert ending.expires_at > datetime.now(UTC)
    assert lasting.expires_at is None


@given(strategies.emails(domains=st.just("bank.example")))
def test_the_domain_can_be_chosen(email):
    assert email.endswith("@bank.example")


@pytest.mark.parametrize("rule", RULES)
def test_each_rule_can_be_broken_alone(rule):
    alone = find(strategies.refused_passwords(rule=rule), lambda refused: refused.codes == (rule,))
    assert alone.codes == (rule,)


def test_they_shrink_to_simple_values():
    assert find(strategies.emails(), lambda _: True) == "0@example.org"
    assert find(strategies.passwords(), lambda _: True) == "aA0-0000"
    assert find(strategies.email_spellings("ada@example.org"), lambda _: True) == "ada@example.org"
    assert find(strategies.refused_emails(), lambda _: True).text == "@example.org"
    assert find(strategies.refused_passwords(), lambda _: True).text == ""
    wanted = find(strategies.registrations(), lambda _: True)
    assert (wanted.email, sorted(wanted.password), wanted.name) == ("0@example.org", sorted("aA0-0000"), None)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: strategies.refused_passwords(rule="too_shrt"), r"rule='too_shrt'\): it is one of 'too_short', "),
        (lambda: strategies.refused_passwords(email="ada"), r"refused_passwords\(email='ada'\): .* write one like"),
        (lambda: strategies.passwords(email="ada"), r"passwords\(email='ada'\)"),
        (lambda: strategies.email_spellings("ada"), r"email_spellings\(email='ada'\)"),
    ],
)
def test_what_cannot_be_drawn_is_refused_at_once(wrong, message):
    with pytest.raises(ConfigurationError, match=message):
        wrong()
