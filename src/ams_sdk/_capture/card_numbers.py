"""Payment card numbers: 13 to 19 digits, grouped or not, of an issuer's range and with a valid check digit.

Rules: ISO/IEC 7812 for the check digit (Luhn) and the length; the ranges as the networks publish them. Long numbers
that are no cards are more frequent by far, so each test counts: moments in milliseconds and snowflake ids begin with 1,
serial numbers of phones are a digit short of their range, and what is a valid EAN-13 is taken for an article's.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["CARD_NUMBER", "is_card_number"]

CARD_NUMBER: Final = re.compile(
    # no part of a word, of a longer number, of a fraction or of a phone number
    r"()(?<![A-Za-z0-9_+])(?<![0-9][.-])(?:"
    r"(?<![0-9] )(?:[2-6][0-9]{3}(?P<sign>[ -])[0-9]{4}(?P=sign)[0-9]{4}(?P=sign)[0-9]{1,4}(?:(?P=sign)[0-9]{1,3})?+"
    r"|3[0-9]{3}(?P<other>[ -])[0-9]{6}(?P=other)[0-9]{4,5})(?! [0-9])"
    r"|[2-6][0-9]{12,18}+)(?![A-Za-z0-9_]|[.-][0-9])"
)
"""The form only; whether it is one, ``is_card_number`` says."""

_LENGTHS: Final = (
    # Visa, Mastercard, American Express, Discover, Diners Club, JCB, UnionPay, Maestro
    (re.compile(r"4"), {13, 16, 19}),
    (re.compile(r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720"), {16}),
    (re.compile(r"3[47]"), {15}),
    (re.compile(r"6011|64[4-9]|65"), {16, 19}),
    (re.compile(r"30[0-5]|3095|36|3[89]"), {14, 16}),
    (re.compile(r"35(?:2[89]|[3-8])"), {16}),
    (re.compile(r"62"), {16, 17, 18, 19}),
    (re.compile(r"50(?:18|20|38)|5893|6304|6759|676[1-3]"), {13, 15, 16, 18, 19}),
)
_DOUBLED: Final = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
_EAN: Final = 13


def is_card_number(text: str) -> bool:
    """Whether a text of the form above can be a card's number."""
    digits = [int(digit) for digit in text if digit.isdigit()]
    number = "".join(map(str, digits))
    if not any(len(digits) in lengths and start.match(number) for start, lengths in _LENGTHS):
        return False
    return _has_check_digit(digits) and (len(digits) != _EAN or not _is_article(digits))


def _has_check_digit(digits: list[int]) -> bool:
    return (sum(digits[-1::-2]) + sum(_DOUBLED[digit] for digit in digits[-2::-2])) % 10 == 0


def _is_article(digits: list[int]) -> bool:
    return (sum(digits[0::2]) + 3 * sum(digits[1::2])) % 10 == 0
