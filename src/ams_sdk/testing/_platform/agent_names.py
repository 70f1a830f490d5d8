"""An agent and its tools as a test names them: by their names, or by what is decorated."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

from ams_sdk._decorators.decoration import definition_of
from ams_sdk._decorators.definition import AgentDefinition, ToolDefinition
from ams_sdk._errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["agent_name", "tool_names"]


def agent_name(agent: str | Callable[..., Any], asked_by: str) -> str:
    """What an agent is called.

    Raises:
        ConfigurationError: it is neither a name, nor decorated as an agent.
    """
    if isinstance(agent, str):
        return agent
    definition = definition_of(agent)
    if isinstance(definition, AgentDefinition):
        return definition.name
    raise ConfigurationError(
        f"{asked_by}({_shown(agent)}): write an agent's name, or the function or class that is decorated with @agent."
    )


def tool_names(tools: Collection[str | Callable[..., Any]], asked_by: str) -> list[str]:
    """What tools are called.

    Raises:
        ConfigurationError: it is no list, or one of them is neither a name, nor decorated as a tool.
    """
    if isinstance(tools, str):
        raise ConfigurationError(f"tools={tools!r} is one text: write a list of names, tools=[{tools!r}].")
    if not isinstance(tools, Iterable) or isinstance(tools, type):
        raise ConfigurationError(
            f"{asked_by}(tools={_shown(tools)}): write a list of names or decorated functions, tools=[…]."
        )
    return [_tool_name(tool, asked_by) for tool in tools]


def _tool_name(tool: str | Callable[..., Any], asked_by: str) -> str:
    if isinstance(tool, str):
        return tool
    definition = definition_of(tool)
    if isinstance(definition, ToolDefinition):
        return definition.name
    raise ConfigurationError(
        f"{asked_by}(tools=[{_shown(tool)}]): write a tool's name, or the function that is decorated with @tool."
    )


def _shown(value: object) -> str:
    """What a value is called; its own repr may do anything."""
    name = getattr(value, "__name__", None)
    return name if isinstance(name, str) else f"<{type(value).__name__}>"
