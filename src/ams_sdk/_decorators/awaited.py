"""A function written with ``def`` that gives back something to wait for: the call lasts until that is done."""

from __future__ import annotations

import asyncio
import inspect
import weakref
from functools import partial
from types import CoroutineType
from typing import TYPE_CHECKING, Any, Final, cast

from ams_sdk._decorators.failure import begun_here
from ams_sdk._guard import guard, hold_back

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from ams_sdk._decorators.runtime import Call

__all__ = ["AWAITED", "awaited"]

__tracebackhide__ = True  # by which pytest leaves frames of this file out of what it shows of a failure

AWAITED: Final = frozenset(
    {
        *(CoroutineType, asyncio.Future, asyncio.Task),
        getattr(asyncio.tasks, "_GatheringFuture", asyncio.Future),  # what gather() gives
    }
)
"""The types that are waited for. Others may be more than awaitable, a context manager perhaps, and are left alone."""


def awaited(call: Call, result: Any) -> Any:  # noqa: ANN401 -- one of these types
    """What the caller gets: the future itself, or a coroutine in place of the coroutine."""
    call.suspend()
    if type(result) is CoroutineType:
        coroutine = cast("Any", result)
        waiting: Any = ams_sdk_call(call, coroutine)
        waiting.__name__, waiting.__qualname__ = result.__name__, result.__qualname__
        weakref.finalize(waiting, _dropped, call, coroutine).atexit = False
        return waiting
    if result.done():  # its loop may be closed by now
        _done(call, result)
        return result
    try:
        result.add_done_callback(partial(_done, call))
    except Exception as error:  # a thread that is not its loop's, where asyncio looks for such things
        if not hold_back("waiting for a future", error):
            raise
        call.resume()
        call.returned(None)
    return result


async def ams_sdk_call(call: Call, coroutine: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401 -- the user's own type
    """Wait for the coroutine as part of the call."""
    call.resume()
    try:
        result = await coroutine
    except BaseException as error:
        call.failed(error)
        raise
    call.returned(result)
    return result


def _dropped(call: Call, coroutine: CoroutineType[Any, Any, Any]) -> None:
    """Nobody has waited: Python has said so of ours, and need not say it of the other as well."""
    if inspect.getcoroutinestate(coroutine) == inspect.CORO_CREATED:
        with guard("ending the span of a coroutine that nobody waited for"):
            coroutine.close()
            call.resume()
            call.failed(GeneratorExit())


def _done(call: Call, future: asyncio.Future[Any]) -> None:
    with guard("ending the span of a future"):
        call.resume()
        if future.cancelled():
            call.failed(asyncio.CancelledError())
            return
        # Not ``exception()``: asyncio takes that for somebody who has seen to it, and logs it no more.
        error: BaseException | None = getattr(future, "_exception", None)
        if error is not None:
            call.failed(error)
        else:
            call.returned(future.result())


begun_here(ams_sdk_call)
