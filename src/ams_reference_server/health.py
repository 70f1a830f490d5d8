"""Whether the server serves, and whether what it needs answers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from starlette.responses import Response
from starlette.routing import Route

from ams_reference_server.errors import UnavailableError
from ams_sdk.wire import Health

if TYPE_CHECKING:
    from starlette.requests import Request

    from ams_reference_server.accounts.blocklist import Blocklist
    from ams_reference_server.db import Database

__all__ = ["HealthRoutes"]

_SECONDS: Final = 3  # whoever asks for readiness asks again soon, and does not wait long


class HealthRoutes:
    """``/health/live`` and ``/health/ready``.

    Args:
        database: asked whether it answers and has the schema of this release.
        blocklist: asked whether it answers.
    """

    def __init__(self, database: Database, blocklist: Blocklist) -> None:
        self._database = database
        self._blocklist = blocklist

    def routes(self) -> list[Route]:
        """What to mount."""
        return [
            Route("/health/live", self.live, methods=["GET"]),
            Route("/health/ready", self.ready, methods=["GET"]),
        ]

    async def live(self, _request: Request) -> Response:
        """``GET /health/live``."""
        return _answer(Health(status="ok"))

    async def ready(self, _request: Request) -> Response:
        """``GET /health/ready``."""
        of_database, of_blocklist = await asyncio.gather(self._state_of_database(), self._state_of_blocklist())
        checks = of_database | of_blocklist
        is_well = set(checks.values()) == {"ok"}
        return _answer(Health(status="ok" if is_well else "unavailable", checks=checks))

    async def _state_of_database(self) -> dict[str, str]:
        try:
            async with asyncio.timeout(_SECONDS):
                is_current = await self._database.is_current()
        except (TimeoutError, UnavailableError):
            return {"database": "unavailable"}
        return {"database": "ok", "migrations": "ok" if is_current else "pending"}

    async def _state_of_blocklist(self) -> dict[str, str]:
        try:
            async with asyncio.timeout(_SECONDS):
                await self._blocklist.ping()
        except (TimeoutError, UnavailableError):
            return {"blocklist": "unavailable"}
        return {"blocklist": "ok"}


def _answer(health: Health) -> Response:
    is_well = health.status == "ok"
    headers = None if is_well else {"Retry-After": "1"}
    return Response(health.model_dump_json(), 200 if is_well else 503, headers, media_type="application/json")
