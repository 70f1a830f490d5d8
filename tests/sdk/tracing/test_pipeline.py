import asyncio
import os
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import context as otel_context
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from ams_sdk._tracing.outlets import ExporterOutlet
from ams_sdk._tracing.pipeline import BATCH_BYTES, MAX_BATCH, MAX_BYTES, Pipeline

SIZE = 100


class Exporter(SpanExporter):
    """Keeps batches; a gate holds it back, ``outcome`` says what becomes of a batch."""

    def __init__(self, outcome=SpanExportResult.SUCCESS) -> None:
        self.batches = []
        self.outcome = outcome
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.shut_down = 0

    def export(self, spans):
        self.entered.set()
        self.gate.wait(30)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        self.batches.append(list(spans))
        return self.outcome

    def shutdown(self):
        self.shut_down += 1

    @property
    def spans(self):
        return [span for batch in self.batches for span in batch]


@pytest.fixture
def exporter():
    return Exporter()


@pytest.fixture
def pipeline(exporter):
    made = pipeline_to(exporter)
    yield made
    exporter.gate.set()
    made.close()
    made.join(time.monotonic() + 10)


def pipeline_to(exporter, delay=0.1):
    return Pipeline(ExporterOutlet(exporter, "test", redacted=lambda span: span), "test", delay)


def end(pipeline, seconds=10.0):
    pipeline.close()
    return pipeline.join(time.monotonic() + seconds)


@given(st.integers(0, 2_000), st.integers(1, 4))
def test_every_span_arrives_once_and_in_order(amount, flushes):
    exporter = Exporter()
    pipeline = pipeline_to(exporter)
    for number in range(amount):
        pipeline.submit(number, SIZE)
        if number % (amount // flushes + 1) == 0:
            assert pipeline.flush(10)
    assert end(pipeline)
    assert exporter.spans == list(range(amount))
    assert all(len(batch) <= MAX_BATCH for batch in exporter.batches)
    counts = pipeline.counts()
    assert (counts.created, counts.exported, counts.failed, counts.dropped, counts.waiting) == (
        amount,
        amount,
        0,
        {},
        0,
    )


def test_many_threads_lose_nothing(pipeline, exporter):
    def submit(start):
        for number in range(start, start + 2_000):
            pipeline.submit(number, SIZE)

    threads = [threading.Thread(target=submit, args=(start * 2_000,)) for start in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert pipeline.flush(10)
    assert sorted(exporter.spans) == list(range(16_000))


def test_spans_gather_for_a_moment_and_then_go_without_being_asked(pipeline, exporter):
    pipeline.submit(1, SIZE)
    pipeline.submit(2, SIZE)
    assert exporter.entered.wait(10)
    assert pipeline.flush(10)
    assert exporter.batches == [[1, 2]]


def test_a_full_batch_goes_at_once(exporter):
    patient = pipeline_to(exporter, delay=60)
    for number in range(5):
        patient.submit(number, BATCH_BYTES // 4)
    assert exporter.entered.wait(10)
    assert end(patient)
    assert exporter.spans == list(range(5))


def test_the_end_does_not_wait_for_more(exporter):
    patient = pipeline_to(exporter, delay=60)
    patient.submit(1, SIZE)
    assert end(patient)
    assert exporter.spans == [1]


def test_a_full_queue_drops_counts_and_does_not_block(pipeline, exporter):
    exporter.gate.clear()
    pipeline.submit("held", SIZE)
    assert exporter.entered.wait(10)
    for number in range(15):
        pipeline.submit(number, MAX_BYTES // 10)
    assert pipeline.counts().dropped == {"queue full": 5}
    assert pipeline.counts().created == 16
    exporter.gate.set()
    assert pipeline.flush(10)
    assert exporter.spans == ["held", *range(10)]


def test_flush_keeps_its_timeout(pipeline, exporter):
    exporter.gate.clear()
    pipeline.submit(1, SIZE)
    began = time.monotonic()
    assert pipeline.flush(0.1) is False
    assert time.monotonic() - began < 5


def test_flush_says_that_sending_failed(pipeline, exporter):
    exporter.outcome = SpanExportResult.FAILURE
    pipeline.submit(1, SIZE)
    assert pipeline.flush(10) is False
    exporter.outcome = SpanExportResult.SUCCESS
    pipeline.submit(2, SIZE)
    assert pipeline.flush(10) is True
    assert pipeline.counts().failed == 1


def test_an_exporter_that_raises_is_counted_and_called_again(pipeline, exporter, held_back):
    exporter.outcome = RuntimeError("broken")
    pipeline.submit(1, SIZE)
    assert pipeline.flush(10) is False
    assert [(place, str(error)) for place, error in held_back] == [("test: sending spans", "broken")]
    held_back.clear()
    exporter.outcome = SpanExportResult.SUCCESS
    pipeline.submit(2, SIZE)
    assert pipeline.flush(10)
    assert exporter.spans == [2]


def test_after_the_end_spans_are_dropped_and_counted(pipeline, exporter):
    pipeline.submit(1, SIZE)
    assert end(pipeline)
    pipeline.submit(2, SIZE)
    assert (exporter.spans, exporter.shut_down) == ([1], 1)
    assert pipeline.counts().dropped == {"after shutdown": 1}


def test_an_unused_exporter_is_shut_down_too(pipeline, exporter):
    assert end(pipeline)
    assert exporter.shut_down == 1


def test_an_exporter_that_does_not_come_back_is_left_behind(pipeline, exporter):
    exporter.gate.clear()
    pipeline.submit(1, SIZE)
    assert exporter.entered.wait(10)
    began = time.monotonic()
    assert end(pipeline, 0.2) is False
    assert time.monotonic() - began < 5


def test_the_exporter_is_told_to_hurry(exporter):
    hurried = threading.Event()
    exporter.hurry = hurried.set
    pipeline = pipeline_to(exporter)
    pipeline.submit(1, SIZE)
    assert end(pipeline)
    assert hurried.is_set()


def test_the_exporters_own_requests_are_not_traced(pipeline, exporter):
    seen = {}

    def export(_):
        for key in ("_SUPPRESS_INSTRUMENTATION_KEY", "_SUPPRESS_HTTP_INSTRUMENTATION_KEY"):
            seen[key] = otel_context.get_value(getattr(otel_context, key))
        return SpanExportResult.SUCCESS

    exporter.export = export
    pipeline.submit(1, SIZE)
    assert pipeline.flush(10)
    assert seen == {"_SUPPRESS_INSTRUMENTATION_KEY": True, "_SUPPRESS_HTTP_INSTRUMENTATION_KEY": True}


def test_a_thread_that_cannot_be_started_is_tried_again(pipeline, exporter, monkeypatch):
    def refuse(_):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as limited:
        limited.setattr(threading.Thread, "start", refuse)
        pipeline.submit(1, SIZE)
        pipeline.submit(2, SIZE)
    assert pipeline.counts().waiting == 2
    pipeline.submit(3, SIZE)
    assert pipeline.flush(10)
    assert exporter.spans == [1, 2, 3]


@pytest.mark.parametrize("error", [asyncio.CancelledError(), SystemExit(1), KeyboardInterrupt()])
def test_nothing_that_an_exporter_raises_ends_the_worker(pipeline, exporter, held_back, error):
    def export(_):
        raise error

    exporter.export = export
    pipeline.submit(1, SIZE)
    assert pipeline.flush(10) is False
    del exporter.export
    pipeline.submit(2, SIZE)
    assert pipeline.flush(10) is True
    assert [one for _, one in held_back] == [error]
    held_back.clear()


def test_an_unused_exporter_that_is_slow_to_shut_down_is_left_behind(pipeline, exporter):
    exporter.shutdown = lambda: exporter.gate.wait(30)
    exporter.gate.clear()
    began = time.monotonic()
    end(pipeline, 0.2)
    assert time.monotonic() - began < 5


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_sends_its_own_spans_and_none_of_its_parents(pipeline, exporter):
    exporter.gate.clear()
    pipeline.submit("sending", SIZE)
    assert exporter.entered.wait(10)
    pipeline.submit("waiting", SIZE)
    child = os.fork()
    if child == 0:
        pipeline.after_fork()
        exporter.gate = threading.Event()
        exporter.gate.set()
        pipeline.submit("child's", SIZE)
        flushed = pipeline.flush(10)
        os._exit(0 if flushed and exporter.spans == ["child's"] else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    exporter.gate.set()
    assert pipeline.flush(10)
    assert exporter.spans == ["sending", "waiting"]


def test_an_exporter_that_ends_its_own_pipeline_does_not_wait_for_itself(pipeline, exporter, monkeypatch):
    is_back = threading.Event()

    def export(_spans):
        pipeline.close()
        pipeline.join(time.monotonic() + 600)
        is_back.set()
        return SpanExportResult.SUCCESS

    monkeypatch.setattr(exporter, "export", export)
    pipeline.submit(1, SIZE)
    assert is_back.wait(20)


def test_a_shutdown_in_the_middle_of_the_workers_start_saves_what_is_there(exporter, monkeypatch):
    # As the handler of a program does at SIGTERM; ``sys.exit`` follows, and the start below it never goes on.
    class Quick(ExporterOutlet):
        is_quick = True

    pipeline = Pipeline(Quick(exporter, "test", redacted=lambda span: span), "test")
    ended = []

    def with_a_signal(_thread):
        ended.append(end(pipeline, 5))
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", with_a_signal)
        with pytest.raises(SystemExit):
            pipeline.submit(1, SIZE)
    assert ended == [True]
    assert exporter.spans == [1]
    assert exporter.shut_down == 1
