"""Nobody gets past without a credential, except where it says so here (RFC 6750)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.datastructures import Headers

from ams_reference_server.caller import remember_caller
from ams_reference_server.errors import InvalidTokenError, UnauthenticatedError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from ams_reference_server.accounts.service import Accounts

__all__ = ["OPEN_PATHS", "BearerMiddleware"]

OPEN_PATHS: Final = frozenset(
    {"/api/auth/register", "/api/auth/login", "/health/live", "/health/ready", "/openapi.json"}
)
"""The paths that need no credential; every other one does, whether it exists or not."""


class BearerMiddleware:
    """Finds out who calls before any route runs."""

    def __init__(self, app: ASGIApp, accounts: Accounts) -> None:
        self.app = app
        self._accounts = accounts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI)."""
        if scope["type"] == "http" and scope["path"] not in OPEN_PATHS:
            bearer = _bearer(Headers(scope=scope))
            remember_caller(scope, await self._accounts.authenticate(bearer))
        await self.app(scope, receive, send)


def _bearer(headers: Headers) -> str:
    sent = headers.getlist("authorization")
    if len(sent) > 1:
        raise InvalidTokenError
    scheme, _, credential = (sent[0] if sent else "").partition(" ")
    if scheme.lower() != "bearer":
        raise UnauthenticatedError
    return credential.strip(" ")
