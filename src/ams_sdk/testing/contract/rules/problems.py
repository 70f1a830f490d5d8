"""The exact body of a problem of each code that any platform can be brought to answer."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from ams_sdk.testing.contract.caller import ACCOUNT_PASSWORD, LOGIN, ME
from ams_sdk.testing.contract.exchange import JSON
from ams_sdk.testing.contract.rule import rule
from ams_sdk.testing.contract.rules.requests import REGISTER

if TYPE_CHECKING:
    from collections.abc import Callable

    from ams_sdk.testing.contract.exchange import Answer
    from ams_sdk.testing.contract.platform_under_test import PlatformUnderTest

__all__: list[str] = []


def _email_taken(platform: PlatformUnderTest) -> Answer:
    body = {"email": platform.new_address(), "password": ACCOUNT_PASSWORD}
    platform.stranger.post(REGISTER, json=body).must_be(201)
    return platform.stranger.post(REGISTER, json=body)


def _token_expired(platform: PlatformUnderTest) -> Answer:
    soon = datetime.now(UTC) + timedelta(milliseconds=300)
    made = platform.member().post("/api/keys", json={"name": "soon over", "expires_at": soon.isoformat()})
    user = platform.stranger.using(made.must_have_json(201)["key"])
    last = time.monotonic() + 5  # the platform's clock is another
    while (answer := user.get(ME)).status == 200 and time.monotonic() < last:  # noqa: PLR2004 -- HTTP's
        time.sleep(0.05)
    return answer


_PROBLEMS: Final[dict[str, tuple[int, Callable[[PlatformUnderTest], Answer]]]] = {
    "malformed": (400, lambda platform: platform.stranger.post(LOGIN, content=b"{", headers={"Content-Type": JSON})),
    "unauthenticated": (401, lambda platform: platform.stranger.get(ME)),
    "invalid_token": (401, lambda platform: platform.stranger.using("a.b.c").get(ME)),
    "token_expired": (401, _token_expired),
    "invalid_credentials": (
        401,
        lambda platform: platform.stranger.post(LOGIN, json={"email": "nobody@example.org", "password": "x"}),
    ),
    "not_found": (404, lambda platform: platform.member().get("/api/nope")),
    "method_not_allowed": (405, lambda platform: platform.member().delete(ME)),
    "email_taken": (409, _email_taken),
    "body_too_large": (
        413,
        lambda platform: platform.stranger.post(
            LOGIN, content=(b"[" * 1024**2 for _ in range(64)), headers={"Content-Type": JSON}
        ),
    ),
    "unsupported_media_type": (
        415,
        lambda platform: platform.stranger.post(LOGIN, content=b"{}", headers={"Content-Type": "text/plain"}),
    ),
    "validation": (422, lambda platform: platform.stranger.post(LOGIN, json={"email": "ada@example.org"})),
}


def _add(code: str, status: int, provoke: Callable[[PlatformUnderTest], Answer]) -> None:
    def check(platform: PlatformUnderTest) -> None:
        answer = provoke(platform)
        answer.must_be_problem(status, code)
        answer.must_be_golden(f"problem_{code}")

    check.__doc__ = f"A problem `{code}` has status {status} and exactly the body of golden/problem_{code}.json."
    rule("everywhere", f"problem_{code}")(check)


for _code, (_status, _provoke) in _PROBLEMS.items():
    _add(_code, _status, _provoke)
