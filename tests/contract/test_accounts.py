from __future__ import annotations

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

REGISTER, LOGIN, LOGOUT, ME = "/api/auth/register", "/api/auth/login", "/api/auth/logout", "/api/users/me"
PASSWORD = "Correct-horse-7"


def new_address():
    return f"{uuid4().hex}@example.org"


def test_register_log_in_who_am_i_log_out(client):
    email = new_address()
    registered = client.post(REGISTER, json={"email": email, "password": PASSWORD, "name": "Ada"})
    assert registered.status_code == 201
    profile = registered.json()
    assert profile.keys() == {"id", "email", "name", "created_at", "updated_at"}
    assert UUID(profile["id"])
    assert (profile["email"], profile["name"]) == (email, "Ada")
    assert profile["created_at"].endswith("Z")
    assert abs(datetime.fromisoformat(profile["created_at"]) - datetime.now(UTC)).total_seconds() < 60

    token = client.post(LOGIN, json={"email": email, "password": PASSWORD})
    assert token.status_code == 200
    assert token.json().keys() == {"access_token", "token_type", "expires_in"}
    assert (token.json()["token_type"], token.json()["expires_in"]) == ("Bearer", 28_800)

    bearer = {"Authorization": f"Bearer {token.json()['access_token']}"}
    me = client.get(ME, headers=bearer)
    assert (me.status_code, me.json()) == (200, profile)

    assert client.post(LOGOUT, headers=bearer).status_code == 204
    for refused in (client.get(ME, headers=bearer), client.post(LOGOUT, headers=bearer)):
        assert refused.status_code == 401
        assert refused.json()["code"] == "invalid_token"


def test_a_logout_ends_one_login_and_not_the_others(client):
    body = {"email": new_address(), "password": PASSWORD}
    client.post(REGISTER, json=body)
    first, second = ({"Authorization": f"Bearer {client.post(LOGIN, json=body).json()['access_token']}"} for _ in "12")
    assert first != second
    assert client.post(LOGOUT, headers=first).status_code == 204
    assert client.get(ME, headers=first).status_code == 401
    assert client.get(ME, headers=second).status_code == 200


def test_logouts_of_one_token_at_once_do_not_fail(account):
    with ThreadPoolExecutor(8) as threads:
        codes = {future.result().status_code for future in [threads.submit(account.post, LOGOUT) for _ in range(16)]}
    assert codes <= {204, 401}
    assert account.get(ME).status_code == 401


def test_the_name_is_optional(client):
    assert client.post(REGISTER, json={"email": new_address(), "password": PASSWORD}).json()["name"] is None


def test_one_address_registered_many_times_at_once_is_one_account(client):
    mark = uuid4().hex
    spellings = [
        f"stra\u00dfe-{mark}@b\u00fccher.example",
        f"  STRASSE-{mark}@B\u00dcCHER.EXAMPLE ",
        f"Strasse-{mark}@xn--bcher-kva.example",
    ]
    bodies = [{"email": spellings[number % 3], "password": PASSWORD} for number in range(50)]
    with ThreadPoolExecutor(50) as threads:
        answers = list(threads.map(lambda body: client.post(REGISTER, json=body), bodies))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 49
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"email_taken"}
    for email in spellings:
        assert client.post(LOGIN, json={"email": email, "password": PASSWORD}).status_code == 200


@pytest.mark.parametrize(
    "email",
    [
        "",
        "ada",
        "@example.org",
        "ada@",
        "ada@example",
        "a b@example.org",
        "ada@exa mple.org",
        "ada@-x.org",
        "a" * 65 + "@example.org",
        "ada@" + "a." * 130 + "org",
        "ada@@example.org",
        "ada@example..org",
        ".ada@example.org",
        "a..b@example.org",
        "<ada@example.org>",
        "ada\n@example.org",
    ],
)
def test_an_address_that_is_none_is_refused(client, email):
    response = client.post(REGISTER, json={"email": email, "password": PASSWORD})
    assert response.status_code == 422
    assert [(error["field"], error["code"]) for error in response.json()["errors"]] == [("email", "invalid_email")]


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


def test_the_address_is_no_password(client):
    response = client.post(REGISTER, json={"email": "Ada.L0velace@example.org", "password": "Ada.L0velace@example.org"})
    assert [error["code"] for error in response.json()["errors"]] == ["is_email"]


def test_no_byte_of_a_long_password_is_cut_off(client):
    email, stem = new_address(), "Aa1-" * 31
    assert client.post(REGISTER, json={"email": email, "password": stem + "aaaa"}).status_code == 201
    assert client.post(LOGIN, json={"email": email, "password": stem + "aaab"}).status_code == 401
    assert client.post(LOGIN, json={"email": email, "password": stem + "aaaa"}).status_code == 200


def test_a_password_is_the_same_composed_and_decomposed(client):
    email = new_address()
    assert client.post(REGISTER, json={"email": email, "password": "Gr\u00fc\u00dfe-1234"}).status_code == 201
    assert client.post(LOGIN, json={"email": email, "password": "Gru\u0308\u00dfe-1234"}).status_code == 200


def test_blanks_around_a_password_count(client):
    email = new_address()
    assert client.post(REGISTER, json={"email": email, "password": f" {PASSWORD} "}).status_code == 201
    assert client.post(LOGIN, json={"email": email, "password": PASSWORD}).status_code == 401


def test_a_failed_login_does_not_say_what_was_wrong(client):
    email = new_address()
    client.post(REGISTER, json={"email": email, "password": PASSWORD})
    tries = [
        (email, "Wrong-horse-7"),
        (new_address(), PASSWORD),
        ("no address", PASSWORD),
        (email, "x" * 60_000),
        (email, ""),
    ]
    answers = [client.post(LOGIN, json={"email": email, "password": password}) for email, password in tries]
    assert [answer.status_code for answer in answers] == [401] * 5
    assert {answer.headers["www-authenticate"] for answer in answers} == {'Bearer realm="ams"'}
    assert len({json.dumps(answer.json() | {"request_id": ""}) for answer in answers}) == 1
    assert answers[0].json()["code"] == "invalid_credentials"


def part(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def test_a_token_that_was_changed_is_refused(account):
    header, claims, signature = account.headers["authorization"].removeprefix("Bearer ").split(".")
    said = json.loads(base64.urlsafe_b64decode(claims + "=="))
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    same_bits = signature[:-1] + last[last.index(signature[-1]) ^ 1]
    changed = [
        f"{part({'alg': 'none', 'typ': 'JWT'})}.{claims}.",
        f"{part({'alg': 'none', 'typ': 'JWT'})}.{claims}.{signature}",
        f"{part({'alg': 'HS512', 'typ': 'JWT'})}.{claims}.{signature}",
        f"{part(['alg'])}.{claims}.{signature}",
        f"{part(None)}.{claims}.{signature}",
        f"{header}.{part(said | {'sub': str(uuid4())})}.{signature}",
        f"{header}.{claims}.{same_bits}",
        f"{header}.{claims}.{signature}=",
        f"{header}.{claims}.{signature}.{signature}",
        f"{header}.{claims}",
        f"{header}.{claims}.",
        f"{header}..{signature}",
        "..",
        "[" * 4000,
        f"{base64.urlsafe_b64encode(b'[' * 2000).decode()}.{claims}.{signature}",
    ]
    for token in changed:
        response = account.get(ME, headers={"Authorization": f"Bearer {token}"})
        assert (response.status_code, response.json()["code"]) == (401, "invalid_token"), token
    assert account.get(ME).status_code == 200
