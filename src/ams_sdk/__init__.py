"""ams-sdk: one decorator makes an agent registered, traced, testable and debuggable.

Names only. What needs imports that a decorated library should not pay for loads at first use.
"""

from typing import TYPE_CHECKING

from ams_sdk._decorators import agent, tool
from ams_sdk._errors import (
    AMSError,
    APIError,
    AuthenticationError,
    ConfigurationError,
    ConflictError,
    DemoMismatchError,
    InvalidCredentialsError,
    InvalidRequestError,
    LoginExpiredError,
    MissingExtraError,
    NotFoundError,
    NotLoggedInError,
    PermissionDeniedError,
    PlatformTimeoutError,
    PlatformUnreachableError,
    PortTakenError,
    ProtocolError,
    RateLimitedError,
    ServerError,
    ServerStartError,
    StateFolderError,
)
from ams_sdk._lifecycle import Stats, configure, flush, shutdown, stats
from ams_sdk._version import __version__

if TYPE_CHECKING:
    from ams_sdk._client import AsyncClient, Client

__all__ = [
    "AMSError",
    "APIError",
    "AsyncClient",
    "AuthenticationError",
    "Client",
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
    "Stats",
    "__version__",
    "agent",
    "configure",
    "flush",
    "shutdown",
    "stats",
    "tool",
]


def __getattr__(name: str) -> object:
    if name in {"AsyncClient", "Client"}:
        from ams_sdk import _client  # noqa: PLC0415 -- httpx and pydantic load when a client is asked for

        return getattr(_client, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
