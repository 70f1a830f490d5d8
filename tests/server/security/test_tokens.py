from __future__ import annotations

import base64
import hashlib
import hmac
import json
from contextlib import suppress
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ams_reference_server.errors import InvalidTokenError, TokenExpiredError
from ams_reference_server.security.tokens import Tokens

SECRET = b"s" * 32
NOW = 1_800_000_000
USER = UUID("12345678-1234-4234-8234-123456789abc")
GOOD = {"iss": "ams", "aud": "ams", "sub": str(USER), "iat": NOW - 10, "exp": NOW + 10, "jti": uuid4().hex}
KEY_ID = hmac.digest(SECRET, b"ams key id", hashlib.sha256).hex()[:16]
HEADER = {"alg": "HS256", "kid": KEY_ID, "typ": "JWT"}


def tokens(now=NOW):
    return Tokens(SECRET, 60, clock=lambda: now)


def part(value):
    raw = value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def signed(claims, header=HEADER, digest=hashlib.sha256, secret=SECRET):
    # Signed with the server's own key: only the rules stand between these and an account.
    said = f"{part(header)}.{part(claims)}"
    return f"{said}.{part(hmac.digest(secret, said.encode(), digest))}"


def test_a_token_says_whose_it_is_until_when():
    token = tokens().issue(USER)
    read = tokens(NOW + 59).read(token)
    assert (read.user_id, read.expires_at, len(read.token_id)) == (USER, NOW + 60, 32)
    assert tokens().read(tokens().issue(USER)).token_id != read.token_id
    header, claims, _ = token.split(".")
    assert json.loads(base64.urlsafe_b64decode(header + "==")) == HEADER
    assert set(json.loads(base64.urlsafe_b64decode(claims + "=="))) == set(GOOD)


def test_a_token_expires():
    token = tokens().issue(USER)
    for late in (60, 61, 10**9):
        with pytest.raises(TokenExpiredError):
            tokens(NOW + late).read(token)


def test_the_forger_of_these_tests_makes_good_tokens():
    assert tokens().read(signed(GOOD)).user_id == USER


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize(
    "value", [None, "", "other", -1, True, 1.5, [], {}, ["ams"], 10**30, "9" * 20, "12345678-1234"]
)
def test_every_claim_has_its_type_and_value(name, value):
    with pytest.raises(InvalidTokenError):
        tokens().read(signed(GOOD | {name: value}))


@pytest.mark.parametrize("name", GOOD)
def test_no_claim_may_be_missing(name):
    with pytest.raises(InvalidTokenError):
        tokens().read(signed({key: value for key, value in GOOD.items() if key != name}))


@pytest.mark.parametrize(
    "claims",
    [
        GOOD | {"admin": True},
        GOOD | {"nbf": NOW + 100},
        GOOD | {"iat": NOW + 61, "exp": NOW + 90},
        GOOD | {"sub": str(USER).upper()},
        [],
        b"",
        b"\xff",
        b"[" * 2000,
        b"null",
        b'{"iss":"ams"',
        b"9" * 3000,
    ],
)
def test_other_claims_are_no_token(claims):
    with pytest.raises(InvalidTokenError):
        tokens().read(signed(claims))


@pytest.mark.parametrize(
    ("header", "digest"),
    [
        (HEADER | {"alg": "HS512"}, hashlib.sha512),
        (HEADER | {"alg": "HS384"}, hashlib.sha384),
        (HEADER | {"alg": "none"}, hashlib.sha256),
        (HEADER | {"alg": "hs256"}, hashlib.sha256),
        (HEADER | {"alg": "RS256"}, hashlib.sha256),
        (HEADER | {"alg": ["HS256"]}, hashlib.sha256),
        (HEADER | {"alg": None}, hashlib.sha256),
        ({"alg": "HS256", "kid": KEY_ID}, hashlib.sha256),
        ({"alg": "HS256", "typ": "JWT"}, hashlib.sha256),
        ({"typ": "JWT", "kid": KEY_ID}, hashlib.sha256),
        (HEADER | {"typ": "at+jwt"}, hashlib.sha256),
        (HEADER | {"kid": KEY_ID.upper()}, hashlib.sha256),
        (HEADER | {"kid": ""}, hashlib.sha256),
        (HEADER | {"kid": "../../../../dev/null"}, hashlib.sha256),
        (HEADER | {"kid": "' OR 1=1 --"}, hashlib.sha256),
        (HEADER | {"kid": [KEY_ID]}, hashlib.sha256),
        (HEADER | {"crit": ["x"]}, hashlib.sha256),
        (HEADER | {"b64": False, "crit": ["b64"]}, hashlib.sha256),
        (HEADER | {"zip": "DEF"}, hashlib.sha256),
        (HEADER | {"cty": "JWT"}, hashlib.sha256),
        (HEADER | {"jwk": {"kty": "oct", "k": "AA"}}, hashlib.sha256),
        (HEADER | {"jku": "http://127.0.0.1:1/keys"}, hashlib.sha256),
        (HEADER | {"x5u": "http://127.0.0.1:1/cert"}, hashlib.sha256),
        (HEADER | {"x5c": ["AA"]}, hashlib.sha256),
        (json.dumps(HEADER).encode(), hashlib.sha256),  # the same fields in another spelling
        (b'{"alg":"none","alg":"HS256","kid":"' + KEY_ID.encode() + b'","typ":"JWT"}', hashlib.sha256),
        ([], hashlib.sha256),
        (b"{", hashlib.sha256),
        (b"[" * 2000, hashlib.sha256),
    ],
)
def test_another_header_is_no_token(header, digest):
    with pytest.raises(InvalidTokenError):
        tokens().read(signed(GOOD, header, digest))


@given(st.text(max_size=200) | st.lists(st.binary(max_size=60).map(part), min_size=3, max_size=3).map(".".join))
def test_any_text_is_refused_in_the_one_way(text):
    with pytest.raises(InvalidTokenError):
        tokens().read(text)


@given(st.data())
def test_a_change_of_one_character_makes_it_useless(data):
    token = tokens().issue(USER)
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from("ABCabc012-_.=~ \u00e4").filter(lambda character: character != token[place]))
    with pytest.raises(InvalidTokenError):
        tokens().read(token[:place] + other + token[place + 1 :])


def test_a_token_over_4_kib_is_not_looked_at():
    with pytest.raises(InvalidTokenError):
        tokens().read(signed(GOOD | {"x": "a" * 4096}))


def test_a_token_of_another_secret_is_refused():
    with pytest.raises(InvalidTokenError):
        Tokens(b"t" * 32, 60, clock=lambda: NOW).read(tokens().issue(USER))


@given(st.binary(min_size=32, max_size=64))
def test_any_secret_will_do(secret):
    made = Tokens(secret, 60)
    with suppress(TokenExpiredError):
        assert made.read(made.issue(USER)).user_id == USER


def test_a_token_of_the_previous_secret_is_good_and_none_is_signed_with_it():
    older = Tokens(b"o" * 32, 60, clock=lambda: NOW)
    both = Tokens(SECRET, 60, previous=b"o" * 32, clock=lambda: NOW)
    assert both.read(older.issue(USER)).user_id == USER
    assert both.read(tokens().issue(USER)).user_id == USER
    assert tokens().read(both.issue(USER)).user_id == USER
    with pytest.raises(InvalidTokenError):
        older.read(both.issue(USER))
    with pytest.raises(InvalidTokenError):
        tokens().read(older.issue(USER))


def test_a_key_id_chooses_one_key_and_no_other_is_tried():
    both = Tokens(SECRET, 60, previous=b"o" * 32, clock=lambda: NOW)
    with pytest.raises(InvalidTokenError):
        both.read(signed(GOOD, secret=b"o" * 32))


def test_a_key_id_does_not_tell_the_secret():
    assert SECRET.hex()[:8] not in KEY_ID
    assert hashlib.sha256(SECRET).hexdigest()[:16] != KEY_ID


@pytest.mark.parametrize("name", ["iat", "exp"])
@pytest.mark.parametrize("value", [float(NOW), str(NOW), "NaN", -0.0])
def test_a_moment_is_a_whole_number(name, value):
    with pytest.raises(InvalidTokenError):
        tokens().read(signed(GOOD | {name: value}))


def test_a_token_that_ends_before_it_begins_is_none():
    with pytest.raises(InvalidTokenError):
        tokens().read(signed(GOOD | {"iat": NOW + 30, "exp": NOW + 30}))
