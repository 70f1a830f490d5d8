import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sdk.capture.cut_texts import redact_cut_text
from tests.sdk.capture.secret_corpus import ESCAPES, is_read_as_json, positives

from ams_sdk._capture.escapes import without_escapes
from ams_sdk._capture.redaction import redact_text

KEY = "sk" + "-proj-Ab3dEf6hIj9kLm2nOp5qRs8t"
pieces = st.lists(
    st.sampled_from(
        [
            *(
                "\\",
                "\n",
                "\t",
                "\r",
                '"',
                "/",
                "%",
                "\x1b",
                "[0m",
                "n",
                "t",
                "u0020",
                "x20",
                "20",
                "3D",
                "://",
                "=",
                ":",
            ),
            *(" ", "a", "password", "Bearer ", "Cookie: ", KEY, "4111111111111111", "u:p@h", "\u00e9", "'", "{", "}"),
        ]
    ),
    max_size=12,
).map("".join)


@given(pieces)
def test_a_text_without_its_escapes_has_each_character_at_its_place(text):
    shown = without_escapes(text)
    assert len(shown) == len(text)
    assert without_escapes(shown) == shown


def test_a_text_that_has_no_escape_is_the_same_object():
    for text in ("plain", "50% of it", 'a \\" quote', "C:\\users", "\x1bA"):
        assert without_escapes(text) is text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (r"a\nb\tc", "a\n\nb  c"),
        (r"a\\nb", "a\\\n\nb"),
        (r"a\u003db\u000Ac\x41d", "a     =b\n\n\n\n\n\nc    d"),
        (r"p%3Db%26c", "p  =b  &c"),
        (r"s:\/\/h, s%3a%2F%2fh", "s  ://h, s      ://h"),
        ("a\x1b[1;32mb", "a       b"),
        (r"a\u001b[0mb\033[0mc", f"a{' ' * 9}b{' ' * 7}c"),
    ],
)
def test_an_escape_shows_what_it_stands_for_at_its_end(text, shown):
    assert without_escapes(text) == shown


@pytest.mark.parametrize("around", ESCAPES)
def test_whatever_is_found_is_found_behind_an_escape_too(around):
    for positive in positives():
        if not is_read_as_json(positive):
            assert positive.secret not in redact_text(around.format(positive.text)), (around, positive)


@given(pieces)
def test_masking_a_text_with_escapes_twice_is_masking_it_once(text):
    once = redact_text(text)
    assert redact_text(once) == once


@given(
    st.lists(st.sampled_from(["\n", "\t", "\x1b[0m", "\u00a0", " ", "a", "/", "Bearer ", KEY, "://u:pp@h"])).map(
        "".join
    )
)
def test_no_mask_divides_an_escape_so_that_a_string_of_json_stays_one(text):
    assert KEY not in json.loads(redact_text(json.dumps(f"{text}\n{KEY}\t")))[len(text) :]


@pytest.mark.parametrize("escape", [r"\n", r"\u0020", "%20", r"\\n", "\\x1b[0m"])
def test_the_rest_of_a_key_that_was_cut_behind_an_escape_is_masked(escape):
    assert redact_cut_text(f"the key is{escape}{KEY[:12]}") == f"the key is{escape}[redacted]"
