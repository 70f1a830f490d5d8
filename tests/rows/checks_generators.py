"""Row 3: what a generator's consumer may do with it."""

from __future__ import annotations

import asyncio

from tests.rows.check import check


def _make(subject):
    log = []

    @subject.tool
    def heron():
        log.append("begun")
        received = []
        try:
            while len(received) < 2:
                try:
                    received.append((yield len(received)))
                except LookupError as error:
                    received.append(error)
        finally:
            log.append("closed")
        return received

    return heron, log


@check(row=3, says="the value that a generator returns arrives, through `yield from` and in `StopIteration`")
def generator_returns(subject):
    heron, _ = _make(subject)

    def outer():
        return (yield from heron())

    consumer = outer()
    assert [next(consumer), next(consumer)] == [0, 1]
    try:
        next(consumer)
    except StopIteration as stop:
        assert stop.value == [None, None]  # noqa: PT017 -- no pytest where other SDKs are
    else:
        raise AssertionError("it goes on")


@check(row=3, says="`send` gives a value to the generator")
def generator_takes_what_is_sent(subject):
    heron, _ = _make(subject)
    generator = heron()
    assert next(generator) == 0
    assert generator.send("a") == 1
    try:
        generator.send("b")
    except StopIteration as stop:
        assert stop.value == ["a", "b"]  # noqa: PT017 -- the same
    else:
        raise AssertionError("it goes on")


@check(row=3, says="`throw` raises the very exception inside of the generator, which may go on")
def generator_takes_what_is_thrown(subject):
    heron, _ = _make(subject)
    generator, error = heron(), LookupError("why")
    next(generator)
    assert generator.throw(error) == 1
    try:
        generator.send("b")
    except StopIteration as stop:
        assert stop.value[0] is error  # noqa: PT017 -- the same
    else:
        raise AssertionError("it goes on")


@check(row=3, says="what is thrown and not caught comes out again, the same object")
def generator_lets_through_what_is_thrown(subject):
    heron, log = _make(subject)
    generator, error = heron(), OSError("why")
    next(generator)
    try:
        generator.throw(error)
    except OSError as raised:
        assert raised is error  # noqa: PT017 -- the same
    else:
        raise AssertionError("it was swallowed")
    assert log == ["begun", "closed"]


@check(row=3, says="`close` runs the generator's `finally` at once")
def generator_closes(subject):
    heron, log = _make(subject)
    generator = heron()
    next(generator)
    assert log == ["begun"]
    generator.close()
    assert log == ["begun", "closed"]
    assert next(generator, "over") == "over"


@check(row=3, says="nothing of a generator runs before its first item is asked for")
def generator_is_lazy(subject):
    heron, log = _make(subject)
    generator = heron()
    assert log == []
    next(generator)
    assert log == ["begun"]
    generator.close()


def _make_async(subject):
    log = []

    @subject.tool
    async def heron():
        log.append("begun")
        received = []
        try:
            while len(received) < 2:
                try:
                    received.append((yield len(received)))
                except LookupError as error:
                    received.append(error)
                await asyncio.sleep(0)
            yield received
        finally:
            log.append("closed")

    return heron, log


@check(row=3, says="`asend` gives a value to an asynchronous generator")
def async_generator_takes_what_is_sent(subject):
    heron, _ = _make_async(subject)

    async def main():
        generator = heron()
        assert await anext(generator) == 0
        assert await generator.asend("a") == 1
        assert await generator.asend("b") == ["a", "b"]
        assert await anext(generator, "over") == "over"

    asyncio.run(main())


@check(row=3, says="`athrow` raises the very exception inside of an asynchronous generator, which may go on")
def async_generator_takes_what_is_thrown(subject):
    heron, _ = _make_async(subject)

    async def main():
        generator, error = heron(), LookupError("why")
        await anext(generator)
        assert await generator.athrow(error) == 1
        received = await generator.asend("b")
        assert received[0] is error

    asyncio.run(main())


@check(row=3, says="`aclose` runs an asynchronous generator's `finally` at once")
def async_generator_closes(subject):
    heron, log = _make_async(subject)

    async def main():
        generator = heron()
        await anext(generator)
        assert log == ["begun"]
        await generator.aclose()
        assert log == ["begun", "closed"]
        assert await anext(generator, "over") == "over"

    asyncio.run(main())
