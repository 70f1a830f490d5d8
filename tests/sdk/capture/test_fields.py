import dataclasses
import gc
import json
import weakref
from dataclasses import dataclass, field
from typing import Annotated

import attrs
import pydantic
import pytest

from ams_sdk._capture import REDACTED, Secret, fields, render


@dataclass
class Point:
    x: int
    api_key: str = "hunter2"
    quiet: str = field(default="hunter2", repr=False)
    made: int = field(default=1, init=False)


@dataclass(slots=True)
class Slotted:
    x: int
    quiet: str = field(default="hunter2", repr=False)


class Model(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow")
    name: str
    hidden: pydantic.SecretStr = pydantic.SecretStr("hunter2")
    quiet: str = pydantic.Field(default="hunter2", repr=False)

    @property
    def costly(self):
        raise RuntimeError("not to be read")


class Limited(pydantic.Secret[int]):
    pass


@attrs.define
class Made:
    x: int
    quiet: str = attrs.field(default="hunter2", repr=False)
    marked: Annotated[str, Secret] = "hunter2"


@attrs.define(slots=False)
class Loose(Made):
    shown: str = attrs.field(default="a", repr=str.upper)


Pin = Annotated[str, Secret]


@dataclass
class Marked:
    x: int
    marked: Annotated[str, Secret]
    by_text: "Pin | None"
    within: list[Pin]
    instance: Annotated[str, Secret()] = "hunter2"


@dataclass
class MarkedBelow(Marked):
    more: str = "a"


class MarkedModel(pydantic.BaseModel):
    name: str
    marked: Annotated[str, Secret]
    within: "list[Pin] | None" = None
    instance: Annotated[str, pydantic.Field(max_length=9), Secret()] = "hunter2"


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: Point(1), {"x": 1, "api_key": REDACTED, "quiet": REDACTED, "made": 1}),
        (lambda: Slotted(1), {"x": 1, "quiet": REDACTED}),
        (lambda: Model(name="a"), {"name": "a", "hidden": REDACTED, "quiet": REDACTED}),
        (lambda: Model(name="a", b=2), {"name": "a", "hidden": REDACTED, "quiet": REDACTED, "b": 2}),
        (lambda: Limited(4), REDACTED),
        (lambda: Made(1), {"x": 1, "quiet": REDACTED, "marked": REDACTED}),
        (lambda: Loose(1), {"x": 1, "quiet": REDACTED, "marked": REDACTED, "shown": "a"}),
        (
            lambda: Marked(1, "hunter2", "hunter2", ["hunter2"]),
            {"x": 1, "marked": REDACTED, "by_text": REDACTED, "within": REDACTED, "instance": REDACTED},
        ),
        (
            lambda: MarkedBelow(1, "hunter2", "hunter2", ["hunter2"]),
            {"x": 1, "marked": REDACTED, "by_text": REDACTED, "within": REDACTED, "instance": REDACTED, "more": "a"},
        ),
        (
            lambda: MarkedModel(name="a", marked="hunter2", within=["hunter2"]),
            {"name": "a", "marked": REDACTED, "within": REDACTED, "instance": REDACTED},
        ),
    ],
)
def test_declared_fields_are_entries(make, expected):
    assert json.loads(render(make())) == expected


def test_fields_that_are_not_set_are_left_out():
    value = Slotted.__new__(Slotted)
    value.x = 1
    assert json.loads(render(value)) == {"x": 1}


def test_a_subclass_that_overrides_access_is_read_all_the_same():
    class Strict(Point):
        def __getattribute__(self, name):
            raise RuntimeError("no attributes")

    assert json.loads(render(Strict(1)))["x"] == 1


def test_a_class_of_fields_is_a_class():
    assert json.loads(render(Point)) == f"<{__name__}.Point>"
    assert dataclasses.is_dataclass(Point)


def test_what_is_known_of_a_class_does_not_keep_it_alive():
    def made():
        @dataclass
        class Short:
            next: "Short | None"
            pin: Annotated[str, Secret] = "hunter2"

        assert json.loads(render(Short(None))) == {"next": None, "pin": REDACTED}
        assert id(Short) in fields._known
        return id(Short), weakref.ref(Short)

    number, reference = made()
    gc.collect()
    assert reference() is None
    assert number not in fields._known


def test_fields_that_are_declared_again_are_read_again():
    class Later(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(extra="allow")
        name: str

    first = Later(name="a")
    assert json.loads(render(first)) == {"name": "a"}
    Later.__pydantic_fields__ = MarkedModel.__pydantic_fields__
    assert json.loads(render(first)) == {"name": "a"}
    first.__dict__["marked"] = "hunter2"
    assert json.loads(render(first)) == {"name": "a", "marked": REDACTED}


class Quiet(type):
    pass


class Refusing(Quiet):
    def refuse(cls, *_args):
        raise RuntimeError("no metaclass")

    __hash__ = __eq__ = __getattribute__ = __instancecheck__ = refuse


def test_a_metaclass_is_not_asked():
    @dataclass(eq=False)
    class Of(metaclass=Quiet):
        pin: Annotated[str, Secret]

    values = [Of("hunter2"), Of("hunter2")]
    Of.__class__ = Refusing
    assert "hunter2" not in render(values)
    # dataclasses.fields() asks the class for its declarations.
    assert json.loads(render(values[0])).endswith(".Of: RuntimeError>")
