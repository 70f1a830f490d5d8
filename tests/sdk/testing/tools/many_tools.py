"""Tools of every shape; none of their bodies may run in these tests."""

# ruff: noqa: ARG002, ARG003, ARG004 -- none of the bodies runs
# ruff: noqa: TC003 -- the stubs evaluate the annotations

from __future__ import annotations

import dataclasses
import enum
import functools
import types
from collections.abc import AsyncIterator, Awaitable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from pydantic import BaseModel, Field

from ams_sdk import agent, span, tool


class BodyRanError(Exception):
    """A body ran."""


class Colour(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Hit:
    title: str
    at: datetime
    colour: Colour = Colour.RED
    place: tuple[int, ...] = ()
    took: timedelta | None = None


class Page(BaseModel):
    number: int
    hits: list[str] = Field(default_factory=list, alias="hitList")


@tool
def search(query: str, limit: int = 3) -> list[Hit]:
    raise BodyRanError


@tool
async def fetch(url: str) -> Page:
    raise BodyRanError


@tool
def words(text: str) -> Iterator[str]:
    raise BodyRanError
    yield ""


@tool
async def hits(text: str) -> AsyncIterator[Hit]:
    raise BodyRanError
    yield None


@tool
@types.coroutine
def old_style(text: str):
    raise BodyRanError
    yield


@tool
def later(text: str) -> Awaitable[Colour]:
    raise BodyRanError


class Desk:
    @tool
    def method(self, question: str) -> int:
        raise BodyRanError

    @tool
    @classmethod
    def of_class(cls, question: str) -> int:
        raise BodyRanError

    @staticmethod
    @tool
    def static(question: str) -> int:
        raise BodyRanError


class SmallDesk(Desk):
    """Inherits."""


@tool
class Decorated:
    def run(self, question: str) -> int:
        raise BodyRanError


class Callable:
    async def __call__(self, question: str) -> int:
        raise BodyRanError


called = tool(Callable())


spanned = span(tool(Callable()))


def _body(first: int, question: str) -> int:
    raise BodyRanError


partial = tool(functools.partial(_body, 1), name="partial")


@tool
@agent
def delegated(question: str) -> int:
    raise BodyRanError


@agent
@tool
def both_ways(question: str) -> int:
    raise BodyRanError


@span
def no_tool(question: str) -> int:
    raise BodyRanError


@tool
def anything(*rest: object, **more: object):
    raise BodyRanError


@tool
def ids(**more: object) -> dict[UUID, Decimal]:
    raise BodyRanError


class OfFramework:
    """What a framework makes of a function: it keeps it somewhere."""

    def __init__(self, function):
        def invoke(question):
            return function(question)

        self.name = "made"
        self.invoke = invoke


made = OfFramework(tool(_body, name="made"))


class Slotted:
    """Keeps what it calls where ``vars`` does not find it."""

    __slots__ = ("function",)


@tool
def of_partial(first: int, question: str) -> int:
    raise BodyRanError


wrapped = functools.partial(of_partial, 1)
