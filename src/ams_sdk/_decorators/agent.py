"""``@agent``: each call is a run, an ``invoke_agent`` span, and the first one registers the agent."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, overload

from ams_sdk._decorators.decoration import captured_by, decorated, definition_of
from ams_sdk._decorators.definition import AgentDefinition, ToolDefinition
from ams_sdk._decorators.names import checked_name, description_of, name_of
from ams_sdk._errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ams_sdk._decorators.decoration import Capture, DecoratedT, Decorator

__all__ = ["agent"]

_MAX_VERSION = 128


@overload
def agent(function: DecoratedT, /) -> DecoratedT: ...
@overload
def agent(
    *,
    name: str | None = None,
    version: str = "0",
    description: str | None = None,
    tools: Iterable[Callable[..., Any]] | None = None,
    entrypoint: str | None = None,
    capture: Capture = "all",
    exclude: Iterable[str] = (),
) -> Decorator: ...
def agent(  # noqa: PLR0913 -- all but the first are keyword-only
    function: Any = None,
    /,
    *,
    name: str | None = None,
    version: str = "0",
    description: str | None = None,
    tools: Iterable[Callable[..., Any]] | None = None,
    entrypoint: str | None = None,
    capture: Capture = "all",
    exclude: Iterable[str] = (),
) -> Any:
    """Make a function an agent: it registers itself at its first run, and each run is recorded as a trace.

    Works bare and called; on functions written with ``def`` and ``async def``, on generators of both kinds, methods,
    classes and other callables. What is decorated stays what it is: its kind, its signature, its results and its
    exceptions. While the SDK is not configured a call costs next to nothing.

    Args:
        function: what is decorated, when the decorator is used bare.
        name: what the agent is called, 1 to 128 of A-Z a-z 0-9 _ . -; the function's name if not given.
        version: the version of the agent's code, 1 to 128 characters.
        description: what the agent does; the first paragraph of the docstring if not given.
        tools: what it may call of what is decorated with ``@tool``; those of its own module and class if not given.
        entrypoint: of a class, the method that is traced; ``run`` if not given, or else ``__call__``.
        capture: which of the content is recorded: ``all``, ``input``, ``output`` or ``none``.
        exclude: the parameters whose values are not recorded.

    Raises:
        ConfigurationError: at decoration, if this cannot be decorated, or an option cannot be used.
    """
    if not isinstance(version, str) or not 1 <= len(version) <= _MAX_VERSION:
        raise ConfigurationError(
            f'@agent(version={version!r}): a version is a string of 1 to {_MAX_VERSION} characters, such as "1.2.0".'
        )
    checked_name(name, "agent")
    captured = captured_by(capture, exclude, "agent", description, entrypoint)
    if tools is not None and (isinstance(tools, str) or not isinstance(tools, Iterable)):
        raise ConfigurationError("@agent(tools=…): write a list of what is decorated with @tool, [search].")
    said: dict[str, Any] = {"version": version, "tools": None if tools is None else tuple(map(_tool, tools))}

    def define(called: Callable[..., Any], subject: object, **options: Any) -> AgentDefinition:  # noqa: ANN401 -- Define's
        described = description_of(subject, description)
        return AgentDefinition(name or name_of(subject), described, called, captured=captured, **said, **options)

    decorate = partial(decorated, define=define, decorator="agent", entrypoint=entrypoint)
    return decorate if function is None else decorate(function)


def _tool(value: object) -> ToolDefinition:
    definition = definition_of(value)
    if not isinstance(definition, ToolDefinition):
        shown = getattr(value, "__qualname__", type(value).__name__)
        raise ConfigurationError(f"@agent(tools=…): {shown} is not a tool, put @tool above its definition.")
    return definition
