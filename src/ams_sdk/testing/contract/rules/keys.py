"""API keys: for agents that run longer than a login."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from ams_sdk.testing.contract.caller import ME
from ams_sdk.testing.contract.race import at_once
from ams_sdk.testing.contract.rule import rule
from ams_sdk.testing.contract.rules.tokens import LOGOUT

if TYPE_CHECKING:
    from ams_sdk.testing.contract.caller import Caller
    from ams_sdk.testing.contract.platform_under_test import PlatformUnderTest

__all__: list[str] = []

KEYS: Final = "/api/keys"
_BROKEN: Final[tuple[tuple[dict[str, Any], str], ...]] = (
    *(({}, "name"), ({"name": ""}, "name"), ({"name": "n" * 201}, "name"), ({"name": 1}, "name")),
    *(({"name": "n", "expires_at": text}, "expires_at") for text in ("soon", "9999999999", "2999-01-01T00:00:00")),
    ({"name": "n", "expires_at": 9_999_999_999}, "expires_at"),
)
_OVER: Final = ("2001-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00")
_LEAST_LENGTH: Final = 48  # 256 bits in the densest alphabet that stands in a header, and the mark


def _made(owner: Caller, **wanted: str) -> dict[str, Any]:
    key: dict[str, Any] = owner.post(KEYS, json={"name": "ci"} | wanted).must_have_json(201)
    owner.platform.keep_secret(key["key"])
    return key


@rule("accounts")
def key_answer(platform: PlatformUnderTest) -> None:
    """A new key is 201 with exactly the body of golden/new_key.json."""
    expires_at = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    answer = platform.member().post(KEYS, json={"name": "nightly", "expires_at": expires_at})
    platform.keep_secret(answer.must_have_json(201)["key"])
    answer.must_be_golden("new_key")


@rule("accounts")
def key_has_a_mark(platform: PlatformUnderTest) -> None:
    """A key begins with `ams_` and with its `prefix`, and has 256 random bits."""
    answer = platform.member().post(KEYS, json={"name": "ci"})
    key = answer.must_have_json(201)
    platform.keep_secret(key["key"])
    marked = key["key"].startswith("ams_") and key["key"].startswith(key["prefix"])
    answer.must(marked, "the key begins otherwise.")
    answer.must(len(key["key"]) >= _LEAST_LENGTH, f"{len(key['key'])} characters do not hold as much.")


@rule("accounts")
def key_expiry_kept(platform: PlatformUnderTest) -> None:
    """`expires_at` comes back as the same moment; without it, it is null, and the key lasts until it is deleted."""
    moment = datetime.now(UTC) + timedelta(days=1)
    answer = platform.member().post(KEYS, json={"name": "ci", "expires_at": moment.isoformat()})
    answer.must_equal("expires_at", datetime.fromisoformat(answer.must_have_json(201)["expires_at"]), moment)
    answer = platform.member().post(KEYS, json={"name": "ci"})
    answer.must_equal("expires_at", answer.must_have_json(201)["expires_at"], None)


@rule("accounts")
def key_shown_once(platform: PlatformUnderTest) -> None:
    """A key is shown when it is made, and never again."""
    owner = platform.newcomer()
    key = _made(owner)
    answer = owner.get(KEYS)
    (listed,) = answer.must_have_json()["items"]
    answer.must("key" not in listed, "an entry of the list has a 'key'.")
    answer.must(key["key"] not in answer.content.decode(errors="replace"), "the list shows the key.")


@rule("accounts")
def key_list_answer(platform: PlatformUnderTest) -> None:
    """The list of keys has exactly the body of golden/key_list.json."""
    owner = platform.newcomer()
    _made(owner, name="nightly")
    answer = owner.get(KEYS)
    answer.must_have_json()
    answer.must_be_golden("key_list", _without(answer.must_have_json(), "key"))


def _without(page: Any, name: str) -> Any:  # noqa: ANN401 -- JSON
    # That the key itself is not there is a rule of its own.
    return page | {"items": [{key: item[key] for key in item if key != name} for item in page["items"]]}


@rule("accounts")
def key_is_a_bearer(platform: PlatformUnderTest) -> None:
    """A key is used as a bearer, and opens what a token opens."""
    owner = platform.member()
    user = owner.using(_made(owner)["key"])
    answer = user.get(ME)
    answer.must_equal("the profile", answer.must_have_json(), owner.get(ME).must_have_json())
    user.post("/api/agents", json={"name": f"a-{uuid4().hex}", "version": "1"}).must_be(201)
    user.post("/v1/traces", json={"resourceSpans": []}).must_be(200)
    user.get(KEYS).must_be(200)


@rule("accounts")
def key_last_use_kept(platform: PlatformUnderTest) -> None:
    """`last_used_at` is null, and after a use the time of it, to a minute."""
    owner = platform.newcomer()
    key = _made(owner)
    answer = owner.get(KEYS)
    answer.must_equal("last_used_at", answer.must_have_json()["items"][0]["last_used_at"], None)
    owner.using(key["key"]).get(ME).must_be(200)
    answer = owner.get(KEYS)
    used = answer.must_have_json()["items"][0]["last_used_at"]
    answer.must(used, "last_used_at is null after a use.")
    age = abs(datetime.fromisoformat(used) - datetime.now(UTC))
    answer.must(age < timedelta(minutes=5), f"last_used_at is {age} from now.")


@rule("accounts")
def key_deleted(platform: PlatformUnderTest) -> None:
    """A key that was deleted (204) is 401 `invalid_token` at once; the others stay good; deleted again it is 404."""
    owner = platform.member()
    gone, kept = _made(owner), _made(owner)
    owner.delete(f"{KEYS}/{gone['id']}").must_be(204)
    owner.using(gone["key"]).get(ME).must_be_problem(401, "invalid_token")
    owner.using(kept["key"]).get(ME).must_be(200)
    owner.delete(f"{KEYS}/{gone['id']}").must_be_problem(404, "not_found")


@rule("accounts")
def key_logged_out(platform: PlatformUnderTest) -> None:
    """Logout with a key ends that key, and not the login that made it."""
    owner = platform.member()
    user = owner.using(_made(owner)["key"])
    user.post(LOGOUT).must_be(204)
    user.get(ME).must_be_problem(401, "invalid_token")
    owner.get(ME).must_be(200)


@rule("accounts")
def key_of_another(platform: PlatformUnderTest) -> None:
    """Another account's key is not listed, and to delete it is 404."""
    owner, other = platform.member(), platform.newcomer()
    key = _made(owner)
    answer = other.get(KEYS)
    answer.must_equal("the keys of a new account", answer.must_have_json()["items"], [])
    other.delete(f"{KEYS}/{key['id']}").must_be_problem(404, "not_found")
    owner.using(key["key"]).get(ME).must_be(200)


@rule("accounts")
def key_refused(platform: PlatformUnderTest) -> None:
    """A key needs a name of 1 to 200 characters; `expires_at` is RFC 3339 with a zone; else 422, named."""
    for body, field in _BROKEN:
        platform.member().post(KEYS, json=body).must_refuse(field)


@rule("accounts")
def key_expiry_in_the_past(platform: PlatformUnderTest) -> None:
    """An `expires_at` that is over, or that is no year in UTC, is 422 `in_the_past`."""
    for moment in _OVER:
        answer = platform.member().post(KEYS, json={"name": "n", "expires_at": moment})
        answer.must_refuse("expires_at", code="in_the_past")


@rule("accounts")
def key_unknown(platform: PlatformUnderTest) -> None:
    """To delete what is no id of a key is 404."""
    for key_id in ("x", "0", str(uuid4()), uuid4().hex, "%00", "1" * 500):
        platform.member().delete(f"{KEYS}/{key_id}").must_be_problem(404, "not_found")


@rule("accounts")
def key_look_alike(platform: PlatformUnderTest) -> None:
    """What only looks like a key is 401 `invalid_token`."""
    owner = platform.member()
    key = _made(owner)["key"]
    changed = (key[:-1], f"{key}A", key.swapcase(), key[:-1] + ("A" if key[-1] != "A" else "B"))
    for shown in (*changed, key.replace("_", "-"), key[4:], f"{key}.{key}.{key}", f"ams_{'0' * 8}_{'0' * 43}"):
        owner.using(shown).get(ME).must_be_problem(401, "invalid_token")


@rule("accounts")
def key_pages(platform: PlatformUnderTest) -> None:
    """Keys are listed newest first, in pages without gaps or repeats."""
    owner = platform.newcomer()
    names = [f"key {number}" for number in range(7)]
    for name in names:
        _made(owner, name=name)
    seen = [key["name"] for page in owner.pages(KEYS, limit=3) for key in page]
    owner.get(KEYS).must_equal("the names, in pages of 3", seen, names[::-1])


@rule("accounts")
def key_race(platform: PlatformUnderTest) -> None:
    """Keys that are made at the same moment are all different, and all there."""
    owner = platform.newcomer()
    keys = at_once(16, lambda _: _made(owner))
    answer = owner.get(KEYS)
    answer.must_equal("how many different keys", len({key["key"] for key in keys}), len(keys))
    listed = {key["id"] for key in answer.must_have_json()["items"]}
    answer.must_equal("the ids in the list", listed, {key["id"] for key in keys})
