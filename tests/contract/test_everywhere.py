"""What the reference server promises of requests by its settings, and the mock with it."""

from __future__ import annotations

import json

import pytest

REGISTER = "/api/auth/register"
JSON = {"Content-Type": "application/json"}


def is_too_large(response):
    assert response.status_code == 413, response.text
    assert response.json()["code"] == "body_too_large"


def test_a_body_over_64_kib_is_413(client):
    body = json.dumps({"email": "a" * 65_536}).encode()
    is_too_large(client.post(REGISTER, content=body, headers=JSON))
    fits = json.dumps({"email": "a" * 65_000}).encode()
    assert client.post(REGISTER, content=fits, headers=JSON).status_code == 422


def test_a_body_without_a_length_is_counted_while_it_arrives(client):
    is_too_large(client.post(REGISTER, content=(b"[" * 1024 for _ in range(100)), headers=JSON))


@pytest.mark.parametrize(
    ("path", "allowed"), [("/api/agents", {"GET", "HEAD", "POST"}), ("/api/users/me", {"GET", "HEAD"})]
)
def test_options_is_a_method_that_no_path_knows(account, path, allowed):
    response = account.request("OPTIONS", path)
    assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")
    assert set(response.headers["allow"].split(", ")) == allowed
