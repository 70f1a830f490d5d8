from __future__ import annotations

import unicodedata
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ams_reference_server.accounts.email_address import EmailAddress, InvalidEmailError


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ada@example.org", "  ADA@Example.ORG\n"),
        ("stra\u00dfe@example.org", "STRASSE@example.org"),
        ("gr\u00fcn@example.org", "gru\u0308n@example.org"),
        ("ada@b\u00fccher.example", "ada@XN--BCHER-KVA.example"),
        ("ada@b\u00fccher.example", "ada@bu\u0308cher.example"),
        ("ada@example.org", "ada@example.org."),
        ("ada@example.org", "\uff21da@example.org"),
        ("offa@example.org", "o\ufb00a@example.org"),
        ("ada@example.org", "ada@example\u3002org"),
    ],
)
def test_spellings_of_one_address_are_one(one, other):
    assert EmailAddress.parse(one).key == EmailAddress.parse(other).key


@pytest.mark.parametrize("other", ["ada+x@example.org", "a.da@example.org", "ada@example.com", "ad\u00e1@example.org"])
def test_different_addresses_stay_different(other):
    assert EmailAddress.parse("ada@example.org").key != EmailAddress.parse(other).key


@pytest.mark.parametrize("text", ["a\uff20b@example.org", "a\u2024\u2024b@example.org", "a" * 2000 + "@example.org"])
def test_what_stands_for_no_address_is_refused(text):
    with pytest.raises(InvalidEmailError):
        EmailAddress.parse(text)


def test_a_text_that_takes_long_to_compose_is_refused_and_not_composed(monkeypatch):
    composed, compose = [], unicodedata.normalize
    monkeypatch.setattr(unicodedata, "normalize", lambda form, text: composed.append(len(text)) or compose(form, text))
    with pytest.raises(InvalidEmailError):
        EmailAddress.parse("a" + "\u0301\u0316" * 32_000 + "@example.org")
    assert EmailAddress.parse("ada@example.org").shown == "ada@example.org"
    assert composed
    assert max(composed) < 1_000


def test_the_address_is_shown_as_it_was_typed():
    assert EmailAddress.parse(" Ada@Example.org ").shown == "Ada@Example.org"


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=300))
def test_any_text_is_an_address_or_is_refused(text):
    with suppress(InvalidEmailError):
        found = EmailAddress.parse(text)
        assert EmailAddress.parse(found.key).key == found.key


@given(st.from_regex(r"[a-zA-Z0-9\u00df-\u00f6\u0130]{1,20}@[a-z]{1,10}\.[a-z]{2,5}", fullmatch=True))
def test_the_key_of_a_key_is_itself(text):
    key = EmailAddress.parse(text).key
    assert EmailAddress.parse(key).key == key
    assert EmailAddress.parse(text.upper()).key == EmailAddress.parse(text.upper().lower()).key
