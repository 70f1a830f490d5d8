import asyncio

import pytest
from tests.libraries import departures
from tests.libraries.installed import needs
from tests.libraries.traces import assert_conventional, assert_one_trace, charged, model_calls, tokens, tree

import ams_sdk
from ams_sdk import agent
from ams_sdk.testing._model import text, tool_call

HTTPX = "opentelemetry-instrumentation-httpx"
OPENAI = "opentelemetry-instrumentation-genai-openai"
SCRIPT = tool_call("population", city="Oslo"), text("717710 people", usage=(30, 7))


def population(city: str) -> int:
    """How many people live in a city."""
    return {"Oslo": 717_710}[city]


@needs("langchain", "langchain-openai", "langgraph", "opentelemetry-instrumentation-genai-langchain", OPENAI, HTTPX)
@pytest.mark.parametrize("way", ["sync", "async"])
def test_a_langchain_agent_with_a_tool(recorder, model, traced, way):
    from langchain.agents import create_agent
    from langchain_openai import ChatOpenAI

    model.script(*SCRIPT)

    def graph():
        chat = ChatOpenAI(model="gpt", api_key="sk-none", base_url=model.openai_base_url, max_retries=0)
        return create_agent(chat, tools=[population])

    @agent
    def assistant(question: str) -> str:
        return graph().invoke({"messages": [("user", question)]})["messages"][-1].content

    @agent(name="assistant")
    async def async_assistant(question: str) -> str:
        answer = await graph().ainvoke({"messages": [("user", question)]})
        return answer["messages"][-1].content

    said = assistant("How many?") if way == "sync" else asyncio.run(async_assistant("How many?"))
    assert said == "717710 people"
    spans = recorder.spans
    assert_one_trace(spans)
    below = [("chat gpt", []), ("execute_tool population", []), ("chat gpt", [])]
    assert tree(spans) == [("invoke_agent assistant", [("invoke_agent", below)])]
    assert tokens(spans) == charged(model)
    assert {call.instrumentation_scope.name for call in model_calls(spans)} == {departures.LANGCHAIN}
    assert {"langchain", "openai"} <= traced().keys()
    known = {departures.LANGCHAIN: departures.NULL_NAMES | {"gen_ai.output.messages: finish_reason is empty"}}
    assert_conventional(spans, known | departures.OLD_HTTP)


@needs("openai-agents", "opentelemetry-instrumentation-genai-openai-agents", OPENAI, HTTPX)
def test_an_agent_of_openai_agents_with_a_tool(recorder, model, traced):
    import agents
    import openai

    # Its own exporter would send what ran to the vendor.
    agents.set_trace_processors([one for one in _processors(agents) if "opentelemetry" in type(one).__module__])
    model.script(*SCRIPT)

    @agent
    async def assistant(question: str) -> str:
        async with openai.AsyncOpenAI(api_key="sk-none", base_url=model.openai_base_url, max_retries=0) as one:
            chat = agents.OpenAIResponsesModel("gpt", one)
            counter = agents.Agent(name="counter", model=chat, tools=[agents.function_tool(population)])
            return (await agents.Runner.run(counter, question)).final_output

    assert asyncio.run(assistant("How many?")) == "717710 people"
    spans = recorder.spans
    assert_one_trace(spans)
    below = [("chat gpt", []), ("execute_tool population", []), ("chat gpt", [])]
    workflow = ("invoke_workflow Agent workflow", [("invoke_agent counter", below)])
    assert tree(spans) == [("invoke_agent assistant", [workflow])]
    assert tokens(spans) == charged(model)
    assert traced()["openai-agents"] == "opentelemetry-instrumentation-genai-openai-agents"
    known = {departures.OPENAI: departures.NULL_NAMES, departures.OPENAI_AGENTS: set()}
    assert_conventional(spans, known | departures.OLD_HTTP)


def _processors(agents):
    return agents.tracing.get_trace_provider()._multi_processor._processors


@needs("pydantic-ai-slim", OPENAI, HTTPX)
def test_an_agent_of_pydantic_ai_with_a_tool(recorder, model, traced):
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

    assert asyncio.run(assistant("How many?")) == "717710 people"
    spans = recorder.spans
    assert_one_trace(spans)
    below = [("chat gpt", []), ("execute_tool population", []), ("chat gpt", [])]
    assert tree(spans) == [("invoke_agent assistant", [("invoke_agent counter", below)])]
    assert tokens(spans) == charged(model)
    assert {call.instrumentation_scope.name for call in model_calls(spans)} == {departures.PYDANTIC_AI}
    assert traced()["pydantic-ai"] == "pydantic-ai"
    assert_conventional(spans, {departures.PYDANTIC_AI: departures.PYDANTIC_AI_OWN} | departures.OLD_HTTP)


@needs("pydantic-ai-slim", OPENAI)
def test_pydantic_ai_without_content_and_after_shutdown(recorder, model):
    import openai
    from pydantic_ai import Agent
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    recorder.configure(capture_content=False)
    model.script(text("717710 people"))

    async def run():
        async with openai.AsyncOpenAI(api_key="sk-none", base_url=model.openai_base_url) as one:
            await Agent(OpenAIChatModel("gpt", provider=OpenAIProvider(openai_client=one))).run("How many, dear?")

    asyncio.run(run())
    assert not [name for span in recorder.spans for name, text in span.attributes.items() if "dear" in str(text)]
    ams_sdk.shutdown()
    assert Agent._instrument_default is False
