import dataclasses
import enum
import json
import threading
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import PurePosixPath
from types import MappingProxyType
from unittest.mock import MagicMock
from uuid import UUID

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ams_sdk._capture import REDACTED, render, render_text
from ams_sdk._capture.rendering import MAX_ITEMS, MAX_TEXT, MAX_TOTAL

plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text("abc"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=4),
    max_leaves=20,
)
anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.complex_numbers()
    | st.decimals(),
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text() | st.integers() | st.none() | st.binary(), inner)
        | st.frozensets(st.integers() | st.text())
    ),
    max_leaves=60,
)


@dataclasses.dataclass
class Point:
    x: int
    api_key: str = "hunter2"


class Model(pydantic.BaseModel):
    name: str
    hidden: pydantic.SecretStr = pydantic.SecretStr("hunter2")


class Colour(enum.Enum):
    RED = "red"


class Raises:
    def __repr__(self) -> str:
        raise RuntimeError("no repr")


class RaisesOnClass:
    @property
    def __class__(self):
        raise RuntimeError("no class")


class Word(str):
    __slots__ = ()

    def __str__(self) -> str:
        raise RuntimeError("no str")


class Endless(dict):
    def items(self):
        raise RuntimeError("no items")


class Described:
    def __repr__(self) -> str:
        return "Described(password='hunter2')"


def rendered(value):
    return json.loads(render(value))


@given(plain)
def test_small_json_values_stay_as_they_are(value):
    assert rendered(value) == value


@given(anything)
def test_every_value_becomes_json_that_utf8_can_hold(value):
    text = render(value)
    json.loads(text)
    text.encode()


@given(st.characters(), st.integers(1, 5_000))
def test_a_long_text_is_cut_visibly(character, excess):
    assert render_text(character * (MAX_TEXT + excess)).endswith(f"…[+{excess} characters]")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Point(1), {"x": 1, "api_key": REDACTED}),
        (Model(name="a"), {"name": "a", "hidden": REDACTED}),
        (Colour.RED, "red"),
        (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02 00:00:00+00:00"),
        (Decimal("1.50"), "1.50"),
        (PurePosixPath("/a/b"), "/a/b"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (b"abc", "<bytes: 3 bytes>"),
        (bytearray(2), "<bytearray: 2 bytes>"),
        (memoryview(b"ab"), [97, 98]),
        (float("inf"), "inf"),
        (2**2000, "…[integer of 2001 bits]"),
        (True, True),
        (MappingProxyType({"a": (1, 2)}), {"a": [1, 2]}),
        ({None: 1, 2: 3, ("a",): 4}, {"None": 1, "2": 3, "['a']": 4}),
        ({"password": "hunter2", "passwords": 0}, {"password": REDACTED, "passwords": 0}),
        ({"token": None}, {"token": None}),
        (range(3), [0, 1, 2]),
        (Word("word"), "word"),
        (Raises(), "<Raises: RuntimeError>"),
        (Endless(a=1), "<Endless: RuntimeError>"),
        ([Raises(), 1], ["<Raises: RuntimeError>", 1]),
        (threading.Lock(), "<_thread.lock>"),
        (Point, "<test_rendering.Point>"),
        (render, "<builtins.function>"),
        (Described(), f"Described(password='{REDACTED}')"),
        ("a\ud800b", "a?b"),
    ],
)
def test_values_of_many_kinds(value, expected):
    shown = rendered(value)
    if isinstance(shown, str):
        shown = shown.replace(f"{__name__}.", "test_rendering.").replace("_thread.LockType", "_thread.lock")
        shown = "<_thread.lock>" if "lock" in shown else shown
    assert shown == expected


def test_hostile_values_are_described():
    # Made here: pytest asks its parameters what class they are.
    assert "RuntimeError" in rendered(RaisesOnClass())
    assert isinstance(rendered(MagicMock()), str)


@pytest.mark.parametrize("make", [lambda: iter([1]), lambda: (number for number in [1])])
def test_what_can_be_read_once_is_not_read(make):
    value = make()
    assert isinstance(rendered(value), str)
    assert next(value) == 1


def test_a_cycle_ends():
    cycle: list[object] = []
    cycle.append(cycle)
    assert "…[list]" in render(cycle)


def test_the_whole_is_bounded_not_only_its_parts():
    wide = {str(number): ["x" * MAX_TEXT] * 500 for number in range(500)}
    assert len(render(wide)) < 3 * MAX_TOTAL
    assert rendered(wide)["…"] == f"[+{500 - MAX_ITEMS} entries]" or "…" in rendered(wide)
    assert rendered(list(range(500)))[-1] == f"…[+{500 - MAX_ITEMS} items]"


def test_a_tree_of_many_small_values_is_bounded():
    tree: object = 0
    for _ in range(7):
        tree = [tree] * 90
    assert len(render(tree)) < 200_000
