"""Configured, flushed, shut down, and ended with the program: in this process and in real ones."""

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from tests.sdk.span_sink import hang

import ams_sdk
from ams_sdk import _credentials, agent, tool
from ams_sdk._credentials import Login
from ams_sdk._decorators import runtime

AGENT_ID = "00000000-0000-4000-8000-000000000001"
REGISTERED = (
    201,
    {"Content-Type": "application/json"},
    json.dumps(
        {
            "id": AGENT_ID,
            "name": "walker",
            "status": "active",
            "created_at": "2026-01-02T03:04:05Z",
            "updated_at": "2026-01-02T03:04:05Z",
            "revision": {"number": 1, "version": "0", "created_at": "2026-01-02T03:04:05Z"},
        }
    ).encode(),
)


@tool
def look(where):
    return where


@agent
def walker(where):
    return look(where)


@pytest.fixture
def platform(sink):
    """Registers an agent, then takes spans."""
    sink.answers = [REGISTERED, 200]
    return sink


def outside_pytest(monkeypatch):
    monkeypatch.delenv("PYTEST_VERSION", raising=False)
    runtime.reset()


def test_a_configured_run_registers_and_arrives(platform):
    ams_sdk.configure(endpoint=platform.url, api_key="the-key", service_name="shop", environment="test")
    walker("up")
    assert ams_sdk.flush()
    walker("down")
    assert ams_sdk.shutdown()
    (registration, _), *_ = platform.requests
    assert registration["authorization"] == "Bearer the-key"
    del platform.requests[0]
    first, second = [span for span in platform.spans if span.name == "invoke_agent walker"]
    known = [[one.value.string_value for one in run.attributes if one.key == "ams.agent.id"] for run in (first, second)]
    assert known == [[], [AGENT_ID]]
    stats = ams_sdk.stats()
    assert (stats.configured, stats.exported, stats.registered) == (False, {"platform": 4}, {"walker": AGENT_ID})


def test_stats_of_an_unconfigured_sdk():
    assert ams_sdk.flush()
    assert ams_sdk.shutdown()
    assert ams_sdk.stats().configured is False


def test_counts_are_told(recorder):
    walker("up")
    assert ams_sdk.flush()
    stats = ams_sdk.stats()
    assert stats.configured
    assert stats.exported == {"InMemorySpanExporter 1": 2}
    assert (stats.dropped, stats.failed) == ({}, {"InMemorySpanExporter 1": 0})


def test_nothing_to_send_to_is_said_once(caplog):
    with caplog.at_level(logging.WARNING, "ams_sdk"):
        ams_sdk.configure()
    assert "ams login" in caplog.text
    assert walker("up") == "up"
    assert not ams_sdk.stats().configured


def test_disabled_is_silent(caplog, sink):
    with caplog.at_level(logging.DEBUG, "ams_sdk"):
        ams_sdk.configure(endpoint=sink.url, api_key="the-key", enabled=False)
    assert walker("up") == "up"
    assert (caplog.records, sink.requests) == ([], [])


def test_a_setting_that_cannot_be_used_leaves_the_old_configuration(recorder):
    with pytest.raises(ams_sdk.ConfigurationError, match="sample_rate"):
        ams_sdk.configure(sample_rate=7)
    walker("up")
    assert len(recorder.spans) == 2


def test_what_is_lost_is_told_to_the_debug_log(sink, caplog):
    sink.answers = [500]
    ams_sdk.configure(endpoint=sink.url, api_key="the-key")
    look("up")
    with caplog.at_level(logging.DEBUG, "ams_sdk"):
        assert ams_sdk.shutdown() is False
    assert "not everything was sent" in caplog.text
    assert ams_sdk.stats().failed == {"platform": 1}


def test_a_login_is_enough_for_the_first_call(platform, monkeypatch, tmp_path):
    ends = datetime.now(UTC) + timedelta(hours=1)
    _credentials.save(tmp_path / "state", Login(platform.url, "a@example.com", "the-token", ends))
    outside_pytest(monkeypatch)
    walker("up")
    assert ams_sdk.shutdown()
    assert {headers["authorization"] for headers, _ in platform.requests} == {"Bearer the-token"}


def test_the_environment_is_enough_for_the_first_call(platform, monkeypatch):
    monkeypatch.setenv("AMS_ENDPOINT", platform.url)
    monkeypatch.setenv("AMS_API_KEY", "the-key")
    outside_pytest(monkeypatch)
    walker("up")
    assert ams_sdk.shutdown()
    del platform.requests[0]
    assert len(platform.spans) == 2


@pytest.mark.parametrize("environ", [{}, {"AMS_ENDPOINT": "{url}"}, {"AMS_API_KEY": "the-key"}])
def test_half_of_it_is_not_enough(sink, monkeypatch, environ):
    for name, value in environ.items():
        monkeypatch.setenv(name, value.format(url=sink.url))
    outside_pytest(monkeypatch)
    walker("up")
    assert not ams_sdk.stats().configured


def test_under_pytest_nothing_leaves_unless_it_is_asked_for(platform, monkeypatch):
    monkeypatch.setenv("AMS_ENDPOINT", platform.url)
    monkeypatch.setenv("AMS_API_KEY", "the-key")
    monkeypatch.setenv("PYTEST_VERSION", "9")
    runtime.reset()
    walker("up")
    assert platform.requests == []
    monkeypatch.setenv("AMS_ENABLED", "true")
    runtime.reset()
    walker("up")
    assert ams_sdk.shutdown()
    del platform.requests[0]
    assert len(platform.spans) == 2


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"AMS_SAMPLE_RATE": "half"}, "AMS_SAMPLE_RATE cannot be used"),
        ({"AMS_ENDPOINT": "foo"}, "AMS_ENDPOINT cannot be used"),
        ({"AMS_ENDPOINT": "http://127.0.0.1:9"}, "no credential for http://127.0.0.1:9; run: ams login"),
        ({"AMS_API_KEY": "the-key"}, "set AMS_ENDPOINT"),
    ],
)
def test_what_is_said_and_cannot_be_used_is_told_once_in_the_log(monkeypatch, caplog, environ, said):
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    outside_pytest(monkeypatch)
    with caplog.at_level(logging.WARNING, "ams_sdk"):
        assert [walker("up"), walker("up")] == ["up", "up"]
    (record,) = caplog.records
    assert record.getMessage().startswith("ams_sdk: nothing is traced. ")
    assert said in record.getMessage()
    assert "the-key" not in record.getMessage()


def test_a_state_folder_that_cannot_be_read_is_told_in_the_log(monkeypatch, caplog, tmp_path):
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "credentials.json").write_text("{")
    outside_pytest(monkeypatch)
    with caplog.at_level(logging.WARNING, "ams_sdk"):
        assert walker("up") == "up"
    assert "credentials.json" in caplog.text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"exporters": ["x"]}, "exporters cannot be used: write a list"),
        ({"exporters": InMemorySpanExporter()}, "exporters cannot be used: write a list"),
        ({"provider": "x"}, "provider cannot be used"),
        ({"endpoint": "http://127.0.0.1:8787/v1/traces"}, "without a path of its API"),
        ({"endpoint": "http://127.0.0.1:8787/api/"}, "without a path of its API"),
    ],
)
def test_an_argument_that_cannot_be_used_is_named(arguments, said):
    with pytest.raises(ams_sdk.ConfigurationError, match=said):
        ams_sdk.configure(**arguments)


def test_spans_that_are_being_sent_are_waiting(sink):
    sink.answers = [hang]
    ams_sdk.configure(endpoint=sink.url, api_key="the-key", exit_timeout=0.1)
    look("up")
    sink.wait_for(1)
    assert ams_sdk.stats().waiting == {"platform": 1}
    assert ams_sdk.shutdown() is False
    assert ams_sdk.stats().waiting == {"platform": 1}


# --- real processes ---------------------------------------------------------------------------------------------------

PROGRAM = """
    import sys, time
    import ams_sdk
    from ams_sdk import agent, tool

    @tool
    def look(where):
        return where

    @agent
    def walker(where):
        return look(where)

    print(walker("up"), flush=True)
"""


def run(program, url, **environ):
    """Run a program to its end; answers with its code, its errors and the seconds that it took to end.

    It has more time for the end than it needs, however busy the machine is, unless a test says otherwise.
    """
    kept = {name: value for name, value in os.environ.items() if name != "PYTEST_VERSION"}
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(PROGRAM) + textwrap.dedent(program)],
        env=kept | {"AMS_ENDPOINT": url, "AMS_API_KEY": "the-key", "AMS_EXIT_TIMEOUT": "30"} | environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "up\n"
    began = time.monotonic()
    _, errors = process.communicate(timeout=30)
    return process.returncode, errors, time.monotonic() - began


@pytest.fixture
def silent_port():
    """Accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_a_program_that_ends_has_sent_its_spans(platform):
    assert run("", platform.url)[:2] == (0, "")
    del platform.requests[0]
    assert sorted(span.name for span in platform.spans) == ["execute_tool look", "invoke_agent walker"]


@pytest.mark.parametrize(("ending", "code"), [("sys.exit(3)", 3), ("raise RuntimeError('mine')", 1)])
def test_however_it_ends_in_python(platform, ending, code):
    returned, errors, _ = run(ending, platform.url)
    assert returned == code
    assert "ams_sdk" not in errors
    del platform.requests[0]
    assert len(platform.spans) == 2


def test_with_nothing_listening_the_end_comes_at_once_and_in_silence():
    code, errors, seconds = run("", "http://127.0.0.1:9")
    assert (code, errors) == (0, "")
    assert seconds < 15  # the limit was not what ended it


@pytest.mark.parametrize(
    "wait", ["", "time.sleep(0.5)"]
)  # before the worker has begun to send, and in the middle of it
def test_a_platform_that_hangs_costs_the_end_no_more_than_its_limit(silent_port, wait):
    code, errors, seconds = run(wait, silent_port, AMS_EXIT_TIMEOUT="2")
    assert (code, errors) == (0, "")
    assert seconds < 2 + 2  # the limit, and a busy machine


def test_the_limit_is_a_setting(silent_port):
    code, errors, seconds = run("", silent_port, AMS_EXIT_TIMEOUT="0.1")
    assert (code, errors) == (0, "")
    assert seconds < 1.5


def test_a_platform_that_answers_503_for_ever_does_not_hold_the_end(sink):
    sink.answers = [(503, {"Retry-After": "3600"}, b"")]
    code, errors, seconds = run("", sink.url)
    assert (code, errors) == (0, "")
    assert seconds < 15


def test_a_sink_that_hangs_in_the_middle_of_a_send(sink):
    sink.answers = [REGISTERED, hang]
    code, errors, seconds = run("time.sleep(0.5)", sink.url, AMS_EXIT_TIMEOUT="2")  # a batch is on its way
    assert (code, errors) == (0, "")
    assert seconds < 5


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGINT to send")
def test_ctrl_c_keeps_its_exit_code(platform):
    code, errors, _ = run("import os, signal; os.kill(os.getpid(), signal.SIGINT)", platform.url)
    assert code == -signal.SIGINT
    assert "KeyboardInterrupt" in errors
    assert "ams_sdk" not in errors


def test_a_thread_that_outlives_the_main_one_is_traced(platform):
    late = """
        import threading
        threading.Thread(target=lambda: (time.sleep(0.3), walker("late"))).start()
    """
    assert run(late, platform.url)[:2] == (0, "")
    del platform.requests[0]
    assert len(platform.spans) == 4


def test_unconfigured_is_silent(tmp_path):
    kept = {name: value for name, value in os.environ.items() if name != "PYTEST_VERSION"}
    script = textwrap.dedent(PROGRAM) + "print(ams_sdk.stats().configured)"
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", script], env=kept, capture_output=True, text=True, check=True
    )
    assert done.stdout == "up\nFalse\n"
    assert all(line.startswith("import time:") for line in done.stderr.splitlines())
    assert "httpx" not in done.stderr
    assert not Path(os.environ["AMS_STATE_DIR"]).exists()


def test_a_user_without_a_home_folder_is_traced_in_memory(platform, monkeypatch, held_back):
    def homeless(*_, **__):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("AMS_STATE_DIR")
    monkeypatch.setattr("platformdirs.user_state_path", homeless)
    ams_sdk.configure(endpoint=platform.url, api_key="the-key")
    walker("up")
    assert ams_sdk.shutdown()
    assert ams_sdk.stats().exported == {"platform": 2}
    assert {place for place, _ in held_back} == {"finding the folder of the spool"}
    held_back.clear()


def test_a_configuration_that_cannot_be_used_leaves_the_old_one_at_work(recorder, monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "nowhere")
    with pytest.raises(ams_sdk.ConfigurationError):
        ams_sdk.configure()
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT")
    look("up")
    assert len(recorder.spans) == 1
