"""The function that stands in a tool's place: of the same kind as the body, it answers what it is told."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

from ams_sdk.testing._tools.rebuilding import is_awaitable, item_annotation, rebuilt, return_annotation

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Generator, Iterator

    from ams_sdk.testing._tools.tool_body import ToolBody

    Answer = Callable[[tuple[Any, ...], dict[str, Any]], Any]

__all__ = ["stand_in"]


def stand_in(body: ToolBody, answer: Answer) -> Callable[..., Any]:
    """A body that gives what ``answer`` does, rebuilt by the tool's annotation.

    Args:
        body: the tool.
        answer: from the arguments to the result, or it raises.
    """
    wrapper, annotation = body.wrapper, return_annotation(body.definition.function)
    if inspect.iscoroutinefunction(wrapper):
        return _asynchronous(answer, annotation)
    if inspect.isasyncgenfunction(wrapper):
        return _asynchronous_stream(answer, item_annotation(annotation))
    if inspect.isgeneratorfunction(wrapper):
        if wrapper.__code__.co_flags & inspect.CO_ITERABLE_COROUTINE:
            return _awaited_generator(answer, annotation)
        return _stream(answer, item_annotation(annotation))
    if is_awaitable(annotation):
        return _asynchronous(answer, item_annotation(annotation))
    return _plain(answer, annotation)


def _plain(answer: Answer, annotation: object) -> Callable[..., Any]:
    def stubbed(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 -- the tool's own types
        __tracebackhide__ = True
        return rebuilt(answer(args, kwargs), annotation)

    return stubbed


def _asynchronous(answer: Answer, annotation: object) -> Callable[..., Any]:
    async def stubbed(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 -- the same
        __tracebackhide__ = True
        return rebuilt(answer(args, kwargs), annotation)

    return stubbed


def _stream(answer: Answer, annotation: object) -> Callable[..., Any]:
    def stubbed(*args: Any, **kwargs: Any) -> Iterator[Any]:  # noqa: ANN401 -- the same
        __tracebackhide__ = True
        for item in _items(answer(args, kwargs)):
            yield rebuilt(item, annotation)

    return stubbed


def _asynchronous_stream(answer: Answer, annotation: object) -> Callable[..., Any]:
    async def stubbed(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:  # noqa: ANN401 -- the same
        __tracebackhide__ = True
        for item in _items(answer(args, kwargs)):
            yield rebuilt(item, annotation)

    return stubbed


def _awaited_generator(answer: Answer, annotation: object) -> Callable[..., Any]:
    def stubbed(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:  # noqa: ANN401 -- the same
        __tracebackhide__ = True
        result = rebuilt(answer(args, kwargs), annotation)
        yield from ()
        return result

    return stubbed


def _items(value: Any) -> Iterable[object]:  # noqa: ANN401 -- the tool's own types
    """What a generator gives: the items of a list, or one item; texts are recorded joined, so a text is one."""
    is_stream = isinstance(value, Iterable) and not isinstance(value, str | bytes | dict)
    return cast("Iterable[object]", value) if is_stream else (cast("Any", value),)
