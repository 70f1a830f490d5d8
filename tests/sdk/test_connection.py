from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ams_sdk import _config, _credentials
from ams_sdk._connection import Connection, normalised, resolve
from ams_sdk._credentials import Login
from ams_sdk._errors import ConfigurationError, LoginExpiredError, NotLoggedInError, StateFolderError

SAVED = "https://saved.example.com"


def log_in(endpoint=SAVED, token="saved-token", hours=1):  # noqa: S107 -- made up
    login = Login(endpoint, "ada@example.com", token, datetime.now(UTC) + timedelta(hours=hours))
    _credentials.save(_config.state_folder(), login)
    return login


def test_with_nothing_it_is_the_reference_server_and_no_credential():
    connection = resolve()
    assert (connection.endpoint, connection.bearer, connection.source) == ("http://127.0.0.1:8787", None, "none")
    with pytest.raises(NotLoggedInError, match=r"Not logged in at http://127\.0\.0\.1:8787.*Run: ams login"):
        connection.credential()


def test_the_saved_login_gives_endpoint_and_credential():
    login = log_in()
    assert resolve() == Connection(SAVED, "saved-token", "login", login)
    assert resolve().credential() == "saved-token"


def test_the_argument_wins_over_the_environment_and_that_over_the_saved_login():
    log_in()
    environ = {"AMS_ENDPOINT": "http://env.example.com", "AMS_API_KEY": "env-key", "AMS_STATE_DIR": "/nonexistent"}
    from_environment = resolve(environ=environ)
    assert (from_environment.endpoint, from_environment.bearer) == ("http://env.example.com", "env-key")
    assert from_environment.source == "environment"
    from_arguments = resolve(endpoint="http://arg.example.com", api_key="arg-key", environ=environ)
    assert (from_arguments.endpoint, from_arguments.bearer) == ("http://arg.example.com", "arg-key")
    assert from_arguments.source == "argument"


@pytest.mark.parametrize(
    "other", ["https://other.example.com", "http://saved.example.com", SAVED + ":8443", SAVED + "/x"]
)
def test_a_saved_token_goes_to_no_other_endpoint(other, monkeypatch):
    log_in()
    assert resolve(endpoint=other).bearer is None
    monkeypatch.setenv("AMS_ENDPOINT", other)
    assert resolve().bearer is None


@pytest.mark.parametrize("spelling", [SAVED + "/", "HTTPS://Saved.Example.COM", SAVED + ":443"])
def test_other_spellings_of_an_address_are_the_same_endpoint(spelling):
    log_in()
    assert resolve(endpoint=spelling).bearer == "saved-token"


def test_an_api_key_goes_to_the_endpoint_of_the_last_login():
    log_in()
    connection = resolve(api_key="arg-key")
    assert (connection.endpoint, connection.bearer, connection.source) == (SAVED, "arg-key", "argument")
    assert connection.credential() == "arg-key"


def test_an_api_key_serves_although_the_login_is_over():
    log_in(hours=-1)
    assert resolve(api_key="arg-key").credential() == "arg-key"


def test_a_login_that_is_over_is_an_error_before_any_call():
    log_in(hours=-1)
    with pytest.raises(LoginExpiredError, match=r"ended at .* UTC; run: ams login") as caught:
        resolve().credential()
    assert (caught.value.status, caught.value.code) == (401, "token_expired")


def test_a_login_that_ends_while_the_client_lives_is_noticed():
    connection = Connection(SAVED, "t", "login", Login(SAVED, "a", "t", datetime.now(UTC) + timedelta(hours=1)))
    assert connection.credential() == "t"
    connection.login = Login(SAVED, "a", "t", datetime.now(UTC))
    with pytest.raises(LoginExpiredError):
        connection.credential()


def test_a_new_bearer_replaces_whatever_there_was():
    log_in(hours=-1)
    connection = resolve()
    connection.use("new")
    assert connection.credential() == "new"
    connection.use(None)
    with pytest.raises(NotLoggedInError):
        connection.credential()


def test_a_broken_file_matters_only_if_it_is_needed():
    folder = _config.state_folder()
    folder.mkdir()
    (folder / _credentials.FILE_NAME).write_text("{")
    with pytest.raises(StateFolderError):
        resolve(api_key="arg-key")
    assert resolve(endpoint=SAVED, api_key="arg-key").credential() == "arg-key"


def test_no_secret_is_in_the_repr():
    log_in()
    assert "saved-token" not in repr(resolve())
    assert "arg-key" not in repr(resolve(api_key="arg-key"))


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        ("http://127.0.0.1:1", True),
        ("http://127.9.9.9", True),
        ("http://[::1]:8787", True),
        ("http://localhost", True),
        ("https://ams.localhost", True),
        ("http://10.0.0.1", False),
        ("http://localhost.example.com", False),
        ("http://127.example.com", False),
    ],
)
def test_whether_an_endpoint_is_this_machine(endpoint, expected):
    assert Connection(normalised(endpoint)).is_loopback() is expected


def test_the_one_form_of_an_address():
    assert normalised("HTTP://Example.COM:80/ams/") == "http://example.com/ams"
    assert normalised("http://[::1]:8787/") == "http://[::1]:8787"
    assert normalised("https://example.com.") == "https://example.com."


@pytest.mark.parametrize(
    "endpoint", ["http://a..b", "http://" + "a" * 64 + ".example.com", "http://\x7fhost", "http://x y"]
)
def test_an_address_that_no_host_can_have_is_a_configuration_error(endpoint):
    with pytest.raises(ConfigurationError, match="endpoint cannot be used"):
        normalised(endpoint)


@pytest.mark.parametrize(
    "endpoint", ["example.com", "ftp://example.com", "http://u:secret@example.com", "http://h:99999"]
)
def test_an_endpoint_that_cannot_work_is_a_configuration_error(endpoint):
    with pytest.raises(ConfigurationError, match="endpoint cannot be used") as caught:
        resolve(endpoint=endpoint)
    assert "secret" not in str(caught.value)
