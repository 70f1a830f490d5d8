import asyncio
import json
import os

import pytest
from tests.libraries import departures
from tests.libraries.installed import needs
from tests.libraries.traces import assert_conventional, assert_one_trace, charged, model_calls, tokens, tree

import ams_sdk
from ams_sdk import agent, tool
from ams_sdk.testing._model import FakeLLM, error, text, tool_call

pytestmark = needs("openai", "opentelemetry-instrumentation-genai-openai", "opentelemetry-instrumentation-httpx")

TOOLS = [{"type": "function", "function": {"name": "population", "parameters": {"type": "object", "properties": {}}}}]


@tool
def population(city: str) -> int:
    return {"Oslo": 717_710}[city]


def openai_module():
    import openai  # not at the head of the file: what is measured is its first import

    return openai


def client(model, **more):
    return openai_module().OpenAI(api_key="sk-none", base_url=model.openai_base_url, max_retries=0, **more)


def test_a_chat_with_a_tool_call_is_one_trace_below_the_agent(recorder, model, traced):
    model.script(tool_call("population", city="Oslo"), text("717710 people", usage=(30, 7)))

    @agent
    def assistant(question: str) -> str:
        messages = [{"role": "user", "content": question}]
        with client(model) as openai:
            asked = openai.chat.completions.create(model="gpt", messages=messages, tools=TOOLS)
            call = asked.choices[0].message.tool_calls[0]
            found = population(**json.loads(call.function.arguments))
            messages += [asked.choices[0].message, {"role": "tool", "tool_call_id": call.id, "content": str(found)}]
            return (
                openai.chat.completions.create(model="gpt", messages=messages, tools=TOOLS).choices[0].message.content
            )

    assert assistant("How many?") == "717710 people"
    spans = recorder.spans
    assert_one_trace(spans)
    assert tree(spans) == [
        ("invoke_agent assistant", [("chat gpt", []), ("execute_tool population", []), ("chat gpt", [])])
    ]
    assert tree(spans, without_http=False)[0][1][0] == ("chat gpt", [("POST", [])])
    assert tokens(spans) == charged(model)
    first, second = model_calls(spans)
    assert first.attributes["gen_ai.response.finish_reasons"] == ("tool_calls",)
    assert "How many?" in first.attributes["gen_ai.input.messages"]
    assert "717710 people" in second.attributes["gen_ai.output.messages"]
    assert traced()["openai"] == "opentelemetry-instrumentation-genai-openai"
    known = {departures.OPENAI: departures.NULL_NAMES | departures.NULL_DESCRIPTION}
    assert_conventional(spans, known | departures.OLD_HTTP)


@pytest.mark.parametrize("interface", ["chat", "responses"])
def test_a_stream_ends_its_span_with_the_tokens_of_its_last_chunk(recorder, model, interface):
    model.script(text("a b c", usage=(11, 3)))

    @agent
    def assistant(question: str) -> int:
        with client(model) as openai:
            if interface == "responses":
                return len(list(openai.responses.create(model="gpt", input=question, stream=True)))
            messages = [{"role": "user", "content": question}]
            options = {"include_usage": True}
            chunks = openai.chat.completions.create(model="gpt", messages=messages, stream=True, stream_options=options)
            return len(list(chunks))

    assert assistant("How many?") > 3
    spans = recorder.spans
    assert tree(spans) == [("invoke_agent assistant", [("chat gpt", [])])]
    assert tokens(spans) == charged(model) == (11, 3)
    (call,) = model_calls(spans)
    assert call.attributes["gen_ai.request.stream"] is True
    assert call.attributes["gen_ai.response.time_to_first_chunk"] > 0
    assert_conventional(spans, {departures.OPENAI: departures.NULL_NAMES} | departures.OLD_HTTP)


def test_a_refusal_of_the_endpoint_is_an_error_on_the_call_and_on_the_agent(recorder, model):
    model.script(error(429, "slow down"))

    @agent
    def assistant(question: str) -> str:
        with client(model) as openai:
            return openai.responses.create(model="gpt", input=question).output_text

    with pytest.raises(openai_module().RateLimitError):
        assistant("How many?")
    spans = recorder.spans
    call, run = recorder.one("chat gpt"), recorder.one("invoke_agent assistant")
    assert call.attributes["error.type"] == run.attributes["error.type"] == "openai.RateLimitError"
    assert tokens(spans) == (0, 0)
    assert [event.name for span in spans for event in span.events] == ["exception"]
    known = {departures.OPENAI: {"gen_ai.input.messages: name is null"}}
    assert_conventional(spans, known | departures.OLD_HTTP)


def test_calls_of_the_async_client_at_once_each_belong_to_their_own_agent(recorder, model):
    model.script(*(f"answer {number}" for number in range(6)))

    @agent
    async def assistant(question: str) -> str:
        async with openai_module().AsyncOpenAI(api_key="sk-none", base_url=model.openai_base_url) as one:
            return (await one.responses.create(model="gpt", input=question)).output_text

    async def all_at_once():
        return await asyncio.gather(*(assistant(f"question {number}") for number in range(6)))

    answers = asyncio.run(all_at_once())
    spans = recorder.spans
    assert tree(spans) == [("invoke_agent assistant", [("chat gpt", [])])] * 6
    assert tokens(spans) == charged(model)
    runs = {span.context.span_id: span for span in spans if span.name == "invoke_agent assistant"}
    pairs = {
        (call.attributes["gen_ai.input.messages"], call.attributes["gen_ai.output.messages"]): runs[call.parent.span_id]
        for call in model_calls(spans)
    }
    assert len(answers) == len(pairs) == 6
    for (asked, answered), run in pairs.items():
        for content, ours in ((asked, "gen_ai.input.messages"), (answered, "gen_ai.output.messages")):
            assert json.loads(content)[0]["parts"] == json.loads(run.attributes[ours])[0]["parts"]


def test_an_embedding_that_fails_is_an_embeddings_span_with_the_type_of_its_error(recorder):
    with FakeLLM(strict=False) as model, client(model) as openai, pytest.raises(openai_module().BadRequestError):
        openai.embeddings.create(model="embedder", input="", encoding_format="float")
    (span,) = [span for span in recorder.spans if span.name == "embeddings embedder"]
    assert span.attributes["error.type"] == "openai.BadRequestError"


def test_an_embedding_is_a_span_below_the_tool_that_asked_for_it(recorder, model):
    @tool
    def look_up(question: str) -> int:
        with client(model) as openai:
            return len(openai.embeddings.create(model="embedder", input=question, dimensions=8).data[0].embedding)

    assert look_up("words") == 8
    assert tree(recorder.spans) == [("execute_tool look_up", [("embeddings embedder", [])])]
    call = recorder.one("embeddings embedder")
    assert call.attributes["gen_ai.usage.input_tokens"] == 2
    assert call.attributes["gen_ai.embeddings.dimension.count"] == 8


def test_without_content_the_call_is_there_and_says_nothing_of_what_was_said(recorder, model, monkeypatch):
    recorder.configure(capture_content=False)
    model.script(text("717710 people", usage=(11, 7)))
    with client(model) as openai:
        openai.responses.create(model="gpt", input="How many?", instructions="Count.")
    (call,) = model_calls(recorder.spans)
    assert call.attributes["gen_ai.usage.input_tokens"] == 11
    assert not [name for name in call.attributes if "messages" in name or "instructions" in name]


def test_the_environment_is_as_the_user_left_it(recorder, model, monkeypatch):
    name = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
    client(model).close()
    assert name not in os.environ
    monkeypatch.setenv(name, "EVENT_ONLY")
    recorder.configure()
    assert os.environ[name] == "EVENT_ONLY"


def test_configuring_anew_neither_doubles_spans_nor_loses_them(recorder, model):
    model.script(*["yes"] * 4)
    with client(model) as openai:
        openai.responses.create(model="gpt", input="1")
        recorder.configure()
        openai.responses.create(model="gpt", input="2")
        recorder.configure(capture_content=False)
        openai.responses.create(model="gpt", input="3")
        recorder.configure(capture_content=True)
        openai.responses.create(model="gpt", input="4")
    asked = [call.attributes.get("gen_ai.input.messages") for call in model_calls(recorder.spans)]
    assert [text and json.loads(text)[0]["parts"][0]["content"] for text in asked] == ["1", "2", None, "4"]


def test_after_shutdown_the_library_is_as_it_was(model):
    responses = openai_module().resources.responses.Responses
    before = responses.create
    ams_sdk.configure(exporters=[_Nowhere()])
    assert responses.create is not before
    ams_sdk.shutdown()
    assert responses.create is before


def test_what_the_application_instruments_itself_stays_its_own(recorder, model):
    from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    theirs = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(theirs))
    model.script(*["yes"] * 3)
    with client(model) as openai:
        openai.responses.create(model="gpt", input="ours")
        OpenAIInstrumentor().instrument(tracer_provider=provider)  # which takes over from us, without a warning
        try:
            openai.responses.create(model="gpt", input="theirs")
            ams_sdk.shutdown()  # which leaves it alone
            openai.responses.create(model="gpt", input="theirs too")
        finally:
            OpenAIInstrumentor().uninstrument()
    assert len(theirs.get_finished_spans()) == 2
    assert len(model_calls(recorder.exporter.get_finished_spans())) == 1


class _Nowhere:
    def export(self, _spans):
        return None

    def shutdown(self):
        pass
