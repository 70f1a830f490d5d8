"""The model as an object, its routes, its environment and its end."""

import multiprocessing
import os
import subprocess
import sys
import threading
import time
from functools import partial

import anyio
import httpx
import pytest

from ams_sdk import ConfigurationError
from ams_sdk.testing import _model
from ams_sdk.testing._model import (
    FakeLLM,
    ModelError,
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


def search(query):
    """A tool."""
    return query


def ask(llm, way, *args, **more):
    """The answer as one completion, or the chunks of a stream put together."""
    if way == "sync":
        return llm.complete(*args, **more)
    if way == "async":
        return anyio.run(lambda: llm.acomplete(*args, **more))

    async def read():
        return [chunk async for chunk in llm.astream(*args, **more)]

    return list(llm.stream(*args, **more)) if way == "stream" else anyio.run(read)


@pytest.mark.parametrize("way", ["sync", "async"])
def test_a_program_talks_to_it_as_an_object(way):
    llm = FakeLLM(
        thinking("Hm."),
        ["Let me see.", tool_call("search", query="otters"), tool_call("search", query="seals")],
        text("Both float.", usage=(30, 5), finish_reason="length"),
        refusal("No."),
    )
    messages = [{"role": "user", "content": "Which float?"}]
    asked = ask(llm, way, messages, tools=[search], system="Be brief.", temperature=0)
    assert (asked.thinking, asked.text, asked.finish_reason) == ("Hm.", "Let me see.", "tool_calls")
    assert [call.arguments["query"] for call in asked.tool_calls] == ["otters", "seals"]
    messages.append(asked.message)
    messages += [{"role": "tool", "tool_call_id": call.call_id, "content": "yes"} for call in asked.tool_calls]
    said = ask(llm, way, messages, tools=[search], model="gpt")
    assert (said.text, said.model, said.finish_reason) == ("Both float.", "gpt", "length")
    assert said.usage == ModelUsage(30, 5)
    assert said.message == {"role": "assistant", "content": "Both float."}
    refused = ask(llm, way, "And me?")
    assert (refused.refusal, refused.text, refused.message["content"]) == ("No.", "", "No.")
    llm.verify()
    first, second, third = llm.calls
    assert (first.api, first.system, first.parameters) == ("object", "Be brief.", {"temperature": 0})
    assert [(one.name, one.text) for one in second.tool_results] == [("search", "yes")] * 2
    assert [message.role for message in second.messages] == ["user", "assistant", "tool"]
    assert third.last_text == "And me?"
    assert llm.usage == asked.usage + said.usage + refused.usage


@pytest.mark.parametrize("way", ["stream", "async stream"])
def test_it_streams_to_a_program(way):
    llm = FakeLLM([thinking("H m"), "a b", refusal("No."), *[tool_call("search", query=n * "x") for n in (1, 20)]])
    *chunks, last = ask(llm, way, "Which?", tools=["search"])
    assert [chunk.text for chunk in chunks if chunk.text] == ["a ", "b"]
    assert [chunk.thinking for chunk in chunks if chunk.thinking] == ["H ", "m"]
    assert [chunk.refusal for chunk in chunks if chunk.refusal] == ["No."]
    written = {0: "", 1: ""}
    for chunk in chunks:
        if chunk.tool_call is not None:
            written[chunk.tool_index] += chunk.tool_call.arguments_json
    assert written == {0: '{"query": "x"}', 1: '{"query": "' + "x" * 20 + '"}'}
    assert (last.finish_reason, last.usage) == ("tool_calls", llm.usage)
    assert llm.calls[0].stream


@pytest.mark.parametrize("way", ["sync", "async", "stream", "async stream"])
def test_what_goes_wrong_raises(way):
    llm = FakeLLM()
    for step, kind in (
        (error(429, "slow", code="c", retry_after=2), ModelError),
        (error.timeout(), TimeoutError),
        (error.disconnect(), ConnectionError),
        (stream(["a"], cut=True), ConnectionError),
        (stream(["a", error(500)]), ModelError),
    ):
        llm.script(step)
        with pytest.raises(kind) as caught:
            ask(llm, way, "Hi")
        if step == error(429, "slow", code="c", retry_after=2):
            told = caught.value
            assert (str(told), told.status, told.code, told.retry_after) == ("slow", 429, "c", 2)
    assert llm.usage == ModelUsage(0, 0)
    llm.verify()
    with pytest.raises(ScriptMismatchError, match="no step is left"):
        ask(llm, way, "Hi")
    with pytest.raises(ConfigurationError, match=r"would refuse.*at least one message.* \(messages\)"):
        ask(llm, way, [])


def test_a_delay_is_waited_for():
    llm = FakeLLM(*[stream(["a", "b"], delay=0.03)] * 4)
    for way in ("sync", "async", "stream", "async stream"):
        began = time.monotonic()
        ask(llm, way, "Hi")
        assert time.monotonic() - began >= 0.06


@pytest.mark.parametrize(
    "tool",
    [
        search,
        "search",
        {"type": "function", "function": {"name": "search"}},
        {"type": "function", "name": "search"},
        {"name": "search", "input_schema": {}},
        type("Tool", (), {"name": "search"})(),
    ],
)
def test_tools_are_offered_in_any_form(tool):
    llm = FakeLLM(tool_call("search"))
    llm.complete("Hi", tools=[tool])
    assert llm.calls[0].tool_names == ("search",)


def test_a_tool_without_a_name_is_none():
    with pytest.raises(ConfigurationError, match="with a name, not 3"):
        FakeLLM().complete("Hi", tools=[3])


def test_several_agents_share_a_model():
    llm = FakeLLM("anybody")
    llm.when(tool="search").then("the searcher", "again")
    llm.when(system="plan").then("the planner")
    llm.when(message="secret word").then("the spy")
    llm.when(model="big", message="Hi").then("the big one")
    llm.when(lambda request: request.parameters.get("temperature") == 1).then("the hot one")
    route = llm.when("otters").then("the one for otters")
    assert repr(route) == "<Route when('otters')>"
    assert [llm.complete("Hi", tools=[search]).text for _ in range(2)] == ["the searcher", "again"]
    assert llm.complete("Hi", system="You plan.").text == "the planner"
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    told = {"role": "tool", "tool_call_id": "c", "content": "the secret word"}
    assert llm.complete([{"role": "assistant", "tool_calls": [call]}, told]).text == "the spy"
    assert llm.complete("Hi", model="big").text == "the big one"
    assert llm.complete("Hi", temperature=1).text == "the hot one"
    assert llm.complete("About otters").text == "the one for otters"
    assert llm.complete("Hi", model="small").text == "anybody"
    llm.verify()
    with pytest.raises(ScriptMismatchError, match=r"all 2 were used before.*llm\.when\(tool='search'\)\.then"):
        llm.complete("Hi", tools=[search])


def test_a_condition_that_raises_is_told():
    llm = FakeLLM("a")
    llm.when(lambda request: request.nothing)
    with pytest.raises(ScriptMismatchError, match="raised AttributeError") as caught:
        llm.complete("Hi")
    assert isinstance(caught.value.__cause__, AttributeError)
    with pytest.raises(ScriptMismatchError, match="AttributeError"):
        llm.verify()


def test_a_function_answers_and_may_ask_again():
    def answer(call):
        if call.tool_results:
            return f"It is {call.tool_results[-1].text}."
        return tool_calls(tool_call("search", query=llm.complete("inner", model="inner").text)) if call.tools else "?"

    llm = FakeLLM.from_function(answer)
    asked = llm.complete("Hi", tools=[search])
    assert asked.tool_calls[0].arguments == {"query": "?"}
    assert [call.model for call in llm.calls] == ["fake-model", "inner"]
    llm.verify()
    assert repr(llm) == "<FakeLLM: a function, 2 calls>"


def test_ids_are_the_same_in_each_run_and_differ_between_two_models():
    def ids():
        llm = FakeLLM(*[tool_call("search")] * 3)
        made = [llm.complete("Hi", tools=[search]).tool_calls[0].call_id for _ in range(3)]
        return made, [one.partition("x")[2] for one in made]

    (first, ends), (second, same) = ids(), ids()
    assert ends == same
    assert not set(first) & set(second)


def test_a_call_is_one_line_without_secrets():
    llm = FakeLLM(tool_call("search"), "b", "c")
    key = "sk-proj-" + "a1B2" * 8
    asked = llm.complete(f"My key\nis {key}", tools=[search], model="gpt")
    call = asked.tool_calls[0].call_id
    messages = [{"role": "user", "content": "?"}, asked.message]
    list(llm.stream([*messages, {"role": "tool", "tool_call_id": call, "content": "found " * 90}], tools=[search] * 40))
    shown = [repr(one) for one in llm.calls]
    assert shown[0] == '<object gpt: "My key is [redacted]"; tools search>'
    assert shown[1].startswith('<object fake-model: search → "found found ')
    assert shown[1].endswith("; 3 messages; tools search, search, search, search, search,…; stream>")
    assert len(shown[1]) <= 160


def test_a_request_keeps_what_was_sent_and_masks_headers():
    llm = FakeLLM("a")
    sent = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}], "temperature": 0.5}
    with httpx.Client(transport=llm.transport, base_url="http://model") as client:
        key = "sk-proj-" + "a1B2" * 8
        headers = {"x-api-key": "k-1", "anthropic-version": "1", "x-other": f"Bearer {key}", "x-plain": "p"}
        client.post("/v1/messages", json=sent, headers=headers)
    (call,) = llm.calls
    assert call.json == sent
    assert call.parameters == {"max_tokens": 9, "temperature": 0.5}
    assert call.headers["x-api-key"] == "[redacted]"
    assert key not in call.headers["x-other"]
    assert call.headers["x-plain"] == "p"


def test_the_environment_is_set_and_set_back(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "mine")
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with FakeLLM() as llm:
        variables = llm.environment()
        assert variables == {
            "OPENAI_BASE_URL": llm.openai_base_url,
            "OPENAI_API_KEY": "fake-llm",
            "ANTHROPIC_BASE_URL": llm.anthropic_base_url,
            "ANTHROPIC_API_KEY": "fake-llm",
        }
        with variables, variables:
            assert os.environ["OPENAI_BASE_URL"] == f"{llm.anthropic_base_url}/v1"
        assert os.environ["OPENAI_API_KEY"] == "mine"
        assert "OPENAI_BASE_URL" not in os.environ
        monkeypatch.setenv("https_proxy", "http://proxy.invalid")
        monkeypatch.setenv("NO_PROXY", "intranet")
        assert llm.environment()["NO_PROXY"] == "intranet,127.0.0.1"


def test_another_process_finds_it(tmp_path):
    program = (
        "import os, httpx;"
        "answer = httpx.post(os.environ['OPENAI_BASE_URL'] + '/responses', json={'model': 'm', 'input': 'hi'},"
        "headers={'authorization': 'Bearer ' + os.environ['OPENAI_API_KEY']});"
        "print(answer.json()['output'][0]['content'][0]['text'])"
    )
    with FakeLLM("hello, process") as llm:
        said = subprocess.run(
            [sys.executable, "-c", program], env=os.environ | llm.environment(), capture_output=True, check=True
        )
    assert said.stdout.strip() == b"hello, process"


def test_a_with_block_verifies_and_closes_but_leaves_an_error_alone():
    before = threading.active_count()
    with pytest.raises(ScriptMismatchError), FakeLLM("unused") as llm:
        assert llm.openai_base_url.endswith("/v1")
    with pytest.raises(LookupError), FakeLLM("unused"):
        raise LookupError
    assert threading.active_count() == before
    llm.close()
    assert repr(llm) == "<FakeLLM: 0 of 1 steps used, 0 calls>"


def test_an_application_that_fails_is_told_at_the_end(monkeypatch):
    llm = FakeLLM("a")
    monkeypatch.setattr(llm._endpoint, "_answer", lambda *_: 1 / 0)
    assert httpx.post(f"{llm.openai_base_url}/responses").status_code == 500
    llm.close()
    llm._script.steps.entries.clear()
    with pytest.raises(ZeroDivisionError):
        llm.verify()


def test_names_are_what_they_are():
    assert sorted(_model.__all__) == _model.__all__
    assert all(hasattr(_model, name) for name in _model.__all__)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_what_a_forked_worker_asks_by_the_transport_is_of_the_same_script_if_there_is_a_port():
    with FakeLLM("a", "b") as llm:
        assert llm.openai_base_url
        key = {"authorization": "Bearer k"}

        def ask():
            with httpx.Client(transport=llm.transport, base_url="http://model/v1", headers=key) as client:
                body = {"model": "m", "messages": [{"role": "user", "content": "x"}], "stream": True}
                with client.stream("POST", "chat/completions", json=body) as answer:
                    assert "".join(answer.iter_text()).endswith("data: [DONE]\n\n")

        async def ask_later():
            async with httpx.AsyncClient(transport=llm.transport, base_url="http://model/v1", headers=key) as client:
                body = {"model": "m", "messages": [{"role": "user", "content": "y"}]}
                assert (await client.post("chat/completions", json=body)).json()["model"] == "m"

        for work in (ask, partial(anyio.run, ask_later)):
            worker = multiprocessing.get_context("fork").Process(target=work)
            worker.start()
            worker.join()
            assert worker.exitcode == 0
        assert [call.messages[-1].text for call in llm.calls] == ["x", "y"]
