"""What a request may be: its method, its path, its body."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any, Final

from ams_sdk.testing.contract.caller import ACCOUNT_PASSWORD, ME
from ams_sdk.testing.contract.exchange import JSON
from ams_sdk.testing.contract.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ams_sdk.testing.contract.platform_under_test import PlatformUnderTest

__all__: list[str] = []

REGISTER: Final = "/api/auth/register"
_ALLOWED: Final = (
    ("DELETE", ME, {"GET", "HEAD"}),
    ("BREW", "/api/agents", {"GET", "HEAD", "POST"}),
    ("GET", REGISTER, {"POST"}),
    ("PUT", "/health/live", {"GET", "HEAD"}),
)
_MALFORMED: Final = (
    *(b"", b"{", b"{} {}", b"\xff\xfe{}", b"\xef\xbb\xbf{}", b'{"email": NaN}', b"9" * 5000),
    *('{"email": "\u00e4"}'.encode("utf-16"), '{"email": "\u00e4"}'.encode("latin-1")),
    *(b"[" * 60_000, b'{"a":' * 5000 + b"1" + b"}" * 5000, b"[" * 200 + b"]" * 200),
)

_WRONG_SHAPES: Final[tuple[Any, ...]] = (None, [], "text", 7, True, {}, {"email": 1, "password": None})


@rule("everywhere")
def unknown_path(platform: PlatformUnderTest) -> None:
    """An unknown path is 404 for somebody with a credential."""
    for path in ("/nope", "/api/nope"):
        platform.member().get(path).must_be_problem(404, "not_found")


@rule("everywhere")
def no_redirect(platform: PlatformUnderTest) -> None:
    """A path with a slash at its end is another path, 404, and not a redirect."""
    for path in ("/api/agents/", f"{ME}/", "/api/traces/"):
        platform.member().get(path).must_be_problem(404, "not_found")


@rule("everywhere")
def method_not_allowed(platform: PlatformUnderTest) -> None:
    """A method that a path does not know is 405, and Allow names those that it knows (RFC 9110, section 15.5.6)."""
    for method, path, allowed in _ALLOWED:
        answer = platform.member().ask(method, path)
        answer.must_be_problem(405, "method_not_allowed")
        named = {name.strip() for name in answer.header("allow").split(",")}
        answer.must_equal("Allow", named - {"OPTIONS"}, allowed)


@rule("everywhere")
def head_like_get(platform: PlatformUnderTest) -> None:
    """HEAD is answered like GET, with the length of its body and without the body (RFC 9110, section 9.3.2)."""
    for path in (ME, "/health/live"):
        head, get = platform.member().ask("HEAD", path), platform.member().get(path)
        head.must_equal("the status", head.status, get.status)
        head.must(not head.content, "there is a body.")
        head.must_equal("the Content-Length", head.header("content-length"), get.header("content-length"))


@rule("everywhere")
def head_sends_no_body(platform: PlatformUnderTest) -> None:
    """After the head of an answer to HEAD nothing more comes, whatever a client makes of it."""
    came = platform.send_head("HEAD", "/health/live", "Connection: close")
    platform.stranger.ask("HEAD", "/health/live").must(
        came.startswith(b"HTTP/1.1 200 ") and came.endswith(b"\r\n\r\n") and came.count(b"\r\n\r\n") == 1,
        f"what came to a HEAD on a connection of its own ends in {came[-60:]!r}, and not after its head.",
    )


@rule("everywhere")
def malformed_body(platform: PlatformUnderTest) -> None:
    """A body that is not JSON in UTF-8, or absurdly nested, is 400 `malformed`."""
    for body in _MALFORMED:
        answer = platform.stranger.post(REGISTER, content=body, headers={"Content-Type": JSON})
        answer.must_be_problem(400, "malformed")


@rule("everywhere")
def wrong_shape(platform: PlatformUnderTest) -> None:
    """JSON of another shape is 422 `validation`, with `errors` that name what is broken."""
    for body in _WRONG_SHAPES:
        platform.stranger.post(REGISTER, json=body).must_name_errors()


@rule("everywhere")
def unknown_field(platform: PlatformUnderTest) -> None:
    """A field that a body does not know is 422 and named, so that a misspelt one is no silent loss."""
    account = {"email": "ada@example.org", "password": ACCOUNT_PASSWORD}
    platform.stranger.post(REGISTER, json=account | {"pasword": "x"}).must_refuse("pasword", code="extra_forbidden")
    member = platform.member()
    for path, body in (("/api/agents", {"name": "a", "version": "1"}), ("/api/keys", {"name": "ci"})):
        member.post(path, json=body | {"made_up": "x"}).must_refuse("made_up", code="extra_forbidden")


@rule("everywhere")
def text_that_is_none(platform: PlatformUnderTest) -> None:
    """NUL and unpaired surrogates in a text are 422 `invalid_text`: no store keeps them."""
    sound = {"email": "ada@example.org", "password": ACCOUNT_PASSWORD, "name": "Ada"}
    for text in ("a\u0000b", "a\ud800b", "\udfff"):
        for place in sound:
            platform.stranger.post(REGISTER, json=sound | {place: text}).must_refuse(place, code="invalid_text")
    body = {"name": "a", "version": "1", "labels": {"a\u0000b": "x"}}
    platform.member().post("/api/agents", json=body).must_refuse("labels", code="invalid_text")


@rule("everywhere")
def number_too_large(platform: PlatformUnderTest) -> None:
    """A number that is larger than any that can be kept is 400 `malformed`."""
    body = b'{"name": "n", "version": "1", "tools": [{"name": "t", "input_schema": {"x": 1e999}}]}'
    answer = platform.member().post("/api/agents", content=body, headers={"Content-Type": JSON})
    answer.must_be_problem(400, "malformed")


@rule("everywhere")
def content_type(platform: PlatformUnderTest) -> None:
    """Another content type than `application/json` is 415."""
    others = (None, "", "text/plain", "application/x-www-form-urlencoded", "application/jsonx")
    for said in (*others, "application/json; charset=latin-1"):
        headers = {} if said is None else {"Content-Type": said}
        answer = platform.stranger.post(REGISTER, content=b"{}", headers=headers)
        answer.must_be_problem(415, "unsupported_media_type")


@rule("everywhere")
def charset(platform: PlatformUnderTest) -> None:
    """The content type may name its charset, UTF-8, in any case of letters and quoted."""
    for said in ("application/json;charset=UTF-8", 'Application/JSON; charset="utf-8"'):
        answer = platform.stranger.post(REGISTER, content=b"{}", headers={"Content-Type": said})
        answer.must_be_problem(422, "validation")


@rule("everywhere")
def packed_json(platform: PlatformUnderTest) -> None:
    """A JSON body with a Content-Encoding is 415, and is not unpacked."""
    packed = gzip.compress(b'{"email": "ada@example.org", "password": "' + b"x" * 10_000_000 + b'"}')
    for encoding in ("gzip", "deflate", "br", "gzip, gzip", "x"):
        headers = {"Content-Type": JSON, "Content-Encoding": encoding}
        answer = platform.stranger.post(REGISTER, content=packed, headers=headers)
        answer.must_be_problem(415, "unsupported_media_type")


@rule("everywhere")
def body_too_large(platform: PlatformUnderTest) -> None:
    """A body over the limit is 413, and reading stops there: here one that would have 64 MiB of JSON."""
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(64):
            sent += 1
            yield b"[" * 1024**2

    answer = platform.stranger.post(REGISTER, content=endless(), headers={"Content-Type": JSON})
    answer.must_be_problem(413, "body_too_large")
    answer.must(sent < 64, "all of it was read.")  # noqa: PLR2004 -- as above


@rule("everywhere")
def announced_too_large(platform: PlatformUnderTest) -> None:
    """A body that is announced with more than the limit is 413 before any of it has come."""
    came = platform.send_head("POST", REGISTER, f"Content-Type: {JSON}", "Content-Length: 1000000000")
    platform.stranger.post(REGISTER, json={}).must(
        came.startswith(b"HTTP/1.1 413 "), f"{came[:20]!r} came to a head without its body, 413 was to come."
    )


@rule("everywhere")
def body_without_length(platform: PlatformUnderTest) -> None:
    """A body that comes in chunks, without a length, is read."""
    body = json.dumps({"email": 1}).encode()
    chunks = iter([body[:4], body[4:]])
    answer = platform.stranger.post(REGISTER, content=chunks, headers={"Content-Type": JSON})
    answer.must_be_problem(422, "validation")
