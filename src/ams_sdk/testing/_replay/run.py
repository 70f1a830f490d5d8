"""An agent of any shape is called, and its result is there when the call comes back."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Iterator
from functools import partial
from types import CoroutineType
from typing import TYPE_CHECKING, Any, cast

from ams_sdk._decorators.decoration import definition_of
from ams_sdk._decorators.definition import AgentDefinition
from ams_sdk._errors import ConfigurationError
from ams_sdk.testing._tools.rebuilding import parameter_annotation, rebuilt
from ams_sdk.testing._trace.masked_text import shown

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["run"]

__tracebackhide__ = True  # by which pytest leaves frames of this file out of what it shows of a failure


def run(agent: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 -- the agent's own types
    """Call an agent of any shape and give its result.

    What it gives to be awaited is awaited, and generators of both kinds are consumed into a list. JSON values are
    rebuilt by the annotations of its parameters: a dataclass, a model of pydantic, a date, an enum. Of a class that is
    decorated an instance is made, without arguments, and its entry method called.

    Args:
        agent: the function, the bound method, the class or another callable.
        args: what it is given. A single value goes to a parameter that takes no positional ones, too.
        kwargs: the same by name; also for parameters that take positional values only.

    Raises:
        ConfigurationError: it cannot be called, or has to be awaited where an event loop runs already.
    """
    if not callable(agent):
        raise ConfigurationError(f"run() was given {shown(agent, 60)}: write the agent's function.")
    called = _called(agent)
    bound = _bound(called, args, kwargs)
    if _is_in_loop() and (inspect.iscoroutinefunction(called) or inspect.isasyncgenfunction(called)):
        raise _in_loop(called)
    return _settled(called, called(*bound.args, **bound.kwargs))


def _called(agent: Callable[..., Any]) -> Callable[..., Any]:
    if not isinstance(agent, type):
        return agent
    found = next((name for kind in agent.__mro__ for name, one in vars(kind).items() if _is_entry(one)), None)
    if found is None:
        raise ConfigurationError(
            f"run({agent.__name__}): this class is not decorated with @agent. Write run({agent.__name__}(…).method, …)."
        )
    try:
        instance = agent()
    except TypeError as error:
        raise ConfigurationError(
            f"run({agent.__name__}): an instance needs arguments ({error}). Write run({agent.__name__}(…).{found}, …)."
        ) from error
    return cast("Callable[..., Any]", getattr(instance, found))


def _is_entry(one: object) -> bool:
    definition = definition_of(one)
    return isinstance(definition, AgentDefinition) and definition.owner is not None


def _bound(called: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> inspect.BoundArguments:
    try:
        signature = inspect.signature(called)
    except (TypeError, ValueError):  # written in C
        return _loose(args, kwargs)
    parameters = list(signature.parameters.values())
    takes_positional = any(one.kind not in {one.KEYWORD_ONLY, one.VAR_KEYWORD} for one in parameters)
    if len(args) == 1 and not kwargs and not takes_positional and parameters:
        (value,) = args
        args, kwargs = (), {parameters[0].name: value}
    only = [one.name for one in parameters if one.kind is one.POSITIONAL_ONLY]
    takes_any = any(one.kind is one.VAR_KEYWORD for one in parameters)
    if not args and only and not takes_any:
        args = tuple(kwargs[name] for name in only if name in kwargs)
        kwargs = {name: value for name, value in kwargs.items() if name not in only}
    bound = signature.bind(*args, **kwargs)  # a TypeError as from the call itself
    for name, value in bound.arguments.items():
        read = partial(_rebuilt, parameter_annotation(called, name))
        kind = signature.parameters[name].kind
        if kind is inspect.Parameter.VAR_POSITIONAL:
            bound.arguments[name] = tuple(map(read, value))
        elif kind is inspect.Parameter.VAR_KEYWORD:
            bound.arguments[name] = {key: read(one) for key, one in value.items()}
        else:
            bound.arguments[name] = read(value)
    return bound


def _rebuilt(annotation: object, value: object) -> Any:  # noqa: ANN401 -- the agent's own types
    return rebuilt(value, annotation)


def _loose(args: tuple[Any, ...], kwargs: dict[str, Any]) -> inspect.BoundArguments:
    def anything(*args: Any, **kwargs: Any) -> None:  # noqa: ANN401 -- the agent's own types
        """Take what nobody can tell of."""

    return inspect.signature(anything).bind(*args, **kwargs)


def _settled(called: object, result: Any) -> Any:  # noqa: ANN401 -- the agent's own types
    if isinstance(result, Awaitable | AsyncIterator) and _is_in_loop():
        if isinstance(result, CoroutineType):
            cast("Any", result).close()  # that nobody awaits it is one more problem
        raise _in_loop(called)
    if isinstance(result, Awaitable):
        return asyncio.run(_awaited(cast("Any", result)))
    if isinstance(result, AsyncIterator):
        return asyncio.run(_collected(cast("Any", result)))
    return list(cast("Iterator[object]", result)) if isinstance(result, Iterator) else cast("object", result)


async def _awaited(result: Awaitable[Any]) -> Any:  # noqa: ANN401 -- the agent's own types
    return await result


async def _collected(items: AsyncIterator[Any]) -> list[Any]:
    return [item async for item in items]


def _is_in_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _in_loop(called: object) -> ConfigurationError:
    name = getattr(called, "__qualname__", type(called).__name__)
    return ConfigurationError(
        f"run({name}) has to wait, and an event loop runs here already: write await {name}(…), or make the test a "
        "plain function."
    )
