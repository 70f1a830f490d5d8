import json
from types import SimpleNamespace

import pytest
from opentelemetry.trace import SpanKind, StatusCode
from tests.libraries.conventions import departures

from ams_sdk import agent, tool

CHAT = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt"}


def span(name="chat gpt", kind=SpanKind.CLIENT, status=StatusCode.UNSET, without=(), **more):
    attributes = CHAT | {key.replace("__", "."): value for key, value in more.items()}
    kept = {key: value for key, value in attributes.items() if key not in without}
    return SimpleNamespace(name=name, kind=kind, attributes=kept, status=SimpleNamespace(status_code=status))


def test_our_own_spans_depart_in_nothing(recorder):
    @tool
    def population(city: str) -> int:
        return {"Oslo": 717_710}[city]

    @agent
    def assistant(question: str) -> int:
        return population(question)

    assistant("Oslo")
    with pytest.raises(KeyError):
        assistant("Atlantis")
    assert len(recorder.spans) == 4
    assert [departures(one) for one in recorder.spans] == [set()] * 4


def messages(*parts, role="user", **more):
    return json.dumps([{"role": role, "parts": list(parts), **more}])


@pytest.mark.parametrize(
    ("wrong", "departure"),
    [
        (span(name="openai.chat"), "chat: the span's name is not the operation and its subject"),
        (span(kind=SpanKind.SERVER), "chat: kind SERVER"),
        (span(without={"gen_ai.provider.name"}), "chat: no gen_ai.provider.name"),
        (span(gen_ai__operation__name="handoff"), "unknown operation handoff"),
        (span(gen_ai__usage__input_tokens=1.0), "gen_ai.usage.input_tokens is no int"),
        (span(gen_ai__usage__input_tokens=True), "gen_ai.usage.input_tokens is no int"),
        (span(gen_ai__request__temperature=1), "gen_ai.request.temperature is no double"),
        (span(gen_ai__request__stream=False), "gen_ai.request.stream is no true"),
        (span(gen_ai__response__finish_reasons="stop"), "gen_ai.response.finish_reasons is no string[]"),
        (span(gen_ai__input__messages="{"), "gen_ai.input.messages is no JSON"),
        (span(gen_ai__input__messages="{}"), "gen_ai.input.messages is no list"),
        (span(gen_ai__system="openai"), "no such attribute: gen_ai.system"),
        (span(model="gpt"), "an attribute without a namespace: model"),
        (span(status=StatusCode.OK), "status OK, which is the application's to say"),
        (span(status=StatusCode.ERROR), "an error without error.type"),
        (span(error__type="ValueError"), "error.type without an error"),
        (span(gen_ai__input__messages=messages(role="robot")), "gen_ai.input.messages: role robot"),
        (span(gen_ai__input__messages=messages(name=None)), "gen_ai.input.messages: name is null"),
        (span(gen_ai__input__messages=messages({"type": "text"})), "gen_ai.input.messages: text without content"),
        (span(gen_ai__output__messages=messages("hi")), "gen_ai.output.messages: a part without a type"),
        (span(gen_ai__tool__definitions='[{"name": "x"}]'), "gen_ai.tool.definitions: a tool without type or name"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_departure_is_named(wrong, departure):
    assert departure in departures(wrong)


def test_a_call_by_the_book_departs_in_nothing():
    said = messages({"type": "text", "content": "hi"}, role="assistant", finish_reason="stop")
    good = span(
        gen_ai__output__messages=said,
        gen_ai__usage__input_tokens=3,
        gen_ai__request__temperature=0.5,
        gen_ai__response__finish_reasons=("stop",),
        server__port=443,
    )
    assert departures(good) == set()
