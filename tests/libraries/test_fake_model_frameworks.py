"""Real frameworks with a tool, against the fake model: two steps, whole and streaming."""

import asyncio

import pytest
from tests.libraries.installed import needs

from ams_sdk.testing._model import FakeLLM, text, tool_call

STEPS = [tool_call("population", city="Oslo"), text("717710 people live there", usage=(30, 5))]
PIECES = ["717710 ", "people ", "live ", "there"]


def population(city: str) -> int:
    """How many people live in a city."""
    return {"Oslo": 717_710}[city]


@pytest.fixture
def llm():
    with FakeLLM(*STEPS) as made:
        yield made
    first, second = made.calls
    assert first.tool_names == ("population",)
    assert "How many?" in first.last_text
    assert [(one.name, one.text) for one in second.tool_results] == [("population", "717710")]


@needs("pydantic-ai-slim", "openai")
@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize("interface", ["chat", "responses"])
def test_pydantic_ai(llm, interface, streams):
    import openai
    from pydantic_ai import Agent
    from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
    from pydantic_ai.providers.openai import OpenAIProvider

    kind = OpenAIChatModel if interface == "chat" else OpenAIResponsesModel

    async def run():
        async with openai.AsyncOpenAI(api_key="k", base_url=llm.openai_base_url) as client:
            agent = Agent(kind("gpt", provider=OpenAIProvider(openai_client=client)), tools=[population])
            if not streams:
                result = await agent.run("How many?")
                return [result.output], result.usage
            async with agent.run_stream("How many?") as result:
                pieces = [piece async for piece in result.stream_text(delta=True, debounce_by=None)]
                return pieces, result.usage

    pieces, usage = asyncio.run(run())
    assert pieces == (PIECES if streams else ["".join(PIECES)])
    assert (usage.input_tokens, usage.output_tokens) == (llm.usage.input_tokens, llm.usage.output_tokens)
    assert [call.stream for call in llm.calls] == [streams, streams]


@needs("pydantic-ai-slim", "anthropic")
@pytest.mark.parametrize("streams", [False, True])
def test_pydantic_ai_with_anthropic(llm, streams):
    import anthropic
    from pydantic_ai import Agent
    from pydantic_ai.models.anthropic import AnthropicModel
    from pydantic_ai.providers.anthropic import AnthropicProvider

    async def run():
        async with anthropic.AsyncAnthropic(api_key="k", base_url=llm.anthropic_base_url) as client:
            model = AnthropicModel("claude", provider=AnthropicProvider(anthropic_client=client))
            agent = Agent(model, tools=[population])
            if not streams:
                result = await agent.run("How many?")
                return [result.output], result.usage
            async with agent.run_stream("How many?") as result:
                return [piece async for piece in result.stream_text(delta=True, debounce_by=None)], result.usage

    pieces, usage = asyncio.run(run())
    assert pieces == (PIECES if streams else ["".join(PIECES)])
    assert (usage.input_tokens, usage.output_tokens) == (llm.usage.input_tokens, llm.usage.output_tokens)


@needs("openai-agents", "openai")
@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize("interface", ["chat", "responses"])
def test_openai_agents(llm, interface, streams):
    import agents
    import openai

    kind = agents.OpenAIChatCompletionsModel if interface == "chat" else agents.OpenAIResponsesModel

    async def run():
        async with openai.AsyncOpenAI(api_key="k", base_url=llm.openai_base_url) as client:
            tools = [agents.function_tool(population)]
            settings = agents.ModelSettings(include_usage=True)
            counter = agents.Agent(name="counter", model=kind("gpt", client), tools=tools, model_settings=settings)
            config = agents.RunConfig(tracing_disabled=True)
            if not streams:
                result = await agents.Runner.run(counter, "How many?", run_config=config)
                return [result.final_output], result
            result = agents.Runner.run_streamed(counter, "How many?", run_config=config)
            kept = [event.data async for event in result.stream_events() if event.type == "raw_response_event"]
            return [one.delta for one in kept if one.type == "response.output_text.delta"], result

    pieces, result = asyncio.run(run())
    assert pieces == (PIECES if streams else ["".join(PIECES)])
    assert result.final_output == "".join(PIECES)
    usage = result.context_wrapper.usage
    assert (usage.input_tokens, usage.output_tokens) == (llm.usage.input_tokens, llm.usage.output_tokens)
    assert [call.stream for call in llm.calls] == [streams, streams]


@needs("langchain", "langchain-openai")
@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize("interface", ["chat", "responses"])
@pytest.mark.parametrize("is_async", [False, True])
def test_langchain(llm, interface, streams, is_async):
    from langchain.agents import create_agent
    from langchain_core.messages import AIMessageChunk
    from langchain_openai import ChatOpenAI

    chat = ChatOpenAI(
        model="gpt",
        api_key="k",
        base_url=llm.openai_base_url,
        use_responses_api=interface == "responses",
        stream_usage=True,
        streaming=streams,
    )
    agent = create_agent(chat, tools=[population])
    asked = {"messages": [("user", "How many?")]}

    async def stream_async():
        return [chunk async for chunk, _ in agent.astream(asked, stream_mode="messages")]

    if streams:
        chunks = (
            asyncio.run(stream_async())
            if is_async
            else [chunk for chunk, _ in agent.stream(asked, stream_mode="messages")]
        )
        chunks = [chunk for chunk in chunks if isinstance(chunk, AIMessageChunk)]
        assert [chunk.text for chunk in chunks if chunk.text] == PIECES
        tokens = [chunk.usage_metadata for chunk in chunks if chunk.usage_metadata]
    else:
        messages = (asyncio.run(agent.ainvoke(asked)) if is_async else agent.invoke(asked))["messages"]
        assert messages[-1].text == "".join(PIECES)
        tokens = [message.usage_metadata for message in messages if message.type == "ai"]
    assert sum(one["input_tokens"] for one in tokens) == llm.usage.input_tokens
    assert sum(one["output_tokens"] for one in tokens) == llm.usage.output_tokens
    assert [call.stream for call in llm.calls] == [streams, streams]


@needs("langchain-openai")
def test_a_chat_model_of_langchain_with_a_tool_bound(llm):
    from langchain_core.messages import HumanMessage, ToolMessage
    from langchain_openai import ChatOpenAI

    with llm.environment():
        chat = ChatOpenAI(model="gpt").bind_tools([population])
        asked = chat.invoke([HumanMessage("How many?")])
        (call,) = asked.tool_calls
        assert (call["name"], call["args"]) == ("population", {"city": "Oslo"})
        result = ToolMessage("717710", tool_call_id=call["id"])
        said = chat.invoke([HumanMessage("How many?"), asked, result])
    assert said.text == "".join(PIECES)
