"""``@agent``: each call of the function is a run, an ``invoke_agent`` span, and the first one registers the agent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

from ams_sdk._decorators.call import traced
from ams_sdk._decorators.definition import (
    AgentDefinition,
    ToolDefinition,
    checked_function,
    definition_of,
    description_for,
    name_for,
)
from ams_sdk._errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ams_sdk._decorators.tool import Decorator, FunctionT

__all__ = ["agent"]

_MAX_VERSION = 128


@overload
def agent(function: FunctionT, /) -> FunctionT: ...
@overload
def agent(
    *,
    name: str | None = None,
    version: str = "0",
    description: str | None = None,
    tools: Iterable[Callable[..., Any]] | None = None,
) -> Decorator: ...
def agent(
    function: Any = None,
    /,
    *,
    name: str | None = None,
    version: str = "0",
    description: str | None = None,
    tools: Iterable[Callable[..., Any]] | None = None,
) -> Any:
    """Make a function an agent: it registers itself at its first run, and each run is recorded as a trace.

    Works bare and called, on functions written with ``def`` and with ``async def``. The function keeps its signature,
    its results and its exceptions. While the SDK is not configured a call costs next to nothing.

    Args:
        function: the function, when the decorator is used bare.
        name: what the agent is called, 1 to 128 of A-Z a-z 0-9 _ . -; the function's name if not given.
        version: the version of the agent's code, 1 to 128 characters.
        description: what the agent does; the first paragraph of the docstring if not given.
        tools: the functions with ``@tool`` that it may call; those of its own module if not given.

    Raises:
        ConfigurationError: at decoration, if this cannot be decorated, or an argument cannot be used.
    """
    if not isinstance(version, str) or not 1 <= len(version) <= _MAX_VERSION:
        raise ConfigurationError(
            f'@agent(version={version!r}): a version is a string of 1 to {_MAX_VERSION} characters, such as "1.2.0".'
        )
    named = None if tools is None else tuple(_tool(value) for value in tools)

    def decorate(undecorated: object) -> Callable[..., Any]:
        checked = checked_function(undecorated, "agent")
        definition = AgentDefinition(
            name_for(checked, name, "agent"),
            description_for(checked, description),
            checked,
            version=version,
            tools=named,
        )
        return traced(checked, definition)

    return decorate if function is None else decorate(function)


def _tool(value: object) -> ToolDefinition:
    definition = definition_of(value)
    if not isinstance(definition, ToolDefinition):
        shown = getattr(value, "__qualname__", type(value).__name__)
        raise ConfigurationError(f"@agent(tools=…): {shown} is not a tool, put @tool above its definition.")
    return definition
