"""The account calls in HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.routing import Route

from ams_reference_server.caller import caller_of
from ams_reference_server.inputs import read_json
from ams_sdk.wire import LoginRequest, RegisterRequest

if TYPE_CHECKING:
    from starlette.requests import Request

    from ams_reference_server.accounts.service import Accounts

__all__ = ["AccountRoutes"]

_JSON = "application/json"


class AccountRoutes:
    """Translates between HTTP and ``Accounts``.

    Args:
        accounts: what does the work.
        body_limit: the largest JSON body, in bytes.
    """

    def __init__(self, accounts: Accounts, body_limit: int) -> None:
        self._accounts = accounts
        self._body_limit = body_limit

    def routes(self) -> list[Route]:
        """What to mount."""
        return [
            Route("/api/auth/register", self.register, methods=["POST"]),
            Route("/api/auth/login", self.log_in, methods=["POST"]),
            Route("/api/auth/logout", self.log_out, methods=["POST"]),
            Route("/api/users/me", self.me, methods=["GET"]),
        ]

    async def register(self, request: Request) -> Response:
        """``POST /api/auth/register``."""
        user = await self._accounts.register(await read_json(request, RegisterRequest, self._body_limit))
        return Response(user.model_dump_json(), 201, media_type=_JSON)

    async def log_in(self, request: Request) -> Response:
        """``POST /api/auth/login``."""
        token = await self._accounts.log_in(await read_json(request, LoginRequest, self._body_limit))
        return Response(token.model_dump_json(), media_type=_JSON)

    async def log_out(self, request: Request) -> Response:
        """``POST /api/auth/logout``."""
        await self._accounts.log_out(caller_of(request))
        return Response(status_code=204)

    async def me(self, request: Request) -> Response:
        """``GET /api/users/me``."""
        return Response(caller_of(request).user.model_dump_json(), media_type=_JSON)
