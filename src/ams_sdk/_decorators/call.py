"""The two call shapes under every decorator. A call is traced if the SDK is configured, and a plain call if not."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any

from ams_sdk._decorators.failure import begun_here
from ams_sdk._decorators.runtime import ask, state

if TYPE_CHECKING:
    from collections.abc import Callable

    from ams_sdk._decorators.definition import Definition

__all__ = ["traced"]


def traced(function: Callable[..., Any], definition: Definition) -> Callable[..., Any]:
    """The function, with each of its calls recorded as ``definition`` says; its kind, signature and results stay."""
    wrapper = (
        _traced_async(function, definition) if inspect.iscoroutinefunction(function) else _traced(function, definition)
    )
    begun_here(wrapper)
    definition.attach(wrapper)
    return wrapper


def _traced(function: Callable[..., Any], definition: Definition) -> Callable[..., Any]:
    @functools.wraps(function)
    def ams_sdk_call(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 -- the user's own types
        lent = state.runtime if state.decided else ask()
        call = None if lent is None else lent.begin(definition, args, kwargs)
        if call is None:
            return function(*args, **kwargs)
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            call.failed(error)
            raise
        call.returned(result)
        return result

    return ams_sdk_call


def _traced_async(function: Callable[..., Any], definition: Definition) -> Callable[..., Any]:
    @functools.wraps(function)
    async def ams_sdk_call(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 -- the user's own types
        lent = state.runtime if state.decided else ask()
        call = None if lent is None else lent.begin(definition, args, kwargs)
        if call is None:
            return await function(*args, **kwargs)
        try:
            result = await function(*args, **kwargs)
        except BaseException as error:
            call.failed(error)
            raise
        call.returned(result)
        return result

    return ams_sdk_call
