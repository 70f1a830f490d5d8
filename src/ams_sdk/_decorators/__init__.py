"""``@agent`` and ``@tool``: what is decorated, how a call becomes a span. Uses OpenTelemetry's API only."""

from ams_sdk._decorators.agent import agent
from ams_sdk._decorators.definition import AgentDefinition, Definition, ToolDefinition, definition_of
from ams_sdk._decorators.runtime import Runtime
from ams_sdk._decorators.tool import tool

__all__ = ["AgentDefinition", "Definition", "Runtime", "ToolDefinition", "agent", "definition_of", "tool"]
