"""What the client gets of an answer when something goes wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, assert_never

from ams_sdk.testing._http import Response
from ams_sdk.testing._platform.faults import (
    ClockSkew,
    Disconnect,
    DuplicateDelivery,
    Latency,
    Malformed,
    PartialSuccess,
    RateLimit,
    Status,
    Timeout,
    TokenExpired,
)
from ams_sdk.testing._platform.refusals import JSON, Refusal, refusal_with

if TYPE_CHECKING:
    from collections.abc import Callable

    from ams_sdk.testing._platform.faults import Fault
    from ams_sdk.testing._platform.gateway import Exchange, Gateway

__all__ = ["answer_despite"]

_PAGE: Final = b"<!doctype html><title>Sign in</title><h1>Sign in to the network</h1>"


def answer_despite(  # noqa: PLR0911 -- one for each fault
    fault: Fault | None, exchange: Exchange, gateway: Gateway, handle: Callable[[], Response]
) -> Response:
    """The answer, or what a fault makes of it.

    Args:
        fault: what goes wrong.
        exchange: the request.
        gateway: what tells of a refusal.
        handle: does what is asked for, and answers.
    """
    match fault:
        case None | Latency() | ClockSkew():
            return handle()
        case RateLimit(seconds):
            detail = f"There were too many attempts. Try again in {seconds} seconds."
            return gateway.refuse(exchange, Refusal("too_many_requests", detail, headers=_retry_after(seconds)))
        case Status(status, seconds):
            return gateway.refuse(exchange, refusal_with(status, _retry_after(seconds)))
        case TokenExpired():
            return gateway.refuse(exchange, Refusal("token_expired"))
        case Timeout():
            return Response(200, ending="hang")
        case Disconnect(where):
            return Response(200, ending="no_answer") if where == "before" else _broken_off(handle(), where)
        case Malformed(kind):
            return _page() if kind == "html" else _garbled(handle(), kind)
        case PartialSuccess(rejected):
            exchange.rejects = rejected
            return handle()
        case DuplicateDelivery():
            handle()
            return handle()
        case _:
            assert_never(fault)


def _retry_after(seconds: int | None) -> list[tuple[str, str]]:
    return [] if seconds is None else [("retry-after", str(seconds))]


def _broken_off(answer: Response, where: str) -> Response:
    has_body = answer.is_streamed or bool(answer.body)
    return replace(answer, ending="mid_body" if where == "mid_body" and has_body else "mid_headers")


def _page() -> Response:
    return Response(200, (("content-type", "text/html; charset=utf-8"),), _PAGE)


def _garbled(answer: Response, kind: str) -> Response:
    if kind == "wrong_type":
        return Response(200, (("content-type", JSON),), b'[{"unexpected": true}]')
    whole = answer.body if isinstance(answer.body, bytes) and answer.body else b'{"i'
    return Response(200, (("content-type", JSON),), whole[: max(2, len(whole) // 2)])
