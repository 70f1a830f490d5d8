"""What every answer carries: the id of its request, and what keeps browsers from guessing and storing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.datastructures import Headers

from ams_reference_server import request_id

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["AnswerHeadersMiddleware"]


_ALWAYS: Final = ((b"x-content-type-options", b"nosniff"),)
_FOR_API: Final = (*_ALWAYS, (b"cache-control", b"no-store"))


class AnswerHeadersMiddleware:
    """Chooses the request's id, and adds it and the other headers to the answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI)."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        chosen = request_id.chosen(Headers(scope=scope).get("x-request-id", ""))
        scope.setdefault("state", {})["request_id"] = chosen
        request_id.current.set(chosen)  # each request runs in a context of its own

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                # Raw pairs: nobody below sets these, and to look for them would cost more than all else here.
                more = _FOR_API if scope["path"].startswith("/api/") else _ALWAYS
                message["headers"] = [*message["headers"], (b"x-request-id", chosen.encode()), *more]
            await send(message)

        await self.app(scope, receive, send_with_headers)
