"""Wherever a text is cut, hardly a character of a secret is left of it."""

import json

import pytest
from tests.sdk.capture.secret_corpus import positives

from ams_sdk._capture import MAX_TEXT, mask_counts, redact_attributes, render, render_text
from ams_sdk._capture.attributes import MAX_VALUE
from ams_sdk._capture.cut_end import WINDOW
from ams_sdk._capture.rendering import CutText
from ams_sdk._capture.rules import REDACTED, compile_rules, use_rules

MOST_LEFT = 8
"""Characters of a secret: as many are left of any word."""
LONG = {
    "url": ("postgresql://app:{}@db.internal/prod", "pZ9" * 300),
    "jwt": ("it is {} here", "eyJ" + "hbGciOiJ" * 150 + ".eyJ" + "zdWIiOiI" * 90 + ".c2lnbmF0dXJl"),
    "bearer": ("Bearer {} sent", "aZ9_" * 300),
    "key": ("use {} now", "sk" + "-proj-" + "aZ9_" * 300),
}


def left(secret, text):
    """How many characters of the secret's beginning are in the text."""
    return next((size for size in range(len(secret), 0, -1) if secret[:size] in text), 0)


def filler(length):
    return (" x" * length)[: length - 1] + " "


def places(text, secret):
    at = text.index(secret)
    return range(at + 1, at + len(secret) + 1)


@pytest.mark.parametrize("positive", positives(), ids=lambda one: one.kind)
def test_a_secret_that_is_cut_is_gone_wherever_that_is(positive):
    text = positive.text + " and so on"
    for place in places(text, positive.secret):
        assert left(positive.secret, render_text(text, place)) <= MOST_LEFT, render_text(text, place)


@pytest.mark.parametrize("kind", LONG)
def test_so_is_one_that_is_longer_than_what_is_looked_at_behind_the_limit(kind):
    around, secret = LONG[kind]
    text = "x " * 4_000 + around.format(secret) + " tail"
    for place in [*places(text, secret)][::37]:
        shown = render_text(text[: place + WINDOW], place, len(text))
        assert secret[20:40] not in shown
        assert left(secret, shown) <= MOST_LEFT


@pytest.mark.parametrize("positive", positives()[::7], ids=lambda one: one.kind)
def test_every_place_where_a_text_is_cut_holds_to_that(positive):
    for place in [*places(positive.text, positive.secret)][::5]:
        text = filler(MAX_TEXT - place) + positive.text + filler(600)
        in_attribute = filler(MAX_VALUE - place) + positive.text + filler(600)
        shown = [
            render_text(text),
            render(text),
            render(CutText.of(text)),
            render({"a": [text]}),
            *redact_attributes({"a": in_attribute}).values(),
            redact_attributes({"a": in_attribute.encode()})["a"].decode(),
        ]
        for one in shown:
            assert left(positive.secret, one) <= MOST_LEFT


def test_of_all_texts_of_a_value_the_last_one_is_cut_like_that():
    key = "S" + "K" + "0123456789abcdef" * 2
    for place in range(1, len(key) + 1):
        value = ["x " * 4_096] * 3 + ["x " * 2_048, filler(4_096 - place) + key + " tail"]
        shown = render(value)
        assert left(key, shown) <= MOST_LEFT
        assert json.loads(shown)[-1].endswith(f"{REDACTED}…[+{len(key) + 5 - place} characters]")


def test_what_is_missing_is_counted_from_the_limit():
    text = "use " + "S" + "K" + "0123456789abcdef" * 2 + " now"
    assert render_text(text, 20) == f"use {REDACTED}…[+{len(text) - 20} characters]"
    assert render_text(json.dumps({"a": text}), 20) == f'{{"a": "use {REDACTED}…[+{len(text) + 9 - 20} characters]"}}'


def test_json_that_is_cut_within_a_secret_stays_json():
    for text in ('{"a": 1, "secret": ["alpha", "beta"]}', '{"a": 1, "card": 4111111111111111}'):
        for place in range(10, len(text)):
            shown = json.loads(render_text(text, place))
            assert shown["a"] == 1
            assert "alph" not in str(shown)
            assert "41111" not in str(shown)
    kept, size = '{"a": 1', len('{"a": 1, "card": 4111111111111111}')
    assert render_text(text, 25) == f'{kept},"…":"[+{size - len(kept)} characters]"}}'


def test_a_word_that_only_begins_like_a_secret_stays_where_it_is_seen_to_end():
    for text in ("the mask-work sk-abcd is done", "see https://example.com/path for it", "eyJ and Bearer of news"):
        for place in range(1, len(text)):
            assert render_text(text, place) == f"{text[:place]}…[+{len(text) - place} characters]"


@pytest.fixture
def without_search():
    use_rules(compile_rules(redact=False))
    yield
    use_rules()


@pytest.mark.usefixtures("without_search")
def test_without_a_search_nothing_is_looked_for():
    text = "use " + "S" + "K" + "0123456789abcdef" * 2 + " now"
    assert render_text(text, 20) == f"{text[:20]}…[+{len(text) - 20} characters]"


def test_it_is_counted_once():
    before = mask_counts.masked().get("card", 0)
    render_text("pay with 4111111111111111 please", 20)
    assert mask_counts.masked()["card"] == before + 1
