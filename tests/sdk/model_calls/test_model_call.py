"""Calls of models that are recorded by hand."""

import asyncio
import contextlib
import gc
import inspect
import json
import sys
import threading
import traceback
from datetime import datetime, tzinfo
from types import SimpleNamespace
from unittest.mock import MagicMock

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.trace import SpanKind, StatusCode

import ams_sdk
from ams_sdk import ConfigurationError, agent, model_call, tool
from ams_sdk._background import untraced
from ams_sdk._model_calls.chunk_stream import ChunkStream

ANSWER = {
    "id": "chatcmpl-1",
    "model": "gpt-5-2025-08-07",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Cold."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 9, "completion_tokens": 4},
}
COLD = '[{"role":"assistant","parts":[{"type":"text","content":"Cold."}]}]'
ASKED = '[{"role":"user","parts":[{"type":"text","content":"Weather?"}]}]'


def chunk(content=None, reason=None):
    return {
        "id": "c1",
        "model": "m1",
        "choices": [{"index": 0, "delta": {"content": content}, "finish_reason": reason}],
    }


CHUNKS = [chunk("Co"), chunk("ld."), chunk(reason="stop")]


def test_a_call_with_all_that_is_known_of_it(recorder):
    with model_call(
        provider="openai",
        model="gpt-5",
        messages=[{"role": "user", "content": "Weather?"}],
        system="Be short.",
        tools=[{"type": "web_search"}],
        server_address="api.openai.com",
        server_port=443,
        conversation_id="conv-1",
        temperature=1,
        max_tokens=100,
        top_p=0.9,
        top_k=40,
        seed=7,
        stop_sequences=["END"],
        frequency_penalty=0.1,
        presence_penalty=0.2,
        choice_count=2,
        output_type="text",
        reasoning_level="low",
        previous_response_id="resp_0",
    ) as call:
        assert call.record(ANSWER) is None
        assert call.set(**{"my.name": "x", "my.list": [1, 2], "my.none": None, "my.object": object()}) is None
    span = recorder.one("chat gpt-5")
    assert dict(span.attributes) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-5",
        "server.address": "api.openai.com",
        "server.port": 443,
        "gen_ai.conversation.id": "conv-1",
        "gen_ai.request.temperature": 1.0,
        "gen_ai.request.max_tokens": 100,
        "gen_ai.request.top_p": 0.9,
        "gen_ai.request.top_k": 40,
        "gen_ai.request.seed": 7,
        "gen_ai.request.stop_sequences": ("END",),
        "gen_ai.request.frequency_penalty": 0.1,
        "gen_ai.request.presence_penalty": 0.2,
        "gen_ai.request.choice.count": 2,
        "gen_ai.output.type": "text",
        "gen_ai.request.reasoning.level": "low",
        "gen_ai.request.previous_response.id": "resp_0",
        "gen_ai.input.messages": ASKED,
        "gen_ai.system_instructions": '[{"type":"text","content":"Be short."}]',
        "gen_ai.tool.definitions": '[{"type":"web_search","name":"web_search"}]',
        "gen_ai.response.id": "chatcmpl-1",
        "gen_ai.response.model": "gpt-5-2025-08-07",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 9,
        "gen_ai.usage.output_tokens": 4,
        "gen_ai.output.messages": COLD,
        "my.name": "x",
        "my.list": (1, 2),
    }
    assert type(span.attributes["gen_ai.request.temperature"]) is float
    assert (span.kind, span.status.status_code, span.events, span.parent) == (
        SpanKind.CLIENT,
        StatusCode.UNSET,
        (),
        None,
    )


def test_what_is_known_at_the_start_is_there_for_samplers_and_processors():
    seen = []

    class Processor(SpanProcessor):
        def on_start(self, span, _parent=None, **_):
            seen.append(dict(span.attributes))

    provider = TracerProvider()
    provider.add_span_processor(Processor())
    ams_sdk.configure(exporters=[MagicMock()], provider=provider)
    with model_call(provider="openai", model="gpt-5", server_address="127.0.0.1", server_port=1):
        pass
    assert seen == [
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "gpt-5",
            "server.address": "127.0.0.1",
            "server.port": 1,
        }
    ]


def test_a_call_in_a_run_is_its_child_and_names_it(recorder):
    @tool
    def look():
        with model_call(provider="openai", model="m"), trace.get_tracer("http").start_as_current_span("POST"):
            pass

    @agent
    def asker():
        look()

    asker()
    run, inference = recorder.one("invoke_agent asker"), recorder.one("chat m")
    assert inference.attributes["ams.run.id"] == run.attributes["ams.run.id"]
    assert "gen_ai.agent.name" not in inference.attributes
    assert inference.parent == recorder.one("execute_tool look").context
    assert recorder.one("POST").parent == inference.context


def test_the_context_is_as_before_afterwards(recorder):
    before = trace.get_current_span()
    call = model_call(provider="openai")
    with call:
        assert trace.get_current_span() is not before
        with call:  # odd, and in the right order all the same
            pass
        assert trace.get_current_span() is not before
    assert trace.get_current_span() is before
    with contextlib.suppress(KeyError), model_call(provider="openai"):
        raise KeyError
    assert trace.get_current_span() is before
    assert [span.name for span in recorder.spans] == ["chat"] * 3


def test_parts_that_are_recorded_one_by_one(recorder):
    with model_call(provider="openai", model="m") as call:
        call.messages("Weather?")
        call.output("Cold.")
        call.output({"role": "assistant", "content": "Very."})
        call.usage(input_tokens=9, output_tokens=4, cache_read=3, cache_write=2, reasoning=1)
        call.finish("stop", "length")
    attributes = recorder.one("chat m").attributes
    assert attributes["gen_ai.input.messages"] == ASKED
    assert [message["parts"][0]["content"] for message in json.loads(attributes["gen_ai.output.messages"])] == [
        "Cold.",
        "Very.",
    ]
    assert attributes["gen_ai.response.finish_reasons"] == ("stop", "length")
    usage = {name.removeprefix("gen_ai.usage."): value for name, value in attributes.items() if "usage" in name}
    assert usage == {
        "input_tokens": 9,
        "output_tokens": 4,
        "cache_read.input_tokens": 3,
        "cache_write.input_tokens": 2,
        "reasoning.output_tokens": 1,
    }


def test_embeddings_have_a_dimension_and_no_messages(recorder):
    with model_call(provider="openai", model="e", operation="embeddings", messages=["a", "b"]) as call:
        call.record({"data": [{"embedding": [0.5] * 8}], "model": "e-1", "usage": {"prompt_tokens": 2}})
    attributes = recorder.one("embeddings e").attributes
    assert attributes["gen_ai.embeddings.dimension.count"] == 8
    assert attributes["ams.input"] == '["a","b"]'
    assert attributes["gen_ai.usage.input_tokens"] == 2
    assert not any("messages" in name for name in attributes)


@pytest.mark.parametrize(
    ("capture", "names"),
    [
        (
            "all",
            {
                "gen_ai.input.messages",
                "gen_ai.system_instructions",
                "gen_ai.tool.definitions",
                "gen_ai.output.messages",
            },
        ),
        ("input", {"gen_ai.input.messages", "gen_ai.system_instructions", "gen_ai.tool.definitions"}),
        ("output", {"gen_ai.output.messages"}),
        ("none", set()),
    ],
)
def test_content_is_recorded_as_far_as_it_may_be(recorder, capture, names):
    content = {
        "gen_ai.input.messages",
        "gen_ai.system_instructions",
        "gen_ai.tool.definitions",
        "gen_ai.output.messages",
    }

    def ask():
        with model_call(
            provider="p", messages="Weather?", system="Short.", tools=[{"type": "x"}], capture=capture
        ) as call:
            for _ in call.stream(CHUNKS):
                pass
            call.output("Cold.")

    ask()
    span = recorder.one("chat")
    assert span.attributes.keys() & content == names
    assert span.attributes["gen_ai.response.finish_reasons"] == ("stop",)


def test_no_content_is_recorded_where_the_setting_says_so(unconfigured_recorder):
    recorder = unconfigured_recorder.configure(capture_content=False)
    with contextlib.suppress(ValueError), model_call(provider="p", messages="hunter2", system="hunter2") as call:
        list(call.stream(CHUNKS))
        call.output("hunter2")
        call.record({"choices": [{"message": {"content": "hunter2"}, "finish_reason": "stop"}]})
        raise ValueError("hunter2")
    span = recorder.one("chat")
    assert "hunter2" not in f"{dict(span.attributes)}{[dict(event.attributes) for event in span.events]}{span.status}"
    assert span.attributes["gen_ai.response.finish_reasons"] == ("stop",)


def test_secrets_are_masked_wherever_the_program_gives_them(recorder):
    with model_call(provider="p", model="m", messages="token=hunter2", system="password: hunter2") as call:
        call.set(**{"api_key": "hunter2", "my.note": "password=hunter2", "my.list": ["pwd=hunter2"]})
        call.record({"choices": [{"message": {"tool_calls": [{"function": {"arguments": '{"pin":"hunter2"}'}}]}}]})
        call.finish("secret=hunter2")
    with contextlib.suppress(ValueError), model_call(provider="p", model="n"):
        raise ValueError("password=hunter2")
    for span in recorder.spans:
        assert "hunter2" not in str(dict(span.attributes)) + str([dict(e.attributes) for e in span.events])
        assert "hunter2" not in str(span.status.description)


class APIError(Exception):
    def __init__(self, message, **fields):
        super().__init__(message)
        vars(self).update(fields)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ValueError("no"), "ValueError"),
        (APIError("no", code="rate_limit_exceeded", status_code=429), "rate_limit_exceeded"),
        (APIError("no", code=None, type="invalid_request_error"), "invalid_request_error"),
        (APIError("no", body={"type": "error", "error": {"type": "overloaded_error"}}), "overloaded_error"),
        (APIError("no", response={"Error": {"Code": "ThrottlingException"}}), "ThrottlingException"),
        (APIError("no", code=429, status="RESOURCE_EXHAUSTED"), "RESOURCE_EXHAUSTED"),
        (APIError("no", code="what was wrong: all of it", status_code=429), f"{__name__}.APIError"),
        (APIError("no", status_code=500), f"{__name__}.APIError"),
        (SystemExit("whatever"), "SystemExit"),
    ],
)
def test_a_failure_names_the_providers_code_or_the_class(recorder, error, kind):
    with pytest.raises(type(error)) as caught, model_call(provider="p"):
        raise error
    assert caught.value is error
    span = recorder.one("chat")
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, str(error))
    assert span.attributes["error.type"] == kind
    (event,) = span.events
    assert event.attributes["exception.type"].rpartition(".")[2] == type(error).__name__


def test_an_error_is_recorded_once_where_it_arose(recorder):
    def client():
        raise LookupError("no model")

    @tool
    def look():
        with model_call(provider="p", model="outer"), model_call(provider="p", model="inner"):
            client()

    @agent
    def asker():
        look()

    with pytest.raises(LookupError) as caught:
        asker()
    spans = {span.name: span for span in recorder.spans}
    assert {name: len(span.events) for name, span in spans.items()} == {
        "chat inner": 1,
        "chat outer": 0,
        "execute_tool look": 0,
        "invoke_agent asker": 0,
    }
    assert {span.attributes["error.type"] for span in spans.values()} == {"LookupError"}
    assert traceback.extract_tb(caught.value.__traceback__)[-1].name == "client"


def test_an_error_of_a_tool_within_is_not_recorded_again(recorder):
    @tool
    def look():
        raise LookupError

    with contextlib.suppress(LookupError), model_call(provider="p"):
        look()
    assert [len(span.events) for span in recorder.spans] == [1, 0]


def test_an_error_keeps_nothing_alive_that_it_would_not_keep(recorder):
    class Big:
        alive = 0

        def __init__(self):
            Big.alive += 1

        def __del__(self):
            Big.alive -= 1

    gc.disable()
    try:
        with contextlib.suppress(ValueError):
            big = Big()
            with model_call(provider="p"):
                raise ValueError
        del big
        assert Big.alive == 0
    finally:
        gc.enable()


def test_a_failed_answer_without_an_exception_is_a_failure(recorder):
    with model_call(provider="openai") as call:
        call.record({"object": "response", "status": "failed", "error": {"code": "server_error"}, "output": []})
    span = recorder.one("chat")
    assert (span.status.status_code, span.attributes["error.type"]) == (StatusCode.ERROR, "server_error")


def test_cancellation_is_no_error(recorder):
    async def ask():
        async with model_call(provider="p"):
            await asyncio.Event().wait()

    async def main():
        task = asyncio.create_task(ask())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    span = recorder.one("chat")
    assert (span.status.status_code, span.events, "error.type" in span.attributes) == (StatusCode.UNSET, (), False)


class Stream:
    """As clients have them: an iterator that can be closed, with an answer of the transport beside the chunks."""

    def __init__(self, chunks):
        self._chunks = iter(chunks)
        self.response = SimpleNamespace(status_code=200)
        self.closed = 0

    def __iter__(self):
        return self

    def __next__(self):
        got = next(self._chunks)
        if isinstance(got, BaseException):
            raise got
        return got

    def close(self):
        self.closed += 1


class AsyncStream(Stream):
    __iter__ = None

    def __aiter__(self):
        return self

    async def __anext__(self):
        await asyncio.sleep(0)
        try:
            return self.__next__()
        except StopIteration:
            raise StopAsyncIteration from None

    async def close(self):
        self.closed += 1


def assert_streamed(span, content="Cold.", reasons=("stop",)):
    attributes = span.attributes
    assert attributes["gen_ai.request.stream"] is True
    assert json.loads(attributes["gen_ai.output.messages"])[0]["parts"][0]["content"] == content
    assert attributes.get("gen_ai.response.finish_reasons") == reasons
    seconds = attributes["gen_ai.response.time_to_first_chunk"]
    assert type(seconds) is float
    assert 0 <= seconds <= (span.end_time - span.start_time) / 1e9
    assert (span.status.status_code, span.events) == (StatusCode.UNSET, ())


def test_a_stream_gives_the_same_chunks_and_is_recorded(recorder):
    source = Stream(CHUNKS)
    with model_call(provider="openai", model="m") as call:
        stream = call.stream(source)
        assert [id(one) for one in stream] == [id(one) for one in CHUNKS]
        assert stream.response.status_code == 200
        with pytest.raises(StopIteration):
            next(stream)
        with stream:
            pass
    assert source.closed == 1
    assert_streamed(recorder.one("chat m"))


def test_an_async_stream_gives_the_same_chunks_and_is_recorded(recorder):
    source = AsyncStream(CHUNKS)

    async def main():
        async with model_call(provider="openai", model="m") as call:
            async with call.stream(source) as stream:
                assert [id(one) async for one in stream] == [id(one) for one in CHUNKS]
                assert stream.response.status_code == 200
            with pytest.raises(StopAsyncIteration):
                await anext(stream)

    asyncio.run(main())
    assert source.closed == 1
    assert_streamed(recorder.one("chat m"))


def test_closing_a_stream_closes_a_generator(recorder):
    closed = []

    def chunks():
        try:
            yield from CHUNKS
        finally:
            closed.append("sync")

    async def async_chunks():
        try:
            for one in CHUNKS:
                yield one
        finally:
            closed.append("async")

    async def main():
        async with model_call(provider="p", model="async") as call:
            stream = call.stream(async_chunks())
            await anext(stream)
            await stream.aclose()

    with model_call(provider="p", model="sync") as call:
        stream = call.stream(chunks())
        next(stream)
        stream.close()
        stream.close()
    asyncio.run(main())
    assert closed == ["sync", "async"]
    for name in closed:
        assert_streamed(recorder.one(f"chat {name}"), "Co", None)


def test_breaking_off_is_no_error(recorder):
    with model_call(provider="p", model="m") as call:
        for _ in call.stream(iter(CHUNKS)):
            break
    assert_streamed(recorder.one("chat m"), "Co", None)


def test_a_stream_that_is_held_on_to_ends_with_its_block(recorder):
    with model_call(provider="p", model="m") as call:
        stream = call.stream(CHUNKS)
        next(stream)
    assert_streamed(recorder.one("chat m"), "Co", None)
    assert len(list(stream)) == 2


def test_a_stream_that_was_handed_out_is_recorded_where_it_is_read(recorder):
    current = []

    def chunks():
        for one in CHUNKS:
            current.append(trace.get_current_span().get_span_context().span_id)
            yield one

    def ask():
        with model_call(provider="p", model="m") as call:
            return call.stream(chunks())

    before = trace.get_current_span()
    stream = ask()
    assert recorder.spans == ()
    for _ in stream:
        assert trace.get_current_span() is before
    span = recorder.one("chat m")
    assert_streamed(span)
    assert current == [span.context.span_id] * 3


def test_an_async_stream_that_was_handed_out_is_recorded_where_it_is_read(recorder):
    async def ask():
        async with model_call(provider="p", model="m") as call:
            return call.stream(AsyncStream(CHUNKS))

    async def main():
        before = trace.get_current_span()
        stream = await ask()
        assert recorder.spans == ()
        async for _ in stream:
            assert trace.get_current_span() is before

    asyncio.run(main())
    assert_streamed(recorder.one("chat m"))


def test_a_stream_that_nobody_reads_ends_the_call_all_the_same(recorder):
    with model_call(provider="p", model="unread") as call:
        stream = call.stream(Stream(CHUNKS))
    with model_call(provider="p", model="half") as call:
        half = call.stream(Stream(CHUNKS))
    next(half)
    assert recorder.spans == ()
    del stream, half
    gc.collect()
    unread = recorder.one("chat unread")
    assert "gen_ai.output.messages" not in unread.attributes
    assert unread.status.status_code is StatusCode.UNSET
    assert_streamed(recorder.one("chat half"), "Co", None)


def test_a_stream_that_breaks_is_a_failure_of_the_call(recorder):
    error = APIError("gone", code="server_error")

    @tool
    def ask(where):
        with model_call(provider="p", model=where) as call:
            stream = call.stream(Stream([chunk("Co"), error]))
            return stream if where == "outside" else list(stream)

    @agent
    def asker(where):
        return list(ask(where))

    for where in ("inside", "outside"):
        with pytest.raises(APIError) as caught:
            asker(where)
        assert caught.value is error
        error.__traceback__ = None
    for where in ("inside", "outside"):
        span = recorder.one(f"chat {where}")
        assert (span.attributes["error.type"], len(span.events)) == ("server_error", 1)
        assert "Co" in span.attributes["gen_ai.output.messages"]
    others = [span for span in recorder.spans if not span.name.startswith("chat")]
    assert [len(span.events) for span in others] == [0] * 4


def test_an_error_of_a_stream_that_the_block_deals_with_is_none(recorder):
    with model_call(provider="p", model="m") as call:
        try:
            list(call.stream(Stream([chunk("Co"), ValueError()])))
        except ValueError:
            list(call.stream(Stream([chunk("ld.", "stop")])))
    assert_streamed(recorder.one("chat m"))


def test_a_response_that_is_recorded_after_its_stream_is_surer(recorder):
    with model_call(provider="p", model="m") as call:
        list(call.stream(CHUNKS))
        call.record(ANSWER | {"choices": [{"message": {"content": "Warm."}, "finish_reason": "length"}]})
    assert_streamed(recorder.one("chat m"), "Warm.", ("length",))


def test_chunks_that_are_read_by_hand(recorder):
    with model_call(provider="p", model="m") as call:
        for one in ("Co", "ld."):
            call.chunk(one)
        call.finish("stop")
    assert_streamed(recorder.one("chat m"))


def test_an_interrupt_while_messages_are_rendered_leaves_no_span_open(recorder):
    class Interrupts(tzinfo):
        def utcoffset(self, moment):  # noqa: ARG002 -- Python's
            raise KeyboardInterrupt

    asked = datetime(2026, 1, 2, tzinfo=Interrupts())
    with pytest.raises(KeyboardInterrupt), model_call(provider="p", messages=asked):
        pass
    assert len(recorder.spans) == 1
    assert not trace.get_current_span().get_span_context().is_valid


def test_other_names_of_a_stream_are_those_of_the_clients(recorder):
    with model_call(provider="p") as call:
        for stream in (call.stream(Stream([])), call.stream(AsyncStream([]))):
            assert stream.response.status_code == 200
            with pytest.raises(AttributeError, match="nothing"):
                stream.nothing  # noqa: B018 -- the access is the test


def test_what_is_no_stream_is_given_back(recorder):
    with model_call(provider="p") as call:
        assert call.stream(3) == 3


def test_unconfigured_it_is_inert_and_silent(capfd):
    error = KeyError()
    with model_call(provider="p", messages="hi") as call:
        assert call.stream(3) == 3
        for record in (call.record, call.chunk, call.messages, call.output, call.finish):
            assert record(MagicMock()) is None
        call.usage(input_tokens=3)
        call.set(a=1)
        assert not trace.get_current_span().get_span_context().is_valid
    with pytest.raises(KeyError) as caught, model_call(provider="p"):
        raise error
    assert caught.value is error
    assert "model_call_of" not in "".join(traceback.format_exception(error))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("is_configured", [True, False])
def test_a_stream_is_the_same_kind_of_thing_configured_or_not(unconfigured_recorder, is_configured):
    if is_configured:
        unconfigured_recorder.configure()

    async def asynchronous():
        for chunk in CHUNKS:
            yield chunk

    async def read(call):
        async with call.stream(asynchronous()) as chunks:
            return [chunk async for chunk in chunks]

    with model_call(provider="p") as call:
        stream = call.stream(iter(CHUNKS))
        assert next(stream) == CHUNKS[0]
        with stream as same:
            assert list(same) == CHUNKS[1:]
        assert asyncio.run(read(call)) == CHUNKS
        broken = call.stream(fails())
        with pytest.raises(LookupError):
            next(broken)
        del broken


def fails():
    raise LookupError
    yield


def test_where_instrumentation_is_suppressed_it_is_inert(recorder):
    with untraced(), model_call(provider="p") as call:
        call.record(ANSWER)
    assert recorder.spans == ()


def test_an_unsampled_call_is_inert(unconfigured_recorder):
    unconfigured_recorder.configure(sample_rate=0.0)
    with model_call(provider="p", messages="hi") as call:
        call.record(ANSWER)
        list(call.stream(CHUNKS))
    assert unconfigured_recorder.spans == ()


def test_after_the_block_nothing_is_recorded_and_nothing_happens(recorder):
    with model_call(provider="p") as call:
        pass
    call.record(ANSWER)
    assert list(call.stream(CHUNKS)) == CHUNKS
    assert "gen_ai.response.id" not in recorder.one("chat").attributes


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"provider": ""}, "write whose API it is"),
        ({"provider": None}, "write whose API it is"),
        ({"provider": "p", "operation": "talk"}, "write one of chat"),
        ({"provider": "p", "capture": "some"}, "write one of all"),
    ],
)
def test_what_cannot_be_a_call_is_told_at_decoration_and_does_not_stop_a_program(
    recorder, held_back, arguments, message
):
    with pytest.raises(ConfigurationError, match=message):
        model_call(**arguments)(lambda: None)
    assert not held_back
    with model_call(**arguments, messages="the question") as call:
        call.record(ANSWER)
    ((place, error),) = held_back
    assert place == "model_call"
    assert message in str(error)
    held_back.clear()
    span = recorder.one("chat")
    assert span.attributes["gen_ai.provider.name"] in {"p", "unknown"}
    assert ("the question" in span.to_json()) is (arguments.get("capture") is None)


def test_another_option_is_a_type_error():
    with pytest.raises(TypeError, match="temprature"):
        model_call(provider="p", temprature=1)


@given(
    value=st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.text()), st.binary())
)
def test_what_comes_from_data_never_raises(recorder, value):
    names = inspect.signature(model_call).parameters.keys() - {"provider", "operation", "capture"}
    recorder.exporter.clear()
    with model_call(provider="p", **dict.fromkeys(names, value)) as call:
        for record in (call.record, call.chunk, call.messages, call.output, call.finish):
            record(value)
        call.usage(input_tokens=value, output_tokens=value)
        call.set(value=value)
    (span,) = recorder.spans
    for name in ("gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions"):
        json.loads(span.attributes.get(name, "[]"))


class Hostile:
    def __getattribute__(self, name):
        raise RuntimeError(name)

    __iter__ = __len__ = __bool__ = __repr__ = __getattribute__


class Endless:
    def __getattr__(self, name):
        return self


@pytest.mark.parametrize("make", [Hostile, Endless, MagicMock])
def test_hostile_values_never_raise(recorder, make):
    value = make()
    with model_call(provider="p", model=value, messages=value, system=value, tools=value, seed=value) as call:
        for record in (call.record, call.chunk, call.messages, call.output, call.finish):
            record(value)
        call.usage(input_tokens=value)
        call.set(a=value, b=[value])
    assert len(recorder.spans) == 1


def test_decorated_functions_keep_their_kind_and_signature(recorder):
    def plain(prompt: str, n: int = 1) -> dict:
        """Asks."""
        return ANSWER

    async def coroutine(prompt: str) -> dict:
        return ANSWER

    def generator(prompt: str):
        yield from CHUNKS

    async def async_generator(prompt: str):
        for one in CHUNKS:
            yield one

    decorated = [
        model_call(provider="p", model=one.__name__)(one) for one in (plain, coroutine, generator, async_generator)
    ]
    kinds = [inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction]
    for one, original in zip(decorated, (plain, coroutine, generator, async_generator), strict=True):
        assert [kind(one) for kind in kinds] == [kind(original) for kind in kinds]
        assert inspect.signature(one) == inspect.signature(original)
        assert (one.__name__, one.__doc__, one.__wrapped__) == (original.__name__, original.__doc__, original)

    async def read(chunks):
        return [one async for one in chunks]

    assert decorated[0]("Weather?", n=2) is ANSWER
    assert asyncio.run(decorated[1](prompt="Weather?")) is ANSWER
    assert list(decorated[2]("Weather?")) == CHUNKS
    assert asyncio.run(read(decorated[3]("Weather?"))) == CHUNKS
    for name in ("plain", "coroutine", "generator", "async_generator"):
        attributes = recorder.one(f"chat {name}").attributes
        assert attributes["gen_ai.input.messages"] == ASKED
        assert attributes["gen_ai.output.messages"] == COLD
        assert attributes["gen_ai.response.finish_reasons"] == ("stop",)
    assert_streamed(recorder.one("chat generator"))
    assert_streamed(recorder.one("chat async_generator"))


def test_decorated_functions_may_fail(recorder):
    error = APIError("no", code="rate_limit_exceeded")

    @model_call(provider="p", model="plain")
    def plain():
        raise error

    @model_call(provider="p", model="coroutine")
    async def coroutine():
        raise error

    @model_call(provider="p", model="generator")
    def generator():
        yield chunk("Co")
        raise error

    @model_call(provider="p", model="async_generator")
    async def async_generator():
        yield chunk("Co")
        raise error

    async def read():
        async for _ in async_generator():
            pass

    @agent
    def asker():
        for ask in (plain, lambda: asyncio.run(coroutine()), lambda: list(generator()), lambda: asyncio.run(read())):
            with pytest.raises(APIError) as caught:
                ask()
            assert caught.value is error
            frames = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
            assert len([name for name in frames if "/ams_sdk/" in name]) == 1
            error.__traceback__ = None

    asker()
    for name in ("plain", "coroutine", "generator", "async_generator"):
        span = recorder.one(f"chat {name}")
        assert (span.attributes["error.type"], len(span.events)) == ("rate_limit_exceeded", 1)
    assert recorder.one("invoke_agent asker").events == ()


def test_a_decorated_generator_is_driven_as_before_and_leaks_no_context(recorder):
    seen = []

    @model_call(provider="p", model="m")
    def chunks():
        try:
            seen.append((yield trace.get_current_span()))
            yield "more"
        except KeyError:
            yield "thrown"
        return "returned"

    before = trace.get_current_span()
    reading = chunks()
    assert next(reading) is not before
    assert trace.get_current_span() is before
    assert reading.send("sent") == "more"
    assert reading.throw(KeyError()) == "thrown"
    with pytest.raises(StopIteration) as end:
        next(reading)
    assert (end.value.value, seen) == ("returned", ["sent"])
    assert recorder.one("chat m").status.status_code is StatusCode.UNSET


def test_a_decorated_async_generator_is_driven_as_before_and_leaks_no_context(recorder):
    seen = []

    @model_call(provider="p", model="m")
    async def chunks():
        try:
            seen.append((yield trace.get_current_span()))
            yield "more"
        except KeyError:
            yield "thrown"

    async def main():
        before = trace.get_current_span()
        reading = chunks()
        assert await anext(reading) is not before
        assert trace.get_current_span() is before
        assert await reading.asend("sent") == "more"
        assert await reading.athrow(KeyError()) == "thrown"
        with pytest.raises(StopAsyncIteration):
            await anext(reading)

    asyncio.run(main())
    assert seen == ["sent"]
    assert recorder.one("chat m").status.status_code is StatusCode.UNSET


def test_breaking_off_a_decorated_generator_closes_it_and_is_no_error(recorder):
    closed = []

    @model_call(provider="p", model="sync")
    def chunks():
        try:
            yield from CHUNKS
        finally:
            closed.append("sync")

    @model_call(provider="p", model="async")
    async def async_chunks():
        try:
            for one in CHUNKS:
                yield one
        finally:
            closed.append("async")

    async def main():
        async for _ in async_chunks():
            break

    for _ in chunks():
        break
    asyncio.run(main())
    assert closed == ["sync", "async"]
    for name in closed:
        assert_streamed(recorder.one(f"chat {name}"), "Co", None)


def test_decorated_functions_are_plain_while_unconfigured():
    @model_call(provider="p")
    def plain(prompt):
        return prompt

    @model_call(provider="p")
    async def coroutine(prompt):
        return prompt

    @model_call(provider="p")
    def generator(prompt):
        got = yield prompt
        return got

    @model_call(provider="p")
    async def async_generator(prompt):
        yield prompt

    async def read():
        reading = async_generator(1)
        first = await anext(reading)
        with pytest.raises(KeyError):
            await reading.athrow(KeyError())
        return [first]

    assert (plain(1), asyncio.run(coroutine(1)), list(generator(1)), asyncio.run(read())) == (1, 1, [1], [1])


@pytest.mark.parametrize("value", [3, print, type, classmethod(lambda cls: cls)])
def test_only_functions_are_decorated(value):
    with pytest.raises(ConfigurationError, match="directly above a function"):
        model_call(provider="p")(value)


def test_one_decorator_serves_many_threads(recorder):
    @model_call(provider="p", model="m")
    def ask(prompt):
        return prompt.upper()

    threads = [threading.Thread(target=ask, args=(f"number {number}",)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    spans = recorder.spans
    assert len(spans) == 20
    for span in spans:
        asked = json.loads(span.attributes["gen_ai.input.messages"])[0]["parts"][0]["content"]
        assert json.loads(span.attributes["gen_ai.output.messages"])[0]["parts"][0]["content"] == asked.upper()


def test_an_official_instrumentation_below_adds_to_the_call(recorder):
    pytest.importorskip("opentelemetry.util.genai.handler", reason="opentelemetry-util-genai is not installed")
    from opentelemetry.util.genai.handler import TelemetryHandler  # noqa: PLC0415 -- only where it is installed

    handler = TelemetryHandler(tracer_provider=trace.get_tracer_provider())

    def client():
        with handler.inference("openai", request_model="m") as inner:
            inner.input_tokens, inner.output_tokens = 9, 4
            inner.response_model_name = "m1"
            inner.response_id = "r1"
            inner.finish_reasons = ["stop"]

    with model_call(provider="openai", model="m") as call:
        client()
        call.usage(output_tokens=5)
    (span,) = recorder.spans
    assert span.instrumentation_scope.name == "ams_sdk"
    assert span.attributes["gen_ai.usage.input_tokens"] == 9
    assert span.attributes["gen_ai.usage.output_tokens"] == 5
    assert span.attributes["gen_ai.response.model"] == "m1"
    assert span.attributes["gen_ai.response.id"] == "r1"
    assert span.attributes["gen_ai.response.finish_reasons"] == ("stop",)
    client()
    assert len(recorder.spans) == 2


def test_an_official_instrumentation_of_embeddings_adds_to_the_call(recorder):
    pytest.importorskip("opentelemetry.util.genai.handler", reason="opentelemetry-util-genai is not installed")
    from opentelemetry.util.genai.handler import TelemetryHandler  # noqa: PLC0415 -- only where it is installed

    handler = TelemetryHandler(tracer_provider=trace.get_tracer_provider())
    with (
        model_call(provider="openai", model="e", operation="embeddings"),
        handler.embedding("openai", request_model="e") as inner,
    ):
        inner.input_tokens = 9
    (span,) = recorder.spans
    assert (span.name, span.attributes["gen_ai.usage.input_tokens"]) == ("embeddings e", 9)


def test_a_stand_in_for_that_package_does_no_harm(recorder, monkeypatch):
    monkeypatch.setitem(
        sys.modules,
        "opentelemetry.util.genai.invocation",
        SimpleNamespace(InferenceData=3, CLIENT_INFERENCE_CONTEXT_KEY="key"),
    )
    with model_call(provider="openai"):
        pass
    assert len(recorder.spans) == 1


def test_a_stream_can_be_typed_as_an_iterator(recorder):
    with model_call(provider="p") as call:
        assert isinstance(call.stream(CHUNKS), ChunkStream)
