"""Real clients are recorded and replayed: whole answers, streams, asynchronous clients; the traces are alike."""

from __future__ import annotations

import asyncio
import json

import pytest
from tests.libraries.installed import needs

from ams_sdk.testing import Cassette, CassetteMismatchError, FakeLLM, Kit, text, tool_call

SECRET = "sk-proj-" + "a1B2c3D4" * 6


def openai_chat(base_url):
    import openai

    client = openai.OpenAI(base_url=f"{base_url}/v1", api_key=SECRET, max_retries=0)
    answer = client.chat.completions.create(model="gpt-5", messages=[{"role": "user", "content": "Why?"}])
    return answer.choices[0].message.content


def openai_stream(base_url):
    import openai

    client = openai.OpenAI(base_url=f"{base_url}/v1", api_key=SECRET, max_retries=0)
    stream = client.chat.completions.create(
        model="gpt-5",
        messages=[{"role": "user", "content": "Why?"}],
        stream=True,
        stream_options={"include_usage": True},
    )
    return [chunk.model_dump(exclude={"id", "created"}) for chunk in stream]


def openai_responses(base_url):
    import openai

    async def ask():
        async with openai.AsyncOpenAI(base_url=f"{base_url}/v1", api_key=SECRET, max_retries=0) as client:
            answer = await client.responses.create(model="gpt-5", input="Why?")
            return answer.output_text

    return asyncio.run(ask())


def anthropic_message(base_url):
    import anthropic

    client = anthropic.Anthropic(base_url=base_url, api_key=SECRET, max_retries=0)
    answer = client.messages.create(model="claude", max_tokens=50, messages=[{"role": "user", "content": "Why?"}])
    return answer.content[0].text


def anthropic_stream(base_url):
    import anthropic

    async def ask():
        async with anthropic.AsyncAnthropic(base_url=base_url, api_key=SECRET, max_retries=0) as client:
            asked = {"model": "claude", "max_tokens": 50, "messages": [{"role": "user", "content": "Why?"}]}
            async with client.messages.stream(**asked) as stream:
                return [part async for part in stream.text_stream]

    return asyncio.run(ask())


WAYS = [openai_chat, openai_stream, openai_responses, anthropic_message, anthropic_stream]


@pytest.mark.parametrize("ask", WAYS, ids=lambda way: way.__name__)
def test_a_client_is_replayed_as_it_was_recorded(tmp_path, ask):
    pytest.importorskip(ask.__name__.partition("_")[0])
    path = tmp_path / "one.json"
    with FakeLLM(text("They hold hands, so that they do not drift apart.")) as model, Cassette(path, "all") as cassette:
        recorded = ask(model.anthropic_base_url)
        cassette.verify()
    assert SECRET not in path.read_text()
    with Cassette(path) as cassette:
        assert ask("http://127.0.0.1:1") == recorded
        cassette.verify()


def test_a_question_that_was_not_recorded_is_told_with_the_difference(tmp_path):
    pytest.importorskip("openai")
    path = tmp_path / "one.json"
    with FakeLLM(tool_call("search", query="otters"), strict=False) as model, Cassette(path, "all") as cassette:
        openai_chat(model.anthropic_base_url)
        cassette.verify()
    path.write_text(path.read_text().replace("Why?", "How?"))
    with Cassette(path) as cassette, pytest.raises(Exception, match=r"is not in|Connection error"):
        openai_chat("http://127.0.0.1:1")
    with pytest.raises(CassetteMismatchError, match="Why"):
        cassette.verify()


@needs("openai", "opentelemetry-instrumentation-genai-openai")
def test_a_replayed_call_is_traced_like_the_one_that_was_recorded(tmp_path):
    path = tmp_path / "one.json"
    trees = []
    with FakeLLM(text("They hold hands.")) as model:
        for mode in ("all", "none"):
            with Kit() as kit:
                kit.cassette(path, mode)
                openai_chat(model.anthropic_base_url if mode == "all" else "http://127.0.0.1:1")
                kit.verify()
                trees.append(kit.trace.tree(["gen_ai.usage.output_tokens", "gen_ai.response.model"]))
    assert trees[0] == trees[1]
    assert "chat gpt-5" in trees[0]
    assert json.loads(path.read_text())["ams_cassette"] == 1
