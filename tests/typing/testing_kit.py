"""What type checkers must see of the testing kit; mypy and pyright read this file, nothing runs it."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, assert_type

from ams_sdk import tool
from ams_sdk.testing import (
    AgentRun,
    CapturedSpan,
    ToolCall,
    TraceAssertionError,
    TraceCapture,
    TraceView,
    agent_step,
    model_step,
    tool_step,
)
from ams_sdk.testing._trace import CallError, ModelCallRecord, RequestedCall, Step, Usage


@tool
def search(query: str) -> list[str]:
    return [query]


def of_a_trace(trace: TraceView, spans: list[CapturedSpan]) -> None:
    assert_type(TraceView.of(spans), TraceView)
    assert_type(TraceView.load("trace.json"), TraceView)
    assert_type(TraceView.from_otlp_json("{}"), TraceView)
    assert_type(trace.spans, Sequence[CapturedSpan])
    assert_type(trace.open_spans, Sequence[CapturedSpan])
    assert_type(trace.roots, Sequence[CapturedSpan])
    assert_type(trace.tree(["gen_ai.request.model"], durations=True), str)
    assert_type(trace.agent(), AgentRun)
    assert_type(trace.agents("researcher"), Sequence[AgentRun])
    assert_type(trace.find(kind="client", error=ValueError, attributes={"n": 1}), list[CapturedSpan])
    assert_type(trace.one(name=re.compile("^chat"), where=lambda span: span.end_ns is None), CapturedSpan)
    trace.assert_tree("...", mode="ordered")
    trace.assert_connected(roots=2)
    trace.assert_no_leak("hunter2", b"hunter2")
    trace.assert_invariants(except_=("conventions",))
    trace.find(kind="clint")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    trace.assert_tree("...", mode="loose")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def of_a_capture(capture: TraceCapture) -> None:
    of_a_trace(capture, [])
    assert_type(capture.agent("researcher").trace, TraceView)


def of_a_run(run: AgentRun) -> None:
    assert_type(run.name, str)
    assert_type(run.duration, float | None)
    assert_type(run.error, CallError | None)
    assert_type(run.usage, Usage)
    assert_type(run.usage.total_tokens, int)
    assert_type(run.tool_calls, Sequence[ToolCall])
    assert_type(run.tool_calls[0].arguments, Mapping[str, Any])
    assert_type(run.model_calls, Sequence[ModelCallRecord])
    assert_type(run.model_calls[0].tool_calls, tuple[RequestedCall, ...])
    assert_type(run.agents, Sequence[AgentRun])
    assert_type(run.parent, AgentRun | None)
    assert_type(run.with_nested(), AgentRun)
    run.assert_called("search", query="otters", times=1, result=["otters"])
    run.assert_called(search, arguments={"times": 3})
    run.assert_not_called(search, query="otters")
    run.assert_called_in_order("search", search, model_step())
    run.assert_only_called(search, "fetch")
    run.assert_trajectory([search, "fetch", tool_step(search, query="otters"), agent_step("writer")], mode="superset")
    run.assert_within(tokens=500, seconds=1.5)
    run.assert_failed(ValueError, match="no")
    run.assert_called("search", times="1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    run.assert_trajectory([], mode="loose")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert_type(tool_step("search", query=1), Step)


def of_a_failure(failure: TraceAssertionError) -> TraceView:
    assert_type(failure.trace, TraceView)
    return failure.trace
