"""Against real processes: the reference server itself, and programs that stand in for one that fails."""

from __future__ import annotations

import importlib.util
import io
import os
import socket
import sys
import urllib.request

import pytest

from ams_sdk._cli import server_process
from ams_sdk._cli.server_process import ServerProcess
from ams_sdk._errors import (
    ConfigurationError,
    MissingExtraError,
    PortTakenError,
    ServerStartError,
    StateFolderError,
)

LISTENING = "print('AMS reference server listening on http://127.0.0.1:1', flush=True);"


@pytest.fixture
def stands_in(tmp_path, monkeypatch):
    """Put a program in the place of the reference server."""

    def stand_in(program):
        (tmp_path / "ams_reference_server.py").write_text(f"import os, signal, sys, time\n{program}\n")
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    return stand_in


def is_gone(process):
    return process._process.poll() is not None and not process._reader.is_alive()


def test_the_reference_server_serves_and_is_gone_afterwards(tmp_path):
    with ServerProcess("ams dev", port=0, state_folder=tmp_path / "elsewhere") as server:
        with urllib.request.urlopen(server.address + "/health/live", timeout=10) as answer:  # noqa: S310 -- loopback
            assert answer.status == 200
        assert (tmp_path / "elsewhere").is_dir()
        assert server.address.startswith("http://127.0.0.1:")
    assert is_gone(server)
    assert server.wait() == 0
    assert not (tmp_path / "state").exists()
    server.end()


def test_a_port_that_is_taken_is_said_by_the_reference_server():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        server = ServerProcess("ams dev", port=port)
        with pytest.raises(PortTakenError, match=rf"^Port {port} .* taken"), server:
            pass
    assert is_gone(server)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (2, ConfigurationError),
        (3, MissingExtraError),
        (8, PortTakenError),
        (9, StateFolderError),
        (12, ServerStartError),
        (0, ServerStartError),
        (1, ServerStartError),
    ],
)
def test_each_exit_code_is_an_error_in_the_servers_own_words(stands_in, code, expected):
    stands_in(f"print('starting'); sys.stderr.write('Error: It is {code}.\\n\\n'); sys.exit({code})")
    server = ServerProcess("ams dev", port=0)
    with pytest.raises(expected) as caught, server:
        pass
    assert type(caught.value) is expected
    if code == 3:
        assert caught.value.extra == "server"
    else:
        assert str(caught.value) == f"It is {code}."
    assert is_gone(server)


def test_a_server_that_says_nothing_and_ends(stands_in):
    stands_in("os.kill(os.getpid(), signal.SIGKILL)")
    with (
        pytest.raises(ServerStartError, match="ended with code 137 and said nothing"),
        ServerProcess("ams dev", port=0),
    ):
        pass


@pytest.mark.parametrize(
    ("program", "says"), [("", "It said nothing."), ("print('migrating', flush=True)", "migrating")]
)
def test_a_server_that_does_not_serve_in_time_is_ended(stands_in, program, says):
    stands_in(f"{program}\ntime.sleep(60)")
    # What it prints needs a moment to arrive; what it does not print needs none.
    server = ServerProcess("ams dev", port=0, start_seconds=1 if program else 0.1)
    with pytest.raises(ServerStartError, match=f"did not serve within .* s. {says}"), server:
        pass
    assert is_gone(server)


def test_a_server_that_does_not_want_to_end_is_killed(stands_in):
    stands_in(f"signal.signal(signal.SIGTERM, signal.SIG_IGN);{LISTENING} time.sleep(60)")
    with ServerProcess("ams dev", port=0, end_seconds=0.2) as server:
        pass
    assert is_gone(server)
    assert server.wait() == 128 + 9


def test_asked_twice_it_is_killed(stands_in):
    stands_in(f"signal.signal(signal.SIGTERM, signal.SIG_IGN);{LISTENING} time.sleep(60)")
    with ServerProcess("ams dev", port=0) as server:
        server.ask_to_end()
        server.ask_to_end()
        assert server.wait() == 128 + 9


def test_an_interruption_while_it_starts_ends_it(stands_in, monkeypatch):
    stands_in("time.sleep(60)")
    server = ServerProcess("ams dev", port=0)

    def interrupt():
        raise KeyboardInterrupt

    monkeypatch.setattr(server, "_wait_until_it_serves", interrupt)
    with pytest.raises(KeyboardInterrupt), server:
        pass
    assert is_gone(server)


def test_what_it_says_afterwards_goes_to_the_log(stands_in):
    stands_in(f"print('before');{LISTENING} print('after'); sys.stderr.write('and this'); sys.exit(7)")
    log = io.StringIO()
    with ServerProcess("ams dev", port=0, log=log) as server:
        assert server.wait() == 7
    assert sorted(log.getvalue().replace("\n", " ").split()) == ["after", "and", "this"]


@pytest.mark.parametrize("log", [None, "closed"])
def test_it_is_read_although_nobody_wants_its_log(stands_in, log):
    stands_in(f"{LISTENING}\nprint('x' * 1_000_000, flush=True)\nsys.exit(7)")
    closed = io.StringIO()
    closed.close()
    with ServerProcess("ams dev", port=0, log=closed if log else None) as server:
        assert server.wait() == 7


def test_it_is_told_where_and_who_its_parent_is(stands_in, tmp_path):
    stands_in(f"{LISTENING} print(sys.argv[1:], os.environ['AMS_STATE_DIR'], os.environ['AMS_X'], sys.flags.safe_path)")
    log = io.StringIO()
    with ServerProcess("ams dev", port=9, state_folder=tmp_path, environment={"AMS_X": "y"}, log=log) as server:
        server.wait()
    arguments = ["serve", "--port", "9", "--parent-pid", str(os.getpid())]
    assert log.getvalue() == f"{arguments} {tmp_path} y True\n"


def test_there_is_no_address_before_it_serves():
    with pytest.raises(ServerStartError, match="does not serve yet"):
        _ = ServerProcess("ams dev", port=0).address


@pytest.mark.parametrize("missing", server_process.EXTRA_MODULES)
def test_a_missing_package_is_the_missing_extra_and_nothing_is_started(monkeypatch, missing):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == missing else find_spec(name))
    monkeypatch.setattr(sys, "executable", "/nonexistent")
    with pytest.raises(MissingExtraError, match=r"ams demo needs the extra 'server'.*pip install '\.\[server\]'"):
        ServerProcess("ams demo", port=0).__enter__()


@pytest.mark.parametrize("extra", ["server", "postgres"])
def test_the_extra_that_the_server_misses_is_the_one_that_is_named(stands_in, extra):
    stands_in(f"print(\"It needs the extra '{extra}', which is not installed.\"); sys.exit(3)")
    with pytest.raises(MissingExtraError) as caught, ServerProcess("ams dev", port=0):
        pass
    assert caught.value.extra == extra
