"""Classes that do all they can to run their code, or to raise, when somebody only looks at them."""

import collections
import io
import json
import types
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal
from fractions import Fraction
from pathlib import PurePosixPath
from uuid import UUID

import pytest

from ams_sdk._capture import render
from ams_sdk._capture.rendering import MAX_TEXT

HERE = __name__


def rendered(value):
    return json.loads(render(value))


HOSTILE_ERRORS = (RuntimeError, RecursionError, MemoryError, AttributeError, TypeError, StopIteration, KeyError)
METHODS = {
    *("__repr__", "__str__", "__len__", "__iter__", "__getitem__", "__getattribute__", "__getattr__", "__eq__"),
    *("__bool__", "__contains__", "__next__", "__call__", "__index__", "__int__", "__float__", "__format__"),
    *("__fspath__", "__reduce__", "__reduce_ex__", "__dir__", "__sizeof__", "__instancecheck__", "__subclasscheck__"),
    *("items", "keys", "values", "isoformat", "encode", "bit_length", "decode", "utcoffset", "count", "translate"),
    *(
        "__sub__",
        "__add__",
        "__mod__",
        "__lt__",
        "lower",
        "isascii",
        "item",
        "tolist",
        "model_dump",
        "_asdict",
        "value",
    ),
}
BASES = (
    *(object, str, int, float, complex, bytes, bytearray, dict, list, tuple, set, frozenset, Exception),
    *(
        collections.OrderedDict,
        collections.defaultdict,
        collections.Counter,
        collections.deque,
        Decimal,
        Fraction,
        UUID,
    ),
    *(
        datetime,
        timedelta,
        PurePosixPath,
        types.SimpleNamespace,
        collections.UserDict,
        collections.UserList,
        io.StringIO,
    ),
)
ARGUMENTS = {
    complex: (1, 2),
    str: ("word",),
    bytes: (b"ab",),
    dict: ({"a": 1},),
    list: ([1],),
    datetime: (2026, 1, 1),
    UUID: ("0" * 32,),
    Exception: ("a",),
}


def hostile(base, names, error):
    def refuse(*args, **kwargs):
        raise error("no")

    kind = type("Hostile", (base,), {"__hash__": lambda _: 1, **dict.fromkeys(names, refuse)})
    # Made by the base: the class itself cannot even be asked for an instance.
    value = base.__new__(kind, *ARGUMENTS.get(base, ()))
    if base in {dict, list}:
        base.__init__(value, *ARGUMENTS[base])
    return value


@pytest.mark.parametrize("error", HOSTILE_ERRORS)
@pytest.mark.parametrize("base", BASES)
def test_classes_that_refuse_everything_are_rendered(base, error):
    for names in (*({name} for name in METHODS), METHODS, METHODS | {"__hash__"}):
        try:
            value = hostile(base, names, error)
        except error:
            # Up to Python 3.11 a path asks its own class while it is made: there is no such value to render.
            assert base is PurePosixPath
            continue
        texts = [render(value), render([value, 1]), render({"a": value})]
        if "__hash__" not in names:
            texts.append(render({value: 1}))
        for text in texts:
            json.loads(text)


@pytest.mark.parametrize(
    ("base", "expected"),
    [(dict, {"a": 1}), (list, [1]), (str, "word"), (int, 0), (float, 0.0), (tuple, []), (complex, "(1+2j)")],
)
def test_subclasses_are_read_with_the_methods_of_their_base(base, expected):
    assert rendered(hostile(base, METHODS, RuntimeError)) == expected


class RaisesOnClass:
    @property
    def __class__(self):
        raise RuntimeError("no class")


class RefusingType(type):
    def refuse(cls, *_args, **_kwargs):
        raise RuntimeError("no metaclass")

    __hash__ = __eq__ = __getattribute__ = __instancecheck__ = __subclasscheck__ = __repr__ = refuse
    __name__ = __mro__ = __dict__ = property(refuse)


class OfRefusingType(metaclass=RefusingType):
    pass


class OddRepr:
    def __repr__(self) -> str:
        return 3  # type: ignore[return-value]


class OddDict:
    @property
    def __dict__(self):
        raise RuntimeError("no dict")

    def __repr__(self) -> str:
        return "odd"


class OddZone(tzinfo):
    def utcoffset(self, _when):
        raise RuntimeError("no offset")


class OddDeclarations:
    __dataclass_fields__ = 3
    __pydantic_fields__ = types.MappingProxyType({})
    __attrs_attrs__ = (1,)


def nameless():
    kind = type("Numbered", (), {"__module__": 3})
    lone = type("Lone", (), {"__module__": "\ud800\0"})
    bare = eval('type("Bare", (), {})', {})  # noqa: S307 -- globals without a __name__ make a class without a module
    return [kind(), lone(), bare(), type("x" * 10**6, (), {})()]


def cyclic_error():
    error = ValueError()
    error.args = (error,)
    return error


class GrowsWhileRead:
    def __init__(self, held):
        self.held = held

    def __repr__(self) -> str:
        self.held[len(self.held)] = 1
        return "grown"


def growing():
    held = {}
    held[0] = GrowsWhileRead(held)
    return held


def released():
    view = memoryview(b"ab")
    view.release()
    return view


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (RaisesOnClass, f"<{HERE}.RaisesOnClass>"),
        (lambda: object.__new__(OfRefusingType), f"<{HERE}.OfRefusingType>"),
        (lambda: OfRefusingType, f"<{HERE}.OfRefusingType>"),
        (OddRepr, f"<{HERE}.OddRepr>"),
        (OddDict, "odd"),
        (OddDeclarations, f"<{HERE}.OddDeclarations: AttributeError>"),
        (lambda: datetime(2026, 1, 1, tzinfo=OddZone()), "<datetime.datetime: RuntimeError>"),
        (released, "<memoryview: ValueError>"),
        (growing, {"0": f"<{HERE}.GrowsWhileRead>"}),
        (lambda: collections.UserDict.__new__(collections.UserDict), None),
    ],
)
def test_odd_values(make, expected):
    # Made here: pytest asks its parameters what class they are.
    assert json.loads(render(make())) == expected


@pytest.mark.parametrize("make", [nameless, cyclic_error])
def test_odd_values_are_bounded_and_can_be_sent(make):
    text = render(make())
    assert len(text.encode()) < 3 * MAX_TEXT
    json.loads(text)
