import dataclasses
import json
from dataclasses import dataclass, field

import pydantic
import pytest

from ams_sdk._capture import REDACTED, render


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


def attrs_class():
    attrs = pytest.importorskip("attrs")
    return attrs.make_class("Made", {"x": attrs.field(), "quiet": attrs.field(repr=False)})(1, "hunter2")


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: Point(1), {"x": 1, "api_key": REDACTED, "quiet": REDACTED, "made": 1}),
        (lambda: Slotted(1), {"x": 1, "quiet": REDACTED}),
        (lambda: Model(name="a"), {"name": "a", "hidden": REDACTED, "quiet": REDACTED}),
        (lambda: Model(name="a", b=2), {"name": "a", "hidden": REDACTED, "quiet": REDACTED, "b": 2}),
        (lambda: Limited(4), REDACTED),
        (attrs_class, {"x": 1, "quiet": REDACTED}),
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
