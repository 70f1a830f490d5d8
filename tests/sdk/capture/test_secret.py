import sys
from typing import Annotated, ClassVar, Final, NewType, TypeVar

import pytest

from ams_sdk._capture import Secret, is_marked_secret

Pin = Annotated[str, Secret]
T = TypeVar("T")


class Refusing(type):
    def refuse(cls, *_args):
        raise RuntimeError("no metaclass")

    __hash__ = __eq__ = __getattribute__ = __instancecheck__ = refuse


class OfRefusing(metaclass=Refusing):
    pass


class More(Secret):
    pass


@pytest.mark.parametrize(
    "annotation",
    [
        *(Pin, Annotated[str, Secret()], Annotated[str, "x", More()], Annotated[Pin, "x"], list[Pin | int], Pin | None),
        *(list[Pin], dict[str, list[Pin]], ClassVar[Pin], Final[Pin], tuple[Pin, ...]),
        *("Annotated[str, Secret]", "Pin", "list[Pin]", "Missing[str, Secret]", "'Pin'"),
    ],
)
def test_the_mark_is_found(annotation):
    assert is_marked_secret(annotation, globals())


def annotations_without():
    return [
        *(str, int | None, list[str], Annotated[str, "Secret"], None, ..., 3, T, NewType("Name", str)),
        *("str", "Missing", "1 +", "SecretStr", "list[str]", OfRefusing, list[OfRefusing], Secret, object()),
    ]


@pytest.mark.parametrize("number", range(len(annotations_without())))
def test_another_annotation_has_none(number):
    # By number: pytest would ask some of these for their names.
    assert not is_marked_secret(annotations_without()[number], globals())


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the statement is new in 3.12")
def test_the_mark_is_found_behind_an_alias():
    names = dict(globals())
    exec("type Alias = Annotated[str, Secret]\ntype Bad = Missing", names)  # noqa: S102 -- no syntax of Python 3.11
    assert is_marked_secret(names["Alias"])
    assert is_marked_secret(names["Alias"] | None)
    assert not is_marked_secret(names["Bad"])
