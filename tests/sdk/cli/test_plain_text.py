from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ams_sdk._cli.plain_text import one_line, safe, shortened


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Grüße, 世界 🎉", "Grüße, 世界 🎉"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("\x9b31m", r"\x9b31m"),
        ("a\r\nb\tc", r"a\r\nb\tc"),
        ("\u202egpj.exe", r"\u202egpj.exe"),
        ("\U000e0041", r"\U000e0041"),
        ("\udcff", r"\udcff"),
    ],
)
def test_what_acts_on_a_terminal_is_shown_as_its_escape(text, expected):
    assert safe(text) == expected


@given(st.text())
def test_the_result_is_always_printable(text):
    assert safe(text).isprintable()
    assert one_line(text).isprintable()


def test_a_line_has_no_breaks_and_single_blanks():
    assert one_line("  a\n\n b\tc\x1b ") == r"a b c\x1b"


@given(st.text(), st.integers(2, 40))
def test_a_text_is_cut_to_its_limit_and_says_so(text, most):
    cut = shortened(text, most)
    assert len(cut) <= most
    assert cut == one_line(text) or cut.endswith("…")


def test_a_text_that_fits_is_left_alone():
    assert shortened("abcde", 5) == "abcde"
    assert shortened("abcdef", 5) == "abcd…"
    assert shortened("a" + " " * 100 + "b", 5) == "a…"
