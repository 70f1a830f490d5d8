"""A scripted model: as an object, and behind HTTP as OpenAI's and Anthropic's interfaces."""

from ams_sdk.testing._model.completion import Completion, CompletionChunk, ModelError
from ams_sdk.testing._model.embeddings import EmbeddingRequest
from ams_sdk.testing._model.environment import ModelEnvironment
from ams_sdk.testing._model.fake_llm import FakeLLM
from ams_sdk.testing._model.model_request import Api, ModelMessage, ModelRequest, OfferedTool, ToolResult
from ams_sdk.testing._model.route import Route
from ams_sdk.testing._model.script_report import ScriptMismatchError
from ams_sdk.testing._model.step import Failure, FinishReason, ModelToolCall, ModelUsage, Step, StepLike, Turn
from ams_sdk.testing._model.steps import error, refusal, stream, text, thinking, tool_call, tool_calls, turn

__all__ = [
    "Api",
    "Completion",
    "CompletionChunk",
    "EmbeddingRequest",
    "Failure",
    "FakeLLM",
    "FinishReason",
    "ModelEnvironment",
    "ModelError",
    "ModelMessage",
    "ModelRequest",
    "ModelToolCall",
    "ModelUsage",
    "OfferedTool",
    "Route",
    "ScriptMismatchError",
    "Step",
    "StepLike",
    "ToolResult",
    "Turn",
    "error",
    "refusal",
    "stream",
    "text",
    "thinking",
    "tool_call",
    "tool_calls",
    "turn",
]
