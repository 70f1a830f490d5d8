"""A repr is used where it can do nothing but write down plain attributes; the instance never sees it."""

import enum
import json
import sys
import threading
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from uuid import UUID

import pytest
from sqlalchemy import ForeignKey, create_engine, event
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from ams_sdk._capture import REDACTED, render
from ams_sdk._capture.plain_repr import plain_repr

LOCK = threading.Lock()
CALLS = []


class Colour(enum.Enum):
    RED = 1


class Zone(tzinfo):
    def utcoffset(self, moment):  # noqa: ARG002 -- Python's
        CALLS.append("utcoffset")
        return timedelta(0)


class User:
    kind = "person"

    def __init__(self):
        self.id = 7
        self.name = "ann"
        self.tags = ["a", "b"]
        self.type = "t"
        self.prices = {"x": Decimal("1.5")}
        self.password = "hunter2"
        self.colour = Colour.RED
        self.parts = [["a"]]
        self.huge = "x" * 2_000
        self.many = list(range(2_000))
        self.moment = datetime(2026, 1, 2, tzinfo=Zone())
        self.held = {"api_key": "hunter2"}

    @property
    def computed(self):
        CALLS.append("computed")
        return "c"

    def method(self):
        CALLS.append("method")
        return "m"

    def __str__(self):
        CALLS.append("str")
        return "s"

    def __len__(self):
        CALLS.append("len")
        return 1

    def __add__(self, other):
        CALLS.append("add")
        return "sum"


def of(source, **names):
    """An instance of a class with this body of a repr."""
    names = {"__name__": __name__, **names}
    exec(f"def __repr__(self):\n    {source}", names)  # noqa: S102 -- so that each is one line of the table
    return type("Robin", (User,), {"__repr__": names["__repr__"], "__module__": __name__})()


def said_of(value):
    return plain_repr(value, type(value))


@pytest.fixture(autouse=True)
def _nothing_was_called():
    CALLS.clear()
    yield
    assert CALLS == []


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("return 'constant'", "constant"),
        ("return f'<User {self.id} {self.name!r}>'", "<User 7 'ann'>"),
        ("return f'{type(self).__name__}({self.name})'", "Robin(ann)"),
        ("return f'{self.__class__.__qualname__}({self.name})'", "Robin(ann)"),
        ("return f'{type(self)} {type(self).__module__}'", f"<class '{__name__}.Robin'> {__name__}"),
        ("return '%s(%r, %s)' % (type(self).__name__, self.name, self.tags)", "Robin('ann', ['a', 'b'])"),
        ("return '{}({})'.format(self.kind, ', '.join(self.tags))", "person(a, b)"),
        ("return self.name + '!' + repr(self.id) + str(len(self.tags))", "ann!72"),
        ("return f'{self.type} {self.prices}'", "t {'x': Decimal('1.5')}"),
        ("return f'{self.tags[0]} {self.name[1:]}'", "a nn"),
        ("return self.name if self.id else self.huge", None),
        ("name = self.name\n    return name if self.id > 3 and not self.kind is None else 'x'", "ann"),
        ("return f'{self.name} {self.password}'", f"ann {REDACTED}"),
        ("return f'{self.held}'", f"{{'api_key': '{REDACTED}'}}"),
    ],
)
def test_what_only_writes_down_attributes_says_what_the_repr_says(source, said):
    value = of(source)
    assert said_of(value) == said
    if said is not None and REDACTED not in said:
        assert said == repr(value)


@pytest.mark.parametrize(
    "source",
    [
        "return self.computed",
        "return self.method()",
        "return f'{self}'",
        "return '%s' % self",
        "return str(self)",
        "return repr(self)",
        "return str(len(self))",
        "return self + ''",
        "return 'x' + self",
        "return self[0]",
        "return self()",
        "return 'a' if self else 'b'",
        "return 'a' if not self else 'b'",
        "return 'a' if self == 1 else 'b'",
        "return 'a' if 1 in self else 'b'",
        "return 'a' if self.name in self else 'b'",
        "return ''.join(self)",
        "return f'{self.moment}'",
        "return f'{self.colour}'",
        "return f'{self.parts}'",
        "return self.huge",
        "return f'{self.many}'",
        "return f'{self.missing}'",
        "return f'{self.__dict__}'",
        "return f'{vars(self)}'",
        "return ''.join(x for x in self.tags)",
        "return ''.join([x for x in self.tags])",
        "return 'x' * 10 ** 9",
        "return str(self.id ** 10 ** 9)",
        "raise ValueError",
        "raise SystemExit",
        "self.id += 1; return 'x'",
        "self.__dict__.clear(); return 'x'",
        "del self.id; return 'x'",
        "import os; return os.name",
        "while True: pass",
        "yield 1",
        "with LOCK: return 'x'",
        "return super().__repr__()",
        "return 7",
        "return None",
    ],
)
def test_whatever_needs_more_is_not_said_and_nothing_of_it_runs(source):
    value = of(source, LOCK=LOCK)
    before = dict(vars(value))
    with LOCK:
        assert said_of(value) is None
    assert vars(value) == before
    assert json.loads(render(value)) == f"<{__name__}.Robin>"


@pytest.mark.parametrize("name", ["type", "repr", "str", "len"])
def test_a_function_in_the_place_of_a_builtin_is_not_called(name):
    assert said_of(of(f"return str({name}(self.tags))", **{name: lambda _: CALLS.append("called") or "x"})) is None


def test_functions_that_are_no_plain_repr():
    def outer(value):
        return lambda self: f"{self.id} {value}"

    for made in (
        outer(1),
        lambda self, more=1: f"{self.id}",  # noqa: ARG005 -- what it takes is the point
        lambda self, *more: f"{self.id}",  # noqa: ARG005 -- what it takes is the point
        lambda self, *, more=1: f"{self.id}",  # noqa: ARG005 -- what it takes is the point
        lambda self, **more: f"{self.id}",  # noqa: ARG005 -- what it takes is the point
        staticmethod(lambda: "x"),
        str.__repr__,
        7,
    ):
        assert said_of(type("Robin", (User,), {"__repr__": made})()) is None


def test_what_fails_with_plain_attributes_is_named():
    assert json.loads(render(of("return '%d' % self.name"))) == f"<{__name__}.Robin: TypeError>"


@pytest.mark.parametrize(
    "value",
    [
        *(True, None, 1.5, 2**70, b"x", date(2026, 1, 2), timedelta(1), UUID(int=1), Decimal(1)),
        *({1, 2}, (1, "a"), {1: "a"}, frozenset({1}), [], {}),
        datetime(2026, 1, 2),  # noqa: DTZ001 -- one without a zone
        datetime(2026, 1, 2, tzinfo=UTC),
        datetime(2026, 1, 2, tzinfo=timezone(timedelta(hours=1))),
    ],
)
def test_plain_values(value):
    robin = of("return f'<{self.thing!r}>'")
    robin.thing = value
    assert said_of(robin) == f"<{value!r}>"


@pytest.mark.parametrize(
    "value", [type("S", (str,), {})("x"), 2**5_000, object(), {1: [1]}, {"a": object()}, dict.fromkeys(range(2_000))]
)
def test_values_that_are_not_plain(value):
    robin = of("return f'<{self.thing!r}>'")
    robin.thing = value
    assert said_of(robin) is None


def test_attributes_in_slots():
    class Slotted:
        __slots__ = ("held", "unset")

        def __init__(self):
            self.held = 1

        def __repr__(self):
            return f"<{self.held}>"

    assert said_of(Slotted()) == "<1>"
    Slotted.__repr__ = lambda self: f"<{self.unset}>"
    assert said_of(Slotted()) is None


def test_a_long_repr_of_very_many_names_is_not_read():
    assert said_of(of("return f'" + "".join(f"{{self.name{number}}}" for number in range(40)) + "'")) is None


class Base(DeclarativeBase):
    pass


class Owner(Base):
    __tablename__ = "owner"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    orders: Mapped[list["Order"]] = relationship(back_populates="owner")

    def __repr__(self):
        return f"<Owner {self.name} with {len(self.orders)} orders>"


class Order(Base):
    __tablename__ = "order"
    id: Mapped[int] = mapped_column(primary_key=True)
    total: Mapped[int]
    owner_id: Mapped[int] = mapped_column(ForeignKey("owner.id"))
    owner: Mapped[Owner] = relationship(back_populates="orders")

    def __repr__(self):
        return f"<Order {self.id}: {self.total}>"


def test_an_object_of_a_database_is_shown_as_far_as_it_is_loaded_and_nothing_is_asked():
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(Owner(id=1, name="ann", orders=[Order(id=1, total=5)]))
        session.commit()
        owner, order = session.get(Owner, 1), session.get(Order, 1)
        asked = []
        event.listen(engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
        owner.name = "ANN"
        session.add(Order(owner_id=1))  # not complete yet: a query now would flush it, and fail
        assert json.loads(render([owner, order])) == [f"<{__name__}.Owner>", "<Order 1: 5>"]
        session.expire(order)
        assert json.loads(render(order)) == f"<{__name__}.Order>"
        assert asked == []
    engine.dispose()


def test_a_decorated_function_in_a_repr_is_not_called():
    def summary(value):
        CALLS.append(value)

    assert said_of(of("return f'{summary(self)}'", summary=summary)) is None


def test_near_the_limit_of_recursion_there_is_still_an_answer():
    value = of("return f'<{self.name}>'")

    def deep(number):
        return render(value) if number == 0 else deep(number - 1)

    said_of(value)
    room = sys.getrecursionlimit()
    answers = set()
    for number in range(room - 200, room):
        try:
            answers.add(deep(number))
        except RecursionError:
            break
    assert '"<ann>"' in answers
