"""Access tokens: what a logout does, and what only looks like one."""

from __future__ import annotations

import base64
import json
import string
from typing import TYPE_CHECKING, Final

from ams_sdk.testing.contract.caller import ACCOUNT_PASSWORD, ME, log_in
from ams_sdk.testing.contract.race import at_once
from ams_sdk.testing.contract.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ams_sdk.testing.contract.platform_under_test import PlatformUnderTest

__all__: list[str] = []

LOGOUT: Final = "/api/auth/logout"
_ALPHABET: Final = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
_JWT_PARTS: Final = 3


@rule("accounts")
def logout_revokes(platform: PlatformUnderTest) -> None:
    """Logout is 204, and from then on the token is 401 `invalid_token`."""
    leaving = platform.newcomer()
    leaving.post(LOGOUT).must_be(204)
    leaving.get(ME).must_be_problem(401, "invalid_token")
    leaving.post(LOGOUT).must_be_problem(401, "invalid_token")


@rule("accounts")
def logout_ends_one_login(platform: PlatformUnderTest) -> None:
    """Logout ends one login; the account's others stay good, and so does another account's."""
    first = platform.newcomer()
    second = log_in(platform, first.email, ACCOUNT_PASSWORD)
    other = platform.member()
    second.get(ME).must(first.bearer != second.bearer, "two logins have been given one token.")
    first.post(LOGOUT).must_be(204)
    second.get(ME).must_be(200)
    other.get(ME).must_be(200)


@rule("accounts")
def logout_race(platform: PlatformUnderTest) -> None:
    """Logouts of one token at the same moment are 204 or 401, and none fails."""
    leaving = platform.newcomer()
    answers = at_once(16, lambda _: leaving.post(LOGOUT))
    for answer in answers:
        answer.must_be(204, 401)
    answers[0].must(any(answer.status == 204 for answer in answers), "not one of 16 at once was 204.")  # noqa: PLR2004


@rule("accounts")
def changed_token(platform: PlatformUnderTest) -> None:
    """A token that was changed, be it in one bit, is 401 `invalid_token`; the one that was issued stays good."""
    member = platform.member()
    token = member.bearer or ""
    for changed in _changed(token):
        shown = {"Authorization": f"Bearer {changed}"}
        platform.stranger.get(ME, headers=shown).must_be_problem(401, "invalid_token")
    member.get(ME).must_be(200)


def _changed(token: str) -> Iterator[str]:
    yield from (token[:-1], f"{token}A", f"{token}=", f"{token}.{token}", token.swapcase(), "..", "[" * 4000)
    if token[-1] in _ALPHABET:
        # In base64 the last character may have bits that stand for nothing; they count all the same.
        yield token[:-1] + _ALPHABET[_ALPHABET.index(token[-1]) ^ 1]
        yield token[:-1] + _ALPHABET[_ALPHABET.index(token[-1]) ^ 32]
    if token.count(".") == _JWT_PARTS - 1:
        yield from _changed_jwt(*token.split("."))


def _changed_jwt(header: str, claims: str, signature: str) -> Iterator[str]:
    for algorithm in ("none", "HS512", "RS256"):
        forged = _part({"alg": algorithm, "typ": "JWT"})
        yield from (f"{forged}.{claims}.", f"{forged}.{claims}.{signature}")
    yield from (f"{_part(['alg'])}.{claims}.{signature}", f"{_part(None)}.{claims}.{signature}")
    yield from (f"{header}.{claims}", f"{header}.{claims}.", f"{header}..{signature}")
    yield f"{header}.{_part({'sub': 'ada', 'exp': 4102444800})}.{signature}"
    yield f"{base64.urlsafe_b64encode(b'[' * 2000).decode()}.{claims}.{signature}"


def _part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
