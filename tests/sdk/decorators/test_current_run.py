"""``current_run()``: what the code of an agent can say about its run."""

import contextlib
import logging
import os
import pickle
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import SpanContext

import ams_sdk
from ams_sdk import agent, current_run, tool
from ams_sdk._decorators.run import Run


@pytest.fixture(params=["ours", "theirs"])
def recorder(request, unconfigured_recorder):
    provider = TracerProvider(shutdown_on_exit=False) if request.param == "theirs" else None
    return unconfigured_recorder.configure(provider=provider)


@tool
def judge():
    current_run().set(judged=True)
    current_run().feedback(1, name="inner")
    return current_run()


@agent
def walker(question):
    run = current_run()
    run.set({"order.id": 7}, customer="acme", api_key="hunter22", parts=["a", "b"], nested={"password": "hunter22"})
    run.event("looked", {"step.count": 1}, where="Bearer abcdefghijkl0123")
    assert judge() is run
    return run


def test_attributes_and_events_are_on_the_span_of_the_run_wherever_they_are_said(recorder):
    walker("why")
    span = recorder.one("invoke_agent walker")
    said = span.attributes
    assert (said["order.id"], said["customer"], said["judged"], said["parts"]) == (7, "acme", True, ("a", "b"))
    assert (said["api_key"], said["nested"]) == ("[redacted]", '{"password":"[redacted]"}')
    looked, judged = span.events
    assert (looked.name, dict(looked.attributes)) == ("looked", {"step.count": 1, "where": "Bearer [redacted]"})
    assert judged.name == "gen_ai.evaluation.result"
    assert dict(judged.attributes) == {"gen_ai.evaluation.name": "inner", "gen_ai.evaluation.score.value": 1.0}


def test_what_a_run_says_of_itself(recorder):
    run = walker("why")
    span = recorder.one("invoke_agent walker")
    assert run
    assert (run.agent, run.trace_id) == ("walker", f"{span.context.trace_id:032x}")
    assert run.id == span.attributes["ams.run.id"]
    assert repr(run) == f"<Run {run.id} of walker>"


def test_after_its_end_feedback_is_a_span_of_its_own_and_the_rest_is_nothing(recorder, caplog):
    run = walker("why")
    run.set(late=True)
    run.event("late")
    run.feedback(0.5, label="fair", comment="The token=hunter2hunter2 was wrong.")
    late = recorder.one("gen_ai.evaluation.result")
    span = recorder.one("invoke_agent walker")
    assert late.parent.span_id == span.context.span_id
    assert late.attributes["ams.run.id"] == run.id
    (event,) = late.events
    assert dict(event.attributes) == {
        "gen_ai.evaluation.name": "user_feedback",
        "gen_ai.evaluation.score.value": 0.5,
        "gen_ai.evaluation.score.label": "fair",
        "gen_ai.evaluation.explanation": "The token=[redacted] was wrong.",
    }
    assert "late" not in span.attributes
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_the_run_does_not_keep_its_span(recorder):
    assert walker("why").live is None


def test_a_run_that_fails_or_streams_lets_go_of_its_span_too(recorder):
    @agent
    def fails():
        fails.run = current_run()
        raise KeyError

    @agent
    def streams():
        yield current_run()

    with pytest.raises(KeyError):
        fails()
    (run,) = streams()
    assert fails.run.live is None
    assert run.live is None


def test_outside_of_a_run_there_is_one_that_takes_everything(recorder):
    run = current_run()
    assert not run
    assert (run.id, run.agent, run.trace_id, repr(run)) == ("", "", "", "<Run: none>")
    run.set(a=1)
    run.event("b")
    run.feedback(1)
    assert recorder.spans == ()


def test_without_the_sdk_there_is_one_too():
    run = walker("why")
    assert not run
    run.feedback(1)


@pytest.mark.parametrize(
    ("given", "advice"),
    [
        ({}, "give a score or a label"),
        ({"score": float("nan")}, "the score is a number"),
        ({"score": float("inf")}, "the score is a number"),
        ({"score": "good"}, "could not convert"),
        ({"score": 10**400}, "too large"),
    ],
)
def test_feedback_that_says_nothing_is_counted(given, advice, held_back):
    current_run().feedback(**given)  # an agent must not fail for what it thinks of itself
    ((place, error),) = held_back
    assert (place, advice in str(error)) == ("run: recording feedback", True)
    held_back.clear()


def test_hostile_values_do_no_harm(recorder):
    class Hostile:
        def __repr__(self):
            raise RuntimeError

        __str__ = __repr__

    @agent
    def hostile():
        current_run().set(value=Hostile(), big="x" * 100_000, ints=[1, 2], none=None)
        current_run().event("x", {"value": Hostile()})

    hostile()
    said = recorder.one("invoke_agent hostile").attributes
    assert "Hostile" in said["value"]
    assert len(said["big"]) < 9_000
    assert (said["ints"], said["none"]) == ("[1,2]", "null")


def test_threads_may_say_things_at_once(recorder):
    @agent
    def busy():
        run = current_run()
        threads = [threading.Thread(target=run.set, kwargs={f"from.{n}": n}) for n in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    busy()
    said = recorder.one("invoke_agent busy").attributes
    assert {said[f"from.{n}"] for n in range(20)} == set(range(20))


@given(st.text(max_size=3), st.one_of(st.integers(), st.floats(), st.text(), st.binary(), st.lists(st.integers())))
def test_any_name_and_value_may_be_given(name, value):
    span = TracerProvider(shutdown_on_exit=False).get_tracer("a").start_span("b")
    Run("walker", SpanContext(1, 2, is_remote=False), span).set({name: value})
    span.end()


def usage(tracer, name, used=None, inside=()):
    """A span of somebody's instrumentation, with others inside."""
    with tracer.start_as_current_span(name, attributes={"gen_ai.operation.name": "chat"}) as span:
        for one in inside:
            usage(tracer, *one)
        if used is not None:
            span.set_attributes({"gen_ai.usage.input_tokens": used[0], "gen_ai.usage.output_tokens": used[1]})


@pytest.mark.parametrize(
    ("calls", "expected"),
    [
        ([("a", (10, 1)), ("b", (20, 2))], (30, 3)),
        ([("framework", (10, 1), [("client", (10, 1))])], (10, 1)),
        ([("framework", None, [("client", (10, 1)), ("client", (20, 2))])], (30, 3)),
        ([("chain", None, [("framework", (9, 3), [("http", None), ("client", (4, 1)), ("client", (5, 2))])])], (9, 3)),
        ([("a", (10, 0))], (10, 0)),
    ],
)
def test_a_run_says_the_tokens_of_its_model_calls_each_once(recorder, calls, expected):
    tracer = ams_sdk._lifecycle._process.configured.tracer()

    @agent
    def thinker():
        for call in calls:
            usage(tracer, *call)

    thinker()
    said = recorder.one("invoke_agent thinker").attributes
    assert (said["gen_ai.usage.input_tokens"], said["gen_ai.usage.output_tokens"]) == expected


def test_a_run_inside_of_a_run_counts_for_itself(recorder):
    tracer = ams_sdk._lifecycle._process.configured.tracer()

    @agent
    def inner():
        usage(tracer, "a", (10, 1))

    @agent
    def outer():
        inner()
        usage(tracer, "b", (20, 2))

    outer()
    assert recorder.one("invoke_agent inner").attributes["gen_ai.usage.input_tokens"] == 10
    assert recorder.one("invoke_agent outer").attributes["gen_ai.usage.input_tokens"] == 20


def test_a_run_without_model_calls_says_nothing_of_tokens(recorder):
    walker("why")
    assert not [name for name in recorder.one("invoke_agent walker").attributes if "usage" in name]


def test_model_calls_of_many_threads_are_all_counted(recorder):
    tracer = ams_sdk._lifecycle._process.configured.tracer()

    @agent
    def busy():
        def work():
            for _ in range(200):
                usage(tracer, "a", (1, 1))

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    busy()
    assert recorder.one("invoke_agent busy").attributes["gen_ai.usage.input_tokens"] == 1_600


def test_a_run_can_be_sent_to_another_process(recorder):
    run = walker("why")
    there = pickle.loads(pickle.dumps(run))  # noqa: S301 -- what was just written
    assert (there.id, there.agent) == (run.id, "walker")
    there.feedback(1)
    assert recorder.one("gen_ai.evaluation.result").parent.span_id == run.span.span_id


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_what_the_child_of_a_fork_thinks_of_the_run_is_not_said_on_a_copy_of_its_span(recorder):
    @agent
    def forks():
        read, write = os.pipe()
        child = os.fork()
        if not child:
            with contextlib.suppress(BaseException):
                os.write(write, b"copy" if current_run()._recording() is not None else b"none")
            os._exit(0)
        os.waitpid(child, 0)
        return os.read(read, 4)

    assert forks() == b"none"


def test_what_a_tool_asks_of_a_model_is_not_part_of_what_a_framework_says(recorder):
    tracer = ams_sdk._lifecycle._process.configured.tracer()

    @tool
    def asks():
        usage(tracer, "inner", (10, 1))

    @agent
    def thinker():
        with tracer.start_as_current_span("framework", attributes={"gen_ai.operation.name": "chat"}) as span:
            asks()
            span.set_attribute("gen_ai.usage.input_tokens", 5)

    thinker()
    assert recorder.one("invoke_agent thinker").attributes["gen_ai.usage.input_tokens"] == 15
