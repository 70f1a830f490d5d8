from __future__ import annotations

import pytest

from ams_reference_server.accounts.email_address import EmailAddress
from ams_reference_server.accounts.password_policy import PasswordPolicy

EMAIL = EmailAddress.parse("Ada.L0ve-x@Example.org")


def codes(password, email=EMAIL, policy="complexity"):
    broken = PasswordPolicy(policy).broken_rules(password, email)
    assert all(error.field == "password" and error.message for error in broken)
    return {error.code for error in broken}


@pytest.mark.parametrize(
    "password", ["Aa1-aaaa", "Aa1-" * 32, "A a1aaaa", "\u00c4\u00e41\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d", "Aa\u0661-aaaa"]
)
def test_a_good_password_breaks_no_rule(password):
    assert codes(password) == set()


@pytest.mark.parametrize(
    ("password", "broken"),
    [
        ("", {"too_short", "no_lowercase", "no_uppercase", "no_digit", "no_symbol"}),
        ("Aa1-aaa", {"too_short"}),
        ("Aa1-" * 32 + "a", {"too_long"}),
        ("AA1-AAAA", {"no_lowercase"}),
        ("aa1-aaaa", {"no_uppercase"}),
        ("Aab-aaaa", {"no_digit"}),
        ("Aab1aaaa", {"no_symbol"}),
        ("p@SSw0rd1!", {"too_common"}),
        (" P@ssw0rd1! ", {"too_common"}),
        ("Ada.L0ve-x@Example.org", {"is_email"}),
        ("Ada.l0ve-X@Example.ORG", {"is_email"}),
    ],
)
def test_every_broken_rule_is_named(password, broken):
    assert codes(password) == broken


def test_without_an_address_the_other_rules_hold():
    assert codes("Ada.L0ve-x@Example.org", None) == set()


@pytest.mark.parametrize("password", ["correct horse battery", "x" * 7 + "y" * 4 + "zzzz", "\u4e2d\u6587" * 7 + "z"])
def test_nist_asks_for_length_and_for_no_kinds_of_characters(password):
    assert codes(password, policy="nist") == set()


@pytest.mark.parametrize(
    ("password", "broken"),
    [
        ("", {"too_short"}),
        ("Correct-horse-7", set()),
        ("Correct-horse7", {"too_short"}),
        ("a b" * 43, {"too_long"}),
        ("passwordpassword", {"too_common"}),
        ("123456789012345", {"too_common"}),
        ("aaaaaaaaaaaaaaaaaaaa", {"too_common"}),
        ("Ada.L0ve-x@Example.org", {"is_email"}),
    ],
)
def test_every_broken_rule_of_nist_is_named(password, broken):
    assert codes(password, policy="nist") == broken
