from pathlib import Path

import pytest

from ams_sdk._config import SETTINGS, load, state_folder
from ams_sdk._errors import ConfigurationError

VALUES = {
    "endpoint": ("http://one:1", "http://two:2", "http://two:2"),
    "api_key": ("first", "second", "second"),
    "service_name": ("first", "second", "second"),
    "environment": ("first", "second", "second"),
    "enabled": (True, "false", False),
    "sample_rate": (0.25, "0.5", 0.5),
    "capture_content": (True, "no", False),
    "redact": (True, "no", False),
    "exit_timeout": (1.5, "3", 3.0),
    "flush_interval": (0.5, "1.5", 1.5),
    "spool_dir": ("first", "second", "second"),
    "durable": (True, "yes", True),
    "metrics": (True, "on", True),
    "save_on_sigterm": (True, "no", False),
    "auto_trace": (False, "openai, httpx", ("openai", "httpx")),
}
OTEL_VALUES = {
    "service_name": ("third", "third"),
    "enabled": ("true", False),
    "capture_content": ("NO_CONTENT", False),
    "flush_interval": ("500", 0.5),
}


def test_the_tables_of_this_test_are_complete():
    assert set(VALUES) == {row.name for row in SETTINGS}
    assert set(OTEL_VALUES) == {row.name for row in SETTINGS if row.otel_env}


@pytest.mark.parametrize("row", SETTINGS, ids=lambda row: row.name)
def test_an_argument_wins_over_the_environment_and_that_over_the_default(row):
    argument, text, read = VALUES[row.name]
    assert getattr(load({}), row.name) == row.default
    assert getattr(load({row.env: text}), row.name) == read
    assert getattr(load({row.env: text}, **{row.name: argument}), row.name) == argument


@pytest.mark.parametrize("row", [row for row in SETTINGS if row.otel_env], ids=lambda row: row.name)
def test_the_variable_of_opentelemetry_is_used_after_ours(row):
    text, read = OTEL_VALUES[row.name]
    _, ours, ours_read = VALUES[row.name]
    assert getattr(load({row.otel_env: text}), row.name) == read
    assert getattr(load({row.otel_env: text, row.env: ours}), row.name) == ours_read


@pytest.mark.parametrize("row", SETTINGS, ids=lambda row: row.name)
def test_an_empty_variable_is_an_unset_one(row):
    assert getattr(load({row.env: ""}), row.name) == row.default


@pytest.mark.parametrize(
    ("word", "captures"),
    [("SPAN_ONLY", True), ("span_and_event", True), ("EVENT_ONLY", False), ("true", False), ("NO_CONTENT", False)],
)
def test_the_words_of_the_genai_packages(word, captures):
    settings = load({"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": word})
    assert settings.capture_content is captures


@pytest.mark.parametrize("word", ["1", "TRUE", "Yes", "on"])
def test_words_for_true(word):
    assert load({"AMS_ENABLED": word}).enabled is True


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("off", False),
        ("TRUE", True),
        ("openai", ("openai",)),
        (" a ,b,", ("a", "b")),
        (",", ()),
        ("true,openai", ("true", "openai")),
    ],
)
def test_auto_trace_is_a_flag_or_names(text, read):
    assert load({"AMS_AUTO_TRACE": text}).auto_trace == read


def test_an_endpoint_loses_its_last_slash():
    assert load({"AMS_ENDPOINT": "https://ams.example/prefix/"}).endpoint == "https://ams.example/prefix"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("AMS_ENDPOINT", "localhost:8787"),
        ("AMS_ENDPOINT", "ftp://host"),
        ("AMS_ENDPOINT", "http://"),
        ("AMS_ENDPOINT", "http://host:port"),
        ("AMS_ENDPOINT", "http://host:70000"),
        ("AMS_ENDPOINT", "http://user:hunter2@host"),
        ("AMS_ENDPOINT", "http://host?x=1"),
        ("AMS_API_KEY", "two words"),
        ("AMS_API_KEY", "line\nbreak"),
        ("AMS_API_KEY", "schlüssel"),
        ("AMS_ENABLED", "maybe"),
        ("AMS_SAMPLE_RATE", "1.5"),
        ("AMS_SAMPLE_RATE", "half"),
        ("AMS_SAMPLE_RATE", "nan"),
        ("AMS_EXIT_TIMEOUT", "-1"),
        ("AMS_EXIT_TIMEOUT", "inf"),
    ],
)
def test_a_bad_value_names_its_variable_and_does_not_repeat_it(variable, value):
    with pytest.raises(ConfigurationError, match=f"^{variable} cannot be used: .+") as caught:
        load({variable: value})
    assert "hunter2" not in str(caught.value)
    assert "schlüssel" not in str(caught.value)


def test_a_bad_argument_names_the_argument():
    with pytest.raises(ConfigurationError, match=r"^sample_rate cannot be used"):
        load({}, sample_rate=2)


def test_the_environment_of_the_process_is_the_default_source(monkeypatch):
    monkeypatch.setenv("AMS_SERVICE_NAME", "from the process")
    assert load().service_name == "from the process"
    monkeypatch.setenv("AMS_STATE_DIR", "chosen")
    assert state_folder() == Path("chosen")


def test_the_state_folder_is_the_users_unless_it_is_chosen():
    assert state_folder({"AMS_STATE_DIR": "~/elsewhere"}) == Path.home() / "elsewhere"
    assert state_folder({}).name == "ams"


def test_every_setting_is_documented():
    page = (Path(__file__).parents[2] / "docs" / "settings.md").read_text(encoding="utf-8")
    for row in SETTINGS:
        (line,) = [line for line in page.splitlines() if line.startswith(f"| `{row.name}` ")]
        assert f"`{row.env}`" in line
        assert row.doc in line
        assert not row.otel_env or f"`{row.otel_env}`" in line
        assert (f"`{row.default}`" if row.default is not None else "none") in line
    assert "`AMS_STATE_DIR`" in page
