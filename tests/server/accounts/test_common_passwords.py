from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ams_reference_server.accounts.common_passwords import is_common


@pytest.mark.parametrize(
    "password",
    [
        "Password1!",
        "P@$$w0rd123!",
        "pa$$w0rd",
        "  Welcome2024! ",
        "Summer#2025",
        "Qwerty@123",
        "1qaz@WSX",
        "Letmein1!",
        "ILoveYou!",
        "trustno1!",
        "qwertyuiop",
        "1234567890123",
        "abcdefghijklmno",
        "passwordpassword",
        "AAAAAAAAAAAA",
        "0" * 128,
    ],
)
def test_what_is_guessed_first_is_common(password):
    assert is_common(password)


@pytest.mark.parametrize(
    "password",
    ["", "Correct-horse-7", "Aa1-" * 32, "Testing-1234-x", "welcomed guests", "Dragonfly-77", "passwords are silly"],
)
def test_what_only_holds_a_common_word_is_not(password):
    assert not is_common(password)


@given(st.text(max_size=200))
def test_any_text_has_an_answer(password):
    assert is_common(password) in {True, False}
    assert is_common(password) == is_common(f" {password} ") or len(password.strip().casefold()) > 128
