"""The testing kit: a mock platform, a fake model, captured traces and assertions on them, cassettes, pytest fixtures.

Names only, and each loads when it is asked for: the pytest plugin lives here and costs a test run that does not use it
next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ams_sdk.testing._cassette import Cassette, CassetteError, CassetteMismatchError, SecretInCassetteError
    from ams_sdk.testing._isolation import NetworkBlockedError
    from ams_sdk.testing._kit import Kit
    from ams_sdk.testing._machine import PlatformMachine
    from ams_sdk.testing._model import (
        Completion,
        EmbeddingRequest,
        FakeLLM,
        ModelRequest,
        ScriptMismatchError,
        error,
        refusal,
        stream,
        text,
        thinking,
        tool_call,
        tool_calls,
        turn,
    )
    from ams_sdk.testing._platform import (
        Account,
        ClockSkew,
        Disconnect,
        DuplicateDelivery,
        Latency,
        Malformed,
        MockPlatform,
        PartialSuccess,
        PlatformAssertionError,
        PlatformRequest,
        RateLimit,
        RequestLog,
        Status,
        Timeout,
        TokenExpired,
    )
    from ams_sdk.testing._replay import run
    from ams_sdk.testing._tools import ToolStubMismatchError, ToolStubs
    from ams_sdk.testing._trace import (
        AgentRun,
        CallError,
        CapturedEvent,
        CapturedLink,
        CapturedSpan,
        ModelCallRecord,
        ToolCall,
        TraceAssertionError,
        TraceCapture,
        TraceView,
        Usage,
        agent_step,
        model_step,
        tool_step,
    )
    from ams_sdk.testing.contract import PlatformContract

__all__ = [
    "Account",
    "AgentRun",
    "CallError",
    "CapturedEvent",
    "CapturedLink",
    "CapturedSpan",
    "Cassette",
    "CassetteError",
    "CassetteMismatchError",
    "ClockSkew",
    "Completion",
    "Disconnect",
    "DuplicateDelivery",
    "EmbeddingRequest",
    "FakeLLM",
    "Kit",
    "Latency",
    "Malformed",
    "MockPlatform",
    "ModelCallRecord",
    "ModelRequest",
    "NetworkBlockedError",
    "PartialSuccess",
    "PlatformAssertionError",
    "PlatformContract",
    "PlatformMachine",
    "PlatformRequest",
    "RateLimit",
    "RequestLog",
    "ScriptMismatchError",
    "SecretInCassetteError",
    "Status",
    "Timeout",
    "TokenExpired",
    "ToolCall",
    "ToolStubMismatchError",
    "ToolStubs",
    "TraceAssertionError",
    "TraceCapture",
    "TraceView",
    "Usage",
    "agent_step",
    "error",
    "model_step",
    "refusal",
    "run",
    "stream",
    "text",
    "thinking",
    "tool_call",
    "tool_calls",
    "tool_step",
    "turn",
]

_HOMES: Final = {
    "_cassette": {"Cassette", "CassetteError", "CassetteMismatchError", "SecretInCassetteError"},
    "_isolation": {"NetworkBlockedError"},
    "_kit": {"Kit"},
    "_machine": {"PlatformMachine"},
    "_model": {
        *("Completion", "EmbeddingRequest", "FakeLLM", "ModelRequest", "ScriptMismatchError"),
        *("error", "refusal", "stream", "text", "thinking", "tool_call", "tool_calls", "turn"),
    },
    "_replay": {"run"},
    "_tools": {"ToolStubMismatchError", "ToolStubs"},
    "_trace": {
        *("AgentRun", "CallError", "ModelCallRecord", "ToolCall", "Usage"),
        *("CapturedEvent", "CapturedLink", "CapturedSpan"),
        *("TraceAssertionError", "TraceCapture", "TraceView"),
        *("agent_step", "model_step", "tool_step"),
    },
    "contract": {"PlatformContract"},
}
"""Where a name comes from; the others are the platform's."""


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = next((home for home, names in _HOMES.items() if name in names), "_platform")
    found = globals()[name] = getattr(import_module(f"{__name__}.{home}"), name)
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
