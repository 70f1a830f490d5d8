import pytest
from tests.libraries import departures
from tests.libraries.installed import needs
from tests.libraries.traces import assert_conventional, assert_one_trace, charged, model_calls, tokens, tree

from ams_sdk import agent, tool
from ams_sdk.testing._model import error, text, tool_call

pytestmark = needs("anthropic", "opentelemetry-instrumentation-genai-anthropic", "opentelemetry-instrumentation-httpx")

TOOLS = [{"name": "population", "description": "People of a city.", "input_schema": {"type": "object"}}]
QUESTION = [{"role": "user", "content": "How many?"}]


@tool
def population(city: str) -> int:
    return {"Oslo": 717_710}[city]


def client(model):
    import anthropic

    return anthropic.Anthropic(api_key="none", base_url=model.anthropic_base_url, max_retries=0)


def test_a_message_with_a_tool_call_is_one_trace_though_the_library_traces_itself_as_well(recorder, model, traced):
    model.script(tool_call("population", city="Oslo"))

    @agent
    def assistant() -> int:
        with client(model) as anthropic:
            asked = anthropic.messages.create(
                model="claude", max_tokens=9, system="Count.", messages=QUESTION, tools=TOOLS
            )
        return population(**asked.content[0].input)

    assert assistant() == 717_710
    spans = recorder.spans
    assert_one_trace(spans)
    assert tree(spans) == [("invoke_agent assistant", [("chat claude", []), ("execute_tool population", [])])]
    assert tree(spans, without_http=False)[0][1][0] == ("chat claude", [("POST", [])])
    assert tokens(spans) == charged(model)
    (call,) = model_calls(spans)
    assert call.attributes["gen_ai.request.max_tokens"] == 9
    assert "Count." in call.attributes["gen_ai.system_instructions"]
    assert traced()["anthropic"] == "opentelemetry-instrumentation-genai-anthropic"
    assert_conventional(spans, {departures.ANTHROPIC: departures.NULL_NAMES} | departures.OLD_HTTP)


@pytest.mark.parametrize("way", ["create", "stream"])
def test_a_stream_is_one_span_with_the_tokens_of_its_end(recorder, model, way):
    model.script(text("a b c", usage=(11, 3)))

    @agent
    def assistant() -> str:
        asked = {"model": "claude", "max_tokens": 9, "messages": QUESTION}
        with client(model) as anthropic:
            if way == "create":
                events = list(anthropic.messages.create(stream=True, **asked))
                return "".join(event.delta.text for event in events if event.type == "content_block_delta")
            with anthropic.messages.stream(**asked) as stream:
                return stream.get_final_text()

    assert assistant() == "a b c"
    spans = recorder.spans
    assert tree(spans) == [("invoke_agent assistant", [("chat claude", [])])]
    assert tokens(spans) == charged(model) == (11, 3)
    assert_conventional(spans, {departures.ANTHROPIC: departures.NULL_NAMES} | departures.OLD_HTTP)


def test_a_refusal_of_the_endpoint_is_an_error_with_its_type(recorder, model):
    model.script(error(529, "not now"))

    @agent
    def assistant() -> None:
        with client(model) as anthropic:
            anthropic.messages.create(model="claude", max_tokens=9, messages=QUESTION)

    import anthropic

    with pytest.raises(anthropic.APIStatusError):
        assistant()
    assert recorder.one("chat claude").attributes["error.type"].startswith("anthropic.")
    assert tokens(recorder.spans) == (0, 0)


def test_alone_the_library_traces_itself_into_our_provider(recorder, model, traced):
    recorder.configure(auto_trace=["httpx"])
    model.script("yes")
    with client(model) as anthropic:
        anthropic.messages.create(model="claude", max_tokens=9, messages=QUESTION)
    spans = recorder.spans
    assert "anthropic" not in traced()
    assert [call.instrumentation_scope.name for call in model_calls(spans)] == ["com.anthropic.sdk.python"]
    assert tokens(spans) == charged(model)
