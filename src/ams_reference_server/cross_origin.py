"""Which pages of other origins may call the API (CORS): none, unless the settings name them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.datastructures import Headers
    from starlette.types import ASGIApp

__all__ = ["CrossOriginMiddleware"]

# The credential of such a page is the bearer in a header, never a cookie.
_METHODS: Final = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")
_SENT: Final = ("Authorization", "Content-Encoding", "Content-Type", "X-Request-ID")
_READ: Final = ("Retry-After", "WWW-Authenticate", "X-Request-ID")


class CrossOriginMiddleware(CORSMiddleware):
    """Starlette's, but a preflight is answered without a text: 204, and headers that the browser judges by.

    Args:
        app: what answers the other requests.
        origins: the origins that are let in.
    """

    def __init__(self, app: ASGIApp, origins: Sequence[str]) -> None:
        super().__init__(app, origins, allow_methods=_METHODS, allow_headers=_SENT, expose_headers=_READ)

    def preflight_response(self, request_headers: Headers) -> Response:
        """The answer to ``OPTIONS`` with ``Access-Control-Request-Method`` (Fetch standard, CORS preflight)."""
        headers = super().preflight_response(request_headers).headers
        kept = {name: value for name, value in headers.items() if not name.startswith("content-")}
        return Response(status_code=204, headers=kept)
