"""What a review of model calls has found: streams that can be read either way, much content, marks and waits."""

import asyncio
import functools
import json
import sys
from typing import Annotated

import pytest
from opentelemetry import trace

from ams_sdk import Secret, agent, model_call, tool
from ams_sdk._model_calls.messages import messages_of, render_messages
from ams_sdk._tracing.model_call import SelectiveTracer


class Either:
    """A stream with both protocols, as wrappers of other instrumentation have."""

    def __init__(self):
        self.closed = False

    def __iter__(self):
        return iter(["a", "b"])

    async def __aiter__(self):
        yield "a"
        yield "b"

    async def close(self):
        self.closed = True


def test_a_stream_that_can_be_read_either_way_is_read_either_way(recorder):
    async def main():
        with model_call(provider="p", model="m") as call:
            assert [chunk async for chunk in call.stream(Either())] == ["a", "b"]
        source = Either()
        with model_call(provider="p", model="m") as call:
            async with call.stream(source) as stream:
                assert [chunk async for chunk in stream] == ["a", "b"]
        assert source.closed
        with model_call(provider="p", model="m") as call:
            assert list(call.stream(Either())) == ["a", "b"]

    asyncio.run(main())
    for span in recorder.spans:
        assert '"content":"ab"' in span.attributes["gen_ai.output.messages"]


def test_a_parameter_that_is_marked_is_not_what_was_asked(recorder):
    @model_call(provider="p", model="m")
    def ask(prompt: Annotated[str, Secret]):
        return {"choices": [{"message": {"role": "assistant", "content": "yes"}}]}

    ask("the content")
    (span,) = recorder.spans
    assert "gen_ai.input.messages" not in span.attributes
    assert "yes" in span.attributes["gen_ai.output.messages"]


@pytest.mark.parametrize("capture", ["none", "input", "output", "all"])
def test_without_any_content_an_error_keeps_its_type_alone(recorder, capture):
    with pytest.raises(KeyError), model_call(provider="p", model="m", capture=capture):
        raise KeyError("the content")
    (span,) = recorder.spans
    assert span.attributes["error.type"] == "KeyError"
    assert ("the content" in span.to_json()) is (capture != "none")


@pytest.mark.parametrize("fails", [False, True])
def test_a_function_that_gives_back_a_coroutine_lasts_until_it_is_done(recorder, fails):
    @tool
    def below():
        return None

    async def create():
        await asyncio.sleep(0)
        below()
        if fails:
            raise KeyError
        return {"choices": [{"message": {"role": "assistant", "content": "yes"}}]}

    @model_call(provider="p", model="m")
    def ask(prompt):
        return create()

    if fails:
        with pytest.raises(KeyError):
            asyncio.run(ask("why"))
    else:
        assert asyncio.run(ask("why"))["choices"]
    span = recorder.one("chat m")
    assert recorder.one("execute_tool below").parent.span_id == span.context.span_id
    assert span.attributes.get("error.type") == ("KeyError" if fails else None)
    assert ("gen_ai.output.messages" in span.attributes) is not fails


def test_the_newest_message_is_whole_however_much_there_is_before():
    calls = [{"id": "c", "function": {"name": "f", "arguments": "{}"}}] * 20
    many = [{"role": "assistant", "tool_calls": calls}] * 99
    coloured = [{"role": "tool", "tool_call_id": "c", "content": "\x1b[32mgreen\x1b[0m" * 500}] * 4
    for before in (many, coloured):
        rendered = render_messages(messages_of([*before, {"role": "user", "content": "THE NEWEST"}]))
        assert json.loads(rendered)[-1]["parts"] == [{"type": "text", "content": "THE NEWEST"}]
        assert len(rendered) < 65_536


def lines_run(function):
    """How many lines of Python it takes, which no other load changes."""
    count = 0

    def trace(_frame, event, _arg):
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        function()
    finally:
        sys.settrace(before)
    return count


def rendered_of(given):
    return render_messages(messages_of(given))


def test_what_is_not_kept_is_not_read():
    arguments = json.dumps({f"name {n}": n for n in range(1_000)})
    calls = [{"id": "c", "function": {"name": "f", "arguments": arguments}}] * 20
    few, many = ([{"role": "assistant", "tool_calls": calls}] * n for n in (10, 100))
    work = [lines_run(functools.partial(rendered_of, given)) for given in (few, many)]
    assert work[1] < 6 * work[0]


def test_results_in_results_are_bounded():
    nested = [{"type": "text", "text": "a"}]
    for _ in range(4):
        nested = [{"type": "tool_result", "tool_use_id": "c", "content": nested}] * 100
    given = [{"role": "user", "content": nested}]
    assert lines_run(lambda: render_messages(messages_of(given))) < 2_000_000
    rendered = render_messages(messages_of(given))
    assert json.loads(rendered)
    assert len(rendered) < 65_536


def test_results_that_hold_themselves_end():
    nested = []
    nested.append({"type": "tool_result", "tool_use_id": "c", "content": nested})
    assert json.loads(render_messages(messages_of([{"role": "user", "content": nested}])))


def test_calls_inside_of_calls_of_calls_are_one(recorder):
    tracer = SelectiveTracer(trace.get_tracer("theirs"))
    said = {"gen_ai.operation.name": "chat"}

    @agent
    def walker():
        with (
            tracer.start_as_current_span("outer", attributes=said),
            tracer.start_as_current_span("inner", attributes=said),
            tracer.start_as_current_span("innermost", attributes=said),
        ):
            pass

    walker()
    assert [span.name for span in recorder.spans] == ["outer", "invoke_agent walker"]


@pytest.mark.parametrize("is_configured", [True, False])
def test_a_generator_of_chunks_that_is_left_open_ends_with_its_loop_in_silence(
    unconfigured_recorder, capfd, caplog, is_configured
):
    if is_configured:
        unconfigured_recorder.configure()
    kept, released = [], []

    @model_call(provider="p", model="m")
    async def ask(prompt):
        try:
            for _ in range(5):
                yield "chunk"
        finally:
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            released.append(True)

    async def main():
        kept.append(ask("why"))
        await anext(kept[0])

    asyncio.run(main())
    assert released == [True]
    assert capfd.readouterr() == ("", "")
    assert not caplog.records
    if is_configured:
        assert "chunk" in unconfigured_recorder.one("chat m").attributes["gen_ai.output.messages"]


def test_a_generator_of_chunks_keeps_what_it_returns_when_it_is_closed():
    def plain(prompt):
        try:
            yield prompt
        except GeneratorExit:
            return "closed"

    outcomes = []
    for function in (plain, model_call(provider="p", model="m")(plain)):
        generator = function("why")
        next(generator)
        outcomes.append(generator.close())
    assert outcomes[0] == outcomes[1]
