"""The short way for values that never change says what the long way says."""

import json
from enum import Enum, IntEnum

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ams_sdk._capture import MAX_TEXT, NOT_ATOMS, quoted, render, render_atom, render_secret_atom, size_of_atoms

SECRETS = [
    "Bearer abcdefgh",
    "sk-0123456789abcdef",
    "pin=1",
    "pwd:x",
    "a:b@c",
    "://u:p@h",
    "AKIA0123456789ABCDEF",
    "eyJhbGciOiJI.eyJzdWIiOiIx.c2ln",
]
texts = st.one_of(
    st.text(max_size=30),
    st.text('=:@/.-_ aB1é\ud800\u0130\x00"\\', max_size=20),
    st.sampled_from(SECRETS),
    st.sampled_from(SECRETS).map(lambda secret: secret[:14]),
    st.integers(MAX_TEXT - 2, MAX_TEXT + 2).map("x".__mul__),
)
numbers = st.integers() | st.integers(2**53 - 2, 2**53 + 2) | st.integers(2**1_023, 2**1_025) | st.floats()
atoms = texts | numbers | st.booleans() | st.none()


@given(atoms)
@example(10**5_000)
@example(-(2**53))
@example(float("nan"))
@example(-0.0)
def test_an_atom_is_rendered_as_any_value_is(value):
    assert render_atom(value) == render(value)
    json.loads(render_atom(value))


@given(atoms)
def test_an_atom_of_a_secret_name_is_hidden_as_any_value_is(value):
    assert json.loads(render_secret_atom(value)) == json.loads(render({"api_key": value}))["api_key"]


@given(texts)
def test_a_quoted_text_is_read_back(text):
    assert json.loads(quoted(text)) == text


@given(st.lists(atoms, max_size=5))
def test_the_size_of_atoms_is_the_characters_of_their_texts(values):
    size = sum(len(value) for value in values if isinstance(value, str))
    assert size_of_atoms(values) == (size if size <= MAX_TEXT else NOT_ATOMS)


class Word(str):
    __slots__ = ()


class Colour(str, Enum):  # noqa: UP042 -- a StrEnum is its own text
    RED = "red"


class Level(IntEnum):
    HIGH = 3


@pytest.mark.parametrize("value", [Word("a"), Colour.RED, Level.HIGH, b"a", [], (), {}, object(), 1j, ...])
def test_what_may_change_or_run_code_of_its_own_is_no_atom(value):
    assert size_of_atoms([1, value, "a"]) == NOT_ATOMS
