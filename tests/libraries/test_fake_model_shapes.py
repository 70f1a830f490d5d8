"""Whatever the script says, each document and each event is what the packages' own models describe."""

import json
from functools import cache

import httpx
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.libraries.installed import needs
from tests.sdk.testing.model.turns import events_of, requests, turns

from ams_sdk.testing._model import FakeLLM, error, stream, tool_call

HEADERS = {"authorization": "Bearer k", "x-api-key": "k", "anthropic-version": "2023-06-01"}


@cache
def models():
    """For each interface the model of its document and that of an event."""
    from anthropic.types import Message, RawMessageStreamEvent
    from openai.types.chat import ChatCompletion, ChatCompletionChunk
    from openai.types.responses import Response, ResponseStreamEvent

    pairs = {
        "/v1/chat/completions": (ChatCompletion, ChatCompletionChunk),
        "/v1/responses": (Response, ResponseStreamEvent),
        "/v1/messages": (Message, RawMessageStreamEvent),
    }
    return {path: tuple(pydantic.TypeAdapter(one) for one in pair) for path, pair in pairs.items()}


def unknown_fields(value, place=""):
    """Fields that the models do not describe."""
    if isinstance(value, pydantic.BaseModel):
        yield from (f"{place}.{name}" for name in value.model_extra or ())
        for name in type(value).model_fields:
            yield from unknown_fields(getattr(value, name), f"{place}.{name}")
    elif isinstance(value, list):
        for one in value:
            yield from unknown_fields(one, place)


def assert_described(adapter, document):
    found = adapter.validate_json(json.dumps(document), strict=True)
    kind = document.get("type")
    assert kind is None or found.type == kind
    # The package leaves the name out of this one event; the API sends it.
    allowed = {".name"} if kind == "response.function_call_arguments.done" else set()
    assert set(unknown_fields(found)) <= allowed


def ask(step, path, document):
    llm = FakeLLM(step)
    with httpx.Client(transport=llm.transport, base_url="http://model", headers=HEADERS) as client:
        answer = client.post(path, json=document)
    assert answer.status_code == 200, answer.text
    llm.verify()
    return answer


@needs("openai", "anthropic")
@given(step=turns, path=st.sampled_from(["/v1/chat/completions", "/v1/responses", "/v1/messages"]))
def test_documents_and_events_are_those_of_the_packages(step, path):
    whole, event = models()[path]
    assert_described(whole, ask(step, path, requests(step, streams=False)[path]).json())
    events = events_of(ask(step, path, requests(step, streams=True)[path]).content)
    for name, document in events:
        if document == "[DONE]":
            assert path == "/v1/chat/completions"
        elif name == "ping":
            assert document == {"type": "ping"}
        else:
            assert name == document.get("type")
            assert_described(event, document)


@needs("openai", "anthropic")
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/responses", "/v1/messages"])
def test_so_are_the_events_of_a_stream_that_fails_up_to_its_error(path):
    from anthropic.types import ErrorResponse
    from openai.types.responses import ResponseErrorEvent

    step = stream(["a", tool_call("b", c=1), error(503, "broken")])
    *events, (name, problem) = events_of(ask(step, path, requests(step, streams=True)[path]).content)
    for event, document in events:
        if event != "ping":
            assert_described(models()[path][1], document)
    if path == "/v1/responses":
        assert name == ResponseErrorEvent.model_validate(problem, strict=True).type
        assert [document["sequence_number"] for _, document in [*events, (name, problem)]] == list(
            range(len(events) + 1)
        )
    elif path == "/v1/messages":
        assert name == ErrorResponse.model_validate(problem, strict=True).type
    else:
        assert (name, problem["error"]["message"]) == (None, "broken")
