"""From an answer that is no success, or not what the contract says, to the error that says so."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from ams_sdk._client.transport_errors import retry_after
from ams_sdk._errors import (
    AMSError,
    APIError,
    AuthenticationError,
    ConflictError,
    InvalidCredentialsError,
    InvalidRequestError,
    LoginExpiredError,
    NotFoundError,
    PermissionDeniedError,
    ProtocolError,
    RateLimitedError,
    ServerError,
)
from ams_sdk.wire import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

__all__ = ["from_refusal", "from_wrong_shape"]

_BY_STATUS: Final[Mapping[int, type[APIError]]] = {
    HTTPStatus.BAD_REQUEST: InvalidRequestError,
    HTTPStatus.UNAUTHORIZED: AuthenticationError,
    HTTPStatus.FORBIDDEN: PermissionDeniedError,
    HTTPStatus.NOT_FOUND: NotFoundError,
    HTTPStatus.CONFLICT: ConflictError,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: InvalidRequestError,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: InvalidRequestError,
    HTTPStatus.UNPROCESSABLE_ENTITY: InvalidRequestError,
    HTTPStatus.TOO_MANY_REQUESTS: RateLimitedError,
}
_BY_CODE: Final[Mapping[str, type[AuthenticationError]]] = {
    "invalid_credentials": InvalidCredentialsError,
    "token_expired": LoginExpiredError,
}
_SHOWN: Final = 80


def from_refusal(status: int, headers: httpx.Headers, content: bytes, endpoint: str) -> AMSError:
    """Turn an answer that is no success into an error.

    Args:
        status: the HTTP status code.
        headers: the answer's headers.
        content: the answer's body.
        endpoint: who answered, for the message.
    """
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return ProtocolError(
            f"{endpoint} answered {status}, a redirect, and redirects are not followed. "
            "Set the endpoint (AMS_ENDPOINT) to the platform's final address."
        )
    problem = _problem(headers, content)
    if problem is None:
        return ProtocolError(
            f"{endpoint} answered {status} with {_kind(headers)} and not with a problem document{_excerpt(content)}. "
            "Is this the address of an AMS platform (AMS_ENDPOINT), and is a proxy in between?"
        )
    return _error_class(status, problem.code)(
        problem.detail,
        status=status,
        code=problem.code,
        request_id=problem.request_id,
        errors=[(broken.field, broken.message) for broken in problem.errors or ()],
        retry_after=retry_after(headers),
    )


def from_wrong_shape(error: ValueError, headers: httpx.Headers, content: bytes, endpoint: str) -> ProtocolError:
    """Turn a successful answer that is not what the contract says into an error; nothing of its values is shown."""
    if "json" not in headers.get("content-type", ""):
        got = f"{_kind(headers)} where the contract has something else{_excerpt(content)}"
    elif not isinstance(error, ValidationError):
        got = f"JSON that cannot be used ({error})"
    else:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        got = f"JSON of another shape ({where or 'the document'}: {first['type']})"
    return ProtocolError(
        f"{endpoint} answered with {got}. Is this the address of an AMS platform (AMS_ENDPOINT), and of this version?"
    )


def _problem(headers: httpx.Headers, content: bytes) -> Problem | None:
    if "json" not in headers.get("content-type", ""):
        return None
    try:
        return Problem.model_validate_json(content)
    except ValidationError:
        return None


def _error_class(status: int, code: str) -> type[APIError]:
    if status == HTTPStatus.UNAUTHORIZED:
        return _BY_CODE.get(code, AuthenticationError)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return ServerError
    return _BY_STATUS.get(status, APIError)


def _kind(headers: httpx.Headers) -> str:
    kind = headers.get("content-type", "").partition(";")[0].strip()
    return kind[:_SHOWN] or "no content type"


def _excerpt(content: bytes) -> str:
    text = " ".join(content[: 4 * _SHOWN].decode(errors="replace").split())
    if not text:
        return ""
    return f": {text[:_SHOWN]!r}"
