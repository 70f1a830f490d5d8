import re

import pytest

import ams_sdk
from ams_sdk._capture import MAX_TEXT, redact_attributes, redact_text, render, render_text, rules, use_rules
from ams_sdk._capture.rules import BUILT_IN, REDACTED, compile_rules
from ams_sdk._errors import ConfigurationError

PLACE = "redact: a rule of the program's own"


@pytest.fixture
def redact():
    def by(*custom):
        use_rules(compile_rules(list(custom)))

    yield by
    use_rules()


def test_patterns_and_functions_run_after_the_built_in_rules_in_turn(redact):
    redact(r"\bNO-\d+", re.compile("hotel", re.IGNORECASE), lambda text: text.replace("X", "Y"))
    assert redact_text("X NO-12 Hotel pwd=x") == f"Y {REDACTED} {REDACTED} pwd={REDACTED}"
    assert redact_text("short X") == "short Y"


def test_rules_see_short_texts_and_names_of_entries_and_no_more_than_what_is_kept(redact):
    seen = []
    redact(lambda text: seen.append(text) or text)
    render({"key name": "ab", "more": ["x" * (MAX_TEXT + 5)]})
    assert {"key name", "ab", "more", "x" * MAX_TEXT} <= set(seen)
    assert max(map(len, seen)) == MAX_TEXT


def test_an_atom_is_seen_by_a_rule(redact):
    redact("^ab$")
    assert render("ab") == f'"{REDACTED}"'
    from ams_sdk._capture import render_atom  # noqa: PLC0415 -- beside what it is compared with

    assert render_atom("ab") == f'"{REDACTED}"'


@pytest.mark.parametrize("bad", [lambda _: 1 / 0, lambda _: None, lambda text: text.encode(), lambda: "x"])
def test_what_a_rule_cannot_handle_is_masked_as_a_whole(redact, held_back, bad):
    redact(bad)
    before = rules_counted()
    assert redact_text("some text") == REDACTED
    assert render_text("some text") == REDACTED
    assert redact_attributes({"a": "some text", "b": 1}) == {"a": REDACTED, "b": 1}
    assert rules_counted() == before + 3
    assert {place for place, _ in held_back} <= {PLACE}
    held_back.clear()


def rules_counted():
    return ams_sdk.stats().redacted.get("custom", 0)


def test_json_stays_json_where_a_rule_changes_it(redact):
    redact("Oslo")
    assert redact_attributes({"a": '{"city": "Oslo"}'}) == {"a": f'{{"city": "{REDACTED}"}}'}
    redact('"city": "[^"]*"')  # one that looks at more than one string
    assert redact_attributes({"a": '{"city": "Oslo"}'}) == {"a": "{[redacted]}"}


def test_without_redaction_texts_are_not_searched_and_names_and_marks_still_hide():
    use_rules(compile_rules(redact=False))
    try:
        assert render({"text": "pwd=x", "password": "y"}) == f'{{"text":"pwd=x","password":"{REDACTED}"}}'
        assert redact_attributes({"a": "pwd=x", "db.password": "y"}) == {"a": "pwd=x", "db.password": REDACTED}
        assert redact_text("x" * 10 + " Bearer abcdef0123456789") == "x" * 10 + " Bearer abcdef0123456789"
        assert render_text("Bearer abcdef0123456789", 12) == "Bearer abcde…[+11 characters]"
    finally:
        use_rules()


@pytest.mark.parametrize(
    ("value", "advice"),
    [
        ("(", "write True, False, or a list"),
        (["("], "is no regular expression"),
        ([re.compile(b"a")], "is for bytes"),
        (["a*"], "matches where there is nothing to mask"),
        ([3], "not int"),
        ({"a": 1}, "write True, False, or a list"),
        (3, "write True, False, or a list"),
    ],
)
def test_what_is_no_rule_is_refused(value, advice):
    with pytest.raises(ConfigurationError, match=f"^redact cannot be used: .*{advice}"):
        ams_sdk.configure(redact=value)
    assert rules.current is BUILT_IN


def test_the_rules_are_those_of_the_configuration_and_end_with_it(unconfigured_recorder, monkeypatch):
    unconfigured_recorder.configure(redact=["Oslo"])
    assert redact_text("Oslo") == REDACTED
    unconfigured_recorder.configure()
    assert redact_text("Oslo") == "Oslo"
    unconfigured_recorder.configure(redact=False)
    assert redact_text("pwd=x") == "pwd=x"
    ams_sdk.shutdown()
    assert redact_text("pwd=x") != "pwd=x"
    monkeypatch.setenv("AMS_REDACT", "false")
    unconfigured_recorder.configure()
    assert redact_text("pwd=x") == "pwd=x"
    unconfigured_recorder.configure(redact=True)
    assert redact_text("pwd=x") != "pwd=x"


def test_rules_apply_to_decorated_calls(unconfigured_recorder):
    unconfigured_recorder.configure(redact=[r"\bOslo\b"])

    @ams_sdk.tool
    def look(where):
        return f"in {where}"

    assert look("Oslo") == "in Oslo"
    attributes = unconfigured_recorder.one("execute_tool look").attributes
    assert "Oslo" not in "".join(map(str, attributes.values()))
