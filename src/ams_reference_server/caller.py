"""Who sends a request: written by the bearer middleware, read by every protected route."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from uuid import UUID

    from starlette.requests import Request
    from starlette.types import Scope

    from ams_sdk.wire import User

__all__ = ["ByApiKey", "ByToken", "Caller", "caller_of", "remember_caller"]


@dataclass(frozen=True, slots=True)
class ByToken:
    """The caller showed an access token; ``expires_at`` is in seconds since the epoch."""

    token_id: str
    expires_at: int


@dataclass(frozen=True, slots=True)
class ByApiKey:
    """The caller showed an API key."""

    key_id: UUID


@dataclass(frozen=True, slots=True)
class Caller:
    """An account, and the credential that speaks for it."""

    user: User
    credential: ByToken | ByApiKey


def remember_caller(scope: Scope, caller: Caller) -> None:
    """Attach the caller to the request."""
    scope.setdefault("state", {})["caller"] = caller


def caller_of(request: Request) -> Caller:
    """The caller of a protected route."""
    return cast("Caller", request.state.caller)
