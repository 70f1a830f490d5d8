"""How a key looks, and the names of the rules that it can break; another platform may have others."""

from __future__ import annotations

import re

import pytest

KEYS = "/api/keys"


def test_a_key_has_a_prefix_of_eight_characters_and_43_more(account):
    key = account.post(KEYS, json={"name": "ci"}).json()
    assert re.fullmatch(r"ams_[0-9a-z]{8}_[0-9A-Za-z]{43}", key["key"])
    assert key["key"].startswith(f"{key['prefix']}_")


@pytest.mark.parametrize(
    ("wanted", "field", "code"),
    [
        ({}, "name", "missing"),
        ({"name": ""}, "name", "string_too_short"),
        ({"name": "n" * 201}, "name", "string_too_long"),
        ({"name": "n\0"}, "name", "invalid_text"),
        ({"name": 1}, "name", "string_type"),
        ({"name": "n", "expires_at": "soon"}, "expires_at", "value_error"),
        ({"name": "n", "expires_at": 9999999999}, "expires_at", "value_error"),
        ({"name": "n", "expires_at": "9999999999"}, "expires_at", "value_error"),
        ({"name": "n", "expires_at": "2999-01-01T00:00:00"}, "expires_at", "timezone_aware"),
        ({"name": "n", "expires_at": "2001-01-01T00:00:00Z"}, "expires_at", "in_the_past"),
        ({"name": "n", "expires_at": "9999-12-31T23:59:59-14:00"}, "expires_at", "in_the_past"),
        ({"name": "n", "expires_at": "0001-01-01T00:00:00+14:00"}, "expires_at", "in_the_past"),
        ({"name": "n", "scope": "all"}, "scope", "extra_forbidden"),
    ],
)
def test_a_key_that_cannot_be_made_breaks_a_named_rule(account, wanted, field, code):
    answer = account.post(KEYS, json=wanted)
    assert answer.status_code == 422
    assert [(error["field"], error["code"]) for error in answer.json()["errors"]] == [(field, code)]
