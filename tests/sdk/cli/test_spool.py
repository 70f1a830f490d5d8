from __future__ import annotations

import io
import json
import socket
import sys
import time

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.sdk.span_sink import partial

from ams_sdk import _credentials
from ams_sdk._cli import main as command_line
from ams_sdk._config import state_folder
from ams_sdk._tracing.spool import Spool, contents, spool_root

ADA = "ada@example.com"
PROBLEM = {"Content-Type": "application/problem+json"}


def request(name):
    message = ExportTraceServiceRequest()
    message.resource_spans.add().scope_spans.add().spans.add().name = name
    return message.SerializeToString()


@pytest.fixture
def spools():
    """Those that live until the test ends."""
    made = []
    yield made
    for one in made:
        one.close()


@pytest.fixture
def left_behind(spools):
    """Leave one batch a name, as a program that has ended does, or one that ``lives``."""

    def leave(endpoint, *names, identity=ADA, lives=False):
        left = Spool(spool_root(), endpoint, identity)
        batches = [left.write(request(name), 1) for name in names]
        if lives:
            spools.append(left)
        else:
            left.close()
        return batches

    return leave


@pytest.fixture
def here(sink, monkeypatch):
    monkeypatch.setenv("AMS_ENDPOINT", sink.url)
    monkeypatch.setenv("AMS_API_KEY", "the-key")
    return sink


def problem(status, code, **headers):
    text = {"title": "X", "status": status, "detail": "The token is over.", "code": code}
    return status, PROBLEM | headers, json.dumps(text).encode()


def waiting(endpoint):
    return sum(one.spans for one in contents(spool_root()) if one.endpoint == endpoint)


def test_nothing_waits(ams):
    result = ams("spool", "list")
    assert (result.code, result.out) == (0, "Nothing waits here: all spans were delivered.\n")
    assert json.loads(ams("spool", "list", "--json").out) == {"items": []}
    assert not spool_root().exists()


def test_the_list_has_a_line_for_each_destination(ams, left_behind):
    left_behind("http://127.0.0.1:1", "one", "two")
    left_behind("http://127.0.0.1:1", "three", lives=True)
    left_behind("https://ams.example.com", "four", identity="key 0123\x1b[31m")[0].set_aside()
    left_behind("https://quiet.example.com", "five")[0].remove()
    lines = sorted(ams("spool", "list").out.splitlines())
    assert lines[0].split() == ["ENDPOINT", "ACCOUNT", "BATCHES", "SPANS", "SIZE", "OLDEST", "IN", "USE", "REFUSED"]
    assert lines[1].split()[:2] == ["http://127.0.0.1:1", ADA]
    assert lines[1].split()[2:4] == ["3", "3"]
    assert lines[1].split()[-2:] == ["1", "0"]
    assert " B " in lines[1]
    assert lines[2].split("  ")[:2] == ["https://ams.example.com", r"key 0123\x1b[31m"]
    assert lines[2].split()[-1] == "1"
    assert len(lines) == 3


def test_the_list_as_json(ams, left_behind):
    before = time.time()
    batches = left_behind("http://127.0.0.1:1", "one", "two")
    (item,) = json.loads(ams("spool", "list", "--json").out)["items"]
    oldest = item.pop("oldest")
    assert oldest.endswith("+00:00")
    assert abs(time.mktime(time.strptime(oldest[:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone - before) < 5
    assert item == {
        "endpoint": "http://127.0.0.1:1",
        "identity": ADA,
        "batches": 2,
        "in_use": 0,
        "spans": 2,
        "bytes": sum(batch.size for batch in batches),
        "refused": 0,
    }


@pytest.mark.parametrize(
    ("size", "text"), [(999, "999 B"), (1_000, "0.977 KiB"), (5 * 2**20, "5 MiB"), (2**40, "1.02e+03 GiB")]
)
def test_a_size_has_three_digits_and_a_unit(size, text):
    from ams_sdk._cli.spool import _size  # noqa: PLC0415 -- the module is imported by the command that is tested

    assert _size(size) == text


def test_what_was_left_behind_is_delivered_whoever_left_it(ams, here, left_behind):
    left_behind(here.url, "one", "two")
    left_behind(here.url, "three", identity="key 0123")
    left_behind("http://127.0.0.1:1", "elsewhere")
    result = ams("spool", "push")
    assert result.code == 0
    assert result.err == ""
    assert result.out.startswith(f"Delivered 3 spans to {here.url}, left behind by ")
    assert {ADA, "key 0123"} == set(result.out.removesuffix(".\n").partition("left behind by ")[2].split(", "))
    assert sorted(span.name for span in here.spans) == ["one", "three", "two"]
    assert {headers["authorization"] for headers, _ in here.requests} == {"Bearer the-key"}
    assert waiting(here.url) == 0
    assert waiting("http://127.0.0.1:1") == 1
    assert len(list(spool_root().iterdir())) == 1


def test_an_endpoint_can_be_named(ams, here, left_behind, monkeypatch):
    monkeypatch.setenv("AMS_ENDPOINT", "http://127.0.0.1:1")
    left_behind(here.url, "one")
    assert (
        ams("spool", "push", "--endpoint", f"{here.url}/").out
        == f"Delivered 1 span to {here.url}, left behind by {ADA}.\n"
    )


def test_what_happened_as_json(ams, here, left_behind):
    left_behind(here.url, "one", "two")
    result = ams("spool", "push", "--json")
    assert json.loads(result.out) == {
        "endpoint": here.url,
        "identities": [ADA],
        "delivered_batches": 2,
        "delivered_spans": 2,
        "rejected_spans": 0,
        "refused_batches": 0,
        "refused_spans": 0,
        "refused_with": None,
        "kept_batches": 0,
        "kept_spans": 0,
        "dropped_spans": {},
    }


def test_nothing_was_left_behind(ams, here, left_behind):
    assert ams("spool", "push").out == f"Nothing was left behind for {here.url}.\n"
    left_behind("http://127.0.0.1:1", "elsewhere")
    result = ams("spool", "push")
    assert result.code == 0
    assert result.out.splitlines() == [
        f"Nothing was left behind for {here.url}.",
        "There is something for http://127.0.0.1:1: ams spool push --endpoint http://127.0.0.1:1",
    ]
    assert here.requests == []


def test_what_belongs_to_a_program_that_runs_is_left_to_it(ams, here, left_behind):
    left_behind(here.url, "living", lives=True)
    left_behind(here.url, "left")
    result = ams("spool", "push")
    assert result.out.splitlines() == [
        f"Delivered 1 span to {here.url}, left behind by {ADA}.",
        "Left alone: 1 batch of programs that run, and deliver their own.",
    ]
    assert [span.name for span in here.spans] == ["left"]
    assert waiting(here.url) == 1


@pytest.mark.parametrize(
    ("answer", "end"),
    [
        ((429, {"Retry-After": "7"}, b""), (10, "for the next: ams spool push. Try again in 7 s.")),
        (502, (12, "takes no spans now (status 502). What is left is kept; run again later: ams spool push")),
        (503, (12, "takes no spans now (status 503)")),
        (504, (12, "takes no spans now (status 504)")),
        (500, (12, "takes no spans now (status 500)")),
        (401, (6, "refuses the credential. What is left is kept. Check AMS_API_KEY if it is set, or run: ams login")),
        (403, (10, "refuses the credential. What is left is kept.")),
        (problem(401, "token_revoked"), (6, "The token is over. Check AMS_API_KEY if it is set, or run: ams login")),
        (problem(401, "token_expired"), (6, "The token is over. Run: ams login")),
        (problem(403, "forbidden"), (10, "ams: The token is over.\n")),
        (404, (12, "answered 404 where a platform takes spans. Is this the address of an AMS platform")),
        (302, (12, "answered 302 where a platform takes spans")),
    ],
)
def test_an_answer_that_is_no_yes_ends_it_and_keeps_the_rest(ams, here, left_behind, answer, end):
    code, says = end
    here.answers = [200, answer]
    left_behind(here.url, "one", "two", "three")
    result = ams("spool", "push")
    assert result.code == code
    assert says in result.err
    assert result.err.count("\n") == 1
    assert result.out.splitlines()[:2] == [
        f"Delivered 1 span to {here.url}, left behind by {ADA}.",
        "Kept 2 spans for the next time.",
    ]
    assert len(here.requests) == 2
    here.answers = [200]
    assert ams("spool", "push").out.startswith("Delivered 2 spans")
    assert waiting(here.url) == 0


def test_nobody_answers(ams, left_behind, monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{taken.getsockname()[1]}"
        monkeypatch.setenv("AMS_API_KEY", "the-key")
        left_behind(endpoint, "one")
        result = ams("spool", "push", "--endpoint", endpoint, "--json")
    assert result.code == 4
    assert result.err.startswith(f"ams: Nothing answers at {endpoint}")
    assert json.loads(result.out)["kept_spans"] == 1
    assert waiting(endpoint) == 1


@pytest.mark.parametrize("status", [400, 413, 415, 422])
def test_what_is_refused_for_good_is_kept_and_not_sent_again(ams, here, left_behind, status):
    here.answers = [status, 200]
    left_behind(here.url, "one", "two")
    result = ams("spool", "push")
    assert result.code == 10
    assert f"{here.url} refuses 1 span for good. What it refused is kept in {spool_root()}" in result.err
    assert result.out == f"Delivered 1 span to {here.url}, left behind by {ADA}.\n"
    assert ams("spool", "push").out == f"Nothing was left behind for {here.url}.\n"
    assert len(here.requests) == 2
    assert ams("spool", "list").out.split()[-1] == "1"


def test_spans_that_the_platform_does_not_take_of_a_batch_are_told(ams, here, left_behind):
    here.answers = [partial(1), 200]
    left_behind(here.url, "one", "two")
    result = ams("spool", "push")
    assert result.out.splitlines() == [
        f"Delivered 1 span to {here.url}, left behind by {ADA}.",
        "Of the same batches it refused 1 span.",
    ]


def test_what_is_torn_or_too_old_is_told(ams, here, left_behind):
    torn, old, good = left_behind(here.url, "torn", "old", "good")
    torn.path.write_bytes(torn.path.read_bytes()[:-1])
    created, rest = old.path.name.split("-", 1)
    old.path.rename(old.path.with_name(f"{int(created) - 8 * 86_400_000}-{rest}"))
    result = ams("spool", "push")
    assert result.code == 0
    assert result.out.splitlines() == [
        f"Delivered 1 span to {here.url}, left behind by {ADA}.",
        "Dropped 2 spans (too old: 1, torn: 1).",
    ]
    assert [span.name for span in here.spans] == ["good"]
    assert not good.path.exists()


def test_without_a_credential_nothing_is_sent(ams, sink, left_behind, monkeypatch):
    left_behind(sink.url, "one")
    result = ams("spool", "push", "--endpoint", sink.url)
    assert result.code == 6
    assert "Not logged in at" in result.err
    assert "ams login" in result.err
    assert sink.requests == []
    assert waiting(sink.url) == 1


def test_a_login_that_is_over_sends_nothing(ams, sink, left_behind, in_an_hour):
    left_behind(sink.url, "one")
    over = in_an_hour.replace(year=2020)
    _credentials.save(state_folder(), _credentials.Login(sink.url, ADA, "t0ken", over))
    result = ams("spool", "push")
    assert result.code == 6
    assert "The login at" in result.err
    assert sink.requests == []
    assert waiting(sink.url) == 1


def test_a_collector_gets_its_spans_as_the_environment_says(ams, sink, left_behind, monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"{sink.url}/otlp")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-team=blue")
    left_behind(sink.url, "one", identity="")
    result = ams("spool", "push", "--endpoint", sink.url)
    assert (result.code, result.out) == (0, f"Delivered 1 span to {sink.url}.\n")
    ((headers, _),) = sink.requests
    assert headers["x-team"] == "blue"
    assert "authorization" not in headers


def test_a_spool_that_cannot_be_used_is_code_9(ams, here, left_behind, monkeypatch):
    left_behind(here.url, "one")

    def refuse(_spool):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Spool, "orphans", refuse)
    result = ams("spool", "push")
    assert result.code == 9
    assert "cannot be used: Permission denied. Give yourself access to it" in result.err


class Screen(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


def test_on_a_terminal_the_progress_is_shown_and_wiped_away(here, left_behind, monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    left_behind(here.url, "one", "two")
    monkeypatch.setattr(sys, "stdout", Screen())
    assert command_line.main(["spool", "push"]) == 0
    shown = sys.stdout.getvalue()
    assert "Delivering" in shown
    assert "2/2" in shown
    assert shown.endswith(f"Delivered 2 spans to {here.url}, left behind by {ADA}.\n")
