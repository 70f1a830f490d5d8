"""Assertions of the testing kit on what frameworks' own instrumentation records."""

from __future__ import annotations

import asyncio

from tests.libraries.installed import needs

from ams_sdk import agent
from ams_sdk.testing import text, tool_call
from ams_sdk.testing._trace import TraceView, captured, model_step

HTTPX = "opentelemetry-instrumentation-httpx"
OPENAI = "opentelemetry-instrumentation-genai-openai"
SCRIPT = tool_call("population", city="Oslo"), text("717710 people", usage=(30, 7))


def population(city: str) -> int:
    """How many people live in a city."""
    return {"Oslo": 717_710}[city]


def check(recorder, model, framework):
    """The same of every framework: what the agent did, under its own name and that of the framework's agent."""
    view = TraceView.of([captured(span) for span in recorder.spans])
    view.assert_connected()
    view.assert_all_ended()
    view.assert_no_errors()
    view.assert_invariants(except_=["conventions"])
    for run in (view.agent("assistant"), view.agent(framework)):
        run.assert_called("population", city="Oslo", times=1)
        run.assert_not_called("population", city="Bergen")
        run.assert_only_called("population")
        run.assert_trajectory([model_step("gpt"), "population", model_step("gpt")])
        run.assert_within(tokens=model.usage.input_tokens + model.usage.output_tokens, model_calls=2, tool_calls=1)
        run.assert_succeeded()
        (call,) = run.tool_calls
        assert call.has_result
        assert "717710" in str(call.result)
        assert (run.usage.input_tokens, run.usage.output_tokens) == (
            model.usage.input_tokens,
            model.usage.output_tokens,
        )
        assert [one.name for one in run.model_calls[0].tool_calls] == ["population"]
    run = view.agent()
    assert (run.name, run.input, run.output) == ("assistant", "How many?", "717710 people")
    assert TraceView.from_otlp_json(_saved(view)).tree() == view.tree()
    return view


def _saved(view):
    from ams_sdk.testing._trace.otlp_json import to_otlp_json

    return to_otlp_json(view.spans)


@needs("langchain", "langchain-openai", "langgraph", "opentelemetry-instrumentation-genai-langchain", OPENAI, HTTPX)
def test_langchain(recorder, model):
    from langchain.agents import create_agent
    from langchain_openai import ChatOpenAI

    model.script(*SCRIPT)

    @agent
    def assistant(question: str) -> str:
        chat = ChatOpenAI(model="gpt", api_key="sk-none", base_url=model.openai_base_url, max_retries=0)
        graph = create_agent(chat, tools=[population])
        return graph.invoke({"messages": [("user", question)]})["messages"][-1].content

    assistant("How many?")
    check(recorder, model, "invoke_agent")


@needs("openai-agents", "opentelemetry-instrumentation-genai-openai-agents", OPENAI, HTTPX)
def test_openai_agents(recorder, model):
    import agents
    import openai

    # Its own exporter would send what ran to the vendor.
    processors = agents.tracing.get_trace_provider()._multi_processor._processors
    agents.set_trace_processors([one for one in processors if "opentelemetry" in type(one).__module__])
    model.script(*SCRIPT)

    @agent
    async def assistant(question: str) -> str:
        async with openai.AsyncOpenAI(api_key="sk-none", base_url=model.openai_base_url, max_retries=0) as one:
            chat = agents.OpenAIResponsesModel("gpt", one)
            counter = agents.Agent(name="counter", model=chat, tools=[agents.function_tool(population)])
            return (await agents.Runner.run(counter, question)).final_output

    asyncio.run(assistant("How many?"))
    check(recorder, model, "counter")


@needs("pydantic-ai-slim", OPENAI, HTTPX)
def test_pydantic_ai(recorder, model):
    import openai
    from pydantic_ai import Agent
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    model.script(*SCRIPT)

    @agent
    async def assistant(question: str) -> str:
        async with openai.AsyncOpenAI(api_key="sk-none", base_url=model.openai_base_url) as one:
            chat = OpenAIChatModel("gpt", provider=OpenAIProvider(openai_client=one))
            return (await Agent(chat, name="counter", tools=[population]).run(question)).output

    asyncio.run(assistant("How many?"))
    check(recorder, model, "counter")
