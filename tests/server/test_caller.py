from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

from starlette.requests import Request

from ams_reference_server.caller import ByToken, Caller, caller_of, remember_caller
from ams_sdk.wire import User


def test_a_route_finds_the_caller_that_the_middleware_remembered():
    now = datetime.now(UTC)
    user = User(id=uuid4(), email="ada@example.org", created_at=now, updated_at=now)
    caller = Caller(user, ByToken("1", 2))
    scope = {"type": "http", "state": {"request_id": "r-1"}}
    remember_caller(scope, caller)
    assert caller_of(Request(scope)) is caller
    assert scope["state"]["request_id"] == "r-1"
