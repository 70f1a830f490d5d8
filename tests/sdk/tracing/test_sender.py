"""Batches on their way to a real HTTP server, which answers as badly as a test wants."""

import logging
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext
from tests.sdk.span_sink import cut_short, disconnect, hang, partial

from ams_sdk import _config, _credentials
from ams_sdk._client import Destination, SpanIntake
from ams_sdk._connection import Connection
from ams_sdk._credentials import Login
from ams_sdk._tracing import parcels
from ams_sdk._tracing import sender as module
from ams_sdk._tracing.encoder import Batch
from ams_sdk._tracing.parcels import Parcel
from ams_sdk._tracing.sender import Sender
from ams_sdk._tracing.spool import Spool


def message(*names):
    batch = Batch()
    for number, name in enumerate(names, 1):
        batch.add(ReadableSpan(name, SpanContext(1, number, is_remote=False)))
    return batch.message()


def in_memory(*names):
    return Parcel(len(names), body=message(*names))


def sender_to(connection, spool=None, transport=None):
    return Sender(lambda: SpanIntake(Destination(connection, timeout=10), transport), connection, spool, "test")


def end(sender, seconds=10.0):
    sender.hurry()
    return sender.join(time.monotonic() + seconds)


def flush(sender, seconds=10.0):
    return sender.flush(time.monotonic() + seconds)


@pytest.fixture
def sender(connection):
    made = sender_to(connection)
    yield made
    end(made)


@pytest.fixture
def spool(tmp_path, sink):
    return Spool(tmp_path / "spool", sink.url, "somebody")


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(module, "_FIRST_PAUSE", 0.001)


def test_a_batch_arrives_as_protobuf_with_the_credential(sink, sender):
    sender.offer(in_memory("one", "two"))
    assert flush(sender)
    ((headers, _),) = sink.requests
    assert headers["content-type"] == "application/x-protobuf"
    assert headers["authorization"] == "Bearer the-key"
    assert headers["user-agent"].startswith("ams-sdk/")
    assert "content-encoding" not in headers
    assert [span.name for span in sink.spans] == ["one", "two"]
    counts = sender.counts()
    assert (counts.exported, counts.failed, counts.waiting, counts.retried) == (2, 0, 0, 0)
    assert counts.bytes == len(message("one", "two"))


def test_a_batch_arrives_though_threads_were_replaced_before_it_was_offered(sink, sender, monkeypatch):
    lock = sender._lock
    monkeypatch.setattr(threading, "Lock", lambda lock_type=threading.Lock: lock_type())  # as gevent does
    sender.offer(in_memory("one"))
    assert flush(sender)
    assert [span.name for span in sink.spans] == ["one"]
    assert sender._lock is not lock


def test_a_large_batch_is_packed(sink, sender):
    sender.offer(in_memory(*["same"] * 200))
    assert flush(sender)
    ((headers, body),) = sink.requests
    assert headers["content-encoding"] == "gzip"
    assert sender.counts().bytes == len(body) < len(message(*["same"] * 200)) / 2
    assert len(sink.spans) == 200


def test_a_connection_is_kept(sink, sender):
    ports = set()

    def reply(handler):
        ports.add(handler.client_address[1])
        handler.send_response(200)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    sink.answers = [reply]
    for _ in range(5):
        sender.offer(in_memory("one"))
        assert flush(sender)
    assert len(ports) == 1


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("trouble", [429, 502, 503, 504, disconnect, cut_short])
def test_what_may_pass_is_tried_again(sink, sender, trouble):
    sink.answers = [trouble, trouble, 200]
    sender.offer(in_memory("one"))
    assert flush(sender)
    assert len(sink.requests) == 3
    counts = sender.counts()
    assert (counts.exported, counts.retried) == (1, 2)


@pytest.mark.parametrize("status", [400, 404, 413, 415, 500, 501])
def test_what_is_final_is_not_tried_again(sink, sender, status):
    sink.answers = [status, 200]
    sender.offer(in_memory("one"))
    sender.offer(in_memory("two"))
    assert flush(sender)
    assert len(sink.requests) == 2
    counts = sender.counts()
    assert (counts.exported, counts.failed, counts.waiting) == (1, 1, 0)


@pytest.mark.parametrize("asked", ["600", "http-date"])
def test_a_pause_that_is_asked_for_is_kept_whoever_flushes(sink, sender, asked):
    later = (datetime.now(UTC) + timedelta(seconds=600)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    sink.answers = [(503, {"Retry-After": later if asked == "http-date" else asked}, b""), 200]
    sender.offer(in_memory("one"))
    sink.wait_for(1)
    assert flush(sender, 0.2) is False
    sender.offer(in_memory("two"))
    assert flush(sender, 0.2) is False
    assert len(sink.requests) == 1


def test_a_flush_ends_a_pause_that_nobody_asked_for(sink, sender, monkeypatch):
    monkeypatch.setattr(module, "_FIRST_PAUSE", 600)
    sink.answers = [503, 200]
    sender.offer(in_memory("one"))
    sink.wait_for(1)
    while sender._not_before == 0.0:
        time.sleep(0.001)
    assert flush(sender)


def test_the_end_does_not_wait_for_a_pause(sink, sender):
    sink.answers = [(503, {"Retry-After": "50"}, b"")]
    sender.offer(in_memory("one"))
    sink.wait_for(1)
    began = time.monotonic()
    assert end(sender) is False
    assert time.monotonic() - began < 5
    assert len(sink.requests) == 1
    assert sender.counts().dropped == {"not sent at the end": 1}


def test_with_nobody_there_the_end_comes_at_once():
    nobody = sender_to(Connection("http://127.0.0.1:9", "the-key", "argument"))
    nobody.offer(in_memory("one"))
    began = time.monotonic()
    assert end(nobody) is False
    assert time.monotonic() - began < 5


def test_a_server_that_hangs_is_left_behind_at_the_deadline(sink, sender):
    sink.answers = [hang]
    sender.offer(in_memory("one"))
    sink.wait_for(1)
    began = time.monotonic()
    assert end(sender, 0.2) is False
    assert time.monotonic() - began < 5
    assert sender.counts().waiting == 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_credential_is_told_once_and_the_batch_is_kept(sink, sender, caplog, status, impatient):
    sink.answers = [status, status, status, 200]
    with caplog.at_level(logging.WARNING, "ams_sdk"):
        sender.offer(in_memory("one"))
        assert flush(sender)
    (record,) = caplog.records
    assert "refuses the credential" in record.getMessage()
    assert "ams login" in record.getMessage()
    assert "the-key" not in caplog.text
    assert [span.name for span in sink.spans][-1] == "one"


def log_in(sink, token, hours=1):
    login = Login(sink.url, "a@example.com", token, datetime.now(UTC) + timedelta(hours=hours))
    _credentials.save(_config.state_folder(), login)
    return login


def test_a_new_login_serves_a_sender_that_runs(sink):
    old = log_in(sink, "old-token")
    sender = sender_to(Connection(sink.url, "old-token", "login", old))
    sink.answers = [lambda handler: (log_in(sink, "new-token"), refuse(handler)), 200]
    sender.offer(in_memory("one"))
    assert flush(sender)
    assert [headers["authorization"] for headers, _ in sink.requests] == ["Bearer old-token", "Bearer new-token"]
    end(sender)


def refuse(handler):
    handler.send_response(401)
    handler.send_header("Content-Length", "0")
    handler.end_headers()


def test_a_login_that_is_over_is_not_sent_and_the_next_one_is(sink, caplog, impatient):
    sender = sender_to(Connection(sink.url, "old-token", "login", log_in(sink, "old-token", hours=-1)))
    with caplog.at_level(logging.WARNING, "ams_sdk"):
        sender.offer(in_memory("one"))
        assert flush(sender, 0.2) is False
    assert sink.requests == []
    assert "ams login" in caplog.text
    log_in(sink, "new-token")
    assert flush(sender)
    assert sink.requests[0][0]["authorization"] == "Bearer new-token"
    end(sender)


@pytest.mark.parametrize(("rejected", "exported"), [(0, 3), (2, 1), (7, 0)])
def test_partial_success_is_read(sink, sender, rejected, exported):
    sink.answers = [partial(rejected)]
    sender.offer(in_memory("one", "two", "three"))
    assert flush(sender)
    counts = sender.counts()
    assert (counts.exported, counts.failed) == (exported, 3 - exported)


def test_an_answer_that_is_no_protobuf_does_not_undo_a_success(sink, sender):
    sink.answers = [(200, {}, b"<html>")]
    sender.offer(in_memory("one"))
    assert flush(sender)
    assert sender.counts().exported == 1


def test_jobs_run_before_batches_and_a_broken_one_is_held_back(sink, sender, held_back):
    done = []
    gate = threading.Event()
    sender.submit_job(lambda: gate.wait(30))
    sender.submit_job(lambda: done.append(len(sink.requests)))
    sender.submit_job(lambda: 1 / 0)
    sender.offer(in_memory("one"))
    assert flush(sender, 0.05) is False
    gate.set()
    assert flush(sender)
    assert done == [0]
    assert [place for place, _ in held_back] == ["test: a job"]
    held_back.clear()


def test_after_the_end_jobs_are_not_taken(sender):
    assert end(sender)
    sender.submit_job(lambda: 1 / 0)
    assert flush(sender)


def test_without_a_disk_the_oldest_go_when_memory_is_full(sink, sender, monkeypatch):
    monkeypatch.setattr(parcels, "MAX_IN_MEMORY", 3 * len(message("one")))
    sink.answers = [(503, {"Retry-After": "600"}, b"")]
    sender.offer(in_memory("one"))
    sink.wait_for(1)
    for _ in range(4):
        sender.offer(in_memory("two"))
    counts = sender.counts()
    assert (counts.dropped, counts.waiting) == ({"memory full": 2}, 3)


def test_the_programs_log_is_not_filled_with_our_requests(sink, sender, caplog):
    with caplog.at_level(logging.DEBUG):
        sender.offer(in_memory("one"))
        assert flush(sender)
    assert [record for record in caplog.records if record.name.startswith("http")] == []


def test_a_client_that_cannot_be_set_up_is_told_once(sink, connection, caplog, impatient):
    sender = Sender(
        lambda: SpanIntake(Destination(connection, certificate="/nonexistent.pem")), connection, None, "test"
    )
    with caplog.at_level(logging.WARNING, "ams_sdk"):
        sender.offer(in_memory("one"))
        assert flush(sender, 0.3) is False
    (record,) = caplog.records
    assert "SSL_CERT_FILE" in record.getMessage()
    end(sender)


# --- with a spool -----------------------------------------------------------------------------------------------------


def stored(spool, *names):
    return Parcel(len(names), stored=spool.write(message(*names), len(names)))


def test_what_has_arrived_is_no_longer_on_disk(sink, connection, spool):
    sender = sender_to(connection, spool)
    parcel = stored(spool, "one")
    sender.offer(parcel)
    assert flush(sender)
    assert not parcel.stored.path.exists()
    assert end(sender)
    assert not spool.folder.exists() or list(spool.folder.glob("*.batch")) == []


def test_what_fails_stays_on_disk_for_the_next(sink, connection, spool, tmp_path):
    sink.answers = [503]
    first = sender_to(connection, spool)
    first.offer(stored(spool, "one", "two"))
    sink.wait_for(1)
    began = time.monotonic()
    assert end(first) is False
    assert time.monotonic() - began < 5
    counts = first.counts()
    assert (counts.waiting, counts.spooled, counts.dropped) == (2, 2, {})
    sink.answers = [200]
    del sink.requests[:]
    second = sender_to(connection, Spool(tmp_path / "spool", sink.url, "somebody"))
    second.look_around()
    sink.wait_for(1)
    assert end(second)
    assert [span.name for span in sink.spans] == ["one", "two"]
    counts = second.counts()
    assert (counts.exported, counts.for_others) == (0, 2)


def test_nothing_is_started_where_nothing_was_left_behind(connection, spool):
    sender = sender_to(connection, spool)
    sender.look_around()
    assert not sender._thread.is_running


def test_what_was_left_behind_comes_after_what_is_new(sink, connection, spool, tmp_path):
    dead = Spool(tmp_path / "spool", sink.url, "somebody")
    dead.write(message("old"), 1)
    dead.close()
    sink.answers = [503, 200]
    sender = sender_to(connection, spool)
    sender.offer(stored(spool, "new"))
    sink.wait_for(3)
    assert end(sender)
    assert [span.name for span in sink.spans] == ["new", "new", "old"]


def test_a_batch_that_another_process_dropped_holds_nobody_up(sink, connection, spool):
    sink.answers = [503, 200]
    sender = sender_to(connection, spool)
    gone = stored(spool, "gone")
    gone.stored.path.unlink()
    sender.offer(gone)
    assert flush(sender)
    assert sink.requests == []
    end(sender)


# --- what a cold review found -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("asked", ["99999999999", "1e300", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_no_answer_can_silence_a_program_for_ever(sink, sender, asked, monkeypatch):
    monkeypatch.setattr(module, "_LONGEST_ASKED", 0.05)
    sink.answers = [(503, {"Retry-After": asked}, b""), 200]
    sender.offer(in_memory("one"))
    assert flush(sender)


def test_a_login_of_another_account_does_not_serve(sink, caplog, impatient):
    old = log_in(sink, "token-of-ada")
    sender = sender_to(Connection(sink.url, "token-of-ada", "login", old))
    ends = datetime.now(UTC) + timedelta(hours=1)
    _credentials.save(_config.state_folder(), Login(sink.url, "bob@example.com", "token-of-bob", ends))
    sink.answers = [401, 200]
    with caplog.at_level(logging.WARNING, "ams_sdk"):
        sender.offer(in_memory("written by ada"))
        assert flush(sender)
    assert {headers["authorization"] for headers, _ in sink.requests} == {"Bearer token-of-ada"}
    assert "refuses the credential" in caplog.text
    end(sender)


def test_after_memory_was_full_a_flush_can_succeed_again(sink, sender, monkeypatch, impatient):
    monkeypatch.setattr(parcels, "MAX_IN_MEMORY", 3 * len(message("one")))
    sink.answers = [hang]
    for _ in range(6):
        sender.offer(in_memory("one"))
    sink.answers = [200]
    sink.released.set()
    assert flush(sender)
    counts = sender.counts()
    assert counts.exported + sum(counts.dropped.values()) == 6


def test_a_sign_in_page_is_no_success(sink, connection, spool, caplog, impatient):
    page = (200, {"Content-Type": "text/html; charset=utf-8"}, b"<html>Please sign in")
    sink.answers = [page, page, 200]
    sender = sender_to(connection, spool)
    with caplog.at_level(logging.WARNING, "ams_sdk"):
        sender.offer(stored(spool, "one"))
        assert flush(sender)
    (record,) = caplog.records
    assert "sign-in" in record.getMessage()
    assert (len(sink.requests), sender.counts().exported) == (3, 1)
    end(sender)


@pytest.mark.parametrize("status", [302, 308, 400, 404, 500])
def test_what_is_refused_for_good_stays_on_disk_and_is_told(sink, connection, spool, caplog, status):
    sink.answers = [(status, {"Location": "http://127.0.0.1:9/"}, b"")]
    sender = sender_to(connection, spool)
    with caplog.at_level(logging.WARNING, "ams_sdk"):
        sender.offer(stored(spool, "one"))
        assert flush(sender)
    assert f"status {status}" in caplog.text
    assert [path.suffix for path in spool.folder.iterdir() if path.suffix in {".batch", ".refused"}] == [".refused"]
    assert sender.counts().failed == 1
    end(sender)


def test_a_batch_that_cannot_be_read_now_is_read_later(sink, connection, spool, impatient, monkeypatch):
    sender = sender_to(connection, spool)
    parcel = stored(spool, "one")
    errors = [OSError(24, "Too many open files")]
    read = type(parcel.stored).read
    monkeypatch.setattr(type(parcel.stored), "read", lambda batch: raised(errors.pop()) if errors else read(batch))
    sender.offer(parcel)
    assert flush(sender)
    assert [span.name for span in sink.spans] == ["one"]
    end(sender)


def raised(error):
    raise error
