"""Rows 1 and 2: the ways to write a decorator, and the kinds of functions."""

from __future__ import annotations

import asyncio
import inspect

from tests.rows.check import check
from tests.rows.seen import only


def _called_once(subject, decorate):
    @decorate
    def heron(question):
        return question.upper()

    assert heron("why") == "WHY"
    if subject.records:
        only(subject.spans(), "heron")


@check(row=1, says="`@tool`, without parentheses, traces and gives the result back")
def tool_bare(subject):
    _called_once(subject, subject.tool)


@check(row=1, says="`@agent`, without parentheses, traces and gives the result back")
def agent_bare(subject):
    _called_once(subject, subject.agent)


@check(row=1, says="`@tool()`, with empty parentheses, traces and gives the result back")
def tool_called(subject):
    _called_once(subject, subject.tool())


@check(row=1, says="`@agent()`, with empty parentheses, traces and gives the result back")
def agent_called(subject):
    _called_once(subject, subject.agent())


def _named(subject, decorator):
    @decorator(name="pelican")
    def heron(question):
        return question.upper()

    assert heron("why") == "WHY"
    if subject.records:
        only(subject.spans(), "pelican")


@check(row=1, says="a tool with a name has a span of that name")
def tool_named(subject):
    _named(subject, subject.tool)


@check(row=1, says="an agent with a name has a span of that name")
def agent_named(subject):
    _named(subject, subject.agent)


@check(row=2, says="a function is a function, no coroutine function and no generator function")
def function_stays(subject):
    @subject.tool
    def heron(question, /, *more, depth=1, **options):
        return question, more, depth, options

    assert inspect.isfunction(heron)
    kinds = (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction)
    assert not any(kind(heron) for kind in kinds)
    assert heron(1, 2, depth=3, other=4) == (1, (2,), 3, {"other": 4})


@check(row=2, says="a coroutine function is one, for `inspect` and `asyncio`, and gives a coroutine")
def coroutine_function_stays(subject):
    @subject.tool
    async def heron(question):
        await asyncio.sleep(0)
        return question * 2

    assert inspect.isfunction(heron)
    assert inspect.iscoroutinefunction(heron)
    waiting = heron(2)
    assert inspect.iscoroutine(waiting)
    assert asyncio.run(waiting) == 4


@check(row=2, says="a generator function is one and gives a generator, with the same items")
def generator_function_stays(subject):
    @subject.tool
    def heron(count):
        yield from range(count)

    assert inspect.isfunction(heron)
    assert inspect.isgeneratorfunction(heron)
    assert inspect.isgenerator(heron(1))
    assert list(heron(3)) == [0, 1, 2]


@check(row=2, says="an asynchronous generator function is one and gives an asynchronous generator, with the same items")
def async_generator_function_stays(subject):
    @subject.tool
    async def heron(count):
        for number in range(count):
            await asyncio.sleep(0)
            yield number

    async def main():
        assert inspect.isasyncgen(heron(1))
        return [number async for number in heron(3)]

    assert inspect.isfunction(heron)
    assert inspect.isasyncgenfunction(heron)
    assert asyncio.run(main()) == [0, 1, 2]


@check(row=2, says="the result is the same object, whatever it is")
def result_is_the_same_object(subject):
    @subject.tool
    def heron(value):
        return value

    @subject.agent
    async def stork(value):
        return value

    for value in (object(), [1], {"a": [1]}, None, NotImplemented, range(3), iter([1, 2]), lambda: 3):
        assert heron(value) is value
        assert asyncio.run(stork(value)) is value
    given = iter([1, 2, 3])
    assert list(heron(given)) == [1, 2, 3], "an iterator that is given back is used up"


@check(row=2, says="the span of a coroutine lasts until it has ended, and what it awaits is below it", sees=True)
def coroutine_span_covers_the_wait(subject):
    @subject.tool
    async def stork():
        await asyncio.sleep(0.01)

    @subject.agent
    async def heron():
        await stork()

    asyncio.run(heron())
    spans = subject.spans()
    outer, inner = only(spans, "heron"), only(spans, "stork")
    assert inner.parent_id == outer.span_id
    assert outer.start <= inner.start <= inner.end <= outer.end
    assert inner.end - inner.start >= 9_000_000
