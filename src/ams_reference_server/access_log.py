"""One line for each request, at level ``info``."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final

from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["AccessLogMiddleware"]

_UNKNOWN: Final = "-"

logger = logging.getLogger(__name__)


class AccessLogMiddleware:
    """Logs what was asked and answered: the route and never the path or the query, as these may hold a secret.

    It goes around what turns errors into answers; what is inside leaves the route and the caller behind in the scope.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI)."""
        if scope["type"] != "http" or not logger.isEnabledFor(logging.INFO):
            await self.app(scope, receive, send)
            return
        status: int | None = None  # and it stays so when the client goes away or is cut off

        async def remember_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        begun = time.perf_counter()
        try:
            await self.app(scope, receive, remember_status)
        finally:
            milliseconds = (time.perf_counter() - begun) * 1000
            client = scope.get("client")
            caller = scope.get("state", {}).get("caller")
            fields = {
                "method": scope["method"],
                "route": _route(scope),
                "status": status,
                "duration_ms": round(milliseconds, 3),
                "client": client[0] if client else None,
                "user_id": str(caller.user.id) if caller else None,
            }
            logger.info("%s %s %s", fields["method"], fields["route"], status or _UNKNOWN, extra=fields)


def _route(scope: Scope) -> str:
    endpoint = scope.get("endpoint")
    if endpoint is None:
        return _UNKNOWN
    routes = [route for route in scope["app"].routes if isinstance(route, Route) and route.endpoint == endpoint]
    return next((route.path for route in routes if route.path_regex.match(scope["path"])), _UNKNOWN)
