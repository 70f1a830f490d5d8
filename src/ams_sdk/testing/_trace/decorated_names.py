"""The names of agents and tools, as they were written: a text, or the function or class that is decorated."""

from __future__ import annotations

import re
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any, Final

from ams_sdk._decorators.definition import AgentDefinition, ToolDefinition
from ams_sdk._errors import ConfigurationError
from ams_sdk.testing._trace.masked_text import shown
from ams_sdk.testing._trace.parameters import definition_of_kind
from ams_sdk.testing._trace.value_form import has_own_equality

__all__ = ["agent_name_of", "name_asked_for", "tool_name_of"]

_FUNCTIONS: Final = (FunctionType, MethodType, BuiltinFunctionType)
_NO_NAMES: Final = (bool, int, float, bytes, list, tuple, dict, set, frozenset, type, *_FUNCTIONS)


def tool_name_of(tool: object, asked_by: str) -> str:
    """The name of a tool.

    Raises:
        ConfigurationError: it is neither a name nor a decorated tool.
    """
    if isinstance(tool, str) and tool:
        return tool
    definition = definition_of_kind(tool, ToolDefinition)
    if definition is not None:
        return definition.name
    raise ConfigurationError(
        f"{asked_by} was given {shown(tool, 80)}: write a tool's name, or the function that is decorated with @tool."
    )


def agent_name_of(agent: object, asked_by: str) -> str:
    """The name of an agent.

    Raises:
        ConfigurationError: it is neither a name nor a decorated agent.
    """
    if isinstance(agent, str):
        return agent
    definition = definition_of_kind(agent, AgentDefinition)
    if definition is not None:
        return definition.name
    raise ConfigurationError(
        f"{asked_by} was given {shown(agent, 80)}: write an agent's name, or the function or class that is decorated "
        "with @agent."
    )


def name_asked_for(asked: Any, what: str) -> Any:  # noqa: ANN401 -- anything whose __eq__ tells
    """What is to be equal to a name: of the decorated its own, a pattern or an object with an ``__eq__`` as it is.

    Args:
        asked: as it was written.
        what: ``agent``, ``tool`` or ``model``.

    Raises:
        ConfigurationError: no name is equal to it.
    """
    if isinstance(asked, (str, re.Pattern)):
        return asked  # pyright: ignore[reportUnknownVariableType] -- of whatever it is a pattern
    if what == "tool" and (found := definition_of_kind(asked, ToolDefinition)) is not None:
        return found.name
    if what == "agent" and (found := definition_of_kind(asked, AgentDefinition)) is not None:
        return found.name
    if issubclass(type(asked), _NO_NAMES) or not has_own_equality(asked):
        decorated = "" if what == "model" else f", or what is decorated with @{what}"
        raise ConfigurationError(f"find({what}={shown(asked, 60)}): write its name{decorated}.")
    return asked
