"""``@span`` and ``@workflow``; what is captured at each decorator."""

import asyncio
import functools
import json
from typing import Annotated

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import SpanKind

import ams_sdk
from ams_sdk import Secret, agent, span, tool, workflow
from ams_sdk._decorators import definition_of
from ams_sdk._decorators.annotations import secret_parameters


@pytest.fixture(params=["ours", "theirs"])
def recorder(request, unconfigured_recorder):
    provider = TracerProvider(shutdown_on_exit=False) if request.param == "theirs" else None
    return unconfigured_recorder.configure(provider=provider)


@span
def step(what):
    return [what]


@span(name="fetch page", attributes={"page.size": 3, "page.names": ["a", "b"]})
async def named(what):
    return what


@workflow
def both(question):
    return step(question)[0]


def test_a_plain_span(recorder):
    step({"a": 1})
    one = recorder.one("step")
    assert one.kind is SpanKind.INTERNAL
    assert dict(one.attributes) == {"ams.input": '{"what":{"a":1}}', "ams.output": '[{"a":1}]'}


def test_a_span_with_a_name_and_attributes(recorder):
    asyncio.run(named("a"))
    said = recorder.one("fetch page").attributes
    assert (said["page.size"], said["page.names"], said["ams.output"]) == (3, ("a", "b"), '"a"')


def test_a_workflow(recorder):
    both("why")
    one = recorder.one("invoke_workflow both")
    assert one.kind is SpanKind.INTERNAL
    assert one.attributes["gen_ai.operation.name"] == "invoke_workflow"
    assert one.attributes["gen_ai.workflow.name"] == "both"
    assert "why" in one.attributes["gen_ai.input.messages"]
    assert recorder.one("step").parent.span_id == one.context.span_id


@pytest.mark.parametrize(
    ("operation", "attributes", "name", "kind"),
    [
        ("plan", {}, "plan", SpanKind.INTERNAL),
        ("retrieval", {}, "retrieval", SpanKind.CLIENT),
        ("retrieval", {"gen_ai.data_source.id": "handbook"}, "retrieval handbook", SpanKind.CLIENT),
        ("search_memory", {"gen_ai.memory.store.id": "m"}, "search_memory", SpanKind.CLIENT),
    ],
)
def test_an_operation_of_the_conventions(recorder, operation, attributes, name, kind):
    span(operation=operation, attributes=attributes)(lambda: None)()
    one = recorder.one(name)
    assert one.kind is kind
    assert one.attributes["gen_ai.operation.name"] == operation
    assert attributes.items() <= one.attributes.items()


@pytest.mark.parametrize(
    ("options", "advice"),
    [
        ({"operation": "invoke_agent"}, "that is what @agent records"),
        ({"operation": "execute_tool"}, "that is what @tool records"),
        ({"operation": "invoke_workflow"}, "that is what @workflow records"),
        ({"operation": "chat"}, "that is what model_call records"),
        ({"operation": "think"}, "write one of plan, retrieval"),
        ({"operation": "plan", "name": "x"}, "leave one of them out"),
        ({"name": ""}, "1 to 128 characters"),
        ({"name": "a\nb"}, "1 to 128 characters"),
        ({"name": "x" * 129}, "1 to 128 characters"),
        ({"attributes": ["a"]}, "write a mapping"),
        ({"attributes": {"a": object()}}, "'a' cannot be used"),
        ({"attributes": {"a": [1, "b"]}}, "'a' cannot be used"),
        ({"attributes": {"": 1}}, "'' cannot be used"),
        ({"attributes": {1: 1}}, "1 cannot be used"),
        ({"attributes": {"ams.run.id": "x"}}, "is what the SDK itself says"),
        ({"attributes": {"gen_ai.operation.name": "x"}}, "is what the SDK itself says"),
    ],
)
def test_what_cannot_be_used_says_what_to_write(options, advice):
    with pytest.raises(ams_sdk.ConfigurationError, match=advice):
        span(**options)


@pytest.mark.parametrize("decorator", [agent, tool, workflow, span])
@pytest.mark.parametrize("capture", ["all", "input", "output", "none"])
@pytest.mark.parametrize("given", ["text", {"a": "text"}])
def test_each_decorator_says_what_of_the_content_is_recorded(recorder, decorator, capture, given):
    @decorator(capture=capture)
    def function(what):
        return what

    function(given)
    (one,) = recorder.spans
    where = {name.rpartition(".")[2] for name, value in one.attributes.items() if "text" in str(value)}
    content = [name for name in one.attributes if name.endswith(("arguments", "result", "messages", "input", "output"))]
    assert len(content) == {"all": 2, "input": 1, "output": 1, "none": 0}[capture]
    assert bool(where) is (capture != "none")


@pytest.mark.parametrize("capture", ["none", "input"])
def test_without_content_an_error_keeps_its_type_alone(recorder, capture):
    @tool(capture=capture)
    def fails():
        raise KeyError("the content")

    with pytest.raises(KeyError):
        fails()
    (one,) = recorder.spans
    assert one.attributes["error.type"] == "KeyError"
    assert ("the content" in str(one.to_json())) is (capture == "input")


class Vault:
    @tool(exclude=["letter"], capture="input")
    def open(self, letter, pin_code: Annotated[str, Secret], *rest, **others):
        return self, letter, pin_code, rest, others


@tool(exclude=["rest", "others"])
def variadic(first, *rest, named=1, **others):
    return first


@tool
def quoted(user: str, word: "Annotated[str, Secret()]", other: "Later | None" = None):
    return user


Later = Annotated[str, "x", Secret]


def test_excluded_and_secret_parameters_are_hidden(recorder):
    Vault().open("dear", "1234", "more", extra="seen")
    Vault().open(letter=["dear"], pin_code=["1234"])
    said = [json.loads(one.attributes["gen_ai.tool.call.arguments"]) for one in recorder.spans]
    hidden = "[redacted]"
    assert said == [
        {"letter": hidden, "pin_code": hidden, "*args": ["more"], "extra": "seen"},
        {"letter": hidden, "pin_code": hidden},
    ]


def test_annotations_that_are_texts_are_read_too(recorder):
    quoted("ann", "hunter22", "hunter33")
    quoted("ann", word="hunter22", other=None)
    said = [json.loads(one.attributes["gen_ai.tool.call.arguments"]) for one in recorder.spans]
    assert said == [
        {"user": "ann", "word": "[redacted]", "other": "[redacted]"},
        {"user": "ann", "word": "[redacted]", "other": None},
    ]
    assert secret_parameters(quoted) == {"word", "other"}


def test_variadic_parameters_may_be_excluded(recorder):
    variadic("a", "b", "c", named=2, d="e")
    (one,) = recorder.spans
    said = json.loads(one.attributes["gen_ai.tool.call.arguments"])
    assert said == {"first": "a", "*args": "[redacted]", "named": 2, "d": "[redacted]"}


def test_one_text_that_is_excluded_is_no_message(recorder):
    @agent(exclude=("question",))
    def quiet(question):
        return "answer"

    quiet("the content")
    (one,) = recorder.spans
    assert "the content" not in one.to_json()
    assert one.attributes["ams.input"] == '{"question":"[redacted]"}'


def test_a_definition_finds_out_what_is_hidden_once():
    definition = definition_of(quoted)
    assert definition.resolve() == definition.templates
    assert definition.hidden == {"word", "other"}


class Login:
    def __call__(self, word: Annotated[str, Secret], user="ann"):
        return user, len(word)


def login(user, word: Annotated[str, Secret]):
    return user


def make() -> Annotated[str, Secret]:
    return "the content"


def test_marks_are_found_behind_partials_and_objects_and_on_results(recorder):
    tool(functools.partial(functools.partial(login), "ann"))("the content")
    tool(functools.partial(login, "ann"))(word="the content")
    tool(Login())("the content")
    tool(make)()
    tool(make)()
    agent(make)()
    assert len(recorder.spans) == 6
    for one in recorder.spans:
        assert "the content" not in one.to_json()
        assert "[redacted]" in one.to_json()
