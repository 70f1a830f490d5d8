"""What every answer carries, and what none gives away."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from ams_sdk.testing.contract.caller import LOGIN, ME
from ams_sdk.testing.contract.rule import rule
from ams_sdk.testing.contract.rules.requests import REGISTER

if TYPE_CHECKING:
    from ams_sdk.testing.contract.exchange import Answer
    from ams_sdk.testing.contract.platform_under_test import PlatformUnderTest

__all__: list[str] = []

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,128}")


@rule("everywhere")
def request_id_kept(platform: PlatformUnderTest) -> None:
    """X-Request-ID is the caller's, if it has 1 to 128 of the characters `A-Za-z0-9._-`."""
    for sent in ("a", "Run-7_x.y", "A" * 128):
        for path in ("/health/live", "/api/nope"):
            answer = platform.stranger.get(path, headers={"X-Request-ID": sent})
            answer.must_equal("X-Request-ID", answer.header("x-request-id"), sent)


@rule("everywhere")
def request_id_replaced(platform: PlatformUnderTest) -> None:
    """X-Request-ID is a new one, if the caller's is none that may stand in a log."""
    for sent in ("", "a b", "a" * 129, "a;b", "\u00e4".encode()):
        answer = platform.stranger.get("/health/live", headers={"X-Request-ID": sent})
        said = answer.header("x-request-id")
        answer.must(_REQUEST_ID.fullmatch(said) and said != sent, f"the X-Request-ID is {said!r}.")


@rule("everywhere")
def request_id_new_each_time(platform: PlatformUnderTest) -> None:
    """Every answer has an X-Request-ID; one that the platform makes up is given once."""
    answers = [platform.stranger.get("/health/live") for _ in range(3)]
    said = [answer.header("x-request-id") for answer in answers]
    answers[0].must(all(said), "there is no X-Request-ID.")
    answers[0].must(len(set(said)) == len(said), f"the X-Request-IDs of {len(said)} answers are {said}.")


@rule("everywhere")
def problem_names_request(platform: PlatformUnderTest) -> None:
    """A problem's `request_id` is the answer's X-Request-ID, so that whoever shows it can be helped."""
    for answer in _problems(platform):
        answer.must_equal("request_id", answer.must_be_problem(*_kind(answer)).get("request_id"), _id_of(answer))


@rule("everywhere")
def problem_members(platform: PlatformUnderTest) -> None:
    """A problem has `type`, `title`, `status`, `detail` and `code` (RFC 9457), and its status is the answer's."""
    for answer in _problems(platform):
        problem = answer.must_be_problem(*_kind(answer))
        missing = {"type", "title", "status", "detail", "code"} - problem.keys()
        answer.must(not missing, f"the problem lacks {', '.join(sorted(missing))}.")
        answer.must_equal("the problem's status", problem["status"], answer.status)


def _problems(platform: PlatformUnderTest) -> list[Answer]:
    """An answer of each kind: 401, 404, 405, 422."""
    member, stranger = platform.member(), platform.stranger
    return [stranger.get(ME), member.get("/api/nope"), member.delete(ME), stranger.post(REGISTER, json={})]


def _kind(answer: Answer) -> tuple[int, str]:
    codes = {401: "unauthenticated", 404: "not_found", 405: "method_not_allowed", 422: "validation"}
    return answer.status, codes.get(answer.status, "unauthenticated")


def _id_of(answer: Answer) -> str:
    return answer.header("x-request-id")


@rule("everywhere")
def no_sniffing(platform: PlatformUnderTest) -> None:
    """Every answer has `X-Content-Type-Options: nosniff`."""
    stranger, member = platform.stranger, platform.member()
    for answer in (stranger.get("/health/live"), stranger.get("/nope"), member.get(ME), member.get("/api/nope")):
        answer.must_equal("X-Content-Type-Options", answer.header("x-content-type-options").lower(), "nosniff")


@rule("everywhere")
def no_storing(platform: PlatformUnderTest) -> None:
    """Every answer under `/api` has `Cache-Control: no-store`."""
    stranger, member = platform.stranger, platform.member()
    for answer in (stranger.get("/api/nope"), member.get(ME), stranger.post(REGISTER, json={})):
        answer.must_equal("Cache-Control", answer.header("cache-control").lower(), "no-store")


@rule("everywhere")
def no_other_origin(platform: PlatformUnderTest) -> None:
    """Another origin is not let in (CORS) unless it is set."""
    answer = platform.member().get(ME, headers={"Origin": "https://elsewhere.example"})
    allowed = [name for name, _ in answer.header_list if name.startswith("access-control-")]
    answer.must(not allowed, f"there are the headers {', '.join(allowed)}.")


@rule("everywhere")
def errors_do_not_repeat(platform: PlatformUnderTest) -> None:
    """An error never repeats a password or a credential, nor a text that was sent where one belongs."""
    secret = "Sup3r-secret-value"  # noqa: S105 -- of nobody
    answers = [
        platform.stranger.post(REGISTER, json={"email": "no address", "password": secret.lower()}),
        platform.stranger.post(REGISTER, json={"email": [secret], "password": {secret: secret}}),
        platform.stranger.post(REGISTER, json={"email": "ada@example.org", "password": [secret]}),
        platform.stranger.post(LOGIN, json={"email": "ada@example.org", "password": secret}),
        platform.stranger.get(ME, headers={"Authorization": f"Bearer {secret}"}),
    ]
    for answer, status in zip(answers, (422, 422, 422, 401, 401), strict=True):
        answer.must_be(status)
        answer.must_not_hold([secret])
