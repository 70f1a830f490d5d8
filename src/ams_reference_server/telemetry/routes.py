"""The telemetry calls in HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.routing import Route

from ams_reference_server.caller import caller_of
from ams_reference_server.errors import UnsupportedMediaTypeError
from ams_reference_server.inputs import content_type, read_body, read_query
from ams_reference_server.telemetry import otlp
from ams_reference_server.telemetry.service import TraceQuery

if TYPE_CHECKING:
    from starlette.requests import Request

    from ams_reference_server.telemetry.service import Telemetry

__all__ = ["TelemetryRoutes"]


class TelemetryRoutes:
    """Translates between HTTP and ``Telemetry``.

    Args:
        telemetry: what does the work.
        body_limit: the largest OTLP body as it is sent, in bytes.
    """

    def __init__(self, telemetry: Telemetry, body_limit: int) -> None:
        self._telemetry = telemetry
        self._body_limit = body_limit

    def routes(self) -> list[Route]:
        """What to mount."""
        return [
            Route("/v1/traces", self.take_in, methods=["POST"]),
            Route("/api/traces", self.page, methods=["GET"]),
            Route("/api/traces/{trace_id}", self.one, methods=["GET"]),
        ]

    async def take_in(self, request: Request) -> Response:
        """``POST /v1/traces``."""
        media_type, _ = content_type(request)
        if media_type not in {otlp.PROTOBUF, otlp.JSON}:
            raise UnsupportedMediaTypeError(f"Send the body as {otlp.PROTOBUF} or {otlp.JSON}.")
        answer = await self._telemetry.take_in(
            caller_of(request).user.id,
            await read_body(request, self._body_limit),
            media_type=media_type,
            encoding=request.headers.get("content-encoding", "").strip().lower(),
        )
        return Response(answer, media_type=media_type)

    async def page(self, request: Request) -> Response:
        """``GET /api/traces``."""
        page = await self._telemetry.page(caller_of(request).user.id, read_query(request, TraceQuery))
        return Response(page.model_dump_json(), media_type="application/json")

    async def one(self, request: Request) -> Response:
        """``GET /api/traces/{trace_id}``."""
        trace = await self._telemetry.find(caller_of(request).user.id, request.path_params["trace_id"])
        return Response(trace.model_dump_json(), media_type="application/json")
