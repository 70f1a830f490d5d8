import pytest

from ams_sdk._capture.introspection import (
    MISSING,
    Unreadable,
    attempt,
    attribute,
    defined,
    text_of,
    type_name,
)


class Base:
    __slots__ = ("__dict__", "empty", "slot")


class Derived(Base):
    shared = 1

    def __init__(self):
        self.own = 2
        self.slot = 3

    @property
    def computed(self):
        raise RuntimeError("not to be run")


def test_attributes_are_read_where_they_are_stored():
    value = Derived()
    assert attribute(value, "own") == 2
    assert attribute(value, "slot") == 3
    assert [attribute(value, name) for name in ("empty", "shared", "computed", "none")] == [MISSING] * 4


def test_what_classes_define_is_not_bound():
    assert defined(Derived, "computed") is Derived.__dict__["computed"]
    assert defined(Derived, "nothing") is MISSING


def test_names_of_types():
    assert type_name(int) == "int"
    assert type_name(Derived) == f"{__name__}.Derived"


def test_an_exception_of_the_users_code_is_named_and_others_pass():
    with pytest.raises(Unreadable, match=r"^ZeroDivisionError$"):
        attempt(lambda: 1 / 0)
    with pytest.raises(KeyboardInterrupt):
        attempt(_interrupt)
    assert attempt(max, 1, 2) == 2


def _interrupt():
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("value", "text"), [("a", "a"), (b"a\xff", "a\\xff"), (1, None), (type("S", (str,), {})("b"), "b")]
)
def test_texts(value, text):
    assert text_of(value) == text
    assert text is None or type(text_of(value)) is str


def test_a_property_in_place_of_the_attributes_is_not_run():
    class Odd:
        @property
        def __dict__(self):
            raise RuntimeError("not to be run")

    assert attribute(Odd(), "anything") is MISSING
    assert attribute(object(), "anything") is MISSING
