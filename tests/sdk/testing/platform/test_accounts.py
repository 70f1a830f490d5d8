"""What the contract's own tests do not say of accounts and their keys."""

from __future__ import annotations

import pytest

from ams_sdk.testing._platform import MockPlatform
from ams_sdk.wire import ApiKeyRequest

KEYS = "/api/keys"


def test_a_page_goes_on_where_its_last_key_was_deleted(here, platform):
    for name in "abcd":
        here("POST", KEYS, json={"name": name}, bearer=platform.token)
    first = here("GET", f"{KEYS}?limit=2", bearer=platform.token).json()
    assert [key["name"] for key in first["items"]] == ["d", "c"]
    assert here("DELETE", f"{KEYS}/{first['items'][1]['id']}", bearer=platform.token).status_code == 204
    rest = here("GET", f"{KEYS}?cursor={first['next_cursor']}", bearer=platform.token).json()
    assert [key["name"] for key in rest["items"]] == ["b", "a", "ready"]


def test_keys_of_one_moment_are_listed_in_the_order_in_which_they_were_made():
    platform = MockPlatform(clock=lambda: 1_700_000_000.0)
    platform.seed(*(ApiKeyRequest(name=name) for name in "abc"))
    keys = platform._service.gateway.accounts.credentials.keys_of(platform.account.user.id)
    assert [known.key.name for known in keys] == ["c", "b", "a", "ready"]


@pytest.mark.parametrize("number", ["1.5", "1e5", "-0.0"])
def test_a_number_with_a_fraction_is_a_number(here, platform, number):
    body = f'{{"name": "a", "version": "1", "input_schema": {{"x": {number}}}}}'
    headers = {"Content-Type": "application/json"}
    answer = here("POST", "/api/agents", content=body, headers=headers, bearer=platform.token)
    assert answer.json()["revision"]["input_schema"]["x"] == float(number)


def test_an_expiry_of_what_was_deleted_meanwhile_is_told(here, platform):
    (key,) = here("GET", KEYS, bearer=platform.token).json()["items"]
    assert here("DELETE", f"{KEYS}/{key['id']}", bearer=platform.token).status_code == 204
    with pytest.raises(ValueError, match="or it was deleted"):
        platform.expire(platform.api_key)
