from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from ams_reference_server.accounts.email_address import EmailAddress as TheirAddress
from ams_reference_server.accounts.password_policy import PasswordPolicy
from ams_sdk.testing._platform.email_address import EmailAddress
from ams_sdk.testing._platform.password_policy import broken_rules, composed

ADDRESS = "Ada.L0velace@example.org"
passwords = st.one_of(st.text(st.sampled_from("aA1-\u00e4\u01c5 "), max_size=12), st.text(max_size=140))


@given(passwords)
@example(ADDRESS)
@example("Password1!")
@example("Aa1-" * 33)
def test_the_same_rules_are_broken_as_on_the_server(password):
    theirs = PasswordPolicy("complexity").broken_rules(password, TheirAddress.parse(ADDRESS))
    assert broken_rules(password, EmailAddress.parse(ADDRESS)) == theirs


def test_a_password_is_composed_unless_it_is_absurdly_long():
    assert composed("u\u0308") == "\u00fc"
    assert composed("u\u0308" * 300) == "u\u0308" * 300
