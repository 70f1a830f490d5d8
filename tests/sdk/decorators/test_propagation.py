"""``inject`` and ``extract``: a run goes on in another process."""

import asyncio
import email.message
import logging
import wsgiref.headers

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import baggage, propagate, trace
from opentelemetry import context as otel_context

from ams_sdk import agent, current_run, extract, inject, session, tool
from ams_sdk._decorators.session import current_conversation


@tool
def look():
    return current_run()


@agent
def caller():
    with session("c-1", user="u", metadata={"secret.plan": "x"}):
        return inject({}), current_run()


@agent
def callee():
    return current_run()


def test_a_trace_goes_on_below_the_caller(recorder):
    headers, run = caller()
    with extract(headers):
        look()
        callee()
    spans = {one.name: one for one in recorder.spans}
    caller_, callee_, look_ = (
        spans[name] for name in ("invoke_agent caller", "invoke_agent callee", "execute_tool look")
    )
    assert callee_.parent.span_id == look_.parent.span_id == caller_.context.span_id
    assert callee_.parent.is_remote
    assert callee_.context.trace_id == caller_.context.trace_id
    assert (look_.attributes["ams.run.id"], look_.attributes["gen_ai.agent.name"]) == (run.id, "caller")
    assert callee_.attributes["ams.run.id"] != run.id
    assert callee_.attributes["gen_ai.conversation.id"] == look_.attributes["gen_ai.conversation.id"] == "c-1"


def test_only_the_ids_are_sent(recorder):
    headers, run = caller()
    assert sorted(headers) == ["baggage", "traceparent"]
    assert headers["baggage"] == f"gen_ai.conversation.id=c-1,ams.run.id={run.id},gen_ai.agent.name=caller"


def test_the_run_is_the_callers_until_the_block_ends(recorder):
    headers, run = caller()
    before = otel_context.get_current()
    with extract(headers):
        there = current_run()
        assert (there.id, there.agent) == (run.id, "caller")
        there.set(nothing=1)
        there.feedback(1)
        assert current_conversation().id == "c-1"
    assert otel_context.get_current() == before
    assert recorder.one("gen_ai.evaluation.result").parent.span_id == run.span.span_id


def wsgi(headers):
    return {f"HTTP_{name.upper()}": value for name, value in headers.items()} | {"wsgi.input": object()}


@pytest.mark.parametrize(
    "form",
    [
        dict,
        lambda headers: {name.upper(): value for name, value in headers.items()},
        lambda headers: list(headers.items()),
        lambda headers: [(name.encode(), value.encode()) for name, value in headers.items()],
        wsgi,
    ],
)
def test_headers_of_every_form_are_read(recorder, form):
    headers, run = caller()

    async def main():
        async with extract(form(headers)):
            return current_run().id

    assert asyncio.run(main()) == run.id


def test_a_span_of_the_same_trace_that_is_current_stays_the_parent(recorder):
    headers, run = caller()
    with extract(headers), trace.get_tracer("web").start_as_current_span("POST"), extract(headers):
        look()
    assert recorder.one("execute_tool look").parent.span_id == recorder.one("POST").context.span_id
    assert recorder.one("execute_tool look").attributes["ams.run.id"] == run.id


def test_what_the_program_put_into_baggage_goes_along(recorder):
    token = otel_context.attach(baggage.set_baggage("theirs", "x"))
    headers = inject({})
    otel_context.detach(token)
    with extract(headers):
        assert baggage.get_baggage("theirs") == "x"


def test_with_nothing_to_say_nothing_changes():
    assert inject({"a": "b"}) == {"a": "b"}
    before = otel_context.get_current()
    for carrier in ({}, [], {"traceparent": "nonsense"}, {"baggage": "ams.run.id=x,gen_ai.agent.name=y"}):
        with extract(carrier):
            assert not current_run()
            assert not trace.get_current_span().get_span_context().is_valid
    assert otel_context.get_current() == before


def test_what_is_no_carrier_is_held_back(held_back):
    for wrong in (None, 3, [1], {1: 2}, "text"):
        with extract(wrong):
            assert not current_run()
    assert held_back
    held_back.clear()


@given(
    st.dictionaries(
        st.sampled_from(["traceparent", "tracestate", "baggage", "Traceparent", "HTTP_BAGGAGE"]),
        st.one_of(
            st.text(max_size=80),
            st.from_regex(r"00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]", fullmatch=True),
            st.from_regex(r"ams\.run\.id=[0-9a-f]{32}-[0-9a-f]{16},gen_ai\.agent\.name=[a-z%]{0,9}", fullmatch=True),
            st.from_regex(r"gen_ai\.conversation\.id=[ -~]{0,300}", fullmatch=True),
        ),
    )
)
def test_whatever_a_client_has_written_does_no_harm(headers):
    before = otel_context.get_current()
    with extract(headers):
        run = current_run()
        assert not run or (len(run.id) == 49 and run.agent)
    assert otel_context.get_current() == before


def test_headers_that_come_several_times_are_one_list(recorder):
    headers, run = caller()
    members = headers.pop("baggage").split(",")
    with extract([*headers.items(), *(("Baggage", member) for member in members), ("baggage", "x=1")]):
        assert current_run().id == run.id
        assert baggage.get_baggage("x") == "1"


def test_of_two_traces_neither_is_continued():
    first, second = (f"00-{digit * 32}-{digit * 16}-01" for digit in "ab")
    with extract([("traceparent", first), ("traceparent", second)]):
        assert not trace.get_current_span().get_span_context().is_valid
    with extract([("traceparent", first), ("traceparent", first)]):
        assert trace.get_current_span().get_span_context().trace_id == int("a" * 32, 16)


@pytest.mark.parametrize(
    "said",
    [
        "x" * 100_000,
        "x=" + "y" * 5_000,
        "no pair",
        "\u00e4=1",
        "a=\u00e4",
        "a b=1",
        "a=1;;",
        "=",
        ",,,",
        ",".join(f"n{number}=1" for number in range(300)),
        ",".join(f"n{number}=" + "y" * 2_000 for number in range(5)),
    ],
)
def test_what_a_client_has_written_is_not_in_the_log_and_costs_nobody_else_his(said, caplog):
    with extract([("baggage", "theirs=x"), ("baggage", said)]):
        assert baggage.get_baggage("theirs") == "x"
    assert caplog.text == ""


@given(st.lists(st.text('ab=;, \t%\\"\u00e4', max_size=12), max_size=4))
def test_whatever_baggage_holds_nothing_of_it_is_in_the_log(values):
    logger, said = logging.getLogger("opentelemetry"), []
    handler = logging.Handler()
    handler.emit = said.append
    logger.addHandler(handler)
    try:
        with extract([("baggage", value) for value in values]):
            pass
    finally:
        logger.removeHandler(handler)
    assert said == []


def test_our_ids_do_not_go_on_to_everybody_that_an_http_client_talks_to(recorder):
    headers, _run = caller()
    with extract(headers):
        sent = {}
        propagate.inject(sent)
    assert "baggage" not in sent


def test_headers_of_the_standard_library_are_read(recorder):
    headers, run = caller()
    message = email.message.Message()
    for name, value in headers.items():
        message[name] = value
    for form in (message, wsgiref.headers.Headers(list(headers.items()))):
        with extract(form):
            assert current_run().id == run.id
