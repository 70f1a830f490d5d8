"""An error becomes an answer: ``application/problem+json`` (RFC 9457), or for OTLP a ``google.rpc.Status``."""

from __future__ import annotations

import asyncio
import logging
import traceback
from typing import TYPE_CHECKING, Final

from google.protobuf import json_format
from google.rpc import code_pb2, error_details_pb2, status_pb2  # type: ignore[import-untyped]  # has stubs, no py.typed
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from ams_reference_server.errors import (
    InternalError,
    MethodNotAllowedError,
    NotFoundError,
    RequestError,
    UnauthenticatedError,
    UnavailableError,
)
from ams_reference_server.inputs import content_type
from ams_sdk.wire import Problem

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["OTLP_PREFIX", "ErrorsMiddleware", "answer_to"]

OTLP_PREFIX: Final = "/v1/"
_PROTOBUF: Final = "application/x-protobuf"

_RPC_CODES: Final = {
    400: code_pb2.INVALID_ARGUMENT,
    401: code_pb2.UNAUTHENTICATED,
    404: code_pb2.NOT_FOUND,
    405: code_pb2.UNIMPLEMENTED,
    408: code_pb2.DEADLINE_EXCEEDED,
    413: code_pb2.INVALID_ARGUMENT,
    415: code_pb2.INVALID_ARGUMENT,
    429: code_pb2.RESOURCE_EXHAUSTED,
    431: code_pb2.INVALID_ARGUMENT,
    500: code_pb2.INTERNAL,
    503: code_pb2.UNAVAILABLE,
}

logger = logging.getLogger(__name__)


class ErrorsMiddleware:
    """Answers for every error that comes up from below, so that no other text ever leaves the server."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI)."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = is_read = False

        async def remember_end() -> Message:
            nonlocal is_read
            message = await receive()
            is_read = not message.get("more_body", False)
            return message

        async def remember_start(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, remember_end, remember_start)
        except ClientDisconnect:
            return  # nobody is left to read an answer
        except asyncio.CancelledError:
            # Only the end of the process cancels a request. Passed on, it would become a bare 500, which no exporter
            # sends again; whatever was not acknowledged may be sent again to the next process.
            if not started:
                await answer_to(Request(scope), _ending())(scope, receive, send)
        except Exception as error:  # noqa: BLE001 -- the last stop: whatever it is, the client gets a problem document
            refusal = _as_refusal(error, scope)
            # An answer that has begun cannot be taken back; left unfinished, it makes the server close the connection.
            if not started:
                if refusal.status == UnauthenticatedError.status and not is_read and _has_body(scope):
                    # Else the server would read a stranger's body to its end, only to get to the next request.
                    refusal.headers["Connection"] = "close"
                await answer_to(Request(scope), refusal)(scope, receive, send)


def _has_body(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"


def _ending() -> RequestError:
    refusal = UnavailableError("The server is ending. Try again in a moment.")
    refusal.headers["Connection"] = "close"
    return refusal


def _as_refusal(error: Exception, scope: Scope) -> RequestError:
    if isinstance(error, RequestError):
        return error
    if isinstance(error, HTTPException):  # the router's own
        if error.status_code == MethodNotAllowedError.status:
            return MethodNotAllowedError(headers=error.headers)
        if error.status_code == NotFoundError.status:
            return NotFoundError()
    # Not the message: an exception from below may quote what the client sent.
    frames = "".join(traceback.format_tb(error.__traceback__))
    logger.error("Request %s failed: %s\n%s", scope["state"]["request_id"], type(error).__qualname__, frames)
    return InternalError()


def answer_to(request: Request, error: RequestError) -> Response:
    """The answer that tells the client about the error, in what its path speaks."""
    if request.scope["path"].startswith(OTLP_PREFIX):
        return _status_answer(request, error)
    problem = Problem(
        title=error.title,
        status=error.status,
        detail=error.detail,
        code=error.code,
        request_id=request.state.request_id,
        errors=list(error.errors) or None,
    )
    body = problem.model_dump_json(exclude_none=True)
    return Response(body, error.status, error.headers, media_type="application/problem+json")


def _status_answer(request: Request, error: RequestError) -> Response:
    status = status_pb2.Status(code=_RPC_CODES[error.status], message=error.detail)
    if error.status == 400:  # noqa: PLR2004 -- OTLP asks for the details of bad data only
        violation = error_details_pb2.BadRequest.FieldViolation(field="body", description=error.detail)
        status.details.add().Pack(error_details_pb2.BadRequest(field_violations=[violation]))
    if content_type(request)[0] == _PROTOBUF:
        return Response(status.SerializeToString(), error.status, error.headers, media_type=_PROTOBUF)
    body = json_format.MessageToJson(status, indent=None)
    return Response(body, error.status, error.headers, media_type="application/json")
