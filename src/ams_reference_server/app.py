"""The whole server as one ASGI application."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio.to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import Response
from starlette.routing import Route
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from ams_reference_server import openapi
from ams_reference_server.access_log import AccessLogMiddleware
from ams_reference_server.accounts.api_keys import ApiKeys
from ams_reference_server.accounts.attempt_counts import DatabaseCounts, redis_counts
from ams_reference_server.accounts.bearer import BearerMiddleware
from ams_reference_server.accounts.blocklist import DatabaseBlocklist, RedisBlocklist
from ams_reference_server.accounts.limits import AttemptLimits
from ams_reference_server.accounts.password_policy import PasswordPolicy
from ams_reference_server.accounts.routes import AccountRoutes
from ams_reference_server.accounts.service import Accounts
from ams_reference_server.agents.routes import AgentRoutes
from ams_reference_server.agents.service import Agents
from ams_reference_server.answer_headers import AnswerHeadersMiddleware
from ams_reference_server.cross_origin import CrossOriginMiddleware
from ams_reference_server.db import Database
from ams_reference_server.health import HealthRoutes
from ams_reference_server.problems import ErrorsMiddleware
from ams_reference_server.redis_store import open_redis
from ams_reference_server.security.passwords import Passwords
from ams_reference_server.security.secret_key import kept_key
from ams_reference_server.security.tokens import Tokens
from ams_reference_server.telemetry.routes import TelemetryRoutes
from ams_reference_server.telemetry.service import Telemetry

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from starlette.requests import Request

    from ams_reference_server.accounts.blocklist import Blocklist
    from ams_reference_server.settings import Settings

__all__ = ["create_app"]


def create_app(settings: Settings) -> Starlette:
    """The server for these settings; its lifespan brings the database up to date and closes it.

    Raises:
        StartError: a setting cannot work, a driver is missing, or the state folder cannot be used.
    """
    database = Database(settings.database_url)
    redis = None if settings.redis_url is None else open_redis(settings.redis_url)
    table = DatabaseBlocklist(database)
    blocklist: Blocklist = table if redis is None else RedisBlocklist(redis, table)
    keys = ApiKeys(database)
    accounts = Accounts(
        database=database,
        policy=PasswordPolicy(settings.password_policy),
        passwords=Passwords(settings.bcrypt_cost, settings.hash_threads, settings.hash_queue),
        tokens=_tokens(settings, database),
        blocklist=blocklist,
        limits=AttemptLimits(settings, DatabaseCounts(database) if redis is None else redis_counts(redis)),
        keys=keys,
    )

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncGenerator[None]:
        try:
            await anyio.to_thread.run_sync(database.migrate)
            await blocklist.open()
            yield
        finally:
            if redis is not None:
                await redis.aclose()
            database.dispose()

    app = Starlette(
        routes=[
            *AccountRoutes(accounts, keys, settings.api_body_limit).routes(),
            *AgentRoutes(Agents(database), settings.api_body_limit).routes(),
            *TelemetryRoutes(Telemetry(database, settings.otlp_unpacked_limit), settings.otlp_body_limit).routes(),
            *HealthRoutes(database, blocklist).routes(),
            Route("/openapi.json", _openapi, methods=["GET"]),
        ],
        middleware=[*_outer(settings), Middleware(ErrorsMiddleware), Middleware(BearerMiddleware, accounts=accounts)],
        # The router's own 404 and 405 go up to ErrorsMiddleware like every other error.
        exception_handlers={HTTPException: _raise_again},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    return app


def _outer(settings: Settings) -> list[Middleware]:
    outer = [Middleware(AnswerHeadersMiddleware)]
    if settings.trusted_proxies:
        # From here on the client is who the proxy says.
        outer.append(Middleware(ProxyHeadersMiddleware, trusted_hosts=list(settings.trusted_proxies)))
    outer.append(Middleware(AccessLogMiddleware))
    if settings.cors_origins:
        outer.append(Middleware(CrossOriginMiddleware, origins=settings.cors_origins))
    return outer


def _tokens(settings: Settings, database: Database) -> Tokens:
    if settings.secret_key is None:
        secret = kept_key(database.file.parent if database.file else settings.state_dir)
    else:
        secret = settings.secret_key.encode()
    previous = settings.secret_key_previous
    return Tokens(secret, settings.token_lifetime, previous.encode() if previous else None)


async def _openapi(_request: Request) -> Response:
    return Response(openapi.encoded(), media_type="application/json")


async def _raise_again(_request: Request, error: Exception) -> Response:
    raise error
