"""Captured spans made by hand."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace

from ams_sdk.testing._trace.captured_span import CapturedEvent, CapturedSpan
from ams_sdk.testing._trace.view import TraceView

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
OURS = {"scope_name": "ams_sdk", "scope_version": "1.0"}
OPENAI = {"scope_name": "opentelemetry.instrumentation.genai.openai", "scope_version": "1.3b0"}


class Made:
    """A trace that is written down from top to bottom; each span starts a second after the one before."""

    def __init__(self):
        self.spans = []
        self._count = itertools.count(1)

    def add(self, name, parent=None, *, seconds=1, trace=1, is_open=False, **fields):
        number = next(self._count)
        start = fields.pop("start_ns", START + number * SECOND)
        events = tuple(replace(event, time_ns=start) for event in fields.pop("events", ()))
        span = CapturedSpan(
            name=name,
            trace_id=fields.pop("trace_id", f"{trace:032x}") if parent is None else parent.trace_id,
            span_id=fields.pop("span_id", f"{number:016x}"),
            parent_id=fields.pop("parent_id", None) if parent is None else parent.span_id,
            start_ns=start,
            end_ns=None if is_open else start + int(seconds * SECOND),
            events=events,
            **fields,
        )
        self.spans.append(span)
        return span

    # What a span has is given by name, as where it is read.
    def agent(self, name, parent=None, *, question=None, answer=None, error=None, attributes=None, **fields):  # noqa: PLR0913 -- the same
        said = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": name, **(attributes or {})}
        if question is not None:
            said["gen_ai.input.messages"] = message("user", question)
        if answer is not None:
            said["gen_ai.output.messages"] = message("assistant", answer)
        return self.add(f"invoke_agent {name}", parent, **{"seconds": 60, **OURS, **failed(said, error), **fields})

    def tool(self, name, parent=None, arguments=None, result=None, *, error=None, attributes=None, **fields):  # noqa: PLR0913 -- the same
        said = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name, **(attributes or {})}
        if arguments is not None:
            said["gen_ai.tool.call.arguments"] = json.dumps(arguments)
        if result is not None:
            said["gen_ai.tool.call.result"] = json.dumps(result)
        return self.add(f"execute_tool {name}", parent, **{**OURS, **failed(said, error), **fields})

    def chat(self, parent=None, model="gpt-5", tokens=None, *, calls=(), told=(), **fields):
        said = {"gen_ai.operation.name": "chat", "gen_ai.request.model": model, "gen_ai.provider.name": "openai"}
        if tokens is not None:
            said |= {"gen_ai.usage.input_tokens": tokens[0], "gen_ai.usage.output_tokens": tokens[1]}
        if calls:
            parts = [
                {"type": "tool_call", "id": identity, "name": name, "arguments": given}
                for identity, name, given in calls
            ]
            said["gen_ai.output.messages"] = json.dumps([{"role": "assistant", "parts": parts}])
        if told:
            parts = [{"type": "tool_call_response", "id": identity, "response": result} for identity, result in told]
            said["gen_ai.input.messages"] = json.dumps([{"role": "tool", "parts": parts}])
        said |= fields.pop("attributes", {})
        return self.add(f"chat {model}", parent, **{"kind": "client", **OPENAI, "attributes": said, **fields})

    @property
    def view(self):
        return TraceView.of(self.spans)


def message(role, text):
    return json.dumps([{"role": role, "parts": [{"type": "text", "content": text}]}])


def failed(attributes, error):
    """What a span has that ended with an error; the error as its type and its message."""
    if error is None:
        return {"attributes": attributes}
    kind, text = error
    event = CapturedEvent("exception", START, {"exception.type": kind, "exception.message": text})
    return {
        "attributes": {**attributes, "error.type": kind},
        "status": "error",
        "status_message": text,
        "events": (event,),
    }


def research():
    """An agent that asks a model, searches twice, fetches a page in vain, and asks another agent."""
    made = Made()
    top = made.agent("researcher", question="why do otters float?", answer="Otters hold hands.")
    made.chat(top, tokens=(300, 20), calls=[("c1", "search", {"query": "otters"})])
    made.tool("search", top, {"query": "otters", "limit": 3}, ["Otters hold hands."])
    made.tool("search", top, {"query": "beavers", "limit": 3}, [])
    made.tool("fetch", top, {"url": "https://otters.example"}, error=("TimeoutError", "no answer in 5 s"))
    writer = made.agent("writer", top, question="write it down", seconds=5)
    made.tool("spell", writer, {"text": "otters"}, "otters", start_ns=writer.start_ns + 1)
    made.chat(top, tokens=(400, 60))
    return made
