"""Whose provider serves, and what is left behind."""

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.util._once import Once

import ams_sdk
from ams_sdk import agent, tool


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
