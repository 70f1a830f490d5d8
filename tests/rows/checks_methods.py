"""Row 7: methods and other callables work and are traced."""

from __future__ import annotations

import asyncio
import functools

from tests.rows.check import check
from tests.rows.seen import only


def _traced_once(subject, *names):
    if subject.records:
        spans = subject.spans()
        assert len(spans) == 1, f"there are {len(spans)} spans"
        return only(spans, *names)
    return None


@check(row=7, says="a method, with its `self`")
def method(subject):
    class Bird:
        @subject.tool
        def heron(self, what, *, loud=False):
            return self, what, loud

    one = Bird()
    assert one.heron("a", loud=True) == (one, "a", True)
    _traced_once(subject, "heron")


@check(row=7, says="an asynchronous method")
def async_method(subject):
    class Bird:
        @subject.tool
        async def heron(self, what):
            await asyncio.sleep(0)
            return self, what

    one = Bird()
    assert asyncio.run(one.heron("a")) == (one, "a")
    _traced_once(subject, "heron")


@check(row=7, says="above `@classmethod`")
def above_classmethod(subject):
    class Bird:
        @subject.tool
        @classmethod
        def heron(cls, what):
            return cls, what

    class Grey(Bird):
        pass

    assert Bird.heron("a") == (Bird, "a")
    assert (Grey.heron("a"), Grey().heron("a")) == ((Grey, "a"), (Grey, "a"))
    if subject.records:
        assert len(subject.spans()) == 3


@check(row=7, says="below `@classmethod`")
def below_classmethod(subject):
    class Bird:
        @classmethod
        @subject.tool
        def heron(cls, what):
            return cls, what

    class Grey(Bird):
        pass

    assert Bird.heron("a") == (Bird, "a")
    assert (Grey.heron("a"), Grey().heron("a")) == ((Grey, "a"), (Grey, "a"))
    if subject.records:
        assert len(subject.spans()) == 3


@check(row=7, says="above `@staticmethod`")
def above_staticmethod(subject):
    class Bird:
        @subject.tool
        @staticmethod
        def heron(what):
            return what

    assert (Bird.heron("a"), Bird().heron("b")) == ("a", "b")
    if subject.records:
        assert len(subject.spans()) == 2


@check(row=7, says="below `@staticmethod`")
def below_staticmethod(subject):
    class Bird:
        @staticmethod
        @subject.tool
        def heron(what):
            return what

    assert (Bird.heron("a"), Bird().heron("b")) == ("a", "b")
    if subject.records:
        assert len(subject.spans()) == 2


@check(row=7, says="a method that is bound already")
def bound_method(subject):
    class Bird:
        def heron(self, what):
            return self, what

    one = Bird()
    assert subject.tool(one.heron)("a") == (one, "a")
    _traced_once(subject, "heron")


@check(row=7, says="a `functools.partial`")
def partial(subject):
    def heron(what, times):
        return what * times

    twice = subject.tool(functools.partial(heron, times=2))
    assert twice("a") == "aa"
    _traced_once(subject, "heron", "partial")


class _Bird:
    """A bird."""

    def __init__(self):
        self.calls = 0

    def __call__(self, what):
        self.calls += 1
        return what * self.calls


@check(row=7, says="a callable object, whose attributes are still there")
def callable_object(subject):
    one = _Bird()
    heron = subject.tool(one)
    assert (heron("a"), heron("a")) == ("a", "aa")
    assert (heron.calls, one.calls) == (2, 2), "its attributes are not those of the object"
    if subject.records:
        assert len(subject.spans()) == 2


@check(row=7, says="a callable object whose `__call__` is a coroutine function")
def async_callable_object(subject):
    class Heron:
        async def __call__(self, what):
            await asyncio.sleep(0.01)
            return what

    assert asyncio.run(subject.tool(Heron())("a")) == "a"
    span = _traced_once(subject, "Heron", "__call__")
    assert span is None or span.end - span.start >= 9_000_000, "the span has ended before the call"


@check(row=7, says="a function that returns a coroutine: the span lasts until that has ended, and its work is below")
def returns_a_coroutine(subject):
    @subject.tool
    async def stork():
        await asyncio.sleep(0.01)
        return 3

    @subject.tool
    def heron():
        return stork()

    assert asyncio.run(heron()) == 3
    if subject.records:
        spans = subject.spans()
        outer, inner = only(spans, "heron"), only(spans, "stork")
        assert inner.parent_id == outer.span_id, "the work is not below the span"
        assert inner.end <= outer.end, "the span has ended before the work"


@check(row=7, says="a function that returns a task: it is the same object, and the span lasts until it is done")
def returns_a_future(subject):
    made = []

    async def work():
        await asyncio.sleep(0.01)
        return 3

    @subject.tool
    def heron():
        made.append(asyncio.ensure_future(work()))
        return made[0]

    async def main():
        waiting = heron()
        assert waiting is made[0]
        return await waiting

    assert asyncio.run(main()) == 3
    span = _traced_once(subject, "heron")
    assert span is None or span.end - span.start >= 9_000_000, "the span has ended before the future"
