"""Accounts: register, log in, who am I."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from ams_sdk.testing.contract.caller import ACCOUNT_PASSWORD, LOGIN, ME
from ams_sdk.testing.contract.race import at_once
from ams_sdk.testing.contract.rule import rule
from ams_sdk.testing.contract.rules.access import CHALLENGE
from ams_sdk.testing.contract.rules.requests import REGISTER

if TYPE_CHECKING:
    from ams_sdk.testing.contract.exchange import Answer
    from ams_sdk.testing.contract.platform_under_test import PlatformUnderTest

__all__: list[str] = []

_NO_ADDRESSES: Final = (
    *("", "ada", "@example.org", "ada@", "ada@example", "a b@example.org", "ada@exa mple.org", "ada@-x.org"),
    *("a" * 65 + "@example.org", "ada@" + "a." * 130 + "org", "ada@@example.org", "ada@example..org"),
    *(".ada@example.org", "a..b@example.org", "<ada@example.org>", "ada\n@example.org"),
)
_RACERS: Final = 18


def _log_in(platform: PlatformUnderTest, email: str, password: str) -> Answer:
    return platform.stranger.post(LOGIN, json={"email": email, "password": password})


def _registered(platform: PlatformUnderTest, password: str = ACCOUNT_PASSWORD, **more: str) -> tuple[str, Answer]:
    email = platform.new_address()
    answer = platform.stranger.post(REGISTER, json={"email": email, "password": password} | more)
    return email, answer.must_be(201)


@rule("accounts")
def register_answer(platform: PlatformUnderTest) -> None:
    """Register is 201 with exactly the profile of golden/register.json; ids are UUIDs, times RFC 3339 with `Z`."""
    _, answer = _registered(platform, name="Ada")
    answer.must_have_json(201)
    answer.must_be_golden("register")


@rule("accounts")
def register_keeps(platform: PlatformUnderTest) -> None:
    """The profile says the address and the name as they were sent, and when it was made."""
    email, answer = _registered(platform, name="Ada \u00c4\U0001f600")
    profile = answer.must_have_json(201)
    answer.must_equal("email", profile["email"], email)
    answer.must_equal("name", profile["name"], "Ada \u00c4\U0001f600")
    age = abs(datetime.fromisoformat(profile["created_at"]) - datetime.now(UTC))
    answer.must(age < timedelta(minutes=5), f"created_at is {age} from now; a clock is wrong, or no time of UTC.")


@rule("accounts")
def name_is_optional(platform: PlatformUnderTest) -> None:
    """An account need not have a name; then `name` is null."""
    _, answer = _registered(platform)
    answer.must_equal("name", answer.must_have_json(201)["name"], None)


@rule("accounts")
def login_answer(platform: PlatformUnderTest) -> None:
    """Login is 200 with exactly the body of golden/login.json: `access_token`, `token_type` Bearer, `expires_in`."""
    email, _ = _registered(platform)
    answer = _log_in(platform, email, ACCOUNT_PASSWORD)
    platform.keep_secret(answer.must_have_json()["access_token"])
    answer.must_be_golden("login")


@rule("accounts")
def me_answer(platform: PlatformUnderTest) -> None:
    """`GET /api/users/me` is 200 with exactly the body that register answered."""
    email, registered = _registered(platform, name="Ada")
    token = _log_in(platform, email, ACCOUNT_PASSWORD).must_have_json()["access_token"]
    answer = platform.stranger.using(token).get(ME)
    answer.must_equal("the profile", answer.must_have_json(), registered.must_have_json(201))
    answer.must_be_golden("me")


@rule("accounts")
def address_taken(platform: PlatformUnderTest) -> None:
    """An address that has an account is 409 `email_taken`, and the account keeps its password."""
    email, _ = _registered(platform)
    other = {"email": email, "password": f"{ACCOUNT_PASSWORD}-2"}
    platform.stranger.post(REGISTER, json=other).must_be_problem(409, "email_taken")
    _log_in(platform, email, other["password"]).must_be(401)
    _log_in(platform, email, ACCOUNT_PASSWORD).must_be(200)


@rule("accounts")
def address_in_any_spelling(platform: PlatformUnderTest) -> None:
    """An address is one, case folded, IDN and Unicode normalised, trimmed: each spelling logs in, none registers."""
    platform.new_address()
    mark = uuid4().hex
    first, *others = (
        f"stra\u00dfe-{mark}@b\u00fccher.example",
        f"  STRASSE-{mark}@B\u00dcCHER.EXAMPLE ",
        f"Strasse-{mark}@xn--bcher-kva.example",
    )
    platform.stranger.post(REGISTER, json={"email": first, "password": ACCOUNT_PASSWORD}).must_be(201)
    for email in others:
        body = {"email": email, "password": ACCOUNT_PASSWORD}
        platform.stranger.post(REGISTER, json=body).must_be_problem(409, "email_taken")
        _log_in(platform, email, ACCOUNT_PASSWORD).must_be(200)


@rule("accounts")
def register_race(platform: PlatformUnderTest) -> None:
    """Registrations of one address at the same moment, in two spellings, are exactly one 201 and else 409."""
    email = platform.new_address()
    bodies = [{"email": spelt, "password": ACCOUNT_PASSWORD} for spelt in (email, email.upper())] * (_RACERS // 2)
    answers = at_once(_RACERS, lambda n: platform.stranger.post(REGISTER, json=bodies[n]), threads=_RACERS)
    statuses = sorted(answer.status for answer in answers)
    answers[0].must_equal(f"the statuses of {_RACERS} at once", statuses, [201] + [409] * (_RACERS - 1))


@rule("accounts")
def no_address(platform: PlatformUnderTest) -> None:
    """What is no e-mail address is 422 `invalid_email`."""
    for email in _NO_ADDRESSES:
        answer = platform.stranger.post(REGISTER, json={"email": email, "password": ACCOUNT_PASSWORD})
        answer.must_refuse("email", code="invalid_email")


@rule("accounts")
def bad_password(platform: PlatformUnderTest) -> None:
    """A password that breaks a rule is 422, and every broken rule is named in `errors`; so is one that is common."""
    for password in ("", "Aa1-", "password", "P@ssw0rd123", "x" * 1000):
        answer = platform.stranger.post(REGISTER, json={"email": "ada@example.org", "password": password})
        errors = answer.must_name_errors()
        answer.must_equal("the fields in 'errors'", {error["field"] for error in errors}, {"password"})
        codes = [error["code"] for error in errors]
        answer.must(len(codes) == len(set(codes)), f"a rule is named twice: {codes}.")


@rule("accounts")
def password_is_no_address(platform: PlatformUnderTest) -> None:
    """The address itself is no password: 422 `is_email`."""
    body = {"email": "Ada.L0velace@example.org", "password": "Ada.L0velace@example.org"}
    platform.stranger.post(REGISTER, json=body).must_refuse("password", code="is_email")


@rule("accounts")
def password_not_cut(platform: PlatformUnderTest) -> None:
    """Every character of a long password counts, up to 128, in bytes too."""
    stem = "A\u00e41-" * 31
    email, _ = _registered(platform, stem + "aaaa")
    _log_in(platform, email, stem + "aaab").must_be_problem(401, "invalid_credentials")
    _log_in(platform, email, stem + "aaaa").must_be(200)


@rule("accounts")
def password_normalised(platform: PlatformUnderTest) -> None:
    """A password is the same composed and decomposed (NFC)."""
    email, _ = _registered(platform, "Gr\u00fc\u00dfe-1234-anderswo")
    _log_in(platform, email, "Gru\u0308\u00dfe-1234-anderswo").must_be(200)


@rule("accounts")
def password_not_stripped(platform: PlatformUnderTest) -> None:
    """Blanks around a password count."""
    email, _ = _registered(platform, f" {ACCOUNT_PASSWORD} ")
    _log_in(platform, email, ACCOUNT_PASSWORD).must_be_problem(401, "invalid_credentials")


@rule("accounts")
def login_does_not_say_why(platform: PlatformUnderTest) -> None:
    """A failed login is 401 `invalid_credentials` with one body, whether the address or the password is wrong."""
    email, _ = _registered(platform)
    unknown = f"nobody-{uuid4().hex}@example.org"
    tries = [(email, "Wrong-horse-7"), (unknown, ACCOUNT_PASSWORD), ("no address", ACCOUNT_PASSWORD), (email, "")]
    tries.append((email, "x" * 60_000))
    bodies: list[object] = []
    for address, password in tries:
        answer = _log_in(platform, address, password)
        problem = answer.must_be_problem(401, "invalid_credentials")
        answer.must_equal("WWW-Authenticate", answer.header("www-authenticate"), CHALLENGE)
        bodies.append(problem | {"request_id": ""})
        answer.must_equal("the body without its request_id", bodies[-1], bodies[0])
