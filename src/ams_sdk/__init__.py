"""ams-sdk: one decorator makes an agent registered, traced, testable and debuggable.

Names only, and each loads when it is asked for: a command or a plugin of pytest pays for what it uses.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ams_sdk._capture import Secret
    from ams_sdk._client import AsyncClient, Client
    from ams_sdk._decorators.agent import agent
    from ams_sdk._decorators.propagation import extract, inject
    from ams_sdk._decorators.run import Run, current_run
    from ams_sdk._decorators.session import session
    from ams_sdk._decorators.span import span
    from ams_sdk._decorators.tool import tool
    from ams_sdk._decorators.workflow import workflow
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
    from ams_sdk._model_calls.model_call import ModelCall, model_call
    from ams_sdk._version import __version__

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
    "ModelCall",
    "NotFoundError",
    "NotLoggedInError",
    "PermissionDeniedError",
    "PlatformTimeoutError",
    "PlatformUnreachableError",
    "PortTakenError",
    "ProtocolError",
    "RateLimitedError",
    "Run",
    "Secret",
    "ServerError",
    "ServerStartError",
    "StateFolderError",
    "Stats",
    "__version__",
    "agent",
    "configure",
    "current_run",
    "extract",
    "flush",
    "inject",
    "model_call",
    "session",
    "shutdown",
    "span",
    "stats",
    "tool",
    "workflow",
]


_HOMES: Final = {
    "AsyncClient": "_client",
    "Client": "_client",
    "ModelCall": "_model_calls",
    "Secret": "_capture",
    "Stats": "_lifecycle",
    "__version__": "_version",
    "configure": "_lifecycle",
    "flush": "_lifecycle",
    "model_call": "_model_calls",
    "shutdown": "_lifecycle",
    "stats": "_lifecycle",
    **dict.fromkeys(("Run", "agent", "current_run", "extract", "inject"), "_decorators"),
    **dict.fromkeys(("session", "span", "tool", "workflow"), "_decorators"),
}
"""Where a name comes from; the others are errors."""


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = _HOMES.get(name, "_errors")
    if home in {"_decorators", "_model_calls"}:
        import_module("ams_sdk._lifecycle")  # which is asked at the first call whether the SDK is to be configured
    found = globals()[name] = getattr(import_module(f"ams_sdk.{home}"), name)
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
