import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ams_sdk._capture.json_text import cut_text, redact_json
from ams_sdk._capture.redaction import REDACTED, redact_text
from ams_sdk._capture.rendering import render_text
from ams_sdk._capture.rules import compile_rules, use_rules

numbers = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | st.text() | st.just('a "quoted" \\ back\\slash'),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=6), inner, max_size=5),
    max_leaves=12,
)
containers = st.lists(values, min_size=1) | st.dictionaries(st.text(), values, min_size=1)
styles = st.sampled_from([{}, {"ensure_ascii": False}, {"separators": (",", ":")}, {"indent": 2}])


@given(containers, styles, st.data())
def test_json_that_is_cut_is_json_of_about_that_size(value, style, data):
    text = json.dumps(value, **style)
    limit = data.draw(st.integers(1, len(text)))
    cut = cut_text(text, limit)
    json.loads(cut)
    assert len(cut) <= limit + 80
    assert "…" in cut


@given(containers, styles)
def test_json_with_a_password_stays_json_and_loses_only_that(value, style):
    text = json.dumps({"before": value, "password": 'q "hunter2" q', "after": "password: hunter2"}, **style)
    left = json.loads(redact_json(text))
    assert "hunter2" not in json.dumps(left)
    assert left["password"] == REDACTED
    assert left.keys() == {"before", "password", "after"}


@given(containers, styles)
def test_masking_json_twice_is_masking_it_once(value, style):
    once = redact_json(json.dumps({"api_key": "hunter2", "more": value}, **style))
    assert redact_json(once) == once


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"password": "a \\" b", "x": 1}', f'{{"password": "{REDACTED}", "x": 1}}'),
        ('{"password":"a","x":1.50}', f'{{"password":"{REDACTED}","x":1.5}}'),
        (' [{"headers": [["X-Api-Key", "a"], ["Accept", "b"]], "t": "pwd=c"}]', None),
        ('{"a": "password=", "b": "plain"}', '{"a": "password=", "b": "plain"}'),  # only as text it looks like a value
        ('{"password": NaN, "a": "pwd=x"}', f'{{"password": {REDACTED}, "a": "pwd={REDACTED}"}}'),  # no JSON
        # Infinity would be no JSON.
        ('{"n":-1e999,"password":1234567}', f'{{"n":-1.7976931348623157e+308,"password":"{REDACTED}"}}'),
        ('{"card": 4111111111111111, "n": 4111111111111112}', f'{{"card": "{REDACTED}", "n": 4111111111111112}}'),
        ('{"user[password]": "a", "secret*": "b"}', f'{{"user[password]": "{REDACTED}", "secret*": "{REDACTED}"}}'),
        ('{"credentials": {"db": {"a": "b"}, "c": "d"}}', f'{{"credentials": "{REDACTED}"}}'),
        ('{"pin": 1234}', f'{{"pin": "{REDACTED}"}}'),
        ('{"h": [["x-api-key", "a"]]}', f'{{"h": [["x-api-key", "{REDACTED}"]]}}'),
        ('{"h":[["x-api-key"\n\t,"a"]]}', f'{{"h":[["x-api-key","{REDACTED}"]]}}'),
        (json.dumps({"b": '[["token"\n,"a"]]'}), json.dumps({"b": f'[["token","{REDACTED}"]]'})),
        ('{"required": ["api_key", "query"]}', '{"required": ["api_key", "query"]}'),
        ('{"password":\n "a"}', f'{{"password":"{REDACTED}"}}'),
        ('{"pass\\u0077ord": "a"}', f'{{"password": "{REDACTED}"}}'),
        ('{"api_key": "a", "api_key": ""}', f'{{"api_key": "{REDACTED}", "api_key": ""}}'),  # the last is what is read
        (r'{"b": "{\"h\": [[\"token\", \"a\"]]}"}', json.dumps({"b": json.dumps({"h": [["token", REDACTED]]})})),
        ('{"password": "a", ', f'{{"password": "{REDACTED}", '),
        ('"password=a"', f'"password={REDACTED}"'),
        ('{"password": null, "token": true, "pin": ""}', '{"password": null, "token": true, "pin": ""}'),
        ('{"api_key": "a", "api_key": "b"}', f'{{"api_key": "{REDACTED}"}}'),
    ],
)
def test_json_is_masked_by_its_names(text, expected):
    left = redact_json(text)
    if expected is None:
        expected = json.dumps([{"headers": [["X-Api-Key", REDACTED], ["Accept", "b"]], "t": f"pwd={REDACTED}"}])
    assert left == expected
    assert render_text(text) == expected


@pytest.mark.parametrize(
    ("rule", "text", "expected"),
    [
        (
            r"\d{6}",
            '{"id": 123456, "x": 0.1234567, "t": "no. 123456"}',
            f'{{"id": "{REDACTED}", "x": "0.{REDACTED}7", "t": "no. {REDACTED}"}}',
        ),
        (r"\d{6}", "[1,123456]", f'[1,"{REDACTED}"]'),
        (lambda text: text.replace("7", ""), '{"id": 71}', '{"id": "1"}'),
        # What is neither a text nor a number is masked all the same.
        ("true", '{"a": true, "b": "true"}', f'{{"a": {REDACTED}, "b": "{REDACTED}"}}'),
    ],
)
def test_json_stays_json_under_a_rule_of_the_users_for_texts_and_numbers(rule, text, expected):
    use_rules(compile_rules([rule]))
    try:
        assert redact_json(text) == expected
        assert redact_json(expected) == expected
    finally:
        use_rules()


def test_without_searches_json_is_left_as_it_is():
    use_rules(compile_rules(redact=False))
    try:
        text = '{"password": "hunter2"}'
        assert redact_json(text) is text
    finally:
        use_rules()


def test_json_of_ours_that_is_cut_is_masked_by_its_names_and_stays_json():
    text = json.dumps({"credentials": {"db": {"user": "u"}, "api": "hunter2"}, "long": "a" * 100})
    left = json.loads(render_text(text[:90], 80, len(text)))
    assert left["credentials"] == REDACTED
    assert left["long"].endswith(f"…[+{len(text) - 80} characters]")


def test_a_list_that_no_name_is_in_comes_back_as_it_was_however_deep():
    text = "[" * 80 + '"a token"' + "]" * 80
    assert redact_json(text) is text


def test_a_key_in_the_name_of_an_entry_is_masked_and_no_entry_is_lost():
    key, other = ("ghp" + "_" + letter * 36 for letter in "ab")
    left = json.loads(redact_json(json.dumps({key: 1, other: 2})))
    assert left == {REDACTED: 1, f"{REDACTED} (1)": 2}


def test_json_in_json_is_masked_by_its_names_too():
    text = json.dumps({"body": json.dumps({"password": "a b", "user": "alice"})})
    assert json.loads(json.loads(redact_json(text))["body"]) == {"password": REDACTED, "user": "alice"}


def test_what_is_nested_deeper_than_json_is_read_is_masked_all_the_same():
    deep = "[" * 200_000 + '"password=hunter2"'
    assert "hunter2" not in redact_json(deep)
    hundred = "[" * 100 + '"password=hunter2"' + "]" * 100
    assert "hunter2" not in redact_json(hundred)
    json.loads(redact_json(hundred))


@given(st.text(), st.integers(1, 50))
def test_a_text_that_is_no_json_is_cut_where_it_is(text, limit):
    if len(text) > limit and text.lstrip()[:1] not in {"[", "{"}:
        cut = cut_text(text, limit)
        assert cut.endswith(f"…[+{len(text) - limit} characters]")


@pytest.mark.parametrize("start", ["[INFO] ", "[INFO", "{x} ", "[1] ", "[] [", '{"a": b', "[1, 2], "])
def test_a_text_that_only_begins_as_json_does_is_cut_where_it_is(start):
    text = f"{start}{'a ' * 50}"
    assert cut_text(text, 60) == f"{text[:60]}…[+{len(text) - 60} characters]"


def test_a_secret_that_the_cut_divides_is_masked_in_json_too():
    text = json.dumps({"text": "use ghp" + "_" + "a1" * 18})
    cut = cut_text(text, len(text) - 30)
    assert "a1" not in cut
    assert json.loads(cut)["text"].startswith(f"use {REDACTED}")
    assert redact_text(cut) == cut
