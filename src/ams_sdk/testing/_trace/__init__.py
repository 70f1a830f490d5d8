"""Spans that were captured, and what can be asserted of them."""

from ams_sdk.testing._trace.agent_run import AgentRun
from ams_sdk.testing._trace.calls import CallError, ModelCallRecord, ToolCall
from ams_sdk.testing._trace.capture import TraceCapture
from ams_sdk.testing._trace.captured_span import CapturedEvent, CapturedLink, CapturedSpan, SpanKind, SpanStatus
from ams_sdk.testing._trace.failure import TraceAssertionError
from ams_sdk.testing._trace.readable import captured
from ams_sdk.testing._trace.recorded_content import RequestedCall
from ams_sdk.testing._trace.steps import Step, agent_step, model_step, tool_step
from ams_sdk.testing._trace.usage import Usage
from ams_sdk.testing._trace.view import TraceView
from ams_sdk.testing._trace.wire_span import from_wire

__all__ = [
    "AgentRun",
    "CallError",
    "CapturedEvent",
    "CapturedLink",
    "CapturedSpan",
    "ModelCallRecord",
    "RequestedCall",
    "SpanKind",
    "SpanStatus",
    "Step",
    "ToolCall",
    "TraceAssertionError",
    "TraceCapture",
    "TraceView",
    "Usage",
    "agent_step",
    "captured",
    "from_wire",
    "model_step",
    "tool_step",
]
