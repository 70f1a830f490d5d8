"""Every error that the reference server raises, under one root.

::

    ReferenceServerError
    ├── StartError                      the server cannot start; carries the process's exit code
    │   ├── SettingsError               2   a setting or an argument that cannot work
    │   ├── MissingDriverError          3   a driver of the database or of Redis is not installed
    │   ├── NoSuchUserError             4   nobody has this address or id
    │   ├── PortTakenError              8   another program listens on the port
    │   └── StoreUnusableError          9   the state folder or the database cannot be used
    │       └── SchemaTooNewError           the database was written by a newer release
    └── RequestError                    a request is refused; carries status, code and title
        ├── MalformedError              400
        ├── UnauthenticatedError        401 no credential was sent
        │   ├── InvalidTokenError           it is not one of ours, or it was revoked
        │   ├── TokenExpiredError           its time is over
        │   └── InvalidCredentialsError     wrong address or password
        ├── NotFoundError               404
        ├── MethodNotAllowedError       405
        ├── RequestTimeoutError         408
        ├── EmailTakenError             409
        ├── BodyTooLargeError           413 more bytes than the limit
        ├── ExcessiveBodyError          413 more parts than can be read
        ├── UnsupportedMediaTypeError   415
        ├── InvalidRequestError         422
        ├── TooManyRequestsError        429
        ├── HeadersTooLargeError        431
        ├── InternalError               500
        └── UnavailableError            503
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ams_sdk.wire import FieldError

__all__ = [
    "BodyTooLargeError",
    "EmailTakenError",
    "ExcessiveBodyError",
    "HeadersTooLargeError",
    "InternalError",
    "InvalidCredentialsError",
    "InvalidRequestError",
    "InvalidTokenError",
    "MalformedError",
    "MethodNotAllowedError",
    "MissingDriverError",
    "NoSuchUserError",
    "NotFoundError",
    "PortTakenError",
    "ReferenceServerError",
    "RequestError",
    "RequestTimeoutError",
    "SchemaTooNewError",
    "SettingsError",
    "StartError",
    "StoreUnusableError",
    "TokenExpiredError",
    "TooManyRequestsError",
    "UnauthenticatedError",
    "UnavailableError",
    "UnsupportedMediaTypeError",
]

_CHALLENGE = 'Bearer realm="ams"'


class ReferenceServerError(Exception):
    """The root of what this package raises on purpose."""


# --- the start --------------------------------------------------------------------------------------------------------


class StartError(ReferenceServerError):
    """The server cannot start; the message is one line that says what to do."""

    exit_code: ClassVar[int] = 12


class SettingsError(StartError, ValueError):
    """A setting or an argument that cannot work; the message names the variable."""

    exit_code: ClassVar[int] = 2


class MissingDriverError(StartError):
    """``AMS_DATABASE_URL`` or ``AMS_REDIS_URL`` names a store whose driver is not installed."""

    exit_code: ClassVar[int] = 3


class NoSuchUserError(StartError):
    """Nobody has this address or id."""

    exit_code: ClassVar[int] = 4


class PortTakenError(StartError):
    """Another program listens on the port."""

    exit_code: ClassVar[int] = 8


class StoreUnusableError(StartError):
    """The state folder or the database cannot be read or written."""

    exit_code: ClassVar[int] = 9


class SchemaTooNewError(StoreUnusableError):
    """The database was migrated by a newer release than this one."""


# --- a request --------------------------------------------------------------------------------------------------------


class RequestError(ReferenceServerError):
    """A request that is refused.

    Args:
        detail: what was wrong, safe to show: never a password, a token, SQL, a path or a stack.
        errors: one entry for each broken rule.
        headers: what the answer must carry besides the body.
    """

    status: ClassVar[int]
    code: ClassVar[str]
    title: ClassVar[str]
    default_detail: ClassVar[str]

    def __init__(
        self,
        detail: str | None = None,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.detail = detail or self.default_detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        super().__init__(self.detail)


class MalformedError(RequestError):
    """The body is not what its content type says (400)."""

    status = 400
    code = "malformed"
    title = "Malformed body"
    default_detail = "The body is not well-formed JSON in UTF-8."


class UnauthenticatedError(RequestError):
    """No credential was sent (401)."""

    status = 401
    code = "unauthenticated"
    title = "Not authenticated"
    default_detail = "Log in or make an API key, and send it as 'Authorization: Bearer …'."
    challenge: ClassVar[str] = _CHALLENGE
    """The ``WWW-Authenticate`` header's value (RFC 6750, section 3)."""

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": self.challenge})


class InvalidTokenError(UnauthenticatedError):
    """The credential is not one of ours, or it was revoked (401)."""

    code = "invalid_token"
    title = "Invalid token"
    default_detail = "The credential is not valid. Log in again, or use another API key."
    challenge = f'{_CHALLENGE}, error="invalid_token"'


class TokenExpiredError(UnauthenticatedError):
    """The credential's time is over (401)."""

    code = "token_expired"
    title = "Token expired"
    default_detail = "The credential has expired. Log in again, or make another API key."
    challenge = f'{_CHALLENGE}, error="invalid_token", error_description="The credential has expired"'


class InvalidCredentialsError(UnauthenticatedError):
    """The address or the password is wrong; which one is never said (401)."""

    code = "invalid_credentials"
    title = "Invalid credentials"
    default_detail = "The e-mail address or the password is wrong."


class NotFoundError(RequestError):
    """There is no such thing, or it belongs to somebody else (404)."""

    status = 404
    code = "not_found"
    title = "Not found"
    default_detail = "There is nothing here under this address."


class MethodNotAllowedError(RequestError):
    """The path exists and does not know the method (405)."""

    status = 405
    code = "method_not_allowed"
    title = "Method not allowed"
    default_detail = "This path does not know this method; the Allow header lists those that it knows."


class RequestTimeoutError(RequestError):
    """The client took too long to send its request (408)."""

    status = 408
    code = "request_timeout"
    title = "Request timeout"
    default_detail = "The request did not arrive in time. Send it again."


class EmailTakenError(RequestError):
    """The address is registered already (409)."""

    status = 409
    code = "email_taken"
    title = "Address taken"
    default_detail = "This e-mail address is registered already. Log in instead."


class BodyTooLargeError(RequestError):
    """The body is over the limit; it was not read further (413).

    Args:
        limit: the limit in bytes.
        what: which body, for example ``unpacked body``.
    """

    status = 413
    code = "body_too_large"
    title = "Body too large"

    def __init__(self, limit: int, what: str = "body") -> None:
        # What is left of the body is not worth reading, so the connection ends with this answer.
        super().__init__(f"The {what} is larger than {limit} bytes.", headers={"Connection": "close"})


class ExcessiveBodyError(RequestError):
    """The body is small enough to receive and would take too much memory or time to read (413)."""

    status = 413
    code = "body_excessive"
    title = "Body too large"
    default_detail = "The body takes more memory than there is. Send its spans in several requests."


class UnsupportedMediaTypeError(RequestError):
    """The content type or encoding is none of those that the path reads (415)."""

    status = 415
    code = "unsupported_media_type"
    title = "Unsupported media type"
    default_detail = "Send the body as application/json in UTF-8."


class InvalidRequestError(RequestError):
    """Well-formed, and against the rules of its fields (422)."""

    status = 422
    code = "validation"
    title = "Invalid request"
    default_detail = "The request breaks a rule; see 'errors'."


class TooManyRequestsError(RequestError):
    """Too many attempts within a time (429; RFC 6585, section 4).

    Args:
        retry_after: when the next attempt is let in, in seconds.
    """

    status = 429
    code = "too_many_requests"
    title = "Too many requests"

    def __init__(self, retry_after: int) -> None:
        super().__init__(
            f"There were too many attempts. Try again in {retry_after} seconds.",
            headers={"Retry-After": str(retry_after)},
        )


class HeadersTooLargeError(RequestError):
    """The request line and the headers are over the limit (431; RFC 6585, section 5)."""

    status = 431
    code = "headers_too_large"
    title = "Headers too large"
    default_detail = "The request line and the headers are too large, or there are too many headers."


class InternalError(RequestError):
    """A defect of the server (500)."""

    status = 500
    code = "internal"
    title = "Internal error"
    default_detail = "The server failed. Its log has the details under the request id."


class UnavailableError(RequestError):
    """The store does not answer, or there is too much to do; the same request may work in a moment (503).

    Args:
        detail: what does not answer.
        retry_after: when to try again, in seconds.
    """

    status = 503
    code = "unavailable"
    title = "Unavailable"
    default_detail = "The store does not answer now. Try again in a moment."

    def __init__(self, detail: str | None = None, *, retry_after: int = 1) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)})
