import logging
import threading
from datetime import UTC, datetime, timedelta

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from tests.sdk.span_sink import cut_short, disconnect, partial

from ams_sdk._client import Connection
from ams_sdk._credentials import Login
from ams_sdk._tracing import PlatformExporter
from ams_sdk._tracing import exporter as module

SUCCESS, FAILURE = SpanExportResult.SUCCESS, SpanExportResult.FAILURE


@pytest.fixture
def make():
    memory = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    tracer = provider.get_tracer("test")

    def spans(*names, **attributes):
        memory.clear()
        for name in names:
            tracer.start_span(name, attributes=attributes).end()
        return memory.get_finished_spans()

    return spans


@pytest.fixture
def exporter(connection):
    made = PlatformExporter(connection)
    yield made
    made.shutdown()


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(module, "_FIRST_PAUSE", 0.001)


def test_spans_arrive_as_protobuf_with_the_credential(sink, exporter, make):
    assert exporter.export(make("one", "two")) is SUCCESS
    ((headers, _),) = sink.requests
    assert headers["content-type"] == "application/x-protobuf"
    assert headers["authorization"] == "Bearer the-key"
    assert headers["user-agent"].startswith("ams-sdk/")
    assert "content-encoding" not in headers
    assert [span.name for span in sink.spans] == ["one", "two"]


def test_a_large_batch_is_compressed(sink, exporter, make):
    assert exporter.export(make(*["same"] * 100)) is SUCCESS
    ((headers, body),) = sink.requests
    assert headers["content-encoding"] == "gzip"
    assert len(body) < 10_000
    assert len(sink.spans) == 100


def test_a_connection_is_kept(sink, exporter, make):
    ports = set()
    sink.answers = [lambda handler: (ports.add(handler.client_address[1]), reply(handler))]
    for _ in range(5):
        assert exporter.export(make("one")) is SUCCESS
    assert len(ports) == 1


def reply(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", "0")
    handler.end_headers()


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("trouble", [429, 502, 503, 504, disconnect, cut_short])
def test_what_may_pass_is_tried_again(sink, exporter, make, trouble):
    sink.answers = [trouble, trouble, 200]
    assert exporter.export(make("one")) is SUCCESS
    assert len(sink.requests) == 3


@pytest.mark.parametrize("status", [400, 404, 413, 415, 500, 501])
def test_what_is_final_is_not_tried_again(sink, exporter, make, status):
    sink.answers = [status]
    assert exporter.export(make("one")) is FAILURE
    assert len(sink.requests) == 1


@pytest.mark.usefixtures("impatient")
def test_a_pause_that_is_asked_for_is_kept(sink, exporter, make, monkeypatch):
    waits = []
    monkeypatch.setattr(exporter, "_hurrying", type("Clock", (), {"wait": lambda _, seconds: waits.append(seconds)})())
    soon = (datetime.now(UTC) + timedelta(seconds=30)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    sink.answers = [
        (503, {"Retry-After": "7"}, b""),
        (429, {"Retry-After": soon}, b""),
        (503, {"Retry-After": "x"}, b""),
        200,
    ]
    assert exporter.export(make("one")) is SUCCESS
    assert waits[0] == 7
    assert 20 < waits[1] <= 30
    assert waits[2] < 1


@pytest.mark.usefixtures("impatient")
def test_patience_ends(sink, exporter, make, monkeypatch):
    monkeypatch.setattr(module, "_PATIENCE", 0.05)
    sink.answers = [503]
    assert exporter.export(make("one")) is FAILURE
    assert len(sink.requests) >= 2


def test_a_pause_ends_when_the_program_does(sink, exporter, make):
    sink.answers = [(503, {"Retry-After": "50"}, b"")]
    results = []
    thread = threading.Thread(target=lambda: results.append(exporter.export(make("one"))))
    thread.start()
    sink.wait_for(1)
    exporter.hurry()
    thread.join(10)
    assert results == [FAILURE]
    assert len(sink.requests) == 1


def test_nothing_listens(connection, sink, make):
    nobody = PlatformExporter(Connection("http://127.0.0.1:9", "the-key", "argument"))
    nobody.hurry()
    assert nobody.export(make("one")) is FAILURE


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_credential_is_told_once_without_repeating_it(sink, exporter, make, caplog, status):
    sink.answers = [status]
    with caplog.at_level(logging.WARNING, "ams_sdk"):
        assert exporter.export(make("one")) is FAILURE
        assert exporter.export(make("two")) is FAILURE
    (record,) = caplog.records
    assert "refuses the credential" in record.getMessage()
    assert "ams login" in record.getMessage()
    assert "the-key" not in caplog.text


def test_a_login_that_is_over_is_not_sent(sink, make, caplog):
    login = Login(sink.url, "a@example.com", "old-token", datetime.now(UTC) - timedelta(hours=1))
    exporter = PlatformExporter(Connection(sink.url, "old-token", "login", login))
    with caplog.at_level(logging.WARNING, "ams_sdk"):
        assert exporter.export(make("one")) is FAILURE
    assert sink.requests == []
    assert "ams login" in caplog.text


@pytest.mark.parametrize(("answer", "result"), [(partial(0), SUCCESS), (partial(2), FAILURE)])
def test_partial_success_is_read(sink, exporter, make, answer, result):
    sink.answers = [answer]
    assert exporter.export(make("one", "two", "three")) is result


def test_an_answer_that_is_no_protobuf_does_not_undo_a_success(sink, exporter, make):
    sink.answers = [(200, {}, b"<html>")]
    assert exporter.export(make("one")) is SUCCESS


def test_one_span_that_cannot_be_sent_does_not_cost_the_others(sink, exporter, make):
    assert exporter.export(make("one", "t\ud800o", "three")) is SUCCESS
    assert [span.name for span in sink.spans] == ["one", "three"]
    with pytest.raises(UnicodeEncodeError):
        exporter.export(make("t\ud800o"))


def test_nothing_is_kept(exporter):
    assert exporter.force_flush()


def test_a_pause_is_asked_of_the_client_and_not_of_one_batch(sink, exporter, make):
    sink.answers = [(429, {"Retry-After": "3600"}, b"")]
    assert exporter.export(make("one")) is FAILURE
    assert exporter.export(make("two")) is FAILURE
    assert len(sink.requests) == 1


def test_the_programs_log_is_not_filled_with_our_requests(sink, connection, make, caplog):
    exporter = PlatformExporter(connection)
    results = []
    with caplog.at_level(logging.DEBUG):
        thread = threading.Thread(target=lambda: results.append(exporter.export(make("one"))), name="ams-sdk platform")
        thread.start()
        thread.join()
        assert [record for record in caplog.records if record.name.startswith("http")] == []
        assert exporter.export(make("two")) is SUCCESS
        assert [record for record in caplog.records if record.name == "httpx"]
    assert results == [SUCCESS]
    exporter.shutdown()
