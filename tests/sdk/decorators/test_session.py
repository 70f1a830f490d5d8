"""``session``: the conversation that runs belong to."""

import asyncio
import contextlib
import inspect
import json
import pickle
from concurrent.futures import ThreadPoolExecutor

import pytest
from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

import ams_sdk
from ams_sdk import agent, current_run, inject, session, span, tool
from ams_sdk._decorators.session import Conversation, current_conversation


@pytest.fixture(params=["ours", "theirs"])
def recorder(request, unconfigured_recorder):
    provider = TracerProvider(shutdown_on_exit=False) if request.param == "theirs" else None
    return unconfigured_recorder.configure(provider=provider)


@tool
def look():
    return None


@agent
def walker():
    look()


def test_every_span_inside_says_the_session(recorder):
    with session("c-1", user="u", tags=["beta", "beta", "web"], metadata={"plan": "free", "seats": 3}) as identity:
        assert identity == "c-1"
        walker()
        look()
    walker()
    inside, outside = recorder.spans[:3], recorder.spans[3:]
    for one in inside:
        said = one.attributes
        assert said["gen_ai.conversation.id"] == "c-1"
        assert (said["user.id"], said["ams.session.tags"]) == ("u", ("beta", "web"))
        assert (said["ams.session.metadata.plan"], said["ams.session.metadata.seats"]) == ("free", 3)
    assert len(outside) == 2
    assert not [one for one in outside if "gen_ai.conversation.id" in one.attributes]


def test_inside_of_another_what_is_not_given_is_the_outers(recorder):
    with session("outer", user="u", tags=["a"], metadata={"x": 1, "y": 1}):
        with session(tags=["b"], metadata={"y": 2}) as identity:
            assert identity == "outer"
            look()
        with session("inner", user="v"):
            look()
        look()
    first, second, third = (one.attributes for one in recorder.spans)
    assert (first["gen_ai.conversation.id"], first["user.id"], first["ams.session.tags"]) == ("outer", "u", ("a", "b"))
    assert (first["ams.session.metadata.x"], first["ams.session.metadata.y"]) == (1, 2)
    assert (second["gen_ai.conversation.id"], second["user.id"], second["ams.session.tags"]) == ("inner", "v", ("a",))
    assert (third["gen_ai.conversation.id"], third["ams.session.metadata.y"]) == ("outer", 1)


def test_an_id_is_made_up_and_is_another_each_time():
    with session() as first:
        pass
    with session() as second:
        pass
    assert first
    assert first != second


def test_secrets_are_masked_and_anything_may_be_metadata(recorder):
    with session(metadata={"api_key": "hunter22", "note": "password=hunter22", "list": [1], "obj": object}):
        look()
    said = recorder.one("execute_tool look").attributes
    assert said["ams.session.metadata.api_key"] == "[redacted]"
    assert said["ams.session.metadata.note"] == "password=[redacted]"
    assert said["ams.session.metadata.list"] == "[1]"


def test_as_a_decorator_each_call_is_in_it(recorder):
    @session("c", user="u")
    def handler(what):
        look()
        return what

    @session()
    async def ahandler(what):
        await asyncio.sleep(0)
        look()
        return what

    assert handler("a") == "a"
    assert asyncio.run(ahandler("b")) == "b"
    assert asyncio.run(ahandler("b")) == "b"
    assert inspect.iscoroutinefunction(ahandler)
    first, *others = [one.attributes["gen_ai.conversation.id"] for one in recorder.spans]
    assert first == "c"
    assert len(set(others)) == 2


def test_one_session_in_many_tasks_at_once(recorder):
    shared = session("shared")

    async def one():
        async with shared:
            await asyncio.sleep(0)
            look()
            await asyncio.sleep(0)
        assert current_conversation() is None

    async def main():
        await asyncio.gather(*(one() for _ in range(20)))

    asyncio.run(main())
    assert len(recorder.spans) == 20
    assert {one.attributes["gen_ai.conversation.id"] for one in recorder.spans} == {"shared"}


def test_entered_twice_it_is_left_twice():
    one = session("a")
    with one:
        with one:
            pass
        assert current_conversation().id == "a"
    assert current_conversation() is None


def test_the_context_is_as_it_was_also_after_an_error():
    before = otel_context.get_current()
    with pytest.raises(KeyError), session("a"):
        raise KeyError
    assert otel_context.get_current() == before


@pytest.mark.parametrize(
    ("given", "advice", "said"),
    [
        ({"id": ""}, "the id has 1 to 256 characters", {}),
        ({"id": "x" * 257}, "the id has 1 to 256 characters", {"gen_ai.conversation.id": "x" * 256}),
        ({"id": 7}, "id: write a text, not int", {"gen_ai.conversation.id": "7"}),
        ({"id": "c", "user": 7}, "user: write a text, not int", {"user.id": "7"}),
        ({"id": "c", "tags": "beta"}, "write a list of texts", {"ams.session.tags": ("beta",)}),
        ({"id": "c", "tags": 3}, "", {}),
        ({"id": "c", "tags": ["a", 3]}, "a tag: write a text, not int", {"ams.session.tags": ("a", "3")}),
        ({"id": "c", "metadata": ["a"]}, "write a mapping", {}),
    ],
)
def test_what_cannot_be_used_is_replaced_and_counted(recorder, held_back, given, advice, said):
    with session(**given) as identity:
        look()
    (one,) = recorder.spans
    assert one.attributes["gen_ai.conversation.id"] == identity
    assert said.items() <= one.attributes.items()
    assert advice in str(held_back[0][1])
    held_back.clear()


def test_what_it_cannot_go_on():
    def generator():
        yield 1

    for wrong in (generator, int, 3):
        with pytest.raises(ams_sdk.ConfigurationError, match=r"with session\(…\):"):
            session("a")(wrong)


def test_spans_of_others_that_are_of_genai_say_the_conversation(unconfigured_recorder):
    recorder = unconfigured_recorder.configure()
    tracer = trace.get_tracer("theirs")
    with session("c"):
        tracer.start_span("chat", attributes={"gen_ai.operation.name": "chat"}).end()
        tracer.start_span("GET").end()
    assert recorder.one("chat").attributes["gen_ai.conversation.id"] == "c"
    assert not recorder.one("GET").attributes


def test_on_the_way_to_the_platform_a_session_is_the_same(sink, held_back):
    ams_sdk.configure(endpoint=sink.url, api_key="k", spool_dir="none")
    metadata = {f"m{n}": n for n in range(20)}
    with session("c", user="u", metadata=metadata):
        walker()
    step()
    assert ams_sdk.flush()
    held_back.clear()  # the sink registers nobody
    spans = {one.name: {a.key: a.value for a in one.attributes} for one in sink.spans}
    for name in ("execute_tool look", "invoke_agent walker"):
        assert spans[name]["gen_ai.conversation.id"].string_value == "c"
        assert spans[name]["ams.session.metadata.m19"].int_value == 19
        assert spans[name]["ams.run.id"].string_value
        assert len(spans[name]) == len({a.key for one in sink.spans if one.name == name for a in one.attributes})
    assert spans["retrieval handbook"]["gen_ai.data_source.id"].string_value == "handbook"


@span(operation="retrieval", attributes={"gen_ai.data_source.id": "handbook", "counts": [1, 2]})
def step():
    return None


def test_a_conversation_can_be_sent_to_another_process():
    one = Conversation("c", {"user.id": "u"})
    two = pickle.loads(pickle.dumps(one))  # noqa: S301 -- what was just written
    assert (two.id, two.attributes) == (one.id, one.attributes)
    assert json.dumps(two.attributes)


@pytest.mark.parametrize("way", ["thread", "thread that only leaves"])
def test_it_may_be_left_in_another_thread_than_it_was_entered_in(way):
    @contextlib.contextmanager
    def dependency():
        with session("a"):
            yield

    manager = dependency()
    threads = [manager.__enter__, lambda: manager.__exit__(None, None, None)]
    if way == "thread that only leaves":
        threads.pop(0)()
    for work in threads:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(work).result()
    otel_context.attach(otel_context.Context())


def test_a_session_in_a_generator_ends_with_it_whatever_its_consumer_does(recorder):
    @agent
    def walker(name):
        with session(name):
            yield 1
            look()
            yield 2

    first = walker("a")
    next(first)
    with session("b"):
        list(first)
    assert not current_run()
    assert inject({}) == {}
    list(zip(walker("c"), walker("d"), strict=True))
    runs = {one.context.span_id: one for one in recorder.spans if one.name == "invoke_agent walker"}
    for one in recorder.spans:
        if one.name == "execute_tool look":
            name = one.attributes["gen_ai.conversation.id"]
            assert f'"content":"{name}"' in runs[one.parent.span_id].attributes["gen_ai.input.messages"]
    assert not current_run()
