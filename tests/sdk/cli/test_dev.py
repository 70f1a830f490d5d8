from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest

AMS = [sys.executable, "-m", "ams_sdk._cli.main"]


def started(*arguments, **options):
    return subprocess.Popen(
        [*AMS, "dev", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_a_signal_and_ends_in_good_order(number):
    with started("--port", "0") as process:
        first = process.stdout.readline()
        address = first.split()[3]
        assert first.startswith("AMS is at http://127.0.0.1:")
        assert process.stdout.readline() == f"  export AMS_ENDPOINT={address}\n"
        with urllib.request.urlopen(address + "/health/live", timeout=10) as answer:  # noqa: S310 -- loopback
            assert answer.status == 200
        process.send_signal(number)
        out, err = process.stdout.read(), process.stderr.read()
    assert process.returncode == 0
    assert [line.split()[:2] for line in out.splitlines()] == [
        ["ams", "register"],
        ["ams", "agents"],
        ["ams", "traces"],
    ]
    assert "Traceback" not in err
    with socket.socket() as client:
        assert client.connect_ex(("127.0.0.1", int(address.rpartition(":")[2]))) != 0


def test_the_exit_code_is_the_servers(tmp_path):
    (tmp_path / "ams_reference_server.py").write_text(
        "import sys\nprint('AMS reference server listening on http://127.0.0.1:8787', flush=True)\n"
        "sys.stderr.write('It is over.\\n')\nsys.exit(12)\n"
    )
    with started(env={**os.environ, "PYTHONPATH": str(tmp_path)}) as process:
        out, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (12, "It is over.\n")
    assert "AMS_ENDPOINT" not in out


@pytest.mark.slow
def test_a_port_that_is_taken_is_code_8_and_one_line():
    with socket.create_server(("127.0.0.1", 0)) as taken, started("--port", str(taken.getsockname()[1])) as process:
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (8, "")
    assert err.startswith("ams: Port ")
    assert err.count("\n") == 1


def test_without_the_extra_it_says_how_to_install_it(ams, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    result = ams("dev")
    assert (result.code, result.out) == (3, "")
    assert result.err == (
        "ams: ams dev needs the extra 'server', which is not installed. "
        "In the ams-sdk checkout run: python -m pip install '.[server]'\n"
    )
