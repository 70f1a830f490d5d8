"""The real openai package, against the fake model: each interface, each kind of client, whole and streaming."""

import asyncio
import json

import httpx
import pytest
from tests.libraries.installed import needs

from ams_sdk.testing._model import (
    FakeLLM,
    ModelUsage,
    ScriptMismatchError,
    error,
    refusal,
    stream,
    text,
    thinking,
    tool_call,
    tool_calls,
)

pytestmark = needs("openai")

QUESTION = {"role": "user", "content": "How many?"}
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}}
CHAT_TOOLS = [{"type": "function", "function": {"name": "population", "parameters": PARAMETERS}}]
TOOLS = [{"type": "function", "name": "population", "parameters": PARAMETERS, "strict": False}]
CITIES = ["Oslo", 'Åß "x"\n\u2028', "a\\b", "😀😀"]


@pytest.fixture
def llm():
    with FakeLLM() as made:
        yield made


class Chat:
    """One conversation with the chat interface; each way of asking gives a whole completion."""

    def __init__(self, llm, way):
        self.llm, self.way = llm, way

    def __call__(self, messages, **more):
        import openai

        asked = {"model": "gpt", "messages": messages, "tools": CHAT_TOOLS, **more}
        if self.way in {"sync", "sync stream", "httpx"}:
            inner = httpx.Client(transport=self.llm.transport) if self.way == "httpx" else None
            address = "http://nowhere.invalid/v1" if self.way == "httpx" else self.llm.openai_base_url
            with openai.OpenAI(api_key="k", base_url=address, http_client=inner, max_retries=0) as client:
                if self.way != "sync stream":
                    return client.chat.completions.create(**asked)
                with client.chat.completions.stream(stream_options={"include_usage": True}, **asked) as events:
                    return events.get_final_completion()
        return asyncio.run(self.ask(asked))

    async def ask(self, asked):
        import openai

        async with openai.AsyncOpenAI(api_key="k", base_url=self.llm.openai_base_url, max_retries=0) as client:
            if self.way == "async":
                return await client.chat.completions.create(**asked)
            async with client.chat.completions.stream(stream_options={"include_usage": True}, **asked) as events:
                return await events.get_final_completion()


@pytest.mark.parametrize("way", ["sync", "sync stream", "async", "async stream", "httpx"])
@pytest.mark.parametrize("city", CITIES)
def test_a_chat_with_a_tool_call(llm, way, city):
    llm.script(tool_call("population", city=city), text("717 710 people", usage=(30, 4)))
    ask = Chat(llm, way)
    asked = ask([QUESTION])
    (choice,) = asked.choices
    assert choice.finish_reason == "tool_calls"
    assert choice.message.content is None
    (call,) = choice.message.tool_calls
    assert json.loads(call.function.arguments) == {"city": city}
    result = {"role": "tool", "tool_call_id": call.id, "content": "717710"}
    said = ask([QUESTION, choice.message.model_dump(exclude_none=True), result])
    assert said.choices[0].message.content == "717 710 people"
    assert said.choices[0].finish_reason == "stop"
    assert (said.usage.prompt_tokens, said.usage.completion_tokens, said.usage.total_tokens) == (30, 4, 34)
    first, second = llm.calls
    assert first.stream is second.stream is ("stream" in way)
    assert (first.api, first.model, first.tool_names) == ("openai.chat", "gpt", ("population",))
    (sent,) = second.tool_results
    assert (sent.call_id, sent.name, sent.text) == (call.id, "population", "717710")
    assert first.headers["authorization"] == "[redacted]"
    total = ModelUsage(asked.usage.prompt_tokens + 30, asked.usage.completion_tokens + 4)
    assert llm.usage == total


def responses(llm, **asked):
    import openai

    with openai.OpenAI(api_key="k", base_url=llm.openai_base_url, max_retries=0) as client:
        if not asked.pop("stream"):
            return client.responses.create(model="gpt", tools=TOOLS, **asked)
        with client.responses.stream(model="gpt", tools=TOOLS, **asked) as events:
            return events.get_final_response()


async def async_responses(llm, **asked):
    import openai

    async with openai.AsyncOpenAI(api_key="k", base_url=llm.openai_base_url, max_retries=0) as client:
        if not asked.pop("stream"):
            return await client.responses.create(model="gpt", tools=TOOLS, **asked)
        async with client.responses.stream(model="gpt", tools=TOOLS, **asked) as events:
            return await events.get_final_response()


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("goes_on", ["previous", "all"])
def test_a_response_with_thought_and_parallel_tool_calls(llm, streams, is_async, goes_on):
    llm.script(
        thinking("Two towns."),
        tool_calls(tool_call("population", city="Oslo"), tool_call("population", city="Bergen")),
        text("More than a million", usage=ModelUsage(90, 9, cached_tokens=10, reasoning_tokens=2)),
    )

    def ask(**asked):
        if is_async:
            return asyncio.run(async_responses(llm, stream=streams, **asked))
        return responses(llm, stream=streams, **asked)

    asked = ask(input="How many?", instructions="Count.")
    thought, *calls = asked.output
    assert thought.summary[0].text == "Two towns."
    assert [json.loads(call.arguments) for call in calls] == [{"city": "Oslo"}, {"city": "Bergen"}]
    results = [{"type": "function_call_output", "call_id": call.call_id, "output": "1"} for call in calls]
    if goes_on == "previous":
        said = ask(input=results, previous_response_id=asked.id)
    else:
        before = [item.model_dump(exclude_none=True, exclude={"parsed_arguments"}) for item in asked.output]
        said = ask(input=[QUESTION, *before, *results])
    assert said.output_text == "More than a million"
    assert said.status == "completed"
    assert said.usage.input_tokens_details.cached_tokens == 10
    assert said.usage.output_tokens_details.reasoning_tokens == 2
    first, second = llm.calls
    assert first.system == "Count."
    assert second.system == ""
    assert [(one.name, one.text) for one in second.tool_results] == [("population", "1")] * 2
    assert [message.role for message in second.messages] == ["user", "assistant", "tool"]


def test_a_structured_answer_is_parsed(llm):
    import openai
    import pydantic

    class Town(pydantic.BaseModel):
        name: str
        people: int

    llm.script(*['{"name": "Oslo", "people": 717710}'] * 3, refusal("No."))
    with openai.OpenAI(api_key="k", base_url=llm.openai_base_url) as client:
        chat = client.chat.completions.parse(model="gpt", messages=[QUESTION], response_format=Town)
        said = client.responses.parse(model="gpt", input="Which?", text_format=Town)
        with client.responses.stream(model="gpt", input="Which?", text_format=Town) as events:
            streamed = events.get_final_response()
        refused = client.chat.completions.parse(model="gpt", messages=[QUESTION], response_format=Town)
    for town in (chat.choices[0].message.parsed, said.output_parsed, streamed.output_parsed):
        assert town == Town(name="Oslo", people=717_710)
    assert refused.choices[0].message.refusal == "No."
    assert refused.choices[0].message.content is None


@pytest.mark.parametrize("interface", ["chat", "responses"])
def test_errors_are_those_of_the_package_and_retries_take_a_step_each(llm, interface):
    import openai

    with openai.OpenAI(api_key="k", base_url=llm.openai_base_url, max_retries=2, timeout=0.4) as client:

        def ask(**more):
            if interface == "chat":
                return client.chat.completions.create(model="gpt", messages=[QUESTION], **more)
            return client.responses.create(model="gpt", input="How many?", **more)

        llm.script(error(429, "slow down", retry_after=0), error(503, retry_after=0), text("at last"))
        assert "at last" in ask().model_dump_json()
        for step, kind in (
            (error(400, "no", code="context_length_exceeded"), openai.BadRequestError),
            (error(401), openai.AuthenticationError),
            (error(403), openai.PermissionDeniedError),
            (error(404), openai.NotFoundError),
            (error(422), openai.UnprocessableEntityError),
        ):
            llm.script(step)
            with pytest.raises(kind) as caught:
                ask()
            assert caught.value.body["message"]
        for step, kind in (
            (error(429, code="insufficient_quota"), openai.RateLimitError),
            (error(500), openai.InternalServerError),
            (error.timeout(), openai.APITimeoutError),
            (error.disconnect(), openai.APIConnectionError),
            (error.disconnect("mid_headers"), openai.APIConnectionError),
        ):
            llm.script(step)
            client.max_retries = 0
            with pytest.raises(kind):
                ask()
        llm.script(stream(["a", "b"], cut=True), stream(["a", error(500, "broken")]))
        with pytest.raises(openai.APIConnectionError):
            list(ask(stream=True))
        if interface == "chat":
            with pytest.raises(openai.APIError, match="broken"):
                list(ask(stream=True))
        else:
            assert [one.message for one in ask(stream=True) if one.type == "error"] == ["broken"]


def test_an_answer_that_was_too_long_says_so(llm):
    import openai

    llm.script(*[text("a b", finish_reason="length")] * 3, text("a", finish_reason="content_filter"))
    with openai.OpenAI(api_key="k", base_url=llm.openai_base_url) as client:
        assert client.chat.completions.create(model="g", messages=[QUESTION]).choices[0].finish_reason == "length"
        for streams in (False, True):
            said = client.responses.create(model="g", input="x", stream=streams)
            response = list(said)[-1].response if streams else said
            assert response.status == "incomplete"
            assert response.incomplete_details.reason == "max_output_tokens"
        assert client.responses.create(model="g", input="x").incomplete_details.reason == "content_filter"


def test_a_call_beyond_the_script_is_not_tried_again_and_says_what_to_do():
    import openai

    llm = FakeLLM("one")
    with openai.OpenAI(api_key="k", base_url=llm.openai_base_url, max_retries=5) as client:
        client.responses.create(model="gpt", input="How many?")
        with pytest.raises(openai.BadRequestError, match=r"no step is left in the script.*llm\.script") as caught:
            client.responses.create(model="gpt", input="And now?")
        assert caught.value.code == "fake_llm_script"
    assert len(llm.calls) == 2
    llm.close()
    with pytest.raises(ScriptMismatchError, match="And now"):
        llm.verify()


def test_the_environment_is_enough(llm):
    import openai

    llm.script("hello")
    with llm.environment(), openai.OpenAI() as client:
        assert client.responses.create(model="gpt", input="hi").output_text == "hello"


def test_many_clients_ask_at_once(llm):
    import openai

    llm.script(*[f"answer {number}" for number in range(60)])

    async def all_at_once():
        async with openai.AsyncOpenAI(api_key="k", base_url=llm.openai_base_url) as client:
            asked = [client.responses.create(model="gpt", input=f"{number}") for number in range(60)]
            return [answer.output_text for answer in await asyncio.gather(*asked)]

    assert sorted(asyncio.run(all_at_once())) == sorted(f"answer {number}" for number in range(60))
