"""Agents with real clients and frameworks: what they did becomes a test, which passes, and fails when they change."""

from __future__ import annotations

import pytest
from tests.libraries.installed import needs
from tests.sdk.testing.replay.processes import Project

from ams_sdk.testing import text, tool_call

OPENAI = '''
import json

import openai

from ams_sdk import agent, tool


@tool
def population(city: str) -> int:
    """How many people live in a city."""
    return {"Oslo": 717_710}[city]


TOOLS = [{"type": "function", "function": {"name": "population", "parameters": {"type": "object"}}}]


@agent
def counter(question: str) -> str:
    messages = [{"role": "user", "content": question}]
    client = openai.OpenAI()
    while True:
        said = client.chat.completions.create(model="gpt", messages=messages, tools=TOOLS).choices[0].message
        if not said.tool_calls:
            return said.content
        messages.append(said.model_dump(exclude_none=True))
        for call in said.tool_calls:
            found = population(**json.loads(call.function.arguments))
            messages.append({"role": "tool", "tool_call_id": call.id, "content": str(found)})


if __name__ == "__main__":
    print(counter("How many people?"))
'''
LANGCHAIN = '''
from langchain.agents import create_agent
from langchain_openai import ChatOpenAI

from ams_sdk import agent, tool


@tool
def population(city: str) -> int:
    """How many people live in a city."""
    return {"Oslo": 717_710}[city]


@agent
def counter(question: str) -> str:
    graph = create_agent(ChatOpenAI(model="gpt", max_retries=0), tools=[population])
    return graph.invoke({"messages": [("user", question)]})["messages"][-1].content


if __name__ == "__main__":
    print(counter("How many people?"))
'''
AGENTS = '''
import agents

from ams_sdk import agent, tool


@agents.function_tool
@tool
def population(city: str) -> int:
    """How many people live in a city."""
    return {"Oslo": 717_710}[city]


@agent
async def counter(question: str) -> str:
    one = agents.Agent(name="inner", model="gpt", tools=[population])
    return (await agents.Runner.run(one, question)).final_output


if __name__ == "__main__":
    import asyncio

    print(asyncio.run(counter("How many people?")))
'''


@pytest.mark.slow
@pytest.mark.parametrize(
    "source",
    [
        pytest.param(OPENAI, marks=needs("openai", "opentelemetry-instrumentation-genai-openai"), id="openai"),
        pytest.param(
            LANGCHAIN,
            marks=needs(
                "langchain",
                "langchain-openai",
                "opentelemetry-instrumentation-genai-langchain",
                "opentelemetry-instrumentation-genai-openai",
            ),
            id="langchain",
        ),
        pytest.param(
            AGENTS,
            marks=needs("openai-agents", "opentelemetry-instrumentation-genai-openai-agents"),
            id="openai-agents",
        ),
    ],
)
def test_what_a_library_did_becomes_a_test_that_fails_when_the_code_changes(source, tmp_path):
    project = Project(tmp_path, source)
    project.record(tool_call("population", city="Oslo"), text("717710 people live there."))
    passed = project.pytest()
    assert passed.code == 0, passed.out
    # The body of the tool does not run.
    project.write(source.replace('{"Oslo": 717_710}[city]', 'exit("the real tool")'))
    assert project.pytest().code == 0
    said = project.fails(source.replace("    return ", "    return 'So: ' + ", 2).replace("'So: ' + {", "{"))
    assert "So: " in said
