from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

ID = "00000000-0000-0000-0000-000000000003"
SECRET = "ams_abcdefgh_" + "x" * 43
NOW = "2026-01-31T12:00:00Z"
KEY = {"id": ID, "name": "nightly\x1b", "prefix": "ams_abcdefgh", "created_at": NOW}


def test_a_new_key_stands_alone_on_stdout(ams, logged_in):
    logged_in.on("POST", "/api/keys", KEY | {"key": SECRET, "expires_at": "2999-01-31T12:00:00Z"}, status=201)
    before = datetime.now(UTC)
    result = ams("keys", "create", "nightly", "--expires", "90d")
    assert (result.code, result.out) == (0, f"{SECRET}\n")
    assert "shown this once" in result.err
    assert "It ends 2999-01-31" in result.err
    sent = logged_in.requests[-1].body
    assert sent["name"] == "nightly"
    assert abs(datetime.fromisoformat(sent["expires_at"]) - before - timedelta(days=90)) < timedelta(minutes=1)


def test_a_new_key_as_json_and_without_an_end(ams, logged_in):
    logged_in.on("POST", "/api/keys", KEY | {"key": SECRET}, status=201)
    result = ams("keys", "create", "nightly", "--json")
    assert json.loads(result.out)["key"] == SECRET
    assert logged_in.requests[-1].body["expires_at"] is None


def test_an_end_that_is_no_time_is_a_mistake_of_usage(ams, logged_in):
    result = ams("keys", "create", "nightly", "--expires", "soon")
    assert result.code == 2
    assert "write for example 12h, 90d or 2027-01-31." in result.err
    assert not [request for request in logged_in.requests if "/api/keys" in request.call]


def test_the_list_shows_everything_but_the_secret(ams, logged_in):
    used = KEY | {"last_used_at": NOW, "expires_at": NOW}
    logged_in.on("GET", "/api/keys", {"items": [used, KEY], "next_cursor": "c\x1b="})
    result = ams("keys", "list", "--limit", "2")
    lines = result.out.splitlines()
    assert lines[0].split() == ["NAME", "PREFIX", "CREATED", "LAST", "USED", "EXPIRES", "ID"]
    assert lines[1].count(" ago") == 3
    assert lines[2].count("never") == 2
    assert all(ID in line and "ams_abcdefgh" in line for line in lines[1:3])
    assert "\x1b" not in result.out
    assert lines[-1] == r"There are more: add --cursor c\x1b="
    assert json.loads(ams("keys", "list", "--json").out)["items"][0]["prefix"] == "ams_abcdefgh"


def test_no_keys(ams, logged_in):
    logged_in.on("GET", "/api/keys", {"items": []})
    assert ams("keys", "list").out == "No keys here. Make one: ams keys create NAME\n"


def test_a_key_is_deleted(ams, logged_in):
    logged_in.on("DELETE", f"/api/keys/{ID}", None, status=204)
    assert ams("keys", "delete", ID).out == "The key is deleted.\n"
    assert logged_in.requests[-1].call == f"DELETE /api/keys/{ID}"


def test_a_key_that_is_not_there(ams, logged_in):
    missing = {"title": "x", "status": 404, "detail": "x", "code": "not_found"}
    logged_in.on("DELETE", f"/api/keys/{ID}", missing, status=404)
    result = ams("keys", "delete", ID)
    assert f"There is no API key '{ID}' of yours" in result.err
    assert "See: ams keys list" in result.err
    assert result.code == ams("keys", "delete", ID).code != 0
