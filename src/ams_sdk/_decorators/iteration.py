"""Generators: the span covers the whole iteration, what happens inside is below it, and the consumer's work is not.

Between two items the context is the consumer's again. So it is set before each step and put back after it; a context
that the generator's own code has set, and not put back yet, is kept for its next step.
"""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Generator

    from ams_sdk._decorators.runtime import Begin, Call

__all__ = ["traced_async_generator", "traced_generator"]

__tracebackhide__ = True  # by which pytest leaves frames of this file out of what it shows of a failure


class _Iteration:
    """One call of a generator function, between its steps; of one that is not traced, nothing."""

    __slots__ = ("_call", "_collector", "_is_suspended")

    def __init__(self, call: Call | None) -> None:
        self._call = call
        self._is_suspended = False
        self._collector = None if call is None else call.collector()

    def leave(self, item: object) -> None:
        """The generator has given an item, and its consumer goes on."""
        if self._call is not None:
            if self._collector is not None:
                self._collector.add(item)
            self._is_suspended = True
            self._call.suspend()

    def enter(self) -> None:
        """The consumer wants the next item, or to end it."""
        if self._call is not None:
            self._call.resume()
            self._is_suspended = False

    def returned(self) -> None:
        """The generator came to its end."""
        if self._call is not None:
            self._call.returned(self._collector)

    def failed(self, error: BaseException) -> None:
        """The generator raised; a consumer who has had enough of it is no error."""
        if self._call is None:
            return
        if self._is_suspended:  # a signal handler raised between two lines of ours
            self.enter()
        if isinstance(error, GeneratorExit):
            self._call.returned(self._collector)
        else:
            self._call.failed(error, self._collector)


def traced_generator(function: Callable[..., Any], shape: Callable[..., Any], begin: Begin) -> Callable[..., Any]:
    """The generator function, with each iteration recorded; of the name and the signature of ``shape``."""

    @functools.wraps(shape)
    def ams_sdk_call(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:  # noqa: ANN401 -- the user's own types
        call = begin(args, kwargs)  # failure.py looks for this name
        # Also where it is not traced: ``yield from`` closes a generator that is to end, and loses what that returns.
        iteration = _Iteration(call)
        try:
            generator = function(*args, **kwargs)
            del args, kwargs  # the generator has them, and may let go of them
            items = [next(generator)]
            while True:
                iteration.leave(items[0])
                thrown = None
                try:
                    # Taken out of the list: nothing here keeps an item alive while its consumer works.
                    sent = yield items.pop()
                except BaseException as error:  # noqa: BLE001 -- it is the generator's to deal with
                    thrown = error.with_traceback(error.__traceback__ and error.__traceback__.tb_next)  # not this frame
                    sent = None
                iteration.enter()
                # Outside of the handler, or what the generator raises would have this for its context.
                if thrown is not None:
                    try:
                        items.append(generator.throw(thrown))
                    finally:
                        thrown = None  # its traceback has this frame
                elif sent is None:
                    items.append(next(generator))
                else:
                    items.append(generator.send(sent))
                    sent = None
        except StopIteration as stop:
            iteration.returned()
            return stop.value
        except BaseException as error:
            iteration.failed(error)
            raise

    return ams_sdk_call


def traced_async_generator(function: Callable[..., Any], shape: Callable[..., Any], begin: Begin) -> Callable[..., Any]:
    """The same for an asynchronous one."""

    @functools.wraps(shape)
    async def ams_sdk_call(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:  # noqa: ANN401 -- the same
        call = begin(args, kwargs)
        iteration = _Iteration(call)
        try:
            generator = function(*args, **kwargs)
            del args, kwargs
            items = [await _first_step(generator)]
            while True:
                iteration.leave(items[0])
                thrown = None
                try:
                    sent = yield items.pop()
                except BaseException as error:  # noqa: BLE001 -- it is the generator's to deal with
                    thrown = error.with_traceback(error.__traceback__ and error.__traceback__.tb_next)  # not this frame
                    sent = None
                iteration.enter()
                if thrown is not None:
                    try:
                        items.append(await generator.athrow(thrown))
                    finally:
                        thrown = None
                else:
                    items.append(await generator.asend(sent))
                    sent = None
        except StopAsyncIteration:
            iteration.returned()
        except BaseException as error:
            iteration.failed(error)
            raise

    return ams_sdk_call


def _first_step(generator: AsyncGenerator[Any, Any]) -> Awaitable[Any]:
    # The event loop is told of a generator at its first step, and closes those that were left when it ends. It is told
    # of ours, which closes this one; told of both it would close them at once, and one would find the other busy.
    hooks = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(None, None)
    try:
        return generator.__anext__()
    finally:
        sys.set_asyncgen_hooks(*hooks)
