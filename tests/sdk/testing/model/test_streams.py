"""A stream put together again is the whole answer, whatever was said."""

import json
import time

import httpx
import pytest
from hypothesis import given
from tests.sdk.testing.model.turns import events_of, requests, turns

from ams_sdk.testing._model import FakeLLM, ModelUsage, error, refusal, stream, text, thinking, tool_call, turn

HEADERS = {"authorization": "Bearer k", "anthropic-version": "2023-06-01"}


def ask(llm, path, document):
    with httpx.Client(transport=llm.transport, base_url="http://model", headers=HEADERS) as client:
        return client.post(path, json=document)


def both(step, path):
    """The answer of two models to the same request, whole and as events."""
    whole, streamed = FakeLLM(step), FakeLLM(step)
    document = ask(whole, path, requests(step, streams=False)[path]).json()
    answer = ask(streamed, path, requests(step, streams=True)[path])
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert whole.usage == streamed.usage
    return without_ids(document), events_of(answer.content)


def without_ids(value):
    if isinstance(value, dict):
        hidden = {"id", "call_id", "item_id", "signature"}
        return {name: without_ids(one) for name, one in value.items() if name not in hidden}
    return [without_ids(one) for one in value] if isinstance(value, list) else value


@given(turns)
def test_chat_completions(step):
    whole, events = both(step, "/v1/chat/completions")
    assert events.pop() == (None, "[DONE]")
    *chunks, last = [document for _, document in events]
    assert (last["choices"], last["usage"]) == ([], whole["usage"])
    assert {chunk["id"] for chunk in chunks} == {last["id"]}
    assert all(chunk["usage"] is None for chunk in chunks)
    (message,) = [choice["message"] for choice in whole["choices"]]
    choices = [chunk["choices"][0] for chunk in chunks]
    assert choices[0]["delta"]["role"] == "assistant"
    assert not any("role" in choice["delta"] for choice in choices[1:])
    assert [choice["finish_reason"] for choice in choices] == [None] * (len(choices) - 1) + [
        whole["choices"][0]["finish_reason"]
    ]
    for name in ("content", "refusal"):
        assert "".join(choice["delta"].get(name) or "" for choice in choices) == (message[name] or "")
    calls = {}
    for choice in choices:
        for part in choice["delta"].get("tool_calls", []):
            call = calls.setdefault(part.pop("index"), {"function": {"name": "", "arguments": ""}})
            assert ("id" in part) == ("type" in part) == ("name" in part["function"])
            call["type"] = part.get("type", call.get("type"))
            call["function"]["name"] += part["function"].get("name", "")
            call["function"]["arguments"] += part["function"]["arguments"]
    assert [calls[index] for index in sorted(calls)] == message.get("tool_calls", [])


@given(turns)
def test_messages(step):
    whole, events = both(step, "/v1/messages")
    assert all(name == document["type"] for name, document in events)
    kinds = [name for name, _ in events]
    assert kinds[0] == "message_start"
    assert kinds[-2:] == ["message_delta", "message_stop"]
    assert kinds.count("ping") == 1
    message = without_ids(events[0][1]["message"])
    assert message["content"] == []
    blocks = []
    for name, event in events[1:-2]:
        if name == "content_block_start":
            assert event["index"] == len(blocks)
            blocks.append(event["content_block"])
            written = ""
        elif name == "content_block_delta":
            assert event["index"] == len(blocks) - 1
            delta = event["delta"]
            if delta["type"] == "input_json_delta":
                written += delta["partial_json"]
            elif delta["type"] == "signature_delta":
                assert blocks[-1]["signature"] == ""
            else:
                field = delta["type"].removesuffix("_delta")
                blocks[-1][field] += delta[field]
        elif name == "content_block_stop" and blocks[-1]["type"] == "tool_use":
            blocks[-1]["input"] = json.loads(written)
    end = events[-2][1]
    assert without_ids(message | {"content": blocks, "usage": end["usage"]} | end["delta"]) == whole


@given(turns)
def test_responses(step):
    whole, events = both(step, "/v1/responses")
    assert all(name == document["type"] for name, document in events)
    assert [document["sequence_number"] for _, document in events] == list(range(len(events)))
    assert [name for name, _ in events[:2]] == ["response.created", "response.in_progress"]
    name, last = events[-1]
    assert name == f"response.{whole['status']}"
    assert without_ids(last["response"]) == whole
    assert {event["response"]["id"] for _, event in events if "response" in event} == {last["response"]["id"]}
    for index, item in enumerate(last["response"]["output"]):
        mine = [event for _, event in events if event.get("output_index") == index]
        assert mine[0]["type"] == "response.output_item.added"
        assert (mine[-1]["type"], mine[-1]["item"]) == ("response.output_item.done", item)
        assert {event["item_id"] for event in mine if "item_id" in event} == {item["id"]}
        deltas = "".join(event["delta"] for event in mine if "delta" in event)
        parts = item.get("summary") or item.get("content") or [item]
        assert deltas == (parts[0].get("arguments") or parts[0].get("text") or parts[0].get("refusal") or "")


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/responses", "/v1/messages"])
def test_a_stream_that_is_cut_ends_in_the_middle(path):
    step = stream(["a", tool_call("b", c=1)], cut=True)
    llm = FakeLLM(step, step)
    got = []
    with httpx.Client(base_url=llm.anthropic_base_url, headers=HEADERS) as client:
        with (
            pytest.raises(httpx.RemoteProtocolError),
            client.stream("POST", path, json=requests(step, streams=True)[path]) as answer,
        ):
            got.extend(answer.iter_raw())
        with pytest.raises(httpx.RemoteProtocolError):
            client.post(path, json=requests(step, streams=False)[path])
    events = events_of(b"".join(got))
    assert '{"c": 1}'.endswith(written(events[-1][1]))
    kinds = {name for name, _ in events}
    assert not kinds & {"message_stop", "message_delta", "response.completed", "response.function_call_arguments.done"}
    assert events[-1][1] != "[DONE]"
    assert llm.usage.total_tokens == 0
    llm.close()


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/responses", "/v1/messages"])
def test_an_error_within_a_stream_is_its_end_and_a_whole_answer_is_that_error(path):
    step = stream(["a", error(529, "busy")])
    llm = FakeLLM(step, step)
    events = events_of(ask(llm, path, requests(step, streams=True)[path]).content)
    whole = ask(llm, path, requests(step, streams=False)[path])
    assert whole.status_code == 529
    name, problem = events[-1]
    assert (problem.get("error") or problem)["message"] == whole.json()["error"]["message"] == "busy"
    assert name == (None if "chat" in path else "error")
    assert llm.usage.total_tokens == 0


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/responses", "/v1/messages"])
def test_only_the_last_part_is_cut_even_if_it_is_the_first_once_more(path):
    said = thinking("a")
    step = stream([said, said], cut=True)
    got = []
    with (
        httpx.Client(transport=FakeLLM(step).transport, base_url="http://model", headers=HEADERS) as client,
        pytest.raises(httpx.RemoteProtocolError),
        client.stream("POST", path, json=requests(step, streams=True)[path]) as answer,
    ):
        got.extend(answer.iter_raw())
    kinds = [name for name, _ in events_of(b"".join(got))]
    assert kinds.count("content_block_start") == 2 * ("messages" in path)
    assert kinds.count("response.output_item.added") == 2 * ("responses" in path)


def test_what_anthropic_says_of_nothing_has_no_block():
    _, events = both(text(""), "/v1/messages")
    assert [name for name, _ in events] == ["message_start", "ping", "message_delta", "message_stop"]


def written(event):
    """The part of a tool call's arguments that is in an event."""
    if "choices" in event:
        return event["choices"][0]["delta"]["tool_calls"][0]["function"]["arguments"]
    return event["delta"]["partial_json"] if isinstance(event["delta"], dict) else event["delta"]


def test_without_being_asked_a_chat_says_nothing_of_its_usage():
    llm = FakeLLM("a")
    document = requests(text("a"), streams=True)["/v1/chat/completions"]
    del document["stream_options"]
    events = events_of(ask(llm, "/v1/chat/completions", document).content)
    assert not any("usage" in document for _, document in events[:-1])


def test_a_delay_is_before_each_delta_and_a_whole_answer_waits_for_all():
    step = stream(["a", "b"], delay=0.05)
    llm = FakeLLM(step, step)
    with httpx.Client(base_url=llm.anthropic_base_url, headers=HEADERS) as client:
        began = time.monotonic()
        arrived = []
        document = requests(step, streams=True)["/v1/messages"]
        with client.stream("POST", "/v1/messages", json=document) as answer:
            arrived = [(time.monotonic() - began, part.count(b"text_delta")) for part in answer.iter_raw()]
        assert [at >= 0.05 for at, deltas in arrived if deltas] == [True, True]
        assert arrived[-1][0] >= 0.1
        began = time.monotonic()
        client.post("/v1/messages", json=requests(step, streams=False)["/v1/messages"])
        assert time.monotonic() - began >= 0.1
    llm.close()


def test_a_response_lives_as_openai_describes_it():
    step = [thinking("a"), text("b"), refusal("c"), tool_call("d", e=1)]
    _, events = both(turn(*step), "/v1/responses")
    reasoning, said = "response.reasoning_summary", "response.content_part"
    added, done = "response.output_item.added", "response.output_item.done"
    arguments = "response.function_call_arguments"
    parts = [f"{reasoning}_part.added", f"{reasoning}_text.delta", f"{reasoning}_text.done", f"{reasoning}_part.done"]
    spoken = [f"{said}.added", "response.output_text.delta", "response.output_text.done", f"{said}.done"]
    refused = [f"{said}.added", "response.refusal.delta", "response.refusal.done", f"{said}.done"]
    called = [f"{arguments}.delta", f"{arguments}.done"]
    items = [name for kinds in (parts, spoken, refused, called) for name in (added, *kinds, done)]
    assert [name for name, _ in events] == [
        "response.created",
        "response.in_progress",
        *items,
        "response.completed",
    ]


def test_usage_stands_where_each_provider_has_it():
    step = text("a", usage=ModelUsage(30, 9, cached_tokens=10, reasoning_tokens=2))
    chat = both(step, "/v1/chat/completions")[0]["usage"]
    assert (chat["prompt_tokens"], chat["completion_tokens"], chat["total_tokens"]) == (30, 9, 39)
    assert chat["prompt_tokens_details"]["cached_tokens"] == 10
    assert chat["completion_tokens_details"]["reasoning_tokens"] == 2
    response = both(step, "/v1/responses")[0]["usage"]
    assert (response["input_tokens"], response["output_tokens"], response["total_tokens"]) == (30, 9, 39)
    assert response["input_tokens_details"]["cached_tokens"] == 10
    assert response["output_tokens_details"]["reasoning_tokens"] == 2
    message, events = both(step, "/v1/messages")
    usage = message["usage"]
    assert (usage["input_tokens"], usage["cache_read_input_tokens"], usage["output_tokens"]) == (20, 10, 9)
    assert events[0][1]["message"]["usage"] == usage | {"output_tokens": 1}
    assert events[-2][1]["usage"] == usage
