"""The whole server as one ASGI application."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import anyio.to_thread
from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import Response
from starlette.routing import Route

from ams_reference_server.accounts.bearer import BearerMiddleware
from ams_reference_server.accounts.routes import AccountRoutes
from ams_reference_server.accounts.service import Accounts
from ams_reference_server.agents.routes import AgentRoutes
from ams_reference_server.agents.service import Agents
from ams_reference_server.db import Database
from ams_reference_server.errors import UnavailableError
from ams_reference_server.problems import ErrorsMiddleware
from ams_reference_server.security.passwords import Passwords
from ams_reference_server.security.secret_key import kept_key
from ams_reference_server.security.tokens import Tokens
from ams_reference_server.telemetry.routes import TelemetryRoutes
from ams_reference_server.telemetry.service import Telemetry
from ams_sdk.wire import Health

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from ams_reference_server.settings import Settings

__all__ = ["create_app"]

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,128}")


def create_app(settings: Settings) -> Starlette:
    """The server for these settings; its lifespan brings the database up to date and closes it.

    Raises:
        StartError: a setting cannot work, or the state folder cannot be used.
    """
    database = Database(settings.database_url)
    accounts = Accounts(
        database, Passwords(settings.bcrypt_cost), Tokens(_key(settings, database), settings.token_lifetime)
    )
    agents = Agents(database)
    telemetry = Telemetry(database, settings.otlp_unpacked_limit)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncGenerator[None]:
        try:
            await anyio.to_thread.run_sync(database.migrate)
            await accounts.purge()
            yield
        finally:
            database.dispose()

    app = Starlette(
        routes=[
            *AccountRoutes(accounts, settings.api_body_limit).routes(),
            *AgentRoutes(agents, settings.api_body_limit).routes(),
            *TelemetryRoutes(telemetry, settings.otlp_body_limit).routes(),
            *_HealthRoutes(database).routes(),
        ],
        middleware=[
            Middleware(_HeadersMiddleware),
            Middleware(ErrorsMiddleware),
            Middleware(BearerMiddleware, accounts=accounts),
        ],
        # The router's own 404 and 405 go up to ErrorsMiddleware like every other error.
        exception_handlers={HTTPException: _raise_again},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    return app


def _key(settings: Settings, database: Database) -> bytes:
    if settings.secret_key is not None:
        return settings.secret_key.encode()
    return kept_key(database.file.parent if database.file else settings.state_dir)


async def _raise_again(_request: Request, error: Exception) -> Response:
    raise error


class _HeadersMiddleware:
    """What every answer carries, and the id that names the request in answers and in the log."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        sent = Headers(scope=scope).get("x-request-id", "")
        request_id = sent if _REQUEST_ID.fullmatch(sent) else uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = request_id
                headers["X-Content-Type-Options"] = "nosniff"
                if scope["path"].startswith("/api/"):
                    headers["Cache-Control"] = "no-store"
            await send(message)

        await self.app(scope, receive, send_with_headers)


class _HealthRoutes:
    def __init__(self, database: Database) -> None:
        self._database = database

    def routes(self) -> list[Route]:
        return [
            Route("/health/live", self.live, methods=["GET"]),
            Route("/health/ready", self.ready, methods=["GET"]),
        ]

    async def live(self, _request: Request) -> Response:
        return _health(Health(status="ok"))

    async def ready(self, _request: Request) -> Response:
        try:
            is_current = await self._database.is_current()
        except UnavailableError:
            return _health(Health(status="unavailable", checks={"database": "unavailable"}))
        checks = {"database": "ok", "migrations": "ok" if is_current else "pending"}
        return _health(Health(status="ok" if is_current else "unavailable", checks=checks))


def _health(health: Health) -> Response:
    is_well = health.status == "ok"
    headers = None if is_well else {"Retry-After": "1"}
    return Response(health.model_dump_json(), 200 if is_well else 503, headers, media_type="application/json")
