"""``start_as_current_span``: whatever happens in the block, the span says what the SDK's would."""

import asyncio
import contextlib
import contextvars
import inspect

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, StatusCode, TraceFlags
from tests.sdk.tracing.two_providers import Counting, Kept, Listening, own_provider, stock_provider

PARENT = trace.set_span_in_context(NonRecordingSpan(SpanContext(1, 2, is_remote=True, trace_flags=TraceFlags(1))))
OPTIONS = {
    "context": PARENT,
    "kind": SpanKind.CLIENT,
    "attributes": {"a": 1},
    "links": (Link(SpanContext(3, 4, is_remote=True)),),
    "start_time": 5,
    "record_exception": False,
    "set_status_on_exception": False,
    "end_on_exit": False,
}


class Odd(Exception):  # noqa: N818 -- a user's name
    def __str__(self):
        return "odd"


def nothing(span):
    pass


def ends(span):
    span.end(9)


def says_ok(span):
    span.set_status(StatusCode.OK)


def writes(span):
    trace.get_current_span().set_attribute("b", 2)


def raises(error):
    def act(span):
        raise error

    act.__name__ = f"raises {error!r}"
    return act


def ends_and_raises(span):
    span.end(9)
    raise Odd


def is_ok_and_raises(span):
    span.set_status(StatusCode.OK)
    raise Odd


ERRORS = [
    ValueError("no"),
    Odd(),
    StopIteration(1),
    RuntimeError(),
    KeyboardInterrupt(),
    SystemExit(1),
    GeneratorExit(),
]
ACTS = [nothing, ends, says_ok, writes, ends_and_raises, is_ok_and_raises, *map(raises, ERRORS)]
ACTS.append(raises(asyncio.CancelledError()))


def said(span):
    """All that a span holds, but for moments and stacks."""
    events = [
        (event.name, {key: value for key, value in event.attributes.items() if not key.endswith("stacktrace")})
        for event in span.events
    ]
    status = span.status.status_code, span.status.description
    links = [tuple(link.context) for link in span.links]
    return span.name, span.kind, span.parent, dict(span.attributes), links, events, status, span.is_recording()


def in_a_block(tracer, act, *args, **options):
    with tracer.start_as_current_span("name", *args, **options) as span:
        assert trace.get_current_span() is span
        act(span)


def in_a_function(tracer, act, *args, **options):
    @tracer.start_as_current_span("name", *args, **options)
    def work():
        act(trace.get_current_span())

    work()


def in_a_coroutine_function(tracer, act, *args, **options):
    @tracer.start_as_current_span("name", *args, **options)
    async def work():
        await asyncio.sleep(0)
        act(trace.get_current_span())

    coroutine = work()  # not asyncio.run, which has rules of its own for some of the errors
    coroutine.send(None)
    with contextlib.suppress(StopIteration):
        coroutine.send(None)


def in_an_exit_stack(tracer, act, *args, **options):
    with contextlib.ExitStack() as stack:
        act(stack.enter_context(tracer.start_as_current_span("name", *args, **options)))


def outcome(tracer, way, act, args, options):
    """What came out of the block, and the span."""
    spans = []
    before = otel_context.get_current()

    def noted(span):
        spans.append(span)
        act(span)

    raised = None
    try:
        way(tracer, noted, *args, **options)
    except BaseException as error:  # noqa: BLE001 -- it is compared
        raised = type(error), str(error)
    assert otel_context.get_current() is before
    (span,) = spans
    return raised, said(span), span.start_time == 5, span.end_time == 9, span.end_time is None


@pytest.mark.parametrize("way", [in_a_block, in_a_function, in_a_coroutine_function, in_an_exit_stack])
@given(st.sampled_from(ACTS), st.integers(0, len(OPTIONS)), st.sets(st.sampled_from(list(OPTIONS))))
def test_whatever_happens_in_it_the_span_says_what_the_sdks_says(way, act, positional, named):
    args = list(OPTIONS.values())[:positional]
    options = {name: OPTIONS[name] for name in list(OPTIONS)[positional:] if name in named}
    ours = own_provider(Kept(), id_generator=Counting()).get_tracer("test")
    stock = stock_provider(Listening(), id_generator=Counting()).get_tracer("test")
    assert outcome(ours, way, act, args, options) == outcome(stock, way, act, args, options)


def test_a_decorated_function_keeps_its_face():
    tracer = own_provider(Kept()).get_tracer("test")

    @tracer.start_as_current_span("name")
    def sync(a, b=2):
        """Works."""
        return a, b

    @tracer.start_as_current_span("name")
    async def not_sync():
        return trace.get_current_span()

    assert (sync.__name__, sync.__doc__, str(inspect.signature(sync))) == ("sync", "Works.", "(a, b=2)")
    assert sync(1, b=3) == (1, 3)
    assert inspect.iscoroutinefunction(not_sync)
    assert asyncio.run(not_sync()).name == "name"


def test_each_call_of_a_decorated_function_has_a_span_of_its_own_also_within_another():
    kept = Kept()
    tracer = own_provider(kept).get_tracer("test")

    @tracer.start_as_current_span("countdown")
    def countdown(number):
        return [trace.get_current_span(), *(countdown(number - 1) if number else [])]

    spans = countdown(2)
    assert len({span.context.span_id for span in spans}) == 3
    assert [span.parent for span in spans] == [None, spans[0].context, spans[1].context]
    assert kept.spans == spans[::-1]


def test_a_block_that_is_left_in_another_context_prints_nothing(caplog):
    kept = Kept()
    tracer = own_provider(kept).get_tracer("test")

    def generate():
        with tracer.start_as_current_span("name"):
            yield

    generator = generate()
    contextvars.copy_context().run(next, generator)
    generator.close()
    assert caplog.records == []
    assert [span.name for span in kept.spans] == ["name"]


def test_an_unsampled_span_is_current_too():
    tracer = own_provider(Kept()).get_tracer("test")
    context = trace.set_span_in_context(NonRecordingSpan(SpanContext(1, 2, is_remote=True)))
    with tracer.start_as_current_span("name", context) as span:
        assert trace.get_current_span() is span
    assert type(span) is NonRecordingSpan


def test_a_wrong_argument_is_an_error_as_with_the_sdk():
    for provider in (own_provider(Kept()), stock_provider(Listening())):
        with pytest.raises(TypeError):
            provider.get_tracer("test").start_as_current_span("name", kindly=1).__enter__()
