"""Row 9: what a function says of itself."""

from __future__ import annotations

import inspect
import pickle
import typing

from tests.rows.check import check
from tests.rows.checks_classes import module_of


def _shapes():
    def heron(a: int, /, b: str = "x", *c: float, d: bytes = b"", **e: object) -> list[int]:
        """Says something."""
        return [a]

    async def aheron(a: int, /, b: str = "x", *c: float, d: bytes = b"", **e: object) -> list[int]:
        """Says something."""
        return [a]

    def gheron(a: int, /, b: str = "x", *c: float, d: bytes = b"", **e: object) -> typing.Iterator[int]:
        """Says something."""
        yield a

    async def agheron(a: int, /, b: str = "x", *c: float, d: bytes = b"", **e: object) -> typing.AsyncIterator[int]:
        """Says something."""
        yield a

    return heron, aheron, gheron, agheron


def _each(subject, question):
    for plain in _shapes():
        before = question(plain)
        for decorator in (subject.tool, subject.agent):
            assert question(decorator(plain)) == before, f"of a {plain.__name__}"


@check(row=9, says="`inspect.signature` is unchanged, for functions of all kinds")
def signature(subject):
    _each(subject, inspect.signature)


@check(row=9, says="`__name__`, `__qualname__`, `__module__` and `__doc__` are unchanged")
def names(subject):
    _each(subject, lambda one: (one.__name__, one.__qualname__, one.__module__, one.__doc__, inspect.getdoc(one)))


@check(row=9, says="`__wrapped__`, and so `inspect.unwrap`, leads to the function")
def wrapped(subject):
    for plain in _shapes():
        assert inspect.unwrap(subject.tool(plain)) is plain


@check(row=9, says="`typing.get_type_hints` and `__annotations__` are unchanged")
def type_hints(subject):
    _each(subject, typing.get_type_hints)
    _each(subject, lambda one: one.__annotations__)


@check(row=9, says="attributes that the function has are still there")
def attributes(subject):
    def heron():
        return 1

    heron.route = "/birds"
    assert subject.tool(heron).route == "/birds"


@check(row=9, says="a decorated function can be pickled by name")
def pickled_by_name(subject):
    with module_of(subject, "@tool\ndef heron(a):\n    return a") as module:
        assert pickle.loads(pickle.dumps(module.heron)) is module.heron  # noqa: S301 -- its own
