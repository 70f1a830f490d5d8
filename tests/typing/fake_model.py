"""What type checkers see of the fake model; they read this file, nobody runs it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import assert_type

from ams_sdk.testing._model import (
    Completion,
    CompletionChunk,
    EmbeddingRequest,
    Failure,
    FakeLLM,
    ModelRequest,
    ModelToolCall,
    ModelUsage,
    Route,
    StepLike,
    Turn,
    error,
    refusal,
    stream,
    text,
    thinking,
    tool_call,
    tool_calls,
    turn,
)


def steps() -> None:
    assert_type(text("a", usage=(1, 2), finish_reason="length"), Turn)
    assert_type(tool_call("search", query="otters", limit=3), Turn)
    assert_type(tool_call("search", {"call_id": 1}, call_id="c"), Turn)
    assert_type(tool_calls(tool_call("a"), tool_call("b"), usage=ModelUsage(1, 2)), Turn)
    assert_type(turn(thinking("a"), "b", refusal("c")), Turn)
    assert_type(stream(["a", tool_call("b"), error(500)], delay=0.1), Turn)
    assert_type(error(429, retry_after=1), Failure)
    assert_type(error.timeout(), Failure)
    text("a", finish_reason="end")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


def answer(call: ModelRequest) -> StepLike:
    return [text(call.last_text), tool_call("search")] if call.tools else "done"


async def model() -> None:
    llm = FakeLLM("a", ["b", tool_call("c")], error(500), strict=False)
    assert_type(FakeLLM.from_function(answer), FakeLLM)
    assert_type(llm.script("a"), FakeLLM)
    assert_type(llm.when(lambda call: call.stream, tool="search").then("a"), Route)
    assert_type(llm.calls, list[ModelRequest])
    assert_type(llm.usage, ModelUsage)
    said = llm.complete("hi", tools=[steps, "search"], temperature=0)
    assert_type(said, Completion)
    assert_type(said.tool_calls, tuple[ModelToolCall, ...])
    assert_type(await llm.acomplete([{"role": "user", "content": "hi"}]), Completion)
    assert_type(llm.stream("hi"), Iterator[CompletionChunk])
    assert_type(llm.astream("hi"), AsyncIterator[CompletionChunk])
    assert_type(llm.embed("hi"), list[list[float]])
    assert_type(llm.embed(("hi", "you"), dimensions=8), list[list[float]])
    assert_type(llm.embeddings, list[EmbeddingRequest])
