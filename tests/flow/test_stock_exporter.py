"""A program that knows only OpenTelemetry sends to the server, and ``ams`` shows it, after a restart too."""

import json
import os
import subprocess
import sys
from contextlib import contextmanager

import pytest
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import Status, StatusCode

from ams_sdk._cli.server_process import ServerProcess
from ams_sdk._config import state_folder

EMAIL, PASSWORD = "ada@example.org", "Correct-horse-1"


@pytest.fixture
def ams(monkeypatch):
    """The command, as a process; the server's address is in the environment, as a user would have it."""

    def run(*arguments, code=0, stdin=""):
        done = subprocess.run(
            [sys.executable, "-m", "ams_sdk._cli.main", *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == code, done
        return done.stdout if code == 0 else done.stderr

    return run


@pytest.fixture
def server(tmp_path, monkeypatch):
    """Starts the server on the same database again and again; the port is kept, as a restart would."""
    ports = [0]

    def start():
        process = ServerProcess(
            "a test", port=ports[0], state_folder=tmp_path / "server", environment={"AMS_BCRYPT_COST": "4"}
        )
        with process:
            ports[0] = int(process.address.rpartition(":")[2])
            monkeypatch.setenv("AMS_ENDPOINT", process.address)
            yield

    return contextmanager(start)


def test_a_trace_of_the_stock_exporter_is_printed_and_outlives_a_restart(server, ams):
    with server():
        ams("register", "--email", EMAIL, "--password-stdin", stdin=PASSWORD + "\n")
        credentials = json.loads((state_folder() / "credentials.json").read_text())
        token = credentials["logins"][os.environ["AMS_ENDPOINT"]]["access_token"]
        sent = [send(os.environ["AMS_ENDPOINT"], token, compression) for compression in Compression]
        trace_id = sent[-1]
        shown = ams("traces", "show", trace_id)
        assert "agent planner" in shown
        assert "tool lookup" in shown
        assert "ValueError: no such otter" in shown
        listed = json.loads(ams("traces", "list", "--json"))
        assert [one["trace_id"] for one in listed["items"]] == sent[::-1]
        assert {(one["span_count"], one["error_count"], one["status"]) for one in listed["items"]} == {(2, 1, "ok")}
    with server():
        assert ams("traces", "show", trace_id) == shown
        assert json.loads(ams("whoami", "--json"))["email"] == EMAIL
        ams("logout")
    with server():
        refused = ams("traces", "list", "--endpoint", os.environ["AMS_ENDPOINT"], code=6)
        assert "ams login" in refused
        ams("login", "--email", EMAIL, "--password-stdin", stdin=PASSWORD + "\n")
        assert ams("traces", "show", trace_id) == shown


@pytest.mark.slow
def test_a_token_that_was_logged_out_stays_useless_after_a_restart(server, ams, monkeypatch):
    with server():
        ams("register", "--email", EMAIL, "--password-stdin", stdin=PASSWORD + "\n")
        credentials = json.loads((state_folder() / "credentials.json").read_text())
        token = credentials["logins"][os.environ["AMS_ENDPOINT"]]["access_token"]
        ams("logout")
        monkeypatch.setenv("AMS_API_KEY", token)
        ams("whoami", code=6)
    with server():
        ams("whoami", code=6)


def send(endpoint, token, compression):
    exporter = OTLPSpanExporter(
        f"{endpoint}/v1/traces", headers={"Authorization": f"Bearer {token}"}, compression=compression
    )
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("somebody else's")
    agent = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "planner"}
    tool = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "lookup", "error.type": "ValueError"}
    with (
        tracer.start_as_current_span("invoke_agent planner", attributes=agent) as run,
        tracer.start_as_current_span("execute_tool lookup", attributes=tool) as call,
    ):
        call.set_status(Status(StatusCode.ERROR, "no such otter"))
    provider.shutdown()
    return f"{run.get_span_context().trace_id:032x}"
