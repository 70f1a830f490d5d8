from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from ams_sdk import _errors
from ams_sdk._client import problems
from ams_sdk._errors import (
    APIError,
    ProtocolError,
)

ENDPOINT = "http://ams.example.com"


def refusal(status, code="x", headers=None, kind="application/problem+json", **more):
    document = {"type": "about:blank", "title": "T", "status": status, "detail": "D.", "code": code, **more}
    content = json.dumps(document).encode()
    return problems.from_refusal(status, httpx.Headers({"content-type": kind, **(headers or {})}), content, ENDPOINT)


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (400, "malformed", "InvalidRequestError"),
        (401, "unauthenticated", "AuthenticationError"),
        (401, "invalid_token", "AuthenticationError"),
        (401, "token_expired", "LoginExpiredError"),
        (401, "invalid_credentials", "InvalidCredentialsError"),
        (403, "forbidden", "PermissionDeniedError"),
        (404, "not_found", "NotFoundError"),
        (405, "method_not_allowed", "APIError"),
        (409, "email_taken", "ConflictError"),
        (413, "too_large", "InvalidRequestError"),
        (415, "unsupported", "InvalidRequestError"),
        (422, "validation", "InvalidRequestError"),
        (429, "rate_limited", "RateLimitedError"),
        (500, "internal", "ServerError"),
        (503, "token_expired", "ServerError"),
        (418, "invalid_credentials", "APIError"),
    ],
)
def test_a_problem_document_becomes_the_class_of_its_status_and_code(status, code, expected):
    error = refusal(status, code, request_id="r-1")
    assert type(error) is getattr(_errors, expected)
    assert (error.status, error.code, error.detail, error.request_id) == (status, code, "D.", "r-1")


def test_the_status_line_is_believed_and_not_the_body():
    headers = httpx.Headers({"content-type": "application/problem+json"})
    content = json.dumps({"title": "T", "status": 200, "detail": "D.", "code": "x"}).encode()
    assert problems.from_refusal(404, headers, content, ENDPOINT).status == 404


def test_broken_rules_are_named():
    rule = {"field": "password", "code": "too_short", "message": "at least 8 characters"}
    error = refusal(422, "validation", errors=[rule])
    assert error.errors == (("password", "at least 8 characters"),)
    assert str(error) == "password: at least 8 characters."


@pytest.mark.parametrize(
    ("text", "seconds"), [("30", 30), ("0", 0), ("-5", 0), ("soon", None), ("", None), ("nan", None), ("inf", None)]
)
def test_retry_after_in_seconds(text, seconds):
    assert refusal(429, headers={"retry-after": text}).retry_after == seconds


def test_retry_after_as_a_date():
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    assert 50 < refusal(503, headers={"retry-after": later}).retry_after <= 60
    assert refusal(503, headers={"retry-after": "Thu, 01 Jan 1970 00:00:00 GMT"}).retry_after == 0
    assert refusal(503, headers={"retry-after": "Thu, 01 Jan 1970 00:00:00 -0000"}).retry_after is None


@pytest.mark.parametrize(
    ("kind", "content", "shown"),
    [
        (
            "text/html; charset=utf-8",
            b"<html>\n  <h1>502 Bad Gateway</h1>",
            "text/html .*: '<html> <h1>502 Bad Gateway",
        ),
        ("application/problem+json", b'{"title": "T", "sta', "application/problem"),
        ("application/json", b"[]", "application/json"),
        ("", b"", "no content type and not with a problem document. Is"),
        ("text/plain", b"\xff\x1b[31m", r"\\x1b\[31m"),
    ],
)
def test_anything_else_than_a_problem_says_what_was_got_and_from_where(kind, content, shown):
    error = problems.from_refusal(502, httpx.Headers({"content-type": kind}), content, ENDPOINT)
    assert type(error) is ProtocolError
    assert str(error).startswith(f"{ENDPOINT} answered 502 with ")
    with pytest.raises(ProtocolError, match=shown):
        raise error


def test_a_long_page_is_cut():
    error = problems.from_refusal(502, httpx.Headers({"content-type": "text/html"}), b"x" * 100_000, ENDPOINT)
    assert len(str(error)) < 400


def test_a_redirect_says_what_to_set():
    error = problems.from_refusal(302, httpx.Headers({"location": "https://idp.example.com/?t=s3cret"}), b"", ENDPOINT)
    assert type(error) is ProtocolError
    assert "answered 302, a redirect" in str(error)
    assert "s3cret" not in str(error)


def test_every_class_of_the_tree_for_problems_can_be_reached():
    kinds = {
        type(refusal(status, code))
        for status in range(400, 600)
        for code in ("x", "token_expired", "invalid_credentials")
    }
    tree = {kind for kind in vars(_errors).values() if isinstance(kind, type) and issubclass(kind, APIError)}
    assert kinds == tree
