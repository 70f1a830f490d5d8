from __future__ import annotations

import os
import re
from pathlib import Path

import platformdirs
import pytest

from ams_reference_server.db import Database
from ams_reference_server.errors import SettingsError
from ams_reference_server.setting_kinds import rate
from ams_reference_server.setting_table import SETTINGS
from ams_reference_server.settings import Settings, explain, load

KEY = "0123456789abcdef" * 2
DOCS = Path(__file__).parents[2] / "docs" / "server.md"


def test_the_defaults():
    folder = platformdirs.user_state_path("ams", appauthor=False)
    assert load({}) == Settings(
        database_url=f"sqlite:///{folder / 'reference-server.db'}",
        state_dir=folder,
        redis_url=None,
        secret_key=None,
        secret_key_previous=None,
        env="development",
        token_lifetime=28_800,
        password_policy="complexity",
        bcrypt_cost=12,
        hash_threads=max(1, (os.cpu_count() or 1) - 1),
        hash_queue=64,
        login_limit_per_address=rate("10 per 5 minutes"),
        login_limit_per_client=rate("1000 per 5 minutes"),
        registration_limit_per_client=rate("1000 per hour"),
        trusted_proxies=(),
        cors_origins=(),
        api_body_limit=65_536,
        otlp_body_limit=16 * 1024**2,
        otlp_unpacked_limit=64 * 1024**2,
        connection_limit=1000,
        header_timeout=10,
        body_timeout=30,
        send_timeout=30,
        log_level="warning",
        log_format=None,
    )


def test_in_production_a_client_may_fail_less_often():
    settings = load({"AMS_ENV": "production", "AMS_SECRET_KEY": KEY})
    assert settings.login_limit_per_client == rate("100 per 5 minutes")
    assert settings.registration_limit_per_client == rate("30 per hour")
    assert load({"AMS_LOGIN_LIMIT_PER_CLIENT": "off"}).login_limit_per_client is None
    assert load({"AMS_LOGIN_LIMIT_PER_ADDRESS": "3/2 seconds"}).login_limit_per_address == rate("3 per 2 second")


def test_an_argument_wins_over_the_environment_and_that_over_the_default():
    environ = {"AMS_TOKEN_LIFETIME": "60"}
    assert load(environ, token_lifetime="30").token_lifetime == 30
    assert load(environ, token_lifetime=None).token_lifetime == 60
    assert load({"AMS_TOKEN_LIFETIME": ""}).token_lifetime == 28_800


def test_the_process_environment_is_the_default_one(monkeypatch):
    monkeypatch.setenv("AMS_TOKEN_LIFETIME", "61")
    assert load().token_lifetime == 61


def test_the_database_follows_the_state_folder(tmp_path):
    settings = load({"AMS_STATE_DIR": str(tmp_path)})
    assert settings.database_url == f"sqlite:///{tmp_path / 'reference-server.db'}"
    assert load({"AMS_STATE_DIR": "~/x"}).state_dir == Path("~/x").expanduser()
    assert load({"AMS_STATE_DIR": "x"}).state_dir.is_absolute()


def test_the_state_folder_may_have_any_name(tmp_path):
    folder = tmp_path / "a?b=c%20#"
    database = Database(load({"AMS_STATE_DIR": str(folder)}).database_url)
    database.dispose()
    assert [file.name for file in folder.iterdir()] == ["reference-server.db"]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("AMS_TOKEN_LIFETIME", "soon"),
        ("AMS_TOKEN_LIFETIME", "0"),
        ("AMS_TOKEN_LIFETIME", "-1"),
        ("AMS_TOKEN_LIFETIME", "\u0661"),
        ("AMS_BCRYPT_COST", "3"),
        ("AMS_BCRYPT_COST", "21"),
        ("AMS_API_BODY_LIMIT", "1e5"),
        ("AMS_ENV", "prod"),
        ("AMS_STATE_DIR", "~nobody-of-this-name/x"),
        ("AMS_SECRET_KEY", "x" * 31),
        ("AMS_SECRET_KEY_PREVIOUS", "x" * 31),
        ("AMS_SECRET_KEY", "-----BEGIN PUBLIC KEY-----" + "x" * 31),
        ("AMS_SECRET_KEY", "ssh-rsa " + "x" * 31),
        ("AMS_PASSWORD_POLICY", "none"),
        ("AMS_HASH_THREADS", "0"),
        ("AMS_LOGIN_LIMIT_PER_ADDRESS", "often"),
        ("AMS_LOGIN_LIMIT_PER_CLIENT", "0 per minute"),
        ("AMS_LOGIN_LIMIT_PER_CLIENT", "10 per minute; 3 per hour"),
        ("AMS_LOGIN_LIMIT_PER_CLIENT", "5 per 999999999999 years"),
        ("AMS_REGISTRATION_LIMIT_PER_CLIENT", "-1 per minute"),
        ("AMS_TRUSTED_PROXIES", "*"),
        ("AMS_TRUSTED_PROXIES", "10.0.0.0/8,proxy.example.org"),
        ("AMS_TRUSTED_PROXIES", "10.0.0.1/8"),
        ("AMS_CORS_ORIGINS", "*"),
        ("AMS_CORS_ORIGINS", "https://app.example.org/"),
        ("AMS_CORS_ORIGINS", "app.example.org"),
        ("AMS_CORS_ORIGINS", "https://App.example.org"),
        ("AMS_CORS_ORIGINS", "https://app.example.org:443"),
        ("AMS_CORS_ORIGINS", "https://u@app.example.org"),
        ("AMS_LOG_LEVEL", "loud"),
    ],
)
def test_a_value_that_cannot_work_is_refused_by_the_name_of_its_variable(variable, value):
    with pytest.raises(SettingsError, match=f"^{variable} cannot be used: ") as caught:
        load({variable: value})
    assert "x" * 31 not in str(caught.value)


def test_production_needs_a_key():
    with pytest.raises(SettingsError, match="AMS_SECRET_KEY is not set"):
        load({"AMS_ENV": "production"})
    assert load({"AMS_ENV": "production", "AMS_SECRET_KEY": KEY}).env == "production"


@pytest.mark.parametrize("variable", ["AMS_SECRET_KEY", "AMS_SECRET_KEY_PREVIOUS"])
def test_production_takes_no_key_that_was_typed(variable):
    environ = {"AMS_ENV": "production", "AMS_SECRET_KEY": KEY, variable: "abc" * 20}
    with pytest.raises(SettingsError, match=f"^{variable} cannot be used: ") as caught:
        load(environ)
    assert "abcabc" not in str(caught.value)
    assert load(environ | {"AMS_ENV": "development"}).env == "development"


def test_lists_are_read():
    environ = {
        "AMS_TRUSTED_PROXIES": "127.0.0.1, 10.0.0.0/8,,::1",
        "AMS_CORS_ORIGINS": "http://localhost:3000,https://a.b",
    }
    settings = load(environ)
    assert settings.trusted_proxies == ("127.0.0.1", "10.0.0.0/8", "::1")
    assert settings.cors_origins == ("http://localhost:3000", "https://a.b")


def test_each_setting_is_explained_without_its_secrets():
    environ = {
        "AMS_SECRET_KEY": KEY,
        "AMS_DATABASE_URL": "postgresql://u:hidden@h/d?password=hidden&sslpassword=hidden&application_name=ams",
        "AMS_REDIS_URL": "redis://:hidden@h:6379/0",
        "AMS_LOGIN_LIMIT_PER_CLIENT": "off",
        "AMS_CORS_ORIGINS": "https://a.b,https://c.d",
        "AMS_TOKEN_LIFETIME": "",
    }
    explained = {one.setting.name: one for one in explain(load(environ), environ)}
    assert list(explained) == [setting.name for setting in SETTINGS]
    assert "hidden" not in str(explained)
    assert KEY not in str(explained)
    assert explained["secret_key"].value == "********"
    assert explained["secret_key"].origin == "environment"
    assert explained["database_url"].value.startswith("postgresql://u:***@h/d?")
    assert "application_name=ams" in explained["database_url"].value
    assert explained["secret_key_previous"].value == ""
    assert explained["login_limit_per_client"].value == "off"
    assert explained["cors_origins"].value == "https://a.b,https://c.d"
    assert (explained["token_lifetime"].value, explained["token_lifetime"].origin) == ("28800", "default")


@pytest.mark.parametrize("url", ["redis//u:hidden@h", "redis://u:p@hidden@h/0"])
def test_an_address_that_cannot_be_read_is_not_shown(url):
    environ = {"AMS_REDIS_URL": url}
    (value,) = (one.value for one in explain(load(environ), environ) if one.setting.name == "redis_url")
    assert value == "********"


def test_an_argument_that_is_no_setting_is_a_mistake():
    with pytest.raises(TypeError, match="no such setting: portt"):
        load({}, portt="1")


def test_secrets_do_not_show():
    environ = {"AMS_SECRET_KEY": "k" * 32, "AMS_DATABASE_URL": "postgresql://u:hidden@h/d", "AMS_REDIS_URL": "hidden"}
    shown = repr(load(environ))
    assert "kkk" not in shown
    assert "hidden" not in shown


def test_every_setting_is_documented_with_its_default_and_meaning():
    rows = re.findall(r"^\| `(AMS_\w+)` \| (.*?) \| (.*?) \|$", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    table = [(setting.env, setting.default_doc or f"`{setting.default}`", setting.doc) for setting in SETTINGS]
    assert rows == table
