"""An answer that a connection gives by itself, without the application: the bytes of a problem document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from ams_reference_server import request_id
from ams_reference_server.problems import answer_to

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ams_reference_server.errors import RequestError

__all__ = ["refusal"]

Headers = list[tuple[bytes, bytes]]


def refusal(
    error: RequestError, request: Mapping[str, Any] | None, sent: Headers, more: Iterable[tuple[bytes, bytes]]
) -> tuple[str, bytes]:
    """The id of the request, and the answer, after which the connection ends.

    Args:
        error: what is wrong with the request.
        request: its ASGI scope; None if not even its head can be understood.
        sent: those of its headers that have come.
        more: headers that every answer carries.
    """
    scope: dict[str, Any] = {"type": "http", "method": "", "path": "/", "headers": [], "state": {}, **(request or {})}
    said = dict(sent).get(b"x-request-id", b"").decode("latin-1")
    chosen: str = scope["state"].get("request_id") or request_id.chosen(said)
    scope["state"] = {"request_id": chosen}
    answer = answer_to(Request(scope), error)
    headers = [
        *more,
        *answer.raw_headers,
        (b"x-request-id", chosen.encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"cache-control", b"no-store"),
        (b"connection", b"close"),
    ]
    lines = [STATUS_LINE[error.status], *(b"%s: %s\r\n" % header for header in headers), b"\r\n"]
    body = b"" if scope["method"] == "HEAD" else bytes(answer.body)
    return chosen, b"".join([*lines, body])
