from __future__ import annotations

from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ams_reference_server.accounts import common_passwords as of_server
from ams_sdk.testing._platform import common_passwords
from ams_sdk.testing._platform.common_passwords import is_common


def test_the_list_is_the_servers():
    name = "common_passwords.txt"
    ours = resources.files("ams_sdk.testing._platform").joinpath(name).read_bytes()
    assert ours == resources.files("ams_reference_server.accounts").joinpath(name).read_bytes()


@pytest.mark.parametrize("name", ["_LOOK_ALIKES", "_WORDS", "_ENDINGS", "_MARKS", "_WALKS", "_LONGEST"])
def test_the_rules_are_the_servers(name):
    assert getattr(common_passwords, name) == getattr(of_server, name)


parts = st.sampled_from([*of_server._WORDS, "P@ss", "1234", "!", "2024", "Aa", " ", "qwerty", "zz", "\u00e4", "0"])


@given(st.lists(parts, max_size=4).map("".join))
def test_what_the_server_finds_common_is_common_here(password):
    assert is_common(password) is of_server.is_common(password)
