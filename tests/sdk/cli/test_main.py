from __future__ import annotations

import io
import os
import socket
import subprocess
import sys
from pathlib import Path

import click
import pytest

from ams_sdk._cli import main as command_line
from ams_sdk._errors import (
    APIError,
    AuthenticationError,
    ConflictError,
    InvalidCredentialsError,
    LoginExpiredError,
    RateLimitedError,
    ServerError,
)

AMS = [sys.executable, "-m", "ams_sdk._cli.main"]


def commands(group, prefix=()):
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        yield (*prefix, name), command, group.entries[name]
        if isinstance(command, click.Group):
            yield from commands(command, (*prefix, name))


COMMANDS = list(commands(command_line.ams))


@pytest.mark.parametrize(
    ("path", "command", "entry"), COMMANDS, ids=lambda value: " ".join(value) if isinstance(value, tuple) else ""
)
def test_every_command_has_help_that_says_what_the_table_says(ams, path, command, entry):
    result = ams(*path, "--help")
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith(f"Usage: ams {' '.join(path)}")
    assert command.get_short_help_str(200).rstrip(".").startswith(entry.summary.rstrip("."))
    assert isinstance(command, click.Group) or "Examples:\n    ams " in result.out
    assert all(len(line) <= 80 for line in result.out.splitlines())


def test_every_command_is_in_the_document():
    document = (Path(__file__).parents[3] / "docs" / "cli.md").read_text(encoding="utf-8")
    commands_alone = [" ".join(path) for path, command, _ in COMMANDS if not isinstance(command, click.Group)]
    assert [name for name in commands_alone if f"`ams {name}" not in document] == []


@pytest.mark.parametrize("arguments", [(), ("--help",), ("agents",), ("traces",)])
def test_a_group_alone_prints_its_help(ams, arguments):
    result = ams(*arguments)
    assert (result.code, result.err) == (0, "")
    assert "Commands:" in result.out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["frobnicate"], "No such command 'frobnicate'"),
        (["whoami", "--frobnicate"], "--frobnicate"),
        (["agents", "show"], "Missing argument 'NAME_OR_ID'"),
        (["traces", "list", "--limit", "0"], "Invalid value for '--limit'"),
        (["traces", "list", "--since", "x"], "write for example 2h"),
        (["dev", "--port", "99999"], "Invalid value for '--port'"),
        (["agents", "frobnicate\x1b[31m"], r"\x1b[31m"),
    ],
)
def test_wrong_usage_is_one_line_that_names_the_help(ams, arguments, says):
    result = ams(*arguments)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("ams: ")
    assert says in result.err
    assert " --help" in result.err
    assert result.err.count("\n") == 1


@pytest.mark.parametrize(
    ("variable", "value"), [("AMS_ENDPOINT", "example.com"), ("AMS_API_KEY", "a b"), ("AMS_ENDPOINT", "http://a..b")]
)
def test_a_setting_that_cannot_work_is_code_2(ams, monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)
    result = ams("whoami")
    assert result.code == 2
    assert result.err.startswith("ams: ")
    assert result.err.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "step"),
    [
        (InvalidCredentialsError("D.", status=401, code="x"), "ams register"),
        (LoginExpiredError("D.", status=401, code="x"), "Run: ams login"),
        (AuthenticationError("D.", status=401, code="x"), "AMS_API_KEY"),
        (ConflictError("D.", status=409, code="email_taken"), "ams login"),
        (RateLimitedError("D.", status=429, code="x", retry_after=29.6), "Try again in 30 s."),
        (ServerError("D.", status=500, code="x", request_id="r-1"), "request r-1"),
    ],
)
def test_an_error_says_what_to_do_next(ams, monkeypatch, error, step):
    def fail(_arguments):
        raise error

    monkeypatch.setattr(command_line, "_run", fail)
    result = ams()
    assert result.err.startswith("ams: D. ")
    assert step in result.err


@pytest.mark.parametrize("error", [RateLimitedError("D.", status=429, code="x"), APIError("D.", status=418, code="x")])
def test_an_error_without_a_next_step_is_its_own_words(ams, monkeypatch, error):
    def fail(_arguments):
        raise error

    monkeypatch.setattr(command_line, "_run", fail)
    assert ams().err == "ams: D.\n"


def test_an_error_of_the_platform_cannot_act_on_the_terminal(ams, platform, monkeypatch):
    monkeypatch.setenv("AMS_API_KEY", "k")
    platform.refuses("GET", "/api/users/me", 403, "forbidden", "\x1b]0;owned\x07\nams: all is fine\u202e")
    result = ams("whoami")
    assert result.code == 10
    assert result.err == "ams: \\x1b]0;owned\\x07 ams: all is fine\\u202e\n"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), click.Abort(), EOFError()])
def test_an_interruption_is_code_130(ams, monkeypatch, error):
    def fail(_arguments):
        raise error

    monkeypatch.setattr(command_line, "_run", fail)
    result = ams()
    assert (result.code, result.out) == (130, "")
    assert result.err == "ams: Interrupted; nothing more was done.\n"


def run_ams(*arguments, **options):
    return subprocess.run([*AMS, *arguments], capture_output=True, text=True, timeout=30, check=False, **options)


def test_ctrl_c_during_a_call_ends_without_a_stack(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("AMS_API_KEY", "k")
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with subprocess.Popen(
            [*AMS, "whoami", "--endpoint", endpoint], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            connection, _ = silent.accept()
            with connection:
                connection.recv(1)
                process.send_signal(2)
                out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (130, "")
    assert err == "ams: Interrupted; nothing more was done.\n"


def test_nothing_there_is_code_4_and_no_stack(monkeypatch):
    monkeypatch.setenv("AMS_API_KEY", "k3y")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        result = run_ams("whoami", "--endpoint", f"http://127.0.0.1:{taken.getsockname()[1]}")
    assert (result.returncode, result.stdout) == (4, "")
    assert result.stderr.startswith("ams: Nothing answers at http://127.0.0.1:")
    assert result.stderr.count("\n") == 1
    assert "k3y" not in result.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["traces", "list", "--help"], ["version"], ["traces", "show", "t"]])
def test_a_reader_that_goes_away_is_no_error(platform, monkeypatch, arguments):
    monkeypatch.setenv("AMS_API_KEY", "k")
    summary = {"trace_id": "t", "status": "ok", "started_at": "2026-01-31T12:00:00Z", "duration_ns": 1, "span_count": 0}
    platform.on("GET", "/api/traces/t", {**summary, "spans": []})
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as gone:
        result = subprocess.run(
            [*AMS, *arguments], stdout=gone, stderr=subprocess.PIPE, text=True, timeout=30, check=False
        )
    assert (result.returncode, result.stderr) == (0, "")


def test_a_stream_that_is_no_file_is_written_to(monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert command_line.main(["version"]) == 0
    assert sys.stdout.getvalue().startswith("ams-sdk ")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="Linux has a device that is always full")  # noqa: PTH110 -- a device
def test_an_output_that_cannot_be_written_is_one_line():
    with open("/dev/full", "w") as full:  # noqa: PTH123 -- a device
        result = subprocess.run(
            [*AMS, "version"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=30, check=False
        )
    assert result.returncode == 1
    assert result.stderr.splitlines()[0] == "ams: The output cannot be written: No space left on device."
    assert "Traceback" not in result.stderr


def test_a_terminal_that_is_not_utf8_gets_escapes(platform, a_user, monkeypatch):
    monkeypatch.setenv("AMS_API_KEY", "k")
    platform.on("GET", "/api/users/me", a_user(name="Ada 世界"))
    result = run_ams("whoami", env={**os.environ, "PYTHONIOENCODING": "iso8859-15", "PYTHONUTF8": "0"})
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith(r"Ada \u4e16\u754c <ada@example.com>")


def test_what_is_heavy_is_not_imported_to_print_help():
    script = (
        "import sys; from ams_sdk._cli.main import main; main(['--help']); print(sorted(sys.modules), file=sys.stderr)"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=True)
    loaded = set(result.stderr.split("'"))
    assert "click" in loaded
    assert not loaded & {"httpx", "pydantic", "rich", "rich.console", "opentelemetry.sdk", "ams_sdk._client"}


def test_a_shell_can_ask_for_completions(monkeypatch):
    monkeypatch.setenv("_AMS_COMPLETE", "bash_complete")
    result = run_ams(env={**os.environ, "COMP_WORDS": "ams tra", "COMP_CWORD": "1"})
    assert (result.returncode, result.stdout) == (0, "plain,traces\n")
