"""From what came back, or did not, to the error that says so: no exception of httpx leaves the clients."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import httpx
from pydantic import ValidationError

from ams_sdk._errors import (
    AMSError,
    APIError,
    AuthenticationError,
    ConfigurationError,
    ConflictError,
    InvalidCredentialsError,
    InvalidRequestError,
    LoginExpiredError,
    NotFoundError,
    PermissionDeniedError,
    PlatformTimeoutError,
    PlatformUnreachableError,
    ProtocolError,
    RateLimitedError,
    ServerError,
)
from ams_sdk.wire import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["from_exception", "from_refusal", "from_wrong_shape", "retry_after"]

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


def from_exception(error: Exception, endpoint: str) -> AMSError:
    """Turn what httpx raised while it talked to ``endpoint`` into an error."""
    reason = str(error) or type(error).__name__
    match error:
        case httpx.TimeoutException():
            return PlatformTimeoutError(
                f"{endpoint} did not answer in time. Try again, or give the client a longer timeout."
            )
        case httpx.ConnectError():
            return PlatformUnreachableError(
                f"Nothing answers at {endpoint} ({reason}). Check the address (AMS_ENDPOINT), "
                "or start a platform here with: ams dev"
            )
        case httpx.ProxyError():
            return PlatformUnreachableError(
                f"The proxy on the way to {endpoint} refused ({reason}). Check HTTPS_PROXY, HTTP_PROXY and NO_PROXY."
            )
        case httpx.NetworkError():
            return PlatformUnreachableError(f"The connection to {endpoint} broke ({reason}). Try again.")
        case httpx.RemoteProtocolError() | httpx.DecodingError():
            return ProtocolError(
                f"{endpoint} broke off, or does not speak HTTP as it should ({reason}). "
                "Is this the address of an AMS platform (AMS_ENDPOINT)?"
            )
        case _:
            # Without the reason: it may quote a header, and with it the credential.
            return ConfigurationError(
                f"The call to {endpoint} cannot be sent ({type(error).__name__}). Check the endpoint and the key."
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


def retry_after(headers: httpx.Headers) -> float | None:
    """Seconds of ``Retry-After``, a number or a date (RFC 9110, section 10.2.3); None if it is neither."""
    text = headers.get("retry-after", "").strip()
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError):
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _kind(headers: httpx.Headers) -> str:
    kind = headers.get("content-type", "").partition(";")[0].strip()
    return kind[:_SHOWN] or "no content type"


def _excerpt(content: bytes) -> str:
    text = " ".join(content[: 4 * _SHOWN].decode(errors="replace").split())
    if not text:
        return ""
    return f": {text[:_SHOWN]!r}"
