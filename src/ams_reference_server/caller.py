"""Who sends a request: written by the bearer middleware, read by every protected route."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import Scope

    from ams_sdk.wire import User

__all__ = ["Caller", "caller_of", "remember_caller"]


@dataclass(frozen=True, slots=True)
class Caller:
    """An account, and the access token that speaks for it; ``expires_at`` is in seconds since the epoch."""

    user: User
    token_id: str
    expires_at: int


def remember_caller(scope: Scope, caller: Caller) -> None:
    """Attach the caller to the request."""
    scope.setdefault("state", {})["caller"] = caller


def caller_of(request: Request) -> Caller:
    """The caller of a protected route."""
    return cast("Caller", request.state.caller)
