"""``@agent``, ``@tool``, ``@workflow``, ``@span``: how a call becomes a span. Uses OpenTelemetry's API only."""

from ams_sdk._decorators.agent import agent
from ams_sdk._decorators.decoration import definition_of
from ams_sdk._decorators.definition import AgentDefinition, Definition, ToolDefinition
from ams_sdk._decorators.propagation import Continuation, extract, inject
from ams_sdk._decorators.run import Run, current_run
from ams_sdk._decorators.runtime import Runtime
from ams_sdk._decorators.session import session
from ams_sdk._decorators.span import span
from ams_sdk._decorators.tool import tool
from ams_sdk._decorators.workflow import workflow

__all__ = [
    "AgentDefinition",
    "Continuation",
    "Definition",
    "Run",
    "Runtime",
    "ToolDefinition",
    "agent",
    "current_run",
    "definition_of",
    "extract",
    "inject",
    "session",
    "span",
    "tool",
    "workflow",
]
