"""The attributes that the server reads, out of all that it keeps.

Source: OpenTelemetry's general and GenAI conventions; ``ams.*`` is this project's own.
"""

from __future__ import annotations

from typing import Final

__all__ = [
    "AGENT_NAME",
    "AMS_AGENT_ID",
    "CONVERSATION_ID",
    "ERROR_TYPE",
    "EXCEPTION_EVENT",
    "EXCEPTION_TYPE",
    "INPUT_TOKENS",
    "MAIN_AGENT_ID",
    "MODEL_OPERATIONS",
    "OPERATION_NAME",
    "OTHER_ERROR",
    "OUTPUT_TOKENS",
]

AMS_AGENT_ID: Final = "ams.agent.id"
MAIN_AGENT_ID: Final = "gen_ai.main_agent.id"  # of the resource
AGENT_NAME: Final = "gen_ai.agent.name"
CONVERSATION_ID: Final = "gen_ai.conversation.id"
OPERATION_NAME: Final = "gen_ai.operation.name"
INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
ERROR_TYPE: Final = "error.type"
OTHER_ERROR: Final = "_OTHER"
EXCEPTION_EVENT: Final = "exception"
EXCEPTION_TYPE: Final = "exception.type"

MODEL_OPERATIONS: Final = frozenset({"chat", "generate_content", "text_completion", "embeddings"})
"""The operations whose tokens are counted; an agent's span may repeat the sum of its model calls."""
