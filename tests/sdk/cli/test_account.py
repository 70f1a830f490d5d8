from __future__ import annotations

import json
import socket
from datetime import UTC, datetime, timedelta

import pytest

from ams_sdk import _config, _credentials
from ams_sdk._cli.server_process import ServerProcess
from ams_sdk._credentials import Login


def saved(endpoint=None):
    return _credentials.find(_config.state_folder(), endpoint)


def keep(endpoint, **ends):
    _credentials.save(
        _config.state_folder(), Login(endpoint, "ada@example.com", "old-t0ken", datetime.now(UTC) + timedelta(**ends))
    )


def nobody():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


def test_register_creates_an_account_and_logs_in(ams, platform):
    result = ams("register", "--email", "ada@example.com", "--name", "Ada", "--password-stdin", stdin=b"Pa55word!\n")
    assert (result.code, result.err) == (0, "")
    created, logged_in = result.out.splitlines()
    assert created == f"Created the account ada@example.com at {platform.url}."
    assert logged_in.startswith(f"Logged in as ada@example.com at {platform.url} until 2")
    assert [(request.call, request.body) for request in platform.requests] == [
        ("POST /api/auth/register", {"email": "ada@example.com", "password": "Pa55word!", "name": "Ada"}),
        ("POST /api/auth/login", {"email": "ada@example.com", "password": "Pa55word!"}),
    ]
    assert saved().access_token == "t0ken"
    assert timedelta(hours=7, minutes=59) < saved().expires_at - datetime.now(UTC) <= timedelta(hours=8)


def test_register_names_every_broken_rule(ams, platform):
    rules = [{"field": "password", "code": "digit", "message": "Use a digit."}]
    platform.refuses("POST", "/api/auth/register", 422, "validation", "A rule is broken.", errors=rules)
    result = ams("register", "--email", "a@b.c", "--password-stdin", stdin=b"weak")
    assert (result.code, result.out) == (10, "")
    assert result.err == "ams: password: Use a digit.\n"
    assert saved() is None


def test_register_of_an_address_that_is_taken(ams, platform):
    platform.refuses("POST", "/api/auth/register", 409, "email_taken", "It is taken.")
    result = ams("register", "--email", "a@b.c", "--password-stdin", stdin=b"weak")
    assert (result.code, result.err) == (10, "ams: It is taken. Run: ams login\n")


def test_login_keeps_the_token_for_its_endpoint_and_never_prints_it(ams, platform, monkeypatch):
    monkeypatch.delenv("AMS_ENDPOINT")
    result = ams(
        "login", "--endpoint", platform.url + "/", "--email", "ada@example.com", "--password-stdin", stdin=b"p"
    )
    assert result.code == 0
    assert "t0ken" not in result.out + result.err
    assert saved().endpoint == platform.url
    assert ams("whoami").out.startswith("Ada <ada@example.com>")
    assert platform.requests[-1].bearer == "Bearer t0ken"


@pytest.mark.parametrize("seconds", [-(10**30), 10**30])
def test_login_for_a_time_that_is_none(ams, platform, seconds):
    platform.on("POST", "/api/auth/login", {"access_token": "t", "expires_in": seconds})
    assert ams("login", "--email", "a@b.c", "--password-stdin", stdin=b"p").code == 0
    assert saved().is_over() is (seconds < 0)


def test_login_with_a_wrong_password(ams, platform):
    platform.refuses("POST", "/api/auth/login", 401, "invalid_credentials", "Wrong.")
    result = ams("login", "--email", "a@b.c", "--password-stdin", stdin=b"p")
    assert (result.code, result.out) == (5, "")
    assert result.err == "ams: Wrong. Check both, or create an account: ams register\n"


def test_login_says_so_if_an_api_key_is_used_instead(ams, platform, monkeypatch):
    monkeypatch.setenv("AMS_API_KEY", "k")
    result = ams("login", "--email", "a@b.c", "--password-stdin", stdin=b"p")
    assert (result.code, result.err) == (0, "AMS_API_KEY is set, and is used instead of this login.\n")
    assert platform.requests[-1].bearer is None


def test_login_replaces_one_that_is_over(ams, platform):
    keep(platform.url, hours=-1)
    assert ams("login", "--email", "a@b.c", "--password-stdin", stdin=b"p").code == 0
    assert saved().access_token == "t0ken"


def test_login_where_the_login_cannot_be_kept(ams, platform, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("AMS_STATE_DIR", str(tmp_path / "file"))
    result = ams("login", "--email", "a@b.c", "--password-stdin", stdin=b"p")
    assert result.code == 9
    assert str(tmp_path / "file") in result.err
    assert "AMS_STATE_DIR" in result.err


def test_whoami(ams, logged_in):
    result = ams("whoami")
    lines = result.out.splitlines()
    assert (result.code, result.err) == (0, "")
    assert lines[:2] == ["Ada <ada@example.com>", f"endpoint    {logged_in.url}"]
    assert lines[2].startswith("credential  login, ends 2")
    assert lines[2].endswith("(in 7 h)")
    assert lines[3] == "account     b4eadf22-c683-4aae-a820-6fba99b3c6aa, since 2026-01-31"


def test_whoami_with_an_api_key(ams, platform, a_user, monkeypatch):
    monkeypatch.setenv("AMS_API_KEY", "k3y")
    platform.on("GET", "/api/users/me", a_user(name=None, email="\x1b[2Jada"))
    result = ams("whoami")
    assert result.out.splitlines()[0] == r"\x1b[2Jada"
    assert "credential  the API key in AMS_API_KEY" in result.out
    assert "k3y" not in result.out


def test_whoami_as_json_is_one_document_and_nothing_else(ams, logged_in, a_user):
    logged_in.on("GET", "/api/users/me", a_user(name="\x9b2JGrüße\u202e"))
    result = ams("whoami", "--json")
    assert (result.code, result.err) == (0, "")
    assert json.loads(result.out) == a_user(name="\x9b2JGrüße\u202e")
    assert result.out.isascii()


def test_whoami_without_a_login(ams, platform):
    result = ams("whoami")
    assert (result.code, result.out) == (6, "")
    assert "Run: ams login (no account yet: ams register)" in result.err
    keep(platform.url, hours=-1)
    result = ams("whoami")
    assert result.code == 6
    assert "ended at" in result.err
    assert platform.requests == []


def test_logout_revokes_and_forgets(ams, logged_in, monkeypatch):
    monkeypatch.setenv("AMS_API_KEY", "another-k3y")
    result = ams("logout")
    assert (result.code, result.out, result.err) == (0, f"Logged out at {logged_in.url}.\n", "")
    assert [(request.call, request.bearer) for request in logged_in.requests] == [
        ("POST /api/auth/logout", "Bearer t0ken")
    ]
    assert saved(logged_in.url) is None


def test_logout_without_a_login_is_fine(ams, platform):
    result = ams("logout")
    assert (result.code, result.out) == (0, f"There is no login at {platform.url} to end.\n")
    assert platform.requests == []


def test_logout_of_a_login_that_is_over_asks_nobody(ams, platform):
    keep(platform.url, hours=-1)
    result = ams("logout")
    assert (result.code, result.err) == (0, "")
    assert "was over already; it is forgotten here" in result.out
    assert (saved(platform.url), platform.requests) == (None, [])


def test_logout_of_a_login_that_the_platform_ended(ams, logged_in):
    logged_in.refuses("POST", "/api/auth/logout", 401, "invalid_token")
    result = ams("logout")
    assert (result.code, result.err) == (0, "")
    assert "had ended the login already" in result.out
    assert saved(logged_in.url) is None


@pytest.mark.parametrize(("status", "code"), [(None, 4), (503, 12)])
def test_logout_when_the_platform_cannot_be_told_forgets_here_and_says_so(ams, platform, status, code):
    endpoint = nobody() if status is None else platform.url
    keep(endpoint, hours=1)
    if status is not None:
        platform.refuses("POST", "/api/auth/logout", status, "unavailable")
    result = ams("logout", "--endpoint", endpoint)
    assert result.code == code
    assert result.out.startswith(f"Forgotten here only: the token at {endpoint} stays good until 2")
    assert result.err.startswith("ams: ")
    assert result.err.count("\n") == 1
    assert saved(endpoint) is None


def test_the_whole_way_at_the_reference_server(ams, monkeypatch):
    credentials = ("--email", "ada@example.com", "--password-stdin")
    with ServerProcess("ams dev", port=0) as server:
        monkeypatch.setenv("AMS_ENDPOINT", server.address)
        assert ams("register", *credentials, stdin=b"weak").code == 10
        registered = ams("register", "--name", "Ada", *credentials, stdin=b"Corr3ct-horse!")
        assert (registered.code, registered.err) == (0, "")
        token = saved().access_token
        assert ams("whoami").out.startswith("Ada <ada@example.com>")
        assert json.loads(ams("traces", "list", "--min-duration", "1s", "--since", "2h", "--json").out)["items"] == []
        assert json.loads(ams("agents", "list", "--json").out)["items"] == []
        assert ams("agents", "show", "nobody").code == 7
        assert ams("register", *credentials, stdin=b"Corr3ct-horse!").code == 10
        assert ams("login", *credentials, stdin=b"wrong").code == 5
        assert ams("logout").out == f"Logged out at {server.address}.\n"
        monkeypatch.setenv("AMS_API_KEY", token)
        assert ams("whoami").code == 6
