"""Every error that ams-sdk raises, under one root.

::

    AMSError
    ├── ConfigurationError            a setting, an argument or a decoration that cannot work
    │   └── MissingExtraError         an optional part is not installed
    ├── StateFolderError              the folder for the login or the database cannot be used
    ├── PlatformUnreachableError      nothing answered at the endpoint
    │   └── PlatformTimeoutError      it was reached, and did not answer in time
    ├── ProtocolError                 something answered that does not speak the platform's contract
    ├── NotLoggedInError              a call needs a credential and there is none
    ├── ServerStartError              the reference server did not come up
    │   └── PortTakenError            another program listens on its port
    ├── DemoMismatchError             what was read back is not what ran
    └── APIError                      the platform answered with a problem (RFC 9457)
        ├── InvalidRequestError       400, 413, 415, 422
        ├── AuthenticationError       401
        │   ├── InvalidCredentialsError   wrong address or password
        │   └── LoginExpiredError         the login is over
        ├── PermissionDeniedError     403
        ├── NotFoundError             404
        ├── ConflictError             409
        ├── RateLimitedError          429
        └── ServerError               5xx
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "AMSError",
    "APIError",
    "AuthenticationError",
    "ConfigurationError",
    "ConflictError",
    "DemoMismatchError",
    "InvalidCredentialsError",
    "InvalidRequestError",
    "LoginExpiredError",
    "MissingExtraError",
    "NotFoundError",
    "NotLoggedInError",
    "PermissionDeniedError",
    "PlatformTimeoutError",
    "PlatformUnreachableError",
    "PortTakenError",
    "ProtocolError",
    "RateLimitedError",
    "ServerError",
    "ServerStartError",
    "StateFolderError",
]


class AMSError(Exception):
    """The root: ``except ams_sdk.AMSError`` catches whatever this package raises on purpose."""


class ConfigurationError(AMSError, ValueError):
    """A setting, an argument or a decoration that cannot work; the message says what to write instead."""


class MissingExtraError(ConfigurationError):
    """An optional part of ams-sdk is needed and not installed.

    Args:
        extra: the extra's name, for example ``server``.
        purpose: what needed it, for example ``ams demo``.
    """

    def __init__(self, extra: str, purpose: str) -> None:
        self.extra = extra
        super().__init__(
            f"{purpose} needs the extra '{extra}', which is not installed. In the ams-sdk checkout run: "
            f"python -m pip install '.[{extra}]'"
        )


class StateFolderError(AMSError):
    """The folder that keeps the login or the database cannot be read or written."""


class PlatformUnreachableError(AMSError):
    """Nothing answered at the platform's address."""


class PlatformTimeoutError(PlatformUnreachableError):
    """The platform was reached, and did not answer in time."""


class ProtocolError(AMSError):
    """Something answered that does not speak the platform's contract, a proxy's page for example."""


class NotLoggedInError(AMSError):
    """The call needs a credential and there is none."""


class ServerStartError(AMSError):
    """The reference server did not come up."""


class PortTakenError(ServerStartError):
    """Another program listens on the port that the reference server was told to use."""


class DemoMismatchError(AMSError):
    """What ``ams demo`` read back from the server is not what ran."""


class APIError(AMSError):
    """The platform refused the call with a problem document (RFC 9457).

    Args:
        detail: the problem's explanation, safe to show.
        status: the HTTP status code.
        code: the platform's stable name for the problem, for example ``email_taken``.
        request_id: what the platform calls this request in its log, if it said.
        errors: one ``(field, message)`` for each broken rule of a request body.
        retry_after: seconds to wait before another try, if the platform said.
    """

    def __init__(  # noqa: PLR0913 -- the fields of a problem document, keyword-only
        self,
        detail: str,
        *,
        status: int,
        code: str,
        request_id: str | None = None,
        errors: Sequence[tuple[str, str]] = (),
        retry_after: float | None = None,
    ) -> None:
        self.detail = detail
        self.status = status
        self.code = code
        self.request_id = request_id
        self.errors: tuple[tuple[str, str], ...] = tuple(errors)
        self.retry_after = retry_after
        super().__init__(detail)

    def __str__(self) -> str:
        broken = [(f"{field}: " if field else "") + message.rstrip(".") for field, message in self.errors]
        return f"{'; '.join(broken)}." if broken else self.detail


class InvalidRequestError(APIError):
    """The request could not be used: malformed, too large, or a rule of a field is broken (400, 413, 415, 422)."""


class AuthenticationError(APIError):
    """The credential was refused (401)."""


class InvalidCredentialsError(AuthenticationError):
    """The address or the password is wrong; the platform does not say which (401 ``invalid_credentials``)."""


class LoginExpiredError(AuthenticationError):
    """The login is over (401 ``token_expired``)."""


class PermissionDeniedError(APIError):
    """The credential is good and does not allow this (403)."""


class NotFoundError(APIError):
    """There is no such thing, or it belongs to somebody else (404)."""


class ConflictError(APIError):
    """The call contradicts what is there, for example an address that is registered already (409)."""


class RateLimitedError(APIError):
    """Too many calls (429); ``retry_after`` says how many seconds to wait."""


class ServerError(APIError):
    """The platform failed or is overloaded (5xx)."""
