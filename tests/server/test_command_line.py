from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import subprocess
import sys

import httpx
import pytest

from ams_reference_server.command_line import main
from ams_reference_server.setting_table import SETTINGS

BODY = {"email": "ada@example.org", "password": "Correct-horse-7", "name": "Ada \x1b[31m"}
LOGIN = {"email": BODY["email"], "password": BODY["password"]}
SECRETS = {
    "AMS_SECRET_KEY": "planted-secret-key-0123456789-abcdefgh",
    "AMS_SECRET_KEY_PREVIOUS": "planted-earlier-key-0123456789-abcdefgh",
    "AMS_DATABASE_URL": "postgresql://ada:planted-password@127.0.0.1/x?password=planted-parameter",
    "AMS_REDIS_URL": "redis://:planted-redis@127.0.0.1:6379/9",
}


@pytest.fixture
def run(environ, monkeypatch, capsys):
    """Runs a command in this process; gives its exit code and what it wrote to stdout and stderr."""
    monkeypatch.setattr(logging.getLogger(), "handlers", logging.getLogger().handlers[:])

    def command(*arguments, **change):
        for name, value in (environ | change).items():
            monkeypatch.setenv(name, value)
        code = main(arguments)
        return code, *capsys.readouterr()

    return command


@pytest.fixture
def account(settings, serving):
    """An account with a login; its bearer token."""

    async def log_in():
        async with serving(settings) as client:
            (await client.post("/api/auth/register", json=BODY)).raise_for_status()
            return (await client.post("/api/auth/login", json=LOGIN)).json()["access_token"]

    return asyncio.run(log_in())


def is_error(ended, code, *said):
    found, out, err = ended
    assert (found, out) == (code, "")
    assert re.fullmatch(r"Error: [^\n]+\n", err), err
    return all(part in err for part in said)


def test_accounts_are_listed_kept_out_let_in_and_deleted(run, account):
    code, out, err = run("users", "list")
    assert (code, err) == (0, "")
    heading, row = out.splitlines()
    assert heading.split() == ["id", "e-mail", "name", "created", "state"]
    assert "ada@example.org" in row
    assert r"Ada \x1b[31m" in row  # and no escape sequence
    assert row.endswith("active")

    (user,) = json.loads(run("users", "list", "--json")[1])
    assert set(user) == {"id", "email", "name", "created_at", "updated_at", "disabled_at"}
    assert user["created_at"].endswith("Z")
    assert user["disabled_at"] is None

    assert run("users", "disable", "ADA@example.org")[:2] == (0, f"ada@example.org ({user['id']}) is disabled.\n")
    assert json.loads(run("users", "list", "--json")[1])[0]["disabled_at"]
    assert "disabled 20" in run("users", "list")[1]
    assert json.loads(run("users", "enable", user["id"], "--json")[1])["disabled_at"] is None

    assert is_error(run("users", "delete", "ada@example.org"), 2, "--yes")
    code, out, _ = run("users", "delete", "ada@example.org", "--yes")
    assert (code, out) == (
        0,
        f"ada@example.org ({user['id']}) is deleted, with its API keys, agents and traces.\n",
    )
    assert run("users", "list", "--json")[:2] == (0, "[]\n")


def test_who_is_disabled_is_kept_out_at_once_and_who_is_deleted_for_good(environ, account, run, server_process):
    bearer = {"Authorization": f"Bearer {account}"}
    with server_process(environ) as server:
        ask = lambda: httpx.get(f"{server.url}/api/users/me", headers=bearer).status_code  # noqa: E731 -- said four times below
        assert ask() == 200
        assert run("users", "disable", BODY["email"])[0] == 0
        assert ask() == 401
        assert run("users", "enable", BODY["email"])[0] == 0
        assert ask() == 200
        assert run("users", "delete", BODY["email"], "--yes")[0] == 0
        assert ask() == 401


def test_a_key_is_printed_once_and_works(environ, account, run, server_process):
    code, out, err = run("keys", "create", BODY["email"], "--name", "ci")
    assert code == 0
    assert re.fullmatch(r"ams_\w+\n", out)
    assert "not shown again" in err
    made = json.loads(run("keys", "create", BODY["email"], "--name", "ci", "--expires-in-days", "3", "--json")[1])
    assert made["expires_at"] > made["created_at"]
    with server_process(environ) as server:
        for key in (out.strip(), made["key"]):
            answer = httpx.get(f"{server.url}/api/users/me", headers={"Authorization": f"Bearer {key}"})
            assert answer.json()["email"] == BODY["email"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("users", "disable"),
        ("users", "enable"),
        ("users", "delete", "--yes"),
        ("keys", "create", "--name", "x"),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("who", ["nobody@example.org", "00000000-0000-0000-0000-000000000000", "no address"])
def test_a_user_that_does_not_exist_is_4(run, arguments, who):
    assert is_error(run(*arguments, who), 4, who)


@pytest.mark.parametrize(
    "arguments",
    [
        ("users", "nope"),
        ("users", "delete"),
        ("keys", "create", "a@example.org"),
        ("keys", "create", "a@example.org", "--name", "x", "--expires-in-days", "0"),
        ("migrate", "--to", "nope"),
        ("serve", "--workers", "0"),
        ("serve", "--workers", "two"),
        ("serve", "extra"),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_2(run, arguments):
    assert is_error(run(*arguments), 2)


def test_the_schema_is_brought_up_and_down(run):
    assert run("migrate", "--json")[1].startswith('{\n  "before": null')
    head = json.loads(run("migrate", "--json")[1])["after"]
    assert run("migrate")[:2] == (0, f"The schema is at revision {head} already.\n")
    assert run("migrate", "--to", "0001")[:2] == (0, f"The schema went from revision {head} to 0001.\n")
    assert run("migrate", "--to", "base")[:2] == (0, "The schema went from revision 0001 to base.\n")
    assert run("migrate")[:2] == (0, f"The schema went from revision base to {head}.\n")


def test_the_settings_are_shown_without_secrets(run):
    code, out, err = run("config", AMS_ENV="production", **SECRETS)
    assert (code, err) == (0, "")
    assert "planted" not in out
    lines = {line.split()[0]: line.split() for line in out.splitlines()}
    assert {setting.env for setting in SETTINGS} < set(lines)
    assert lines["AMS_ENV"] == ["AMS_ENV", "production", "environment"]
    assert lines["AMS_LOG_LEVEL"][-1] == "default"
    document = json.loads(run("config", "--json", AMS_ENV="production", **SECRETS)[1])
    assert {row["variable"] for row in document} == {setting.env for setting in SETTINGS}
    assert "planted" not in json.dumps(document)


def test_help_lists_the_commands_and_a_wrong_one_names_it(run):
    code, out, _ = run("--help")
    assert code == 0
    assert all(f"  {command} " in out for command in ("serve", "migrate", "users", "keys", "config"))


def test_a_reader_that_goes_away_is_no_error(environ):
    with subprocess.Popen(
        [sys.executable, "-m", "ams_reference_server", "config", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environ,
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(30) == 0
        assert process.stderr is not None
        assert process.stderr.read() == b""


@pytest.mark.parametrize(("typed", "expected"), [(b"n\n", (130, 1)), (b"y\n", (0, 0))], ids=["no", "yes"])
def test_in_a_terminal_it_asks_before_it_deletes(environ, account, run, typed, expected):
    ours, theirs = pytest.importorskip("pty").openpty()
    command = [sys.executable, "-m", "ams_reference_server", "users", "delete", BODY["email"]]
    with subprocess.Popen(
        command, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environ
    ) as process:
        os.close(theirs)
        os.write(ours, typed)
        _, err = process.communicate(timeout=30)
    os.close(ours)
    assert b"all its API keys, agents and traces" in err
    assert (process.returncode, len(json.loads(run("users", "list", "--json")[1]))) == expected
