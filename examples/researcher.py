"""An agent that asks a model until it answers, and runs the tool that the model calls.

It speaks to any endpoint with OpenAI's chat completions, by the variables that OpenAI's own client reads:

    OPENAI_API_KEY=… python examples/researcher.py "Why do otters hold hands?"

Its tests, tests/examples/test_researcher.py, need no model: they use the fixtures of ams_sdk.testing.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import httpx

from ams_sdk import agent, model_call, tool

MODEL = "gpt-5-mini"
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "search",
            "description": "Find facts about a word.",
            "parameters": {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]},
        },
    }
]
FACTS = {
    "otters": ["Sea otters hold hands while they sleep, so that they do not drift apart."],
    "ducks": ["Ducks sleep with one eye open."],
}
MOST_STEPS = 8


class TooManyStepsError(RuntimeError):
    """The model goes on calling tools and does not answer."""


@tool
def search(query: str) -> list[str]:
    """Find facts about a word."""
    return FACTS.get(query.lower(), [])


@agent(version="1.2.0")
def researcher(question: str) -> str:
    """Answer a question about animals.

    Raises:
        TooManyStepsError: the model does not come to an answer.
        httpx.HTTPStatusError: the model refuses.
    """
    messages: list[dict[str, Any]] = [{"role": "user", "content": question}]
    for _ in range(MOST_STEPS):
        message = ask(messages)
        calls = message.get("tool_calls")
        if not calls:
            answer: str = message["content"]
            return answer
        messages.append(message)
        for call in calls:
            found = search(**json.loads(call["function"]["arguments"]))
            messages.append({"role": "tool", "tool_call_id": call["id"], "content": json.dumps(found)})
    raise TooManyStepsError(f"no answer within {MOST_STEPS} steps")


def ask(messages: list[dict[str, Any]]) -> dict[str, Any]:
    """One call of the model; the SDK records what was asked, what came and how many tokens it took."""
    url = os.environ.get("OPENAI_BASE_URL", "https://api.openai.com/v1")
    headers = {"Authorization": f"Bearer {os.environ.get('OPENAI_API_KEY', '')}"}
    with model_call(provider="openai", model=MODEL, messages=messages, tools=TOOLS) as call:
        body = {"model": MODEL, "messages": messages, "tools": TOOLS}
        response = httpx.post(f"{url}/chat/completions", json=body, headers=headers, timeout=60).raise_for_status()
        answer = response.json()
        call.record(answer)
    message: dict[str, Any] = answer["choices"][0]["message"]
    return message


if __name__ == "__main__":
    print(researcher(" ".join(sys.argv[1:]) or "Why do otters hold hands?"))
