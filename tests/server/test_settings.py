from __future__ import annotations

import re
from pathlib import Path

import platformdirs
import pytest

from ams_reference_server.db import Database
from ams_reference_server.errors import SettingsError
from ams_reference_server.settings import SETTINGS, Settings, load

DOCS = Path(__file__).parents[2] / "docs" / "server.md"


def test_the_defaults():
    folder = platformdirs.user_state_path("ams", appauthor=False)
    assert load({}) == Settings(
        database_url=f"sqlite:///{folder / 'reference-server.db'}",
        state_dir=folder,
        secret_key=None,
        env="development",
        token_lifetime=28_800,
        bcrypt_cost=12,
        api_body_limit=65_536,
        otlp_body_limit=16 * 1024**2,
        otlp_unpacked_limit=64 * 1024**2,
    )


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
    ],
)
def test_a_value_that_cannot_work_is_refused_by_the_name_of_its_variable(variable, value):
    with pytest.raises(SettingsError, match=f"^{variable} cannot be used: ") as caught:
        load({variable: value})
    assert "x" * 31 not in str(caught.value)


def test_production_needs_a_key():
    with pytest.raises(SettingsError, match="AMS_SECRET_KEY is not set"):
        load({"AMS_ENV": "production"})
    assert load({"AMS_ENV": "production", "AMS_SECRET_KEY": "\u00e4" * 16}).env == "production"


def test_an_argument_that_is_no_setting_is_a_mistake():
    with pytest.raises(TypeError, match="no such setting: portt"):
        load({}, portt="1")


def test_secrets_do_not_show():
    shown = repr(load({"AMS_SECRET_KEY": "k" * 32, "AMS_DATABASE_URL": "postgresql://u:hidden@h/d"}))
    assert "kkk" not in shown
    assert "hidden" not in shown


def test_every_setting_is_documented_with_its_default_and_meaning():
    rows = re.findall(r"^\| `(AMS_\w+)` \| (.*?) \| (.*?) \|$", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    table = [(setting.env, setting.default_doc or f"`{setting.default}`", setting.doc) for setting in SETTINGS]
    assert rows == table
