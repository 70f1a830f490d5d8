"""Nobody gets past without a credential, except where it says so here (RFC 6750)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from starlette.datastructures import Headers

from ams_reference_server.caller import remember_caller
from ams_reference_server.errors import InvalidTokenError, UnauthenticatedError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from ams_reference_server.accounts.service import Accounts

__all__ = ["OPEN_PATHS", "BearerMiddleware"]

OPEN_PATHS: Final = frozenset(
    {"/api/auth/register", "/api/auth/login", "/health/live", "/health/ready", "/openapi.json"}
)
"""The paths that need no credential; every other one does, whether it exists or not."""

_TRUSTED_SECONDS: Final = 0.1  # for which a credential need not be asked about again


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
            receive = self._still_authenticated(bearer, receive)
        await self.app(scope, receive, send)

    def _still_authenticated(self, bearer: str, receive: Receive) -> Receive:
        # A body may take its time. Who was logged out meanwhile, or kept out, does nothing with it any more.
        begun = time.monotonic()

        async def receive_and_ask_again() -> Message:
            nonlocal begun
            message = await receive()
            if message["type"] == "http.request" and time.monotonic() - begun > _TRUSTED_SECONDS:
                begun = time.monotonic()
                await self._accounts.authenticate(bearer)
            return message

        return receive_and_ask_again


def _bearer(headers: Headers) -> str:
    sent = headers.getlist("authorization")
    if len(sent) > 1:
        raise InvalidTokenError
    scheme, _, credential = (sent[0] if sent else "").partition(" ")
    if scheme.lower() != "bearer":
        raise UnauthenticatedError
    return credential.strip(" ")
