"""The account calls in HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.routing import Route

from ams_reference_server.accounts.limits import client_key
from ams_reference_server.caller import caller_of
from ams_reference_server.inputs import read_json, read_query
from ams_reference_server.paging import PageQuery
from ams_sdk.wire import ApiKeyRequest, LoginRequest, RegisterRequest

if TYPE_CHECKING:
    from starlette.requests import Request

    from ams_reference_server.accounts.api_keys import ApiKeys
    from ams_reference_server.accounts.service import Accounts

__all__ = ["AccountRoutes"]

_JSON = "application/json"


class AccountRoutes:
    """Translates between HTTP and ``Accounts``.

    Args:
        accounts: what does the work.
        keys: what does the work for API keys.
        body_limit: the largest JSON body, in bytes.
    """

    def __init__(self, accounts: Accounts, keys: ApiKeys, body_limit: int) -> None:
        self._accounts = accounts
        self._keys = keys
        self._body_limit = body_limit

    def routes(self) -> list[Route]:
        """What to mount."""
        return [
            Route("/api/auth/register", self.register, methods=["POST"]),
            Route("/api/auth/login", self.log_in, methods=["POST"]),
            Route("/api/auth/logout", self.log_out, methods=["POST"]),
            Route("/api/users/me", self.me, methods=["GET"]),
            # One route for both methods, so that a 405 lists them both.
            Route("/api/keys", self.keys, methods=["GET", "POST"]),
            Route("/api/keys/{key_id}", self.delete_key, methods=["DELETE"]),
        ]

    async def register(self, request: Request) -> Response:
        """``POST /api/auth/register``."""
        wanted = await read_json(request, RegisterRequest, self._body_limit)
        user = await self._accounts.register(wanted, _client(request))
        return Response(user.model_dump_json(), 201, media_type=_JSON)

    async def log_in(self, request: Request) -> Response:
        """``POST /api/auth/login``."""
        wanted = await read_json(request, LoginRequest, self._body_limit)
        token = await self._accounts.log_in(wanted, _client(request))
        return Response(token.model_dump_json(), media_type=_JSON)

    async def log_out(self, request: Request) -> Response:
        """``POST /api/auth/logout``."""
        await self._accounts.log_out(caller_of(request))
        return Response(status_code=204)

    async def me(self, request: Request) -> Response:
        """``GET /api/users/me``."""
        return Response(caller_of(request).user.model_dump_json(), media_type=_JSON)

    async def keys(self, request: Request) -> Response:
        """``POST`` and ``GET /api/keys``."""
        owner_id = caller_of(request).user.id
        if request.method == "POST":
            wanted = await read_json(request, ApiKeyRequest, self._body_limit)
            made = await self._keys.create(owner_id, wanted)
            return Response(made.model_dump_json(), 201, media_type=_JSON)
        page = await self._keys.page(owner_id, read_query(request, PageQuery))
        return Response(page.model_dump_json(), media_type=_JSON)

    async def delete_key(self, request: Request) -> Response:
        """``DELETE /api/keys/{id}``."""
        await self._keys.delete(caller_of(request).user.id, request.path_params["key_id"])
        return Response(status_code=204)


def _client(request: Request) -> str:
    return client_key(request.client.host if request.client else None)
