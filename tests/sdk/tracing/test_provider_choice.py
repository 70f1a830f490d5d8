"""Whose provider serves, and what is left behind."""

import threading
import time

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.util._once import Once
from tests.sdk.tracing.two_providers import Composite, Kept, own_provider

import ams_sdk
from ams_sdk import agent, tool
from ams_sdk._background import THREADS
from ams_sdk._tracing.processor import PipelineProcessor
from ams_sdk._tracing.provider import OwnProvider
from ams_sdk._tracing.provider_choice import ProviderChoice


@pytest.fixture(autouse=True)
def no_global_provider(monkeypatch):
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", None)
    monkeypatch.setattr(trace, "_TRACER_PROVIDER_SET_ONCE", Once())


class Application:
    """A program with a provider and an exporter of its own."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider(shutdown_on_exit=False)
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))

    @property
    def names(self):
        return [span.name for span in self.exporter.get_finished_spans()]


@tool
def look(where):
    with trace.get_tracer("http client").start_as_current_span("GET"):
        return where


@agent
def walker(where):
    return look(where)


def names(recorder):
    return [span.name for span in recorder.spans]


RUN = ["GET", "execute_tool look", "invoke_agent walker"]


def test_ours_serves_the_whole_process(unconfigured_recorder):
    tracer_from_before = trace.get_tracer("early")
    recorder = unconfigured_recorder.configure()
    walker("up")
    tracer_from_before.start_span("early").end()
    assert names(recorder) == [*RUN, "early"]


def test_ours_is_gone_after_shutdown(unconfigured_recorder):
    unconfigured_recorder.configure()
    ams_sdk.shutdown()
    assert isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


def test_a_provider_from_before_is_joined_and_keeps_its_spans(unconfigured_recorder):
    application = Application()
    trace.set_tracer_provider(application.provider)
    recorder = unconfigured_recorder.configure()
    walker("up")
    trace.get_tracer("shop").start_span("checkout").end()
    assert application.names == [*RUN, "checkout"]
    assert names(recorder) == RUN
    assert trace.get_tracer_provider() is application.provider


def test_a_provider_from_later_takes_over_silently_and_is_joined(unconfigured_recorder, caplog, capfd):
    recorder = unconfigured_recorder.configure()
    walker("up")
    application = Application()
    trace.set_tracer_provider(application.provider)
    walker("down")
    trace.get_tracer("shop").start_span("checkout").end()
    assert application.names == [*RUN, "checkout"]
    assert names(recorder) == RUN * 2
    assert (caplog.records, capfd.readouterr()) == ([], ("", ""))


def test_a_joined_provider_is_left_as_it_was(unconfigured_recorder):
    application = Application()
    before = application.provider._active_span_processor._span_processors
    trace.set_tracer_provider(application.provider)
    unconfigured_recorder.configure()
    walker("up")
    assert len(application.provider._active_span_processor._span_processors) == 2
    ams_sdk.shutdown()
    assert application.provider._active_span_processor._span_processors == before
    trace.get_tracer("shop").start_span("checkout").end()
    assert application.names[-1] == "checkout"


def test_the_given_provider_is_used_whatever_the_global_one_is(unconfigured_recorder):
    globally, given = Application(), Application()
    trace.set_tracer_provider(globally.provider)
    recorder = unconfigured_recorder.configure(provider=given.provider)
    walker("up")
    assert given.names == ["execute_tool look", "invoke_agent walker"]
    assert globally.names == ["GET"]
    assert names(recorder) == given.names


def test_a_provider_that_cannot_be_joined_is_left_alone(unconfigured_recorder, monkeypatch):
    other = trace.NoOpTracerProvider()
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", other)
    recorder = unconfigured_recorder.configure()
    walker("up")
    assert trace.get_tracer_provider() is other
    assert names(recorder) == ["execute_tool look", "invoke_agent walker"]


def test_genai_spans_of_the_application_are_taken_too(unconfigured_recorder):
    application = Application()
    trace.set_tracer_provider(application.provider)
    recorder = unconfigured_recorder.configure()
    tracer = trace.get_tracer("model library")
    tracer.start_span("chat gpt", attributes={"gen_ai.operation.name": "chat"}).end()
    tracer.start_span("SELECT").end()
    assert names(recorder) == ["chat gpt"]


def test_the_applications_flush_and_shutdown_reach_our_pipelines(unconfigured_recorder):
    application = Application()
    trace.set_tracer_provider(application.provider)
    recorder = unconfigured_recorder.configure()
    walker("up")
    assert application.provider.force_flush(10_000)
    assert [span.name for span in recorder.exporter.get_finished_spans()] == RUN
    application.provider.shutdown()
    assert application.provider.force_flush(10_000)
    assert ams_sdk.shutdown()


def test_configuring_again_replaces_the_old_configuration(unconfigured_recorder):
    first = unconfigured_recorder.configure()
    walker("up")
    second = type(first)().configure()
    walker("down")
    assert len(first.exporter.get_finished_spans()) == 3
    assert names(second) == RUN


def test_a_span_that_nobody_samples_is_not_taken(unconfigured_recorder):
    recorder = unconfigured_recorder.configure(sample_rate=0.0)
    walker("up")
    assert names(recorder) == []


def test_a_librarys_tracer_follows_whoever_serves(unconfigured_recorder):
    library = trace.get_tracer("a library, at import")
    library.start_span("nobody").end()
    first = unconfigured_recorder.configure()
    library.start_span("first").end()
    with library.start_as_current_span("current"):
        walker("up")
    assert names(first) == ["first", *RUN, "current"]
    assert first.one("invoke_agent walker").parent == first.one("current").get_span_context()
    second = type(first)().configure()
    library.start_span("second").end()
    assert names(second) == ["second"]
    ams_sdk.shutdown()
    assert not library.start_span("after").is_recording()
    application = Application()
    trace.set_tracer_provider(application.provider)
    library.start_span("the application's").end()
    assert application.names == ["the application's"]


def test_start_as_current_span_is_a_decorator_too(unconfigured_recorder):
    recorder = unconfigured_recorder.configure()

    @trace.get_tracer("a library").start_as_current_span("decorated")
    def work():
        return trace.get_current_span().is_recording()

    assert work()
    assert names(recorder) == ["decorated"]


def test_a_provider_that_calls_decorated_functions_while_it_is_joined(unconfigured_recorder):
    @tool
    def inside():
        return None

    class Curious(TracerProvider):
        def get_tracer(self, *scope, **more):
            inside()
            return super().get_tracer(*scope, **more)

    trace.set_tracer_provider(Curious(shutdown_on_exit=False))
    recorder = unconfigured_recorder.configure()
    walker("up")
    assert len([name for name in names(recorder) if name == "invoke_agent walker"]) == 1
    assert len(trace.get_tracer_provider()._active_span_processor._span_processors) == 1


def test_the_applications_flush_waits_no_longer_for_us_than_its_end_would(unconfigured_recorder, sink):
    application = Application()
    trace.set_tracer_provider(application.provider)
    sink.answers = [(503, {"Retry-After": "30"}, b"")]
    ams_sdk.configure(endpoint=sink.url, api_key="the-key", exit_timeout=0.1)
    look("up")  # no agent, so nothing is registered
    began = time.monotonic()
    assert application.provider.force_flush(30_000) is False
    assert time.monotonic() - began < 10


def test_a_run_that_is_open_at_the_shutdown_is_counted(unconfigured_recorder):
    unconfigured_recorder.configure()

    @agent
    def ends_it():
        ams_sdk.shutdown()

    ends_it()
    assert ams_sdk.stats().dropped == {"InMemorySpanExporter 1: after shutdown": 1}


def test_a_provider_of_ours_that_the_application_shuts_down_counts_what_it_loses(unconfigured_recorder):
    unconfigured_recorder.configure()
    trace.get_tracer_provider().shutdown()
    walker("up")
    assert ams_sdk.stats().dropped == {"InMemorySpanExporter 1: after shutdown": 3}


def choice_of(make_own, kept=None):
    def processor(only_related):
        return PipelineProcessor([kept or Kept()], lambda _: True, only_related=only_related)

    return ProviderChoice(make_own, processor)


def test_a_provider_that_the_application_sets_while_ours_is_made_is_not_replaced():
    application = Application()

    def make():
        trace.set_tracer_provider(application.provider)  # as another thread
        return OwnProvider(shutdown_on_exit=False)

    choice = choice_of(make)
    choice.tracer()
    assert trace.get_tracer_provider() is application.provider
    choice.tracer().start_span("joined").end()
    assert application.names == ["joined"]
    choice.release()


def test_threads_that_ask_at_once_get_one_provider():
    together, made = threading.Barrier(8), []

    def make():
        made.append(own_provider(Kept()))
        return made[-1]

    def ask():
        together.wait()
        tracers.append(choice.tracer())

    choice, tracers = choice_of(make), []
    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert {tracer.resource is made[0].resource for tracer in tracers} == {True}
    choice.release()


def test_in_the_child_of_a_fork_it_goes_on_whatever_another_thread_was_at():
    def make():
        if threading.current_thread() is thread:
            entered.set()
            assert go_on.wait(10)
        return own_provider(Kept())

    entered, go_on = threading.Event(), threading.Event()
    choice = choice_of(make)
    thread = threading.Thread(target=choice.tracer)
    thread.start()
    try:
        assert entered.wait(10)
        choice.after_fork()  # in the child the other thread is not there to let go of the lock
        assert choice.tracer().start_span("work").is_recording()
    finally:
        go_on.set()
        thread.join()
    choice.release()


def test_the_provider_that_the_environment_names_is_joined(unconfigured_recorder, monkeypatch):
    monkeypatch.setenv("OTEL_PYTHON_TRACER_PROVIDER", "sdk_tracer_provider")
    recorder = unconfigured_recorder.configure()
    walker("up")
    provider = trace.get_tracer_provider()
    assert type(provider) is TracerProvider
    assert names(recorder) == RUN
    provider.shutdown()


def test_processors_that_the_application_adds_to_ours_get_its_spans(unconfigured_recorder):
    recorder = unconfigured_recorder.configure()
    exporter = InMemorySpanExporter()
    trace.get_tracer_provider().add_span_processor(SimpleSpanProcessor(exporter))
    walker("up")
    assert [span.name for span in exporter.get_finished_spans()] == names(recorder) == RUN


def test_with_the_sdk_of_opentelemetry_disabled_calls_are_plain_calls(unconfigured_recorder, monkeypatch):
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    recorder = unconfigured_recorder.configure()
    assert walker("up") == "up"
    assert names(recorder) == []


def test_a_provider_that_keeps_its_processors_in_a_way_of_its_own_is_joined_and_left(unconfigured_recorder):
    provider = TracerProvider(shutdown_on_exit=False, active_span_processor=Composite())
    recorder = unconfigured_recorder.configure(provider=provider)
    walker("up")
    assert names(recorder) == ["execute_tool look", "invoke_agent walker"]
    ams_sdk.shutdown()
    provider.get_tracer("shop").start_span("checkout", attributes={"gen_ai.operation.name": "chat"}).end()
    assert len(recorder.exporter.get_finished_spans()) == 2


def test_a_provider_that_refuses_to_be_joined_leaves_calls_plain(unconfigured_recorder, held_back):
    class Refuses(TracerProvider):
        def add_span_processor(self, _):
            raise RuntimeError("not me")

    trace.set_tracer_provider(Refuses(shutdown_on_exit=False))
    with pytest.raises(RuntimeError, match="not me"):
        unconfigured_recorder.configure()
    assert walker("up") == "up"
    assert held_back == []
    assert [one.name for one in threading.enumerate() if one.name.startswith(THREADS)] == []


def test_an_old_provider_of_ours_that_is_given_back_is_joined_as_any_other(unconfigured_recorder):
    first = unconfigured_recorder.configure()
    provider = trace.get_tracer_provider()
    walker("up")
    ams_sdk.shutdown()
    second = type(first)().configure(provider=provider)
    walker("down")
    provider.get_tracer("shop").start_span("checkout").end()
    assert names(second) == ["execute_tool look", "invoke_agent walker"]
    assert len(first.exporter.get_finished_spans()) == 3


class Guest(SpanProcessor):
    """A processor of another SDK, on whatever provider is there."""

    def __init__(self) -> None:
        self.seen = []
        self.shut_down = 0

    def on_end(self, span):
        self.seen.append(span.name)

    def shutdown(self):
        self.shut_down += 1


def test_a_processor_of_others_on_our_provider_is_shut_down_with_it(unconfigured_recorder):
    unconfigured_recorder.configure()
    guest = Guest()
    trace.get_tracer_provider().add_span_processor(guest)
    look("up")
    assert ams_sdk.shutdown()
    assert (guest.seen, guest.shut_down) == (["GET", "execute_tool look"], 1)


def test_a_processor_of_others_stays_when_ours_is_configured_anew(unconfigured_recorder):
    first = unconfigured_recorder.configure()
    guest = Guest()
    trace.get_tracer_provider().add_span_processor(guest)
    type(first)().configure()
    look("up")
    assert (guest.seen, guest.shut_down) == (["GET", "execute_tool look"], 0)
    ams_sdk.shutdown()
    assert guest.shut_down == 1


def test_a_processor_of_others_that_hangs_does_not_hold_the_end(unconfigured_recorder):
    unconfigured_recorder.configure(exit_timeout=0.2)
    guest = Guest()
    released = threading.Event()
    guest.shutdown = lambda: released.wait(30)
    trace.get_tracer_provider().add_span_processor(guest)
    began = time.monotonic()
    ams_sdk.shutdown()
    assert time.monotonic() - began < 5
    released.set()


@pytest.mark.parametrize("whose", ["ours", "the application's"])
def test_a_provider_that_is_shut_down_has_sent_what_ended_before(unconfigured_recorder, whose):
    if whose != "ours":
        trace.set_tracer_provider(Application().provider)
    recorder = unconfigured_recorder.configure()
    look("up")
    trace.get_tracer_provider().shutdown()
    assert "execute_tool look" in [span.name for span in recorder.exporter.get_finished_spans()]
