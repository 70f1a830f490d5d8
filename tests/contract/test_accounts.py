"""What the reference server promises of accounts by its settings, and the mock with it."""

from __future__ import annotations

from uuid import uuid4

import pytest

REGISTER, LOGIN = "/api/auth/register", "/api/auth/login"
PASSWORD = "Correct-horse-7"


def new_address():
    return f"{uuid4().hex}@example.org"


def test_a_login_lasts_eight_hours(client):
    body = {"email": new_address(), "password": PASSWORD}
    assert client.post(REGISTER, json=body).status_code == 201
    assert client.post(LOGIN, json=body).json()["expires_in"] == 28_800


@pytest.mark.parametrize(
    ("password", "broken"),
    [
        ("", {"too_short", "no_lowercase", "no_uppercase", "no_digit", "no_symbol"}),
        ("Aa1-", {"too_short"}),
        ("correct-horse-7", {"no_uppercase"}),
        ("CORRECT-HORSE-7", {"no_lowercase"}),
        ("Correct-horse", {"no_digit"}),
        ("Correcthorse7", {"no_symbol"}),
        ("Aa1-" * 32 + "x", {"too_long"}),
        ("P@ssw0rd123", {"too_common"}),
    ],
)
def test_every_broken_rule_of_a_password_is_named(client, password, broken):
    response = client.post(REGISTER, json={"email": new_address(), "password": password})
    assert response.status_code == 422
    assert {(error["field"], error["code"]) for error in response.json()["errors"]} == {
        ("password", code) for code in broken
    }
