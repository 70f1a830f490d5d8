"""The real anthropic package, against the fake model on a port: each kind of client, whole and streaming."""

import asyncio

import pytest
from tests.libraries.installed import needs

from ams_sdk.testing._model import FakeLLM, ModelUsage, error, refusal, stream, text, thinking, tool_call, tool_calls

pytestmark = needs("anthropic")

QUESTION = {"role": "user", "content": "How many?"}
TOOLS = [{"name": "population", "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}}}]
CITIES = ["Oslo", 'Åß "x"\n\u2028', "a\\b", "😀😀"]
THINK = {"type": "enabled", "budget_tokens": 1024}


@pytest.fixture
def llm():
    with FakeLLM() as made:
        yield made


def client(llm, **more):
    import anthropic

    return anthropic.Anthropic(api_key="k", base_url=llm.anthropic_base_url, **({"max_retries": 0} | more))


def asker(llm, way):
    async def ask_async(asked):
        import anthropic

        async with anthropic.AsyncAnthropic(api_key="k", base_url=llm.anthropic_base_url, max_retries=0) as one:
            if way == "async":
                return await one.messages.create(**asked)
            async with one.messages.stream(**asked) as events:
                return await events.get_final_message()

    def ask(messages, **more):
        asked = {"model": "claude", "max_tokens": 2048, "messages": messages, "tools": TOOLS, **more}
        if "async" in way:
            return asyncio.run(ask_async(asked))
        with client(llm) as one:
            if way == "sync":
                return one.messages.create(**asked)
            with one.messages.stream(**asked) as events:
                return events.get_final_message()

    return ask


@pytest.mark.parametrize("way", ["sync", "sync stream", "async", "async stream"])
@pytest.mark.parametrize("city", CITIES)
def test_a_conversation_with_thought_and_parallel_tools(llm, way, city):
    llm.script(
        [thinking("Two towns.", signature="sig"), text("Let me see."), tool_call("population", city=city)],
        text("717 710 people", usage=ModelUsage(30, 4, cached_tokens=10)),
    )
    ask = asker(llm, way)
    asked = ask([QUESTION], system="Count.", thinking=THINK)
    thought, said, call = asked.content
    assert (thought.thinking, thought.signature) == ("Two towns.", "sig")
    assert said.text == "Let me see."
    assert call.input == {"city": city}
    assert asked.stop_reason == "tool_use"
    kept = [block.model_dump(exclude_none=True) for block in asked.content]
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "717710"}
    answer = ask([QUESTION, {"role": "assistant", "content": kept}, {"role": "user", "content": [result]}])
    assert answer.content[0].text == "717 710 people"
    assert answer.stop_reason == "end_turn"
    usage = answer.usage
    assert (usage.input_tokens, usage.cache_read_input_tokens, usage.output_tokens) == (20, 10, 4)
    first, second = llm.calls
    assert (first.api, first.model, first.system) == ("anthropic.messages", "claude", "Count.")
    assert "[redacted]" in {first.headers.get("x-api-key"), first.headers.get("authorization")}
    assert first.stream is second.stream is ("stream" in way)
    assert [message.role for message in second.messages] == ["user", "assistant", "tool"]
    assert [(one.call_id, one.name, one.text) for one in second.tool_results] == [(call.id, "population", "717710")]


def test_several_tools_in_one_turn_are_blocks_of_one_message(llm):
    llm.script(tool_calls(tool_call("population", city="Oslo"), tool_call("population", {"city": "Bergen"})))
    for_each = asker(llm, "sync stream")([QUESTION])
    assert [block.input["city"] for block in for_each.content] == ["Oslo", "Bergen"]
    assert len({block.id for block in for_each.content}) == 2


def test_a_refusal_and_a_long_answer_have_their_stop_reasons(llm):
    llm.script(refusal("No."), text("a b", finish_reason="length"), refusal("No."))
    with client(llm) as one:
        asked = {"model": "claude", "max_tokens": 9, "messages": [QUESTION]}
        assert one.messages.create(**asked).stop_reason == "refusal"
        assert one.messages.create(**asked).stop_reason == "max_tokens"
        with one.messages.stream(**asked) as events:
            assert events.get_final_message().stop_reason == "refusal"


def test_errors_are_those_of_the_package_and_retries_take_a_step_each(llm):
    import anthropic

    asked = {"model": "claude", "max_tokens": 9, "messages": [QUESTION]}
    with client(llm, max_retries=2, timeout=0.4) as one:
        llm.script(error(529, retry_after=0), error(429, retry_after=0), text("at last"))
        assert one.messages.create(**asked).content[0].text == "at last"
    with client(llm, timeout=0.4) as one:
        for step, kind, name in (
            (error(400), anthropic.BadRequestError, "invalid_request_error"),
            (error(401), anthropic.AuthenticationError, "authentication_error"),
            (error(403), anthropic.PermissionDeniedError, "permission_error"),
            (error(404), anthropic.NotFoundError, "not_found_error"),
            (error(429), anthropic.RateLimitError, "rate_limit_error"),
            (error(500), anthropic.InternalServerError, "api_error"),
            (error(529, "busy"), anthropic.APIStatusError, "overloaded_error"),
        ):
            llm.script(step)
            with pytest.raises(kind) as caught:
                one.messages.create(**asked)
            assert caught.value.body["error"]["type"] == name
        for step, kind in (
            (error.timeout(), anthropic.APITimeoutError),
            (error.disconnect(), anthropic.APIConnectionError),
        ):
            llm.script(step)
            with pytest.raises(kind):
                one.messages.create(**asked)
        llm.script(stream(["a", error(529, "busy")]))
        with pytest.raises(anthropic.APIStatusError, match="busy"):
            list(one.messages.create(stream=True, **asked))
        llm.script(stream(["a", tool_call("population", city="Oslo")], cut=True, argument_characters=99))
        events = one.messages.create(stream=True, tools=TOOLS, **asked)
        seen = []
        with pytest.raises(Exception, match="closed connection"):
            seen.extend(event.type for event in events)
        block = ["content_block_start", "content_block_delta"]
        assert seen == ["message_start", *block, "content_block_stop", *block, "content_block_delta"]


def test_tokens_can_be_counted_before(llm):
    with client(llm) as one:
        assert one.messages.count_tokens(model="claude", messages=[QUESTION]).input_tokens == 7
    assert llm.calls == []


def test_the_environment_is_enough(llm):
    import anthropic

    llm.script("hello")
    with llm.environment(), anthropic.Anthropic() as one:
        said = one.messages.create(model="claude", max_tokens=9, messages=[QUESTION])
    assert said.content[0].text == "hello"


@pytest.mark.parametrize("streams", [False, True])
def test_the_runner_of_tools_goes_on_in_a_thread(llm, streams):
    import anthropic

    @anthropic.beta_tool
    def population(city: str) -> str:
        """How many people live in a city.

        Args:
            city: which one.
        """
        return {"Oslo": "717710"}[city]

    llm.script(tool_call("population", city="Oslo"), "717710 people")
    with client(llm) as one:
        asked = {"model": "claude", "max_tokens": 9, "messages": [QUESTION], "tools": [population], "stream": streams}
        said = one.beta.messages.tool_runner(**asked).until_done()
    assert said.content[0].text == "717710 people"
    first, second = llm.calls
    assert second.tool_names == first.tool_names == ("population",)
    assert [(one.name, one.text) for one in second.tool_results] == [("population", "717710")]
    assert second.messages[0].text == "How many?"


def test_a_structured_answer_is_parsed(llm):
    import pydantic

    class Town(pydantic.BaseModel):
        name: str

    llm.script(*['{"name": "Oslo"}'] * 2)
    asked = {"model": "claude", "max_tokens": 9, "messages": [QUESTION], "output_format": Town}
    with client(llm) as one:
        assert one.messages.parse(**asked).parsed_output == Town(name="Oslo")
        with one.messages.stream(**asked) as events:
            assert events.get_final_message().parsed_output == Town(name="Oslo")
