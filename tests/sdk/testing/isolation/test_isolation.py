"""A test that nothing leaves, and that leaves nothing behind."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import ams_sdk
from ams_sdk._capture import rules
from ams_sdk._client.stand_in import stand_in
from ams_sdk._decorators import runtime
from ams_sdk._tracing.provider_choice import watchers
from ams_sdk.testing._isolation import Environment, Isolation
from ams_sdk.testing._platform import (
    ClockSkew,
    Disconnect,
    DuplicateDelivery,
    Latency,
    Malformed,
    MockPlatform,
    PartialSuccess,
    Status,
    Timeout,
)


@ams_sdk.agent
def worker(number):
    return number


at_import = trace.get_tracer("made.at.import")


def isolated(**settings):
    return Isolation(MockPlatform(), Environment(), **settings)


def names(spans):
    return [span.name for span in spans]


@pytest.fixture
def isolation():
    with Environment() as environment, Isolation(MockPlatform(), environment) as isolation:
        yield isolation


def everything():
    return (
        dict(os.environ),
        trace._TRACER_PROVIDER,
        runtime.state.runtime,
        runtime.state.decided,
        rules.current,
        list(watchers),
        (stand_in.endpoint, stand_in.blocking, stand_in.asynchronous),
        ams_sdk.stats().configured,
        threading.active_count(),
    )


def test_nothing_is_left_behind():
    before = everything()
    with Environment() as environment, Isolation(MockPlatform(), environment) as isolation:
        worker(1)
        assert names(isolation.sink.spans()) == ["invoke_agent worker"]
        assert everything() != before
    assert everything() == before
    worker(2)
    assert names(isolation.sink.spans()) == ["invoke_agent worker"]


def test_what_a_test_does_to_the_sdk_is_undone():
    before = everything()
    with Environment() as environment, Isolation(MockPlatform(), environment):
        ams_sdk.shutdown()
        ams_sdk.configure(exporters=[InMemorySpanExporter()], redact=["x+"])
        os.environ["AMS_SERVICE_NAME"] = "changed"
        worker(1)
    assert everything() == before


def test_what_was_configured_goes_on_and_gets_nothing_of_the_test():
    exporter = InMemorySpanExporter()
    ams_sdk.configure(exporters=[exporter], redact=["otter"])
    configured, used, provider = runtime.state.runtime, rules.current, trace.get_tracer_provider()
    before = trace.get_tracer("x").start_span("begun before")
    worker(1)
    with Environment() as environment, Isolation(MockPlatform(), environment) as isolation:
        worker(2)
        with at_import.start_as_current_span("by a library"):
            pass
        before.end()
        assert sorted(names(isolation.sink.spans())) == ["by a library", "invoke_agent worker"]
    assert (runtime.state.runtime, rules.current, trace.get_tracer_provider()) == (configured, used, provider)
    worker(3)
    with at_import.start_as_current_span("by a library again"):
        pass
    assert ams_sdk.flush()
    found = exporter.get_finished_spans()
    assert sorted(names(found)) == ["begun before", "by a library again", "invoke_agent worker", "invoke_agent worker"]
    assert [span.attributes["ams.input"] for span in found if "worker" in span.name] == ['{"number":1}', '{"number":3}']


@pytest.fixture
def application_provider():
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    provider.exporter = exporter
    trace._TRACER_PROVIDER = provider
    yield provider
    trace._TRACER_PROVIDER = None
    provider.shutdown()


def test_a_provider_of_the_applications_keeps_serving_and_is_left_as_it_was(application_provider):
    processors = application_provider._active_span_processor._span_processors
    for _ in range(2):
        with Environment() as environment, Isolation(MockPlatform(), environment) as isolation:
            assert trace.get_tracer_provider() is application_provider
            with at_import.start_as_current_span("by a library"):
                worker(1)
            assert names(isolation.sink.spans()) == ["invoke_agent worker", "by a library"]
    assert application_provider._active_span_processor._span_processors == processors
    assert len(application_provider.exporter.get_finished_spans()) == 4


def test_what_was_joined_before_is_joined_again(application_provider):
    exporter = InMemorySpanExporter()
    ams_sdk.configure(exporters=[exporter])
    worker(1)
    processors = application_provider._active_span_processor._span_processors
    with Environment() as environment, Isolation(MockPlatform(), environment) as isolation:
        worker(2)
        assert len(isolation.sink.spans()) == 1
    assert application_provider._active_span_processor._span_processors == processors
    worker(3)
    assert ams_sdk.flush()
    assert len(exporter.get_finished_spans()) == 2


def test_a_provider_that_is_set_during_the_test_is_seen_too():
    provider = TracerProvider(shutdown_on_exit=False)
    with Environment() as environment, Isolation(MockPlatform(), environment) as isolation:
        worker(1)
        trace._TRACER_PROVIDER = provider
        try:
            worker(2)
            with provider.get_tracer("its own").start_as_current_span("its own"):
                pass
        finally:
            trace._TRACER_PROVIDER = None
        assert names(isolation.sink.spans()) == ["invoke_agent worker", "invoke_agent worker", "its own"]
    provider.shutdown()


def test_a_program_that_configures_itself_talks_to_the_platform_of_the_test(isolation):
    platform = isolation._platform
    platform.allow(host="ams.example.com")
    ams_sdk.configure(endpoint="https://ams.example.com", api_key=platform.api_key)
    worker(1)
    assert ams_sdk.flush()
    assert names(platform.spans) == ["invoke_agent worker"]
    assert names(isolation.sink.spans()) == ["invoke_agent worker"]
    platform.assert_registered("worker")
    platform.verify()


def test_the_environment_of_the_developer_does_not_count(monkeypatch):
    monkeypatch.setenv("AMS_SAMPLE_RATE", "0")
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://192.0.2.1:4318")
    with Environment() as environment, Isolation(MockPlatform(), environment) as isolation:
        worker(1)
        isolation.settle()
        assert len(isolation.sink.spans()) == 1
        assert isolation.block.refused == []
        assert "OTEL_EXPORTER_OTLP_ENDPOINT" not in os.environ
    assert os.environ["AMS_SAMPLE_RATE"] == "0"


def test_settings_of_the_test_count():
    with Environment() as environment:
        with Isolation(MockPlatform(), environment, settings={"capture_content": False}) as isolation:
            worker(1)
        assert "ams.input" not in isolation.sink.spans()[0].attributes


def test_a_setting_that_cannot_be_used_leaves_nothing_behind():
    before = everything()
    with (
        Environment() as environment,
        pytest.raises(ams_sdk.ConfigurationError),
        Isolation(MockPlatform(), environment, settings={"sample_rate": 7}),
    ):
        pass
    assert everything() == before


def test_one_in_another_sees_its_own():
    with Environment() as environment, Isolation(MockPlatform(), environment) as outer:
        worker(1)
        with Environment() as inside, Isolation(MockPlatform(), inside) as inner:
            worker(2)
        worker(3)
        assert len(inner.sink.spans()) == 1
        assert len(outer.sink.spans()) == 2


def test_a_login_of_the_test_is_gone_after_it():
    with Environment() as environment, Isolation(MockPlatform(), environment):
        folder = Path(os.environ["AMS_STATE_DIR"])
        folder.mkdir()
    assert not folder.exists()


def test_a_hundred_tests_do_not_cost_more_and_more():
    """Import-time tracers, threads and processors: the hundredth test is as the first."""
    threads = threading.active_count()
    for number in range(100):
        with Environment() as environment, Isolation(MockPlatform(), environment) as isolation:
            with at_import.start_as_current_span(f"span {number}"):
                worker(number)
            assert names(isolation.sink.spans()) == ["invoke_agent worker", f"span {number}"]
    assert threading.active_count() == threads


def test_a_child_process_finds_neither_the_developers_platform_nor_a_login(isolation):
    script = "import ams_sdk; ams_sdk.configure(); print(ams_sdk.stats().configured)"
    environ = os.environ | {"PYTHONWARNINGS": "ignore"}
    done = subprocess.run([sys.executable, "-c", script], env=environ, capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"


@pytest.mark.parametrize(
    "break_it",
    [
        lambda platform: platform.fault(Timeout(), times=None),
        lambda platform: platform.fault(Status(503), on="export_traces", times=None),
        lambda platform: platform.on("export_traces").respond(503),
    ],
)
def test_a_platform_that_is_down_for_good_is_not_waited_for(break_it, held_back):
    began = time.monotonic()
    with Environment() as environment, Isolation(MockPlatform(strict=False), environment) as isolation:
        break_it(isolation._platform)
        worker(1)
        isolation.settle()
        assert len(isolation.sink.spans()) == 1
    assert time.monotonic() - began < 5
    held_back.clear()  # the agent could not be registered


@pytest.mark.parametrize("fault", [Latency(0.01), PartialSuccess(1), DuplicateDelivery(), ClockSkew(60)])
def test_what_arrives_all_the_same_is_waited_for(fault):
    with Environment() as environment, Isolation(MockPlatform(strict=False), environment) as isolation:
        isolation._platform.fault(fault, times=None)
        worker(1)
        isolation.settle()
        assert len(isolation._platform.requests.of("export_traces")) > 0


def slow_spy(request):
    time.sleep(0.3)  # longer than is waited for what cannot arrive


@pytest.mark.parametrize(
    "stub",
    [
        lambda platform: platform.on("export_traces").respond_with(slow_spy),
        lambda platform: platform.on("export_traces").respond(200),
        lambda platform: platform.on("export_traces").respond(400),  # is not tried again
        lambda platform: platform.on("register_agent").respond_with(slow_spy),
        lambda platform: platform.fault(Status(503), on="register_agent", times=None),
        lambda platform: platform.fault(Malformed(), times=None),
        lambda platform: platform.fault(Status(503), on="export_traces", times=None, after=1),
        lambda platform: [platform.on("export_traces").respond(status, times=1) for status in (503, 200)],
    ],
)
def test_what_a_stub_or_a_fault_without_end_lets_through_is_waited_for(stub, held_back):
    with Environment() as environment, Isolation(MockPlatform(strict=False), environment) as isolation:
        platform = isolation._platform
        platform.fault(Latency(0.2), times=None)
        stub(platform)
        worker(1)
        isolation.settle()
        assert platform.requests.of("export_traces")
        assert ams_sdk.stats().waiting == {"platform": 0}
    held_back.clear()  # some of these keep the agent from being registered


@pytest.mark.parametrize(
    "break_it",
    [
        lambda platform: platform.fault(Disconnect("mid_body"), on="export_traces", times=None),
        lambda platform: platform.on("export_traces").respond(200, body="<p>", headers={"Content-Type": "text/html"}),
        lambda platform: platform.on("export_traces").respond(403),
        lambda platform: (
            platform.on("export_traces").respond(503, times=1),
            platform.on("export_traces").respond(502),
        ),
    ],
)
def test_what_never_arrives_is_tried_before_it_is_asked_what_was_tried(break_it):
    with Environment() as environment, Isolation(MockPlatform(strict=False), environment) as isolation:
        platform = isolation._platform
        break_it(platform)
        platform.fault(Latency(0.2), on="register_agent", times=None)  # spans wait for it
        began = time.monotonic()
        worker(1)
        isolation.settle()
        platform.assert_requested("export_traces")
    assert time.monotonic() - began < 5


def test_a_decorated_call_before_the_environment_is_put_back_by_pytest_configures_nothing():
    before = dict(os.environ)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AMS_ENABLED", "true")  # a suite that is traced, if something says where to
        with Isolation(MockPlatform(), patch):
            worker(1)
        worker(2)
        assert not ams_sdk.stats().configured
    assert dict(os.environ) == before


def test_a_span_that_ends_after_the_test_is_not_the_applications(application_provider):
    exporter = InMemorySpanExporter()
    ams_sdk.configure(exporters=[exporter])
    with Environment() as environment, Isolation(MockPlatform(), environment):
        late = trace.get_tracer("ams_sdk").start_span("late")
    late.end()
    worker(1)
    assert ams_sdk.flush()
    assert names(exporter.get_finished_spans()) == ["invoke_agent worker"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_forked_child_of_a_test_does_not_hang(isolation):
    code = """
import os, threading, warnings
from ams_sdk.testing._trace.routing import SpanSink, router
warnings.simplefilter("ignore")
sink = SpanSink()
router.begin(sink)
held = threading.Event()
def hold():
    with router._lock, sink.changed:
        held.set()
        threading.Event().wait(20)
threading.Thread(target=hold, daemon=True).start()
held.wait()
child = os.fork()
if child == 0:
    from opentelemetry.sdk.trace import TracerProvider
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(router)
    provider.get_tracer("t").start_span("s").end()
    os._exit(0 if [span.name for span in sink.spans()] == ["s"] else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
os._exit(0)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=15, check=True)
    assert done.stdout == "0\n"
