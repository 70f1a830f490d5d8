"""What the span of a decorated call keeps alive, and how large it says that it is."""

import contextvars
import gc
import weakref

import pytest
from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.trace import StatusCode
from tests.sdk.tracing.decorated_calls import ARGUMENTS, RESULT, begun

from ams_sdk import tool
from ams_sdk._capture import MAX_TEXT
from ams_sdk._tracing.size import SPAN


class Thing:
    def __repr__(self):
        return "Thing()"

    @tool
    def method(self, where):
        return where


def test_neither_the_arguments_nor_self_live_longer_for_the_sake_of_the_span(provider, kept):
    thing, argument, result = Thing(), Thing(), Thing()
    gone = [weakref.ref(one) for one in (thing, argument, result)]
    begun(provider, thing, argument, function=Thing.method).returned(result)
    begun(provider, thing, "up", function=Thing.method).returned("up")
    del thing, argument, result
    gc.collect()
    assert [one() for one in gone] == [None] * 3
    assert len(kept.spans) == 2


@pytest.mark.parametrize("fails", [False, True])
def test_a_span_does_not_keep_the_context_of_its_call_alive(provider, kept, fails):
    variable = contextvars.ContextVar("the program's")
    thing, parent = Thing(), provider.get_tracer("test").start_span("parent")
    gone = weakref.ref(thing), weakref.ref(parent)

    def run(thing, parent):
        variable.set(thing)
        otel_context.attach(trace.set_span_in_context(parent, otel_context.set_value("mine", thing)))
        call = begun(provider, "up")
        call.failed(ValueError()) if fails else call.returned("up")

    contextvars.Context().run(run, thing, parent)
    del thing, parent
    gc.collect()
    assert [one() for one in gone] == [None, None]
    assert len(kept.spans) == 1


def test_a_span_does_not_keep_an_exception_alive(recorder):
    class Local(Exception):  # noqa: N818 -- a user's name
        pass

    @tool
    def work():
        raise Local

    with pytest.raises(Local) as raised:
        work()
    gone = weakref.ref(raised.value)
    del raised
    gc.collect()
    assert gone() is None
    assert recorder.one("execute_tool work").status.status_code is StatusCode.ERROR


def test_what_is_large_is_cut_at_once_and_its_size_is_told(provider, kept):
    large = "x" * (10 * MAX_TEXT)
    begun(provider, large, {large: large}, named=large).returned(large)
    (call,) = kept.spans
    assert call._args is None
    assert len(call.attributes[ARGUMENTS]) < 5 * MAX_TEXT
    assert len(call.attributes[RESULT]) < 1.1 * MAX_TEXT
    held = sum(len(value) for value in call.attributes.values())
    assert held < kept.sizes[0] < held + 2 * SPAN


def test_an_integer_of_a_million_digits_costs_nothing(provider):
    call = begun(provider, 10**1_000_000)
    call.returned(10**1_000_000)
    assert "integer of 3321929 bits" in call.attributes[ARGUMENTS]
    assert "integer of 3321929 bits" in call.attributes[RESULT]


def test_the_size_of_what_the_code_writes_is_told(provider, kept):
    for looks in (False, True):
        call = begun(provider, "up")
        if looks:
            assert call.attributes
        call.set_attribute("large", "x" * 100_000)
        call.set_attribute("items", ["x" * 100_000])
        call.add_event("event", {"large": "x" * 100_000})
        call.returned("up")
    assert [300_000 < size < 700_000 for size in kept.sizes] == [True, True]
