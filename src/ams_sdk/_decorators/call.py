"""The two plain shapes of calls under every decorator. A call is traced if the SDK is configured, else a plain call."""

from __future__ import annotations

import functools
import inspect
import types
from functools import partial
from typing import TYPE_CHECKING, Any

from ams_sdk._decorators.annotations import function_of
from ams_sdk._decorators.awaited import AWAITED, awaited
from ams_sdk._decorators.failure import begun_here, has_begun
from ams_sdk._decorators.iteration import traced_async_generator, traced_generator
from ams_sdk._decorators.runtime import ask, begin, state

if TYPE_CHECKING:
    from collections.abc import Callable

    from ams_sdk._decorators.definition import Definition
    from ams_sdk._decorators.runtime import Begin

__all__ = ["is_traced", "traced", "traced_by"]

__tracebackhide__ = True  # by which pytest leaves frames of this file out of what it shows of a failure


def traced(
    function: Callable[..., Any], definition: Definition, shape: Callable[..., Any] | None = None
) -> Callable[..., Any]:
    """The function, with each of its calls recorded as ``definition`` says; its kind, signature and results stay.

    Args:
        function: what is called.
        definition: what is recorded.
        shape: the function whose kind, signature and name are meant, if another one is called for it.
    """
    shape = function if shape is None else shape
    # The two plain shapes ask the runtime themselves: where nothing is traced, a function in between would be felt.
    return _by_kind(
        function,
        shape,
        partial(begin, definition),
        partial(_traced, function, shape, definition),
        partial(_traced_async, function, shape, definition),
    )


def traced_by(function: Callable[..., Any], begins: Begin) -> Callable[..., Any]:
    """The same, with each call begun by ``begins``."""
    return _by_kind(
        function, function, begins, partial(_begun, function, begins), partial(_begun_async, function, begins)
    )


def _by_kind(
    function: Callable[..., Any],
    shape: Callable[..., Any],
    begins: Begin,
    plain: Callable[[], Callable[..., Any]],
    asynchronous: Callable[[], Callable[..., Any]],
) -> Callable[..., Any]:
    if inspect.iscoroutinefunction(shape):
        wrapper = asynchronous()
    elif inspect.isasyncgenfunction(shape):
        wrapper = traced_async_generator(function, shape, begins)
    elif inspect.isgeneratorfunction(shape):
        wrapper = traced_generator(function, shape, begins)
        if function_of(shape).__code__.co_flags & inspect.CO_ITERABLE_COROUTINE:
            wrapper = types.coroutine(wrapper)  # a generator that can be awaited
    else:
        wrapper = plain()
    begun_here(wrapper)
    return wrapper


def is_traced(function: Callable[..., Any]) -> bool:
    """Whether this is what ``traced`` made, and not something that was made of it."""
    return has_begun(function)


def _traced(function: Callable[..., Any], shape: Callable[..., Any], definition: Definition) -> Callable[..., Any]:
    @functools.wraps(shape)
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
        if type(result) in AWAITED:
            return awaited(call, result)
        call.returned(result)
        return result

    return ams_sdk_call


def _traced_async(
    function: Callable[..., Any], shape: Callable[..., Any], definition: Definition
) -> Callable[..., Any]:
    @functools.wraps(shape)
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


def _begun(function: Callable[..., Any], begins: Begin) -> Callable[..., Any]:
    @functools.wraps(function)
    def ams_sdk_call(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 -- the user's own types
        call = begins(args, kwargs)
        if call is None:
            return function(*args, **kwargs)
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            call.failed(error)
            raise
        if type(result) in AWAITED:
            return awaited(call, result)
        call.returned(result)
        return result

    return ams_sdk_call


def _begun_async(function: Callable[..., Any], begins: Begin) -> Callable[..., Any]:
    @functools.wraps(function)
    async def ams_sdk_call(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 -- the user's own types
        call = begins(args, kwargs)
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
