"""Rows 4 and 5: the span of a generator, and generators that are left unfinished."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import time

from tests.rows.check import check
from tests.rows.noise import silence
from tests.rows.seen import below, only


def _birds(subject):
    @subject.tool
    def stork(what):
        return what

    @subject.tool
    def egret(what):
        return what

    @subject.agent
    def heron(count):
        for number in range(count):
            stork(number)
            yield number

    @subject.agent
    async def aheron(count):
        for number in range(count):
            await asyncio.sleep(0)
            stork(number)
            yield number

    return stork, egret, heron, aheron


def _consume(subject, *, way):
    _, egret, heron, aheron = _birds(subject)

    async def main():
        async for number in aheron(2):
            time.sleep(0.005)  # noqa: ASYNC251 -- the consumer's work
            egret(number)

    if way == "async":
        asyncio.run(main())
    else:
        for number in heron(2):
            time.sleep(0.005)
            egret(number)
    spans = subject.spans()
    return only(spans, "heron"), [one for one in spans if "stork" in one.name], [s for s in spans if "egret" in s.name]


@check(row=4, says="a generator has one span, from before its first step to after its last", sees=True)
def span_covers_the_iteration(subject):
    heron, inside, outside = _consume(subject, way="sync")
    assert len(inside) == len(outside) == 2
    assert heron.start <= min(one.start for one in inside)
    assert heron.end >= max(one.end for one in outside), "it ends before its last step"


@check(row=4, says="the same for an asynchronous generator", sees=True)
def span_covers_the_async_iteration(subject):
    heron, inside, outside = _consume(subject, way="async")
    assert len(inside) == len(outside) == 2
    assert heron.start <= min(one.start for one in inside)
    assert heron.end >= max(one.end for one in outside), "it ends before its last step"


@check(row=4, says="the work inside of a generator is below its span", sees=True)
def work_inside_is_below(subject):
    heron, inside, _ = _consume(subject, way="sync")
    assert len(inside) == 2
    assert all(below(one, heron) for one in inside)


@check(row=4, says="the same for an asynchronous generator", sees=True)
def work_inside_async_is_below(subject):
    heron, inside, _ = _consume(subject, way="async")
    assert len(inside) == 2
    assert all(below(one, heron) for one in inside)


@check(row=4, says="the consumer's work between two items is not below the generator's span", sees=True)
def consumers_work_is_not_below(subject):
    _, _, outside = _consume(subject, way="sync")
    assert [one.parent_id for one in outside] == [None, None], "the consumer's work is below the generator"


@check(row=4, says="the same for an asynchronous generator", sees=True)
def consumers_async_work_is_not_below(subject):
    _, _, outside = _consume(subject, way="async")
    assert [one.parent_id for one in outside] == [None, None], "the consumer's work is below the generator"


@check(row=4, says="what the consumer does after it has left a generator is below the consumer's own span", sees=True)
def work_after_a_break_is_the_consumers(subject):
    _, egret, heron, _ = _birds(subject)

    @subject.agent
    def gull():
        generator = heron(3)
        next(generator)
        egret(1)
        generator.close()
        egret(2)

    gull()
    egret(3)
    spans = subject.spans()
    consumer = only(spans, "gull")
    assert below(only(spans, "heron"), consumer)
    parents = [one.parent_id for one in spans if "egret" in one.name]
    assert parents == [consumer.span_id, consumer.span_id, None]


@check(row=4, says="generators that are consumed in turns do not mix: each one's work is below its own span", sees=True)
def interleaved_generators_do_not_mix(subject):
    @subject.tool
    def stork(which):
        return which

    @subject.agent
    def heron(which):
        for _ in range(2):
            stork(f"which-{which}")
            yield which

    assert list(zip(heron("left"), heron("right"), strict=True)) == [("left", "right")] * 2
    spans = subject.spans()
    outer = [one for one in spans if "heron" in one.name]
    assert len(outer) == 2
    for one in spans:
        if "stork" in one.name:
            parent = next((other for other in outer if below(one, other)), None)
            assert parent is not None
            word = "left" if "left" in one.text else "right"
            assert word in one.text, "its argument was not recorded, so it cannot be told"
            assert word in parent.text, "work of one generator is below the other"
    assert {one.parent_id for one in outer} == {None}


def _left(subject, *, way):  # noqa: C901 -- five ways, a few lines each
    """A generator that is left after its first item, in one of the ways in which programs do it."""
    _, _, heron, aheron = _birds(subject)

    async def broken():
        async for number in aheron(3):
            if number == 0:
                break

    async def closed():
        generator = aheron(3)
        await anext(generator)
        await generator.aclose()

    async def cancelled():
        async def consume():
            async for _ in aheron(1_000_000):
                started.set()

        started = asyncio.Event()
        task = asyncio.create_task(consume())
        await started.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    def dropped():
        generator = heron(3)
        next(generator)
        del generator
        gc.collect()

    def elsewhere():
        generator = heron(3)
        # As servers do that stream: each step in a context of its own.
        for _ in range(2):
            contextvars.copy_context().run(next, generator)
        contextvars.copy_context().run(generator.close)

    chosen = {
        "break_async": broken,
        "aclose": closed,
        "cancelled": cancelled,
        "dropped": dropped,
        "another_context": elsewhere,
    }[way]
    with silence():
        if asyncio.iscoroutinefunction(chosen):
            asyncio.run(chosen())
        else:
            chosen()
        if subject.records:
            span = only(subject.spans(), "heron")
            assert not span.is_error, "its status is ERROR"
            assert span.exception_events == 0, "an exception is recorded"
            assert span.end >= span.start


@check(row=5, says="`break` out of an asynchronous generator: silent, its span ended, no error")
def async_break(subject):
    _left(subject, way="break_async")


@check(row=5, says="an asynchronous generator that is closed early: the same")
def async_close(subject):
    _left(subject, way="aclose")


@check(row=5, says="an asynchronous generator whose consumer is cancelled: the same")
def async_consumer_cancelled(subject):
    _left(subject, way="cancelled")


@check(row=5, says="a generator that is dropped unfinished: the same")
def generator_dropped(subject):
    _left(subject, way="dropped")


@check(row=5, says="a generator whose steps run in several contexts, as streaming servers do: the same")
def generator_in_several_contexts(subject):
    _left(subject, way="another_context")


@check(row=5, says="a generator that is never started is silent, and leaves no span that has not ended")
def generator_never_started(subject):
    _, egret, heron, _ = _birds(subject)
    with silence():
        generator = heron(3)
        del generator
        gc.collect()
        egret(1)
        if subject.records:
            assert only(subject.spans(), "egret").parent_id is None
