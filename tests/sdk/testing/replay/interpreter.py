"""An agent that does what a plan says. The plan stands for its code; what the world answers is in ``world``."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import Any

import httpx

from ams_sdk import agent, model_call, tool

OFFERED = ("search", "fetch", "reflect")
plan: list[Any] = []
world: list[Any] = []
said: dict[str, str] = {"end": ""}


class NotThereError(Exception):
    """Wants more than a message."""

    def __init__(self, what: str, code: int) -> None:
        super().__init__(f"{what} is not there (code {code})")


@dataclass(frozen=True)
class UseTool:
    """Call a tool; the world gives ``result``, or raises it."""

    tool: str
    arguments: dict[str, Any]
    result: Any = field(compare=False, default=None)
    catches: bool = True


@dataclass(frozen=True)
class AskModel:
    """Ask a model; ``answer`` is the step that its script has."""

    prompt: str
    model: str
    answer: Any = field(compare=False, default=None)


@dataclass(frozen=True)
class Delegate:
    """Have an agent, or a tool that is more than a leaf, do a plan of its own."""

    to: str
    plan: tuple[Any, ...]


def answered():
    result = world.pop(0)  # in a replay there is nothing, and nobody may ask
    if isinstance(result, Exception):
        raise result
    return result


@tool
def search(query: str, limit: int = 3) -> Any:
    return answered()


@tool
async def fetch(*parts: str, **options: Any) -> Any:
    return answered()


@tool
async def reflect(depth: int) -> str:
    steps = waiting.pop(0)
    return await done(steps)


@agent
async def assistant(task: str) -> str:
    return await done(waiting.pop(0))


waiting: list[Any] = []


@agent
async def interpreter(goal: str) -> str:
    return f"{await done(plan)}{said['end']}"


async def done(steps):
    return "; ".join([await one(step) for step in steps])


async def one(step):
    if isinstance(step, AskModel):
        return ask(step)
    if isinstance(step, Delegate):
        waiting.append(step.plan)
        return await (assistant("this") if step.to == "assistant" else reflect(len(step.plan)))
    try:
        arguments = dict(step.arguments)
        if step.tool == "search":
            return json.dumps(search(**arguments), sort_keys=True)
        return json.dumps(await fetch(*arguments.pop("parts", ()), **arguments), sort_keys=True)
    except (LookupError, NotThereError) as error:
        if not step.catches:
            raise
        return f"no: {error}"


def ask(step):
    messages = [{"role": "user", "content": step.prompt}]
    tools = [{"type": "function", "function": {"name": name, "parameters": {"type": "object"}}} for name in OFFERED]
    try:
        with model_call(provider="openai", model=step.model, messages=messages) as call:
            response = httpx.post(
                f"{os.environ['OPENAI_BASE_URL']}/chat/completions",
                json={"model": step.model, "messages": messages, "tools": tools},
                headers={"Authorization": f"Bearer {os.environ['OPENAI_API_KEY']}"},
            )
            response.raise_for_status()
            call.record(response.json())
    except httpx.HTTPStatusError as error:
        return f"status {error.response.status_code}"
    message = response.json()["choices"][0]["message"]
    asked = (
        [(one["function"]["name"], json.loads(one["function"]["arguments"])) for one in message["tool_calls"] or ()]
        if "tool_calls" in message
        else []
    )
    return json.dumps([message["content"], message["refusal"], asked], sort_keys=True)
