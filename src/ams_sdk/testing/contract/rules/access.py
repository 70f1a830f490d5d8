"""Who gets in: everything needs a credential, but what the contract names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ams_sdk.testing.contract.caller import ME
from ams_sdk.testing.contract.exchange import JSON, PROTOBUF
from ams_sdk.testing.contract.rule import rule

if TYPE_CHECKING:
    from ams_sdk.testing.contract.platform_under_test import PlatformUnderTest

__all__: list[str] = []

CHALLENGE: Final = 'Bearer realm="ams"'
INVALID: Final = f'{CHALLENGE}, error="invalid_token"'


@rule("everywhere")
def denied_by_default(platform: PlatformUnderTest) -> None:
    """Every path that the contract knows needs a credential, but register, login, health and the OpenAPI document."""
    known = (
        *(("GET", ME), ("POST", "/api/auth/logout"), ("GET", "/api/keys"), ("GET", "/api/agents")),
        *(("GET", "/api/agents/some"), ("GET", "/api/traces"), ("GET", f"/api/traces/{'a' * 32}")),
        *(("POST", "/api/agents"), ("POST", "/api/keys"), ("DELETE", "/api/keys/some")),
    )
    for method, path in known:
        platform.stranger.ask(method, path).must_be_problem(401, "unauthenticated")


@rule("everywhere")
def unknown_path_denied(platform: PlatformUnderTest) -> None:
    """An unknown path without a credential is 401, not 404, so that a stranger learns nothing of what there is."""
    for path in ("/", "/nope", "/api", "/api/nope", "/api/auth/login/", "/api//auth/login"):
        platform.stranger.get(path).must_be_problem(401, "unauthenticated")


@rule("everywhere")
def unknown_method_denied(platform: PlatformUnderTest) -> None:
    """A method that a path does not know, without a credential, is 401 like the path itself."""
    for method, path in (("DELETE", ME), ("OPTIONS", "/api/agents"), ("BREW", "/api/agents")):
        platform.stranger.ask(method, path).must_be_problem(401, "unauthenticated")


@rule("everywhere")
def challenge_without_credential(platform: PlatformUnderTest) -> None:
    """401 carries `WWW-Authenticate: Bearer realm="ams"` (RFC 6750)."""
    for path in (ME, "/api/nope"):
        answer = platform.stranger.get(path).must_be(401)
        answer.must_equal("WWW-Authenticate", answer.header("www-authenticate"), CHALLENGE)


@rule("everywhere")
def challenge_with_credential(platform: PlatformUnderTest) -> None:
    """401 to a credential says `error="invalid_token"` in WWW-Authenticate (RFC 6750, section 3)."""
    answer = platform.stranger.using("a.b.c").get(ME).must_be(401)
    answer.must_equal("WWW-Authenticate", answer.header("www-authenticate"), INVALID)


@rule("everywhere")
def invalid_credential(platform: PlatformUnderTest) -> None:
    """What is no credential is 401 `invalid_token`, whatever is in it, and never 500."""
    for shown in ("Bearer x", "Bearer", "Bearer a.b.c", "bearer \u00e4".encode("latin-1"), "Bearer " + "a" * 6000):
        platform.stranger.get("/api/nope", headers={"Authorization": shown}).must_be_problem(401, "invalid_token")


@rule("everywhere")
def other_scheme(platform: PlatformUnderTest) -> None:
    """Another scheme than Bearer is no credential: 401 `unauthenticated`."""
    headers = {"Authorization": "Basic YWRhOnNlY3JldA=="}
    platform.stranger.get(ME, headers=headers).must_be_problem(401, "unauthenticated")


@rule("everywhere")
def two_credentials(platform: PlatformUnderTest) -> None:
    """Two Authorization headers are 401 `invalid_token`, though each is good."""
    shown = ("Authorization", f"Bearer {platform.member().bearer}")
    platform.stranger.get(ME, headers=[shown, shown]).must_be_problem(401, "invalid_token")


@rule("everywhere")
def scheme_in_any_case(platform: PlatformUnderTest) -> None:
    """The scheme may be spelled in any case of letters (RFC 9110, section 11.1)."""
    shown = {"Authorization": f"bEARER {platform.member().bearer}"}
    platform.stranger.get(ME, headers=shown).must_be(200)


@rule("telemetry")
def export_needs_credential(platform: PlatformUnderTest) -> None:
    """OTLP without a credential is 401 with the challenge and a `google.rpc.Status` in the request's content type."""
    for content_type in (PROTOBUF, JSON):
        answer = platform.stranger.post("/v1/traces", content=b"", headers={"Content-Type": content_type})
        answer.must_be_status(401, 16)
        answer.must_equal("WWW-Authenticate", answer.header("www-authenticate"), CHALLENGE)


@rule("everywhere")
def refused_unread(platform: PlatformUnderTest) -> None:
    """The body of somebody without a credential is not read: 401 comes at once, and the connection is closed."""
    came = platform.send_head(
        "POST", "/v1/traces", f"Content-Type: {JSON}", "Content-Length: 10000000", "Connection: keep-alive"
    )
    platform.stranger.post("/v1/traces", json={}).must(
        came.startswith(b"HTTP/1.1 401 "), f"{came[:20]!r} came to a head without its body, 401 was to come."
    )
