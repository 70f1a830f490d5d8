from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

# A terminal of its own for the command; what it shows comes out of a pipe, and what is typed goes into one.
# Ctrl-C counts there also if the tests run in the background, where a shell has it ignored.
ON_A_TERMINAL = """
import os, pty, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))
"""


def on_a_terminal(arguments, *typed):
    """Answer each prompt when it stands there; return the exit code and all that was shown."""
    shown = ""
    with subprocess.Popen(
        [sys.executable, "-c", ON_A_TERMINAL, sys.executable, "-m", "ams_sdk._cli.main", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        for prompt, answer in typed:
            seen = ""
            while prompt not in seen:
                chunk = os.read(process.stdout.fileno(), 4096).decode()
                assert chunk, f"no {prompt!r} in {shown + seen!r}"
                seen += chunk
            shown += seen
            process.stdin.write(answer.encode())
            process.stdin.flush()
        while chunk := os.read(process.stdout.fileno(), 4096):
            shown += chunk.decode()
    return process.returncode, shown


@pytest.mark.skipif(not hasattr(pty, "spawn"), reason="needs a pseudo-terminal")
def test_register_asks_twice_without_echo(platform):
    code, shown = on_a_terminal(
        ["register"],
        ("Email: ", "ada@example.com\n"),
        ("Password: ", "Pa55word!\n"),
        ("Repeat for confirmation: ", "other\n"),
        ("Password: ", "Pa55word!\n"),
        ("Repeat for confirmation: ", "Pa55word!\n"),
    )
    assert code == 0, shown
    assert "Logged in as ada@example.com" in shown
    assert "Pa55word" not in shown
    assert platform.requests[0].body == {"email": "ada@example.com", "password": "Pa55word!", "name": None}


def test_login_asks_once_and_ctrl_c_ends_it(platform):
    code, shown = on_a_terminal(["login", "--email", "ada@example.com"], ("Password: ", "\x03"))
    assert code == 130, shown
    assert "Traceback" not in shown
    assert platform.requests == []


@pytest.mark.parametrize("command", ["login", "register"])
def test_without_a_terminal_nothing_is_asked(ams, platform, command):
    result = ams(command)
    assert (result.code, result.out) == (2, "")
    assert "give it with --email" in result.err
    result = ams(command, "--email", "a@b.c")
    assert result.code == 2
    assert "--password-stdin" in result.err
    assert platform.requests == []


@pytest.mark.parametrize(
    ("stdin", "password"),
    [(b"p", "p"), (b"p\n", "p"), (b"p\r\n", "p"), (b" p \n\n", " p \n"), ("Grüße".encode(), "Grüße")],
)
def test_only_one_line_break_is_not_part_of_a_password(ams, platform, stdin, password):
    assert ams("login", "--email", "a@b.c", "--password-stdin", stdin=stdin).code == 0
    assert platform.requests[0].body["password"] == password


@pytest.mark.parametrize("stdin", [b"", b"\n", b"\xff\xfe", b"p" * 70_000])
def test_a_stdin_without_a_usable_password_is_wrong_usage(ams, platform, stdin):
    result = ams("login", "--email", "a@b.c", "--password-stdin", stdin=stdin)
    assert (result.code, result.out) == (2, "")
    assert "password on stdin" in result.err
    assert platform.requests == []


def test_a_password_is_no_argument(ams):
    assert ams("login", "--email", "a@b.c", "--password", "x").code == 2
