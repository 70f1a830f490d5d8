import pytest
from hypothesis import given
from hypothesis import strategies as st

from ams_sdk._capture.redaction import REDACTED, redact_text

VISA, MASTERCARD, AMEX = "4111" + "1" * 12, "5555" + "5" * 8 + "4444", "3782" + "822463" + "10005"


def grouped(number, sign):
    return sign.join([number[:4], number[4:8], number[8:12], number[12:]])


@pytest.mark.parametrize(
    "number", [VISA, grouped(VISA, " "), grouped(MASTERCARD, "-"), AMEX, f"{AMEX[:4]} {AMEX[4:10]} {AMEX[10:]}"]
)
@pytest.mark.parametrize(
    "around", ["{}", "pay with {}.", "a,{},b", '{{"card": "{}"}}', "card={};", "/pay/{}/now", "no. 5 is {}, no. 6 is x"]
)
def test_a_card_number_is_masked(number, around):
    assert redact_text(around.format(number)) == around.format(REDACTED)


@pytest.mark.parametrize(
    "text",
    [
        f"{VISA[:-1]}2",  # a wrong check digit
        f"{VISA}1",  # part of something longer
        f"0{VISA}",
        f"x{VISA}",
        f"{VISA}f",
        f"+{VISA}",
        f"0.{VISA}",
        f"{VISA}.5",
        f"1-{VISA}",
        f"{VISA}-1",
        f"1234 {grouped(VISA, ' ')}",
        f"{grouped(VISA, ' ')} 1234",
        "4006381333931",  # an article of a German maker
        "0000 0000 0000 0000",
        "1234567812345670",  # of no issuer
        grouped(VISA, " ").replace(" ", "-", 1),
    ],
)
def test_another_long_number_stays(text):
    assert redact_text(text) == text


@given(st.integers(0, 10**19), st.sampled_from(["", "1", "7", "0", "9", "8"]))
def test_a_number_that_begins_as_no_cards_number_stays(number, first):
    text = f"{first or '1'}{number}"
    assert redact_text(text) == text
