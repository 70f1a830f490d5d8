"""A run is named after its span, and is where the calls inside of it look for it."""

import asyncio
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import context as otel_context
from opentelemetry.trace import SpanContext

from ams_sdk import agent, tool
from ams_sdk._decorators.run import RUN_KEY, Run


@given(st.integers(1, 2**128 - 1), st.integers(1, 2**64 - 1))
def test_its_id_is_the_trace_id_and_the_span_id(trace_id, span_id):
    run = Run("walker", SpanContext(trace_id, span_id, is_remote=False))
    trace_part, span_part = run.id.split("-")
    assert (len(trace_part), len(span_part)) == (32, 16)
    assert (int(trace_part, 16), int(span_part, 16)) == (trace_id, span_id)
    assert run.id is run.id


def current_run():
    return otel_context.get_value(RUN_KEY)


@tool
def look():
    return current_run()


@agent
def walker():
    return current_run(), look()


@agent
def manager():
    return current_run(), walker(), current_run()


def test_calls_inside_of_a_run_find_it(recorder):
    run, seen_by_the_tool = walker()
    assert run is seen_by_the_tool
    assert (run.agent, run.span) == ("walker", recorder.one("invoke_agent walker").context)
    assert recorder.one("execute_tool look").attributes["ams.run.id"] == run.id


def test_an_agent_inside_of_a_run_has_a_run_of_its_own(recorder):
    outer, (inner, tools), after = manager()
    assert outer is after
    assert inner is tools
    assert (outer.agent, inner.agent) == ("manager", "walker")
    assert outer.id != inner.id


def test_outside_of_a_run_there_is_none(recorder):
    walker()
    assert current_run() is None
    assert look() is None
    assert "ams.run.id" not in recorder.spans[-1].attributes


def test_a_task_and_a_thread_that_are_started_in_a_run_are_in_it(recorder):
    @agent
    async def starts():
        seen = []
        thread = threading.Thread(target=lambda: seen.append(current_run()))
        thread.start()
        thread.join()
        return current_run(), await asyncio.create_task(asyncio.to_thread(look)), seen

    run, in_a_task, in_a_thread = asyncio.run(starts())
    assert run is in_a_task
    assert in_a_thread == [run]


@pytest.mark.parametrize("name", ["agent", "span"])
def test_a_run_has_no_dictionary_since_there_is_one_for_each_call_of_an_agent(name):
    run = Run("walker", SpanContext(1, 2, is_remote=False))
    assert not hasattr(run, "__dict__")
    assert hasattr(run, name)
