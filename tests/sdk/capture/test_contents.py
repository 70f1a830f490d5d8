import collections
import enum
import io
import itertools
import json
import threading
import types
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import PurePosixPath
from typing import NamedTuple
from unittest.mock import MagicMock, NonCallableMock
from uuid import UUID

import pytest

from ams_sdk._capture import REDACTED, render
from ams_sdk._capture.contents import MAX_ITEMS
from ams_sdk._capture.rendering import MAX_TEXT

HERE = __name__


class Creds(NamedTuple):
    user: str
    password: str


class Colour(enum.Enum):
    RED = "red"


class Flags(enum.IntFlag):
    A = 1
    B = 2


class Kind(enum.StrEnum):
    GOOD = "good"


class Plain:
    pass


class Described:
    def __init__(self, held=None):
        self.held = held

    def __repr__(self) -> str:
        return f"Described({self.held!r})"


class Slotted:
    __slots__ = ("held", "unset")

    def __init__(self, held):
        self.held = held

    def __repr__(self) -> str:
        return f"Slotted({self.held!r})"


class ReprStr(str):
    __slots__ = ()

    def __str__(self) -> str:
        raise RuntimeError("no str")


def rendered(value):
    return json.loads(render(value))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Creds("alice", "hunter2"), {"user": "alice", "password": REDACTED}),
        (Colour.RED, "red"),
        (Flags.A | Flags.B, 3),
        (Kind.GOOD, "good"),
        (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02 00:00:00+00:00"),
        (datetime(2026, 1, 2, tzinfo=UTC).date(), "2026-01-02"),
        (time(1, 2), "01:02:00"),
        (timedelta(days=1), "1 day, 0:00:00"),
        (Decimal("1.50"), "1.50"),
        (Fraction(1, 3), {"numerator": 1, "denominator": 3}),
        (1 + 2j, "(1+2j)"),
        (PurePosixPath("/a/b"), "/a/b"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (b"abc", "<bytes: 3 bytes>"),
        (bytearray(2), "<bytearray: 2 bytes>"),
        (memoryview(b"ab"), "<memoryview: 2 bytes>"),
        (types.MappingProxyType({"a": (1, 2)}), {"a": [1, 2]}),
        (types.SimpleNamespace(a=1, password="hunter2"), {"a": 1, "password": REDACTED}),
        ({"a": 1}.keys(), ["a"]),
        ({"a": 1}.values(), [1]),
        ({"a": 1, "password": "hunter2"}.items(), [["a", 1], ["password", REDACTED]]),
        (collections.OrderedDict(a=1).items(), [["a", 1]]),
        (collections.OrderedDict(a=1), {"a": 1}),
        (collections.defaultdict(list, a=[1]), {"a": [1]}),
        (collections.Counter("aa"), {"a": 2}),
        (collections.ChainMap({"a": 1}, {"b": 2}), [{"a": 1}, {"b": 2}]),
        (collections.UserDict({"a": 1}), {"a": 1}),
        (collections.UserList([1]), [1]),
        (collections.UserString("a"), "a"),
        (collections.deque([1, 2]), [1, 2]),
        (frozenset({1}), [1]),
        (range(3), [0, 1, 2]),
        (range(0), []),
        (ReprStr("word"), "word"),
        (ValueError("no password=hunter2"), {"type": "ValueError", "message": f"no password={REDACTED}"}),
        (KeyError("a", 2), {"type": "KeyError", "message": ["a", 2]}),
        (KeyError(), {"type": "KeyError"}),
        (int, "<int>"),
        (render, "<function>"),
        (Plain, f"<{HERE}.Plain>"),
        (Plain(), f"<{HERE}.Plain>"),
        (Described("word"), "Described('word')"),
        (Slotted("word"), "Slotted('word')"),
        (Described(["x"] * 10**5), f"<{HERE}.Described>"),
        (Slotted("x" * 10**6), f"<{HERE}.Slotted>"),
        (MagicMock(), "<unittest.mock.MagicMock>"),
        (NonCallableMock(name="db"), "<unittest.mock.NonCallableMock db>"),
        (MagicMock(name="db").cursor().fetch, "<unittest.mock.MagicMock>"),
    ],
)
def test_values_of_many_kinds(value, expected):
    shown = rendered(value)
    if isinstance(value, MagicMock) and isinstance(shown, str):
        shown = shown.partition(" ")[0].rstrip(">") + ">"
    assert shown == expected


def test_an_order_that_was_changed_is_kept():
    ordered = collections.OrderedDict(a=1, b=2)
    ordered.move_to_end("a")
    assert list(rendered(ordered)) == ["b", "a"]


def test_what_is_huge_is_not_read():
    assert rendered(range(10**30))[-1] == f"…[+{10**30 - MAX_ITEMS} items]"
    assert rendered([0] * 10**7)[-1] == f"…[+{10**7 - MAX_ITEMS} items]"
    assert rendered(bytes(10**7)) == "<bytes: 10000000 bytes>"
    assert rendered("x" * 5_000_000).endswith(f"…[+{5_000_000 - MAX_TEXT} characters]")
    assert "bytes]" in rendered(Decimal(10**4000 - 1))
    assert rendered(Fraction(1, 2**5000))["denominator"] == "…[integer of 5001 bits]"
    assert len(rendered(ValueError("x" * 10**6))["message"]) < 2 * MAX_TEXT


@pytest.mark.parametrize(
    "make",
    [
        lambda: iter([1]),
        lambda: (number for number in [1]),
        lambda: map(int, [1]),
        lambda: itertools.count(1),
        lambda: io.StringIO("1"),
    ],
)
def test_what_can_be_read_once_is_not_read(make):
    value = make()
    assert rendered(value) == rendered(value)
    assert rendered(value).startswith("<")
    assert int(next(value)) == 1


def test_a_lock_is_left_alone():
    lock = threading.Lock()
    with lock:
        assert "lock" in rendered(lock)
        assert lock.locked()


class LazySequence(Sequence):
    asked = 0

    def __getitem__(self, index):
        LazySequence.asked += 1
        return index

    def __len__(self):
        LazySequence.asked += 1
        return 10**9


class QuerySet:
    asked = 0

    def __iter__(self):
        QuerySet.asked += 1
        return iter([])

    def __repr__(self) -> str:
        return f"<QuerySet {list(self)}>"


class Liar(Mapping):
    def __getitem__(self, key):
        return key

    def __iter__(self):
        return itertools.count()

    def __len__(self):
        return -1  # noqa: PLE0303 -- a liar


def test_containers_of_the_user_are_named_and_not_asked():
    assert rendered(LazySequence()) == f"<{HERE}.LazySequence>"
    assert rendered(QuerySet()) == f"<{HERE}.QuerySet>"
    assert rendered(Liar()) == f"<{HERE}.Liar>"
    assert rendered(types.MappingProxyType(Liar())) == f"<{HERE}.Liar>"
    assert LazySequence.asked == QuerySet.asked == 0


def named(module, name, **members):
    return type(name, (), {"__module__": module, **members})()


class Types(list):
    index = ("a",)


class Flat(list):
    def __getitem__(self, index):
        return Flat(list.__getitem__(self, index))

    def tolist(self):
        return list(self)


def refuse(self):
    raise RuntimeError("no shape")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (
            named("numpy", "ndarray", shape=(2, 3), dtype="int64", flat=Flat(range(6))),
            {"type": "numpy.ndarray", "shape": [2, 3], "dtype": "int64", "first": [0, 1, 2, 3, 4]},
        ),
        (named("numpy", "generic", item=lambda _: 7), 7),
        (
            named("pandas", "DataFrame", shape=(2, 1), dtypes=Types(["int64"])),
            {"type": "pandas.DataFrame", "shape": [2, 1], "dtype": {"a": "int64"}},
        ),
        (
            named("pandas", "Series", shape=(9,), dtype="object"),
            {"type": "pandas.Series", "shape": [9], "dtype": "object"},
        ),
        (named("pandas", "Series", shape=property(refuse)), "<pandas.Series: RuntimeError>"),
    ],
)
def test_arrays_show_their_shape(value, expected):
    assert rendered(value) == expected
