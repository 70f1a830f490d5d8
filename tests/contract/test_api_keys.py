from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

KEYS, ME, LOGOUT = "/api/keys", "/api/users/me", "/api/auth/logout"


def made(account, **wanted):
    answer = account.post(KEYS, json={"name": "ci"} | wanted)
    assert answer.status_code == 201
    return answer.json()


def with_key(key):
    return {"Authorization": f"Bearer {key}"}


def test_a_key_is_shown_once_and_is_a_bearer(account, client):
    expires_at = datetime.now(UTC) + timedelta(days=1)
    key = made(account, name="nightly", expires_at=expires_at.isoformat())
    assert key.keys() >= {"id", "name", "prefix", "key", "created_at", "expires_at"}
    assert re.fullmatch(r"ams_[0-9a-z]{8}_[0-9A-Za-z]{43}", key["key"])
    assert key["key"].startswith(key["prefix"])
    assert key["name"] == "nightly"
    assert key["expires_at"].endswith("Z")
    assert datetime.fromisoformat(key["expires_at"]) == expires_at
    assert client.get(ME, headers=with_key(key["key"])).json() == account.get(ME).json()

    (listed,) = account.get(KEYS).json()["items"]
    assert "key" not in listed
    assert key["key"] not in str(listed)
    assert {name: listed[name] for name in ("id", "name", "prefix", "created_at", "expires_at")} == {
        name: key[name] for name in ("id", "name", "prefix", "created_at", "expires_at")
    }


def test_a_key_opens_what_a_token_opens(account, client):
    bearer = with_key(made(account)["key"])
    agent = client.post("/api/agents", json={"name": f"a-{uuid4().hex}", "version": "1"}, headers=bearer)
    assert agent.status_code == 201
    assert account.get(f"/api/agents/{agent.json()['id']}").status_code == 200
    spans = {"resourceSpans": []}
    assert client.post("/v1/traces", json=spans, headers=bearer).status_code == 200
    assert client.get(KEYS, headers=bearer).status_code == 200


def test_when_a_key_was_last_used_is_kept(account, client):
    key = made(account)
    (unused,) = account.get(KEYS).json()["items"]
    assert unused["last_used_at"] is None
    assert client.get(ME, headers=with_key(key["key"])).status_code == 200
    (used,) = account.get(KEYS).json()["items"]
    assert abs(datetime.fromisoformat(used["last_used_at"]) - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_deleted_key_is_useless_at_once(account, client):
    gone, kept = made(account), made(account)
    assert account.delete(f"{KEYS}/{gone['id']}").status_code == 204
    refused = client.get(ME, headers=with_key(gone["key"]))
    assert (refused.status_code, refused.json()["code"]) == (401, "invalid_token")
    assert 'error="invalid_token"' in refused.headers["WWW-Authenticate"]
    assert client.get(ME, headers=with_key(kept["key"])).status_code == 200
    assert [key["id"] for key in account.get(KEYS).json()["items"]] == [kept["id"]]
    assert account.delete(f"{KEYS}/{gone['id']}").status_code == 404


def test_a_logout_with_a_key_ends_that_key(account, client):
    key = made(account)
    assert client.post(LOGOUT, headers=with_key(key["key"])).status_code == 204
    assert client.get(ME, headers=with_key(key["key"])).status_code == 401
    assert account.get(ME).status_code == 200


def test_a_key_of_somebody_else_is_not_there(new_account):
    owner, other = new_account(), new_account()
    key = made(owner)
    assert other.get(KEYS).json()["items"] == []
    assert other.delete(f"{KEYS}/{key['id']}").status_code == 404
    assert owner.get(KEYS).json()["items"] != []


def test_a_key_expires(account, client):
    soon = datetime.now(UTC) + timedelta(milliseconds=700)
    bearer = with_key(made(account, expires_at=soon.isoformat())["key"])
    assert client.get(ME, headers=bearer).status_code == 200
    while datetime.now(UTC) <= soon:
        assert client.get(ME, headers=bearer).status_code in {200, 401}
    refused = client.get(ME, headers=bearer)
    assert (refused.status_code, refused.json()["code"]) == (401, "token_expired")


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


@pytest.mark.parametrize(
    "key_id", ["x", "0", "38b2c3e5x14c1x4e62x9cfcx8663006d773a", "%00", "..%2f..", "1" * 500], ids=lambda text: text[:9]
)
def test_an_id_that_is_none_is_404(account, key_id):
    assert account.delete(f"{KEYS}/{key_id}").status_code == 404


@pytest.mark.parametrize(
    "change",
    [
        lambda key: key[:-1],
        lambda key: key + "A",
        lambda key: key.swapcase(),
        lambda key: key[:-1] + ("A" if key[-1] != "A" else "B"),
        lambda key: key.replace("_", "-"),
        lambda key: key[4:],
        lambda key: key.partition("_")[2],
        lambda key: f"{key}.{key}.{key}",
        lambda _key: "ams_" + "0" * 8 + "_" + "0" * 43,
    ],
    ids=["shorter", "longer", "other case", "other end", "dashes", "no mark", "half", "like a token", "made up"],
)
def test_what_only_looks_like_a_key_is_an_invalid_token(account, client, change):
    key = made(account)["key"]
    refused = client.get(ME, headers=with_key(change(key)))
    assert (refused.status_code, refused.json()["code"]) == (401, "invalid_token")


def test_keys_are_listed_newest_first_in_pages(account):
    names = [f"key {number}" for number in range(7)]
    for name in names:
        made(account, name=name)
    seen, cursor = [], None
    while True:
        page = account.get(KEYS, params={"limit": 3} | ({"cursor": cursor} if cursor else {})).json()
        seen += [key["name"] for key in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == names[::-1]


@pytest.mark.parametrize(
    "cursor", ["x", "bm93", "MjAyNi0wMS0wMVQwMDowMDowMCB4", "\u00e4", "MDAwMS0wMS0wMVQwMDowMDowMCswMDowMCB4"]
)
def test_a_cursor_of_no_list_breaks_a_rule(account, cursor):
    answer = account.get(KEYS, params={"cursor": cursor})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "invalid_cursor")


def test_keys_made_at_once_are_all_different(account):
    with ThreadPoolExecutor(8) as threads:
        keys = list(threads.map(lambda _: made(account), range(16)))
    assert len({key["key"] for key in keys}) == len({key["prefix"] for key in keys}) == 16
    assert {key["id"] for key in account.get(KEYS).json()["items"]} == {key["id"] for key in keys}
