"""Our provider is made, set and taken apart as the SDK's is."""

import atexit
import gc
import inspect
import os
import subprocess
import sys
import threading
import weakref

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import (
    ConcurrentMultiSpanProcessor,
    SpanLimits,
    SpanProcessor,
    SynchronousMultiSpanProcessor,
    TracerProvider,
    sampling,
)
from opentelemetry.sdk.trace import Tracer as SdkTracer
from opentelemetry.trace import NoOpTracer
from tests.sdk.tracing.interleaving import AnotherThread, at_each_line, paused
from tests.sdk.tracing.two_providers import RESOURCE, Composite, Counting, Kept, Listening, own_provider, stock_provider

from ams_sdk import tool
from ams_sdk._decorators import definition_of
from ams_sdk._tracing import process_resource
from ams_sdk._tracing.provider import OwnProvider
from ams_sdk._tracing.span import Origin
from ams_sdk._tracing.tracer import OwnTracer

NEWER = pytest.mark.skipif(
    not hasattr(TracerProvider, "_set_tracer_configurator"), reason="this OpenTelemetry does not know it"
)


@tool
def look(where):
    return where


def test_it_takes_the_sdks_arguments_also_by_position():
    assert inspect.signature(OwnProvider) == inspect.signature(TracerProvider)
    composite, ids, limits = SynchronousMultiSpanProcessor(), Counting(), SpanLimits(max_events=3)
    provider = OwnProvider(sampling.ALWAYS_OFF, RESOURCE, False, composite, ids, limits)  # noqa: FBT003 -- by position
    assert (provider.sampler, provider.resource, provider._resource) == (sampling.ALWAYS_OFF, RESOURCE, RESOURCE)
    assert (provider._active_span_processor, provider.id_generator) == (composite, ids)
    assert (provider._span_limits, provider._atexit_handler) == (limits, None)
    tracer = provider.get_tracer("test")
    assert (tracer.sampler, tracer.resource, tracer.span_processor) == (sampling.ALWAYS_OFF, RESOURCE, composite)
    assert (tracer.id_generator, tracer._span_limits) == (ids, limits)


def test_what_the_environment_says_is_read_once_when_it_is_made(monkeypatch):
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    monkeypatch.setenv("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "7")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "team=blue")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "shop")
    provider = OwnProvider(shutdown_on_exit=False)
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_on")
    monkeypatch.setenv("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "8")
    tracer = provider.get_tracer("test")
    assert provider.sampler is sampling.ALWAYS_OFF
    assert not tracer.start_span("work").is_recording()
    assert tracer._span_limits.max_span_attributes == 7
    assert (tracer.resource.attributes["team"], tracer.resource.attributes["service.name"]) == ("blue", "shop")


def test_a_sampler_that_is_given_leaves_the_environment_unread(monkeypatch, caplog):
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "no such sampler")
    provider = OwnProvider(sampling.ALWAYS_ON, shutdown_on_exit=False)
    assert provider.get_tracer("test").start_span("work").is_recording()
    assert caplog.records == []


@pytest.mark.parametrize("variable", ["OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "OTEL_ATTRIBUTE_COUNT_LIMIT"])
def test_the_number_of_attributes_is_limited_by_the_environment(monkeypatch, variable):
    monkeypatch.setenv(variable, "2")
    span = own_provider(Kept()).get_tracer("test").start_span("work", attributes={"a": 1, "b": 2})
    span.set_attribute("c", 3)
    assert (dict(span.attributes), span.dropped_attributes) == ({"b": 2, "c": 3}, 1)


@pytest.mark.parametrize("variable", ["OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"])
def test_the_length_of_attributes_is_limited_by_the_environment(monkeypatch, variable):
    monkeypatch.setenv(variable, "3")
    span = own_provider(Kept()).get_tracer("test").start_span("work", attributes={"a": "a" * 9})
    span.set_attribute("b", ["b" * 9])
    assert dict(span.attributes) == {"a": "aaa", "b": ("bbb",)}


def test_events_and_links_are_limited_by_the_environment(monkeypatch):
    monkeypatch.setenv("OTEL_SPAN_EVENT_COUNT_LIMIT", "1")
    monkeypatch.setenv("OTEL_SPAN_LINK_COUNT_LIMIT", "1")
    monkeypatch.setenv("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "1")
    monkeypatch.setenv("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", "1")
    span = own_provider(Kept()).get_tracer("test").start_span("work")
    other = own_provider(Kept()).get_tracer("test").start_span("other").get_span_context()
    for name in ("first", "second"):
        span.add_event(name, {"a": 1, "b": 2})
        span.add_link(other, {"name": name, "b": 2})
    assert ([one.name for one in span.events], span.dropped_events) == (["second"], 1)
    assert (len(span.links), span.dropped_links) == (1, 1)
    assert (span.events[0].dropped_attributes, span.links[0].dropped_attributes) == (1, 1)


def test_a_disabled_sdk_hands_out_tracers_that_do_nothing(monkeypatch):
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    assert type(OwnProvider(shutdown_on_exit=False).get_tracer("test")) is NoOpTracer


def test_the_resource_is_detected_as_the_sdks_is(monkeypatch):
    monkeypatch.setenv("OTEL_EXPERIMENTAL_RESOURCE_DETECTORS", "process")
    found = OwnProvider(shutdown_on_exit=False).resource
    assert found == TracerProvider(shutdown_on_exit=False).resource
    assert found.attributes["process.pid"] == os.getpid()


def test_its_tracers_are_the_sdks_own_turned_into_ours():
    provider = own_provider(Kept())
    tracer = provider.get_tracer("library", "1", "https://schema", {"a": 1})
    assert type(tracer) is OwnTracer
    assert isinstance(tracer, SdkTracer)
    other = provider.get_tracer("library", "2")
    assert (other._instrumentation_scope.version, other._instrumentation_scope.attributes) == ("2", {})


@NEWER
def test_an_equal_scope_has_the_same_tracer():
    provider = own_provider(Kept())
    assert provider.get_tracer("library", "1") is provider.get_tracer("library", "1")
    assert provider.get_tracer("library", "1") is not provider.get_tracer("library", "2")


def test_a_library_without_a_name_is_told_as_by_the_sdk(caplog):
    for provider in (own_provider(Kept()), stock_provider(Listening())):
        assert provider.get_tracer("")._instrumentation_scope.name == ""
    assert [record.getMessage() for record in caplog.records] == ["get_tracer called with missing module name."] * 2


@NEWER
def test_a_tracer_that_two_threads_ask_for_is_whole_for_both(monkeypatch):
    provider = own_provider(Kept())
    renew, entered, go_on = OwnTracer._renew, threading.Event(), threading.Event()

    def slow(tracer):
        if threading.current_thread() is first:
            entered.set()
            assert go_on.wait(10)
        renew(tracer)

    first = threading.Thread(target=lambda: provider.get_tracer("library"))
    monkeypatch.setattr(OwnTracer, "_renew", slow)
    first.start()
    assert entered.wait(10)
    try:
        assert provider.get_tracer("library").start_span("work").is_recording()
    finally:
        go_on.set()
        first.join()


def test_it_is_shut_down_with_the_program_and_not_if_that_is_not_wanted():
    assert OwnProvider(shutdown_on_exit=False)._atexit_handler is None
    provider = OwnProvider()
    assert provider._atexit_handler == provider.shutdown
    atexit.unregister(provider._atexit_handler)


def test_a_resource_that_is_merged_later_is_on_the_next_span():
    provider = own_provider(Kept())
    if not hasattr(provider, "_update_resource"):
        pytest.skip("this OpenTelemetry does not know it")
    tracer = provider.get_tracer("test")
    provider._update_resource(Resource({"later": True}))
    assert tracer.start_span("work").resource.attributes["later"] is True
    assert provider.resource.attributes["service.name"] == "test"


def test_a_sampler_and_a_resource_that_are_assigned_count_for_the_tracers_from_then_on():
    provider = own_provider(Kept())
    provider.sampler, provider._resource = sampling.ALWAYS_OFF, Resource({"after": "fork"})
    tracer = provider.get_tracer("test")
    assert not tracer.start_span("work").is_recording()
    assert tracer.resource.attributes == {"after": "fork"}


@pytest.mark.parametrize("composite", [Composite, ConcurrentMultiSpanProcessor])
def test_another_composite_of_processors_is_told_of_every_span(composite):
    kept, listening = Kept(), Listening()
    provider = own_provider(kept, active_span_processor=composite())
    tracer = provider.get_tracer("test")
    tracer.start_span("alone").end()
    provider.add_span_processor(listening)
    tracer.start_span("work").end()
    called(tracer)
    assert [span.name for span in kept.spans] == ["alone", "work", "execute_tool look"]
    assert [span.name for span, _ in listening.started] == ["work", "execute_tool look"]
    assert kept.spans[1:] == listening.ended


def called(tracer, fails=None):
    call = tracer.start_call(definition_of(look), ("up",), {}, None, True)  # noqa: FBT003 -- its signature
    if call is not None:
        call.returned("up") if fails is None else call.failed(fails)
    return call


def swap(composite, change):
    """As others do it."""
    with composite._lock:
        composite._span_processors = change(composite._span_processors)


def test_processors_that_others_put_in_take_out_and_wrap_count_at_once():
    kept, listening = Kept(), Listening()
    provider = own_provider(kept)
    tracer, composite = provider.get_tracer("test"), provider._active_span_processor
    ours = composite._span_processors

    class Wraps(SpanProcessor):
        def __init__(self, inner) -> None:
            self._inner = inner

        def on_end(self, span):
            span._name = f"wrapped {span.name}"
            self._inner.on_end(span)

    for change in (lambda all_: (*all_, listening), lambda all_: (Wraps(all_[0]),), lambda _: (), lambda _: ours):
        swap(composite, change)
        tracer.start_span("work").end()
        called(tracer)
    assert [span.name for span in listening.ended] == ["work", "execute_tool look"]
    twice = ["work", "execute_tool look"]
    assert [span.name for span in kept.spans] == [*twice, *(f"wrapped {name}" for name in twice), *twice]


@pytest.mark.parametrize("line", range(1, 8))
def test_a_processor_that_another_thread_adds_while_ours_is_looked_for_is_not_missed(line):
    def run():
        nonlocal provider, tracer, listening
        provider, listening = own_provider(Kept()), Listening()
        tracer = provider.get_tracer("test")
        go_on.clear()
        tracer.start_span("work")
        go_on.set()
        another.join()
        return tracer

    def add():
        provider.add_span_processor(listening)
        paused(Origin.direct, line, go_on, lambda: tracer.start_span("another's"))

    provider = tracer = listening = None
    go_on, another, runs = threading.Event(), AnotherThread(add), 0
    for written in at_each_line(Origin.direct, another, run):
        written.start_span("after").end()
        assert "after" in [span.name for span in listening.ended]
        runs += 1
    assert runs > 3


def test_a_list_in_place_of_the_tuple_of_processors_is_read_anew_for_each_span():
    kept, listening = Kept(), Listening()
    provider = own_provider(kept)
    tracer, composite = provider.get_tracer("test"), provider._active_span_processor
    composite._span_processors = list(composite._span_processors)
    tracer.start_span("before").end()
    composite._span_processors.append(listening)
    tracer.start_span("after").end()
    assert [span.name for span in listening.ended] == ["after"]
    assert [span.name for span in kept.spans] == ["before", "after"]


def test_parts_of_a_tracer_may_be_called_by_hand():
    kept = Kept()
    tracer = own_provider(kept).get_tracer("test")
    span = tracer.start_span("by hand")
    tracer.span_processor.on_start(span, parent_context=None)
    tracer.span_processor.on_end(span)
    assert kept.spans == [span]


def points(reader):
    """What OpenTelemetry counts of its own spans."""
    found = {}
    data = reader.get_metrics_data()
    for resource in data.resource_metrics if data else ():
        for metric in resource.scope_metrics[0].metrics:
            for point in metric.data.data_points:
                found[metric.name, *sorted(point.attributes.values())] = point.value
    return found


@NEWER
@pytest.mark.parametrize("sampler", [sampling.ALWAYS_ON, sampling.ALWAYS_OFF, sampling.DEFAULT_ON])
def test_it_counts_its_spans_as_the_sdk_does_when_it_is_asked_to(monkeypatch, sampler):
    monkeypatch.setenv("OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED", "true")
    counts = []
    for make, listener in ((own_provider, Kept()), (stock_provider, Listening())):
        reader = InMemoryMetricReader()
        tracer = make(listener, sampler=sampler, meter_provider=MeterProvider([reader])).get_tracer("test")
        with tracer.start_as_current_span("work"):
            open_one = tracer.start_span("open")
            if type(tracer) is OwnTracer:
                called(tracer)
                called(tracer, ValueError())
            else:
                tracer.start_span("call").end()
                tracer.start_span("call").end()
        counts.append(points(reader))
        assert open_one is not None
    assert counts[0] == counts[1]
    assert counts[0]


def test_it_is_let_go_of():
    provider = own_provider(Kept())
    called(provider.get_tracer("test"))
    gone = weakref.ref(provider)
    del provider
    gc.collect()
    assert gone() is None


FORKS = """
import os, sys, threading
os.environ["OTEL_EXPERIMENTAL_RESOURCE_DETECTORS"] = "process"
from opentelemetry.sdk import resources
from tests.sdk.tracing.interleaving import AnotherThread, at_each_line, paused
from tests.sdk.tracing.two_providers import Kept, own_provider

kept = Kept()
described_by = parent = os.getpid()
provider = own_provider(kept, resource=resources.Resource({"process.pid": parent}))
threading.Thread.start = None  # nobody may wait for a thread before the child goes on
tracer = provider.get_tracer("test")
lock = provider._tracers_lock
lock.acquire()
if not (child := os.fork()):
    assert provider._tracers_lock is not lock
    assert provider.get_tracer("another") is not tracer
    span = tracer.start_span("in the child")
    span.end()
    assert kept.spans == [span]
    if hasattr(resources, "_get_process_dependent_resource"):
        described_by = os.getpid()
    assert span.resource.attributes["process.pid"] == described_by
    os._exit(0)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@NEWER
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_in_the_child_of_a_fork_it_goes_on(pytestconfig):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKS], cwd=pytestconfig.rootpath, timeout=60, check=False
    )
    assert done.returncode == 0


class Describing:
    def __init__(self, said, *, always=False):
        self.said = said
        self.always = always

    def is_process_dependent(self):
        return not self.always

    def detect(self):
        if self.said is None:
            raise OSError("there is nothing to be found")
        return Resource(self.said)


def test_what_describes_the_child_of_a_fork_may_fail(monkeypatch, held_back):
    detectors = [Describing({"a": 1}), Describing(None), Describing({"b": 2}), Describing({"c": 3}, always=True)]
    monkeypatch.setattr(process_resource, "_detectors", lambda: detectors)
    assert process_resource.process_resource().attributes == {"a": 1, "b": 2}
    assert [place for place, _ in held_back] == ["describing the child of a fork"]
    held_back.clear()
