"""Row 10: the user's exception."""

from __future__ import annotations

import asyncio
import traceback

from tests.rows.check import check
from tests.rows.noise import silence
from tests.rows.seen import only


class BirdError(Exception):
    pass


def _raised(call, kind=BaseException):
    try:
        call()
    except kind as error:
        return error
    raise AssertionError("the exception was swallowed")


def _shapes(subject, error):
    @subject.tool
    def heron():
        raise error

    @subject.tool
    async def aheron():
        raise error

    @subject.tool
    def gheron():
        yield 1
        raise error

    @subject.tool
    async def agheron():
        yield 1
        raise error

    async def consume():
        return [one async for one in agheron()]

    return {
        "function": heron,
        "coroutine": lambda: asyncio.run(aheron()),
        "generator": lambda: list(gheron()),
        "asynchronous generator": lambda: asyncio.run(consume()),
    }


@check(row=10, says="it is the same object, out of functions of all kinds")
def same_object(subject):
    for kind, call in _shapes(subject, error := BirdError("why")).items():
        assert _raised(call) is error, f"out of a {kind}"


@check(row=10, says="its `__cause__`, `__context__`, notes and arguments are unchanged")
def unchanged(subject):
    cause, context = OSError("cause"), KeyError("context")
    for kind in ("function", "coroutine", "generator", "asynchronous generator"):
        error = BirdError("why", 3)
        error.add_note("a note")
        error.__cause__, error.__context__ = cause, context
        _raised(_shapes(subject, error)[kind])
        seen = (error.__cause__, error.__context__, error.__notes__, error.args)
        assert seen == (cause, context, ["a note"], ("why", 3)), f"out of a {kind}"


def _frames(error):
    mine = {__file__}
    standard = ("asyncio", "contextlib.py", "functools.py", "contextvars.py")
    files = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
    return [one for one in files if one not in mine and not any(part in one for part in standard)]


@check(row=10, says="its traceback has at most one frame of the SDK a call, for functions and coroutines")
def one_frame(subject):
    shapes = _shapes(subject, BirdError("why"))
    for kind in ("function", "coroutine"):
        error = _raised(shapes[kind])
        assert len(_frames(error)) <= 1, f"out of a {kind}: {len(_frames(error))} frames of the SDK"
        error.__traceback__ = None


@check(row=10, says="the same for generators of both kinds")
def one_frame_of_generators(subject):
    shapes = _shapes(subject, BirdError("why"))
    for kind in ("generator", "asynchronous generator"):
        error = _raised(shapes[kind])
        assert len(_frames(error)) <= 1, f"out of a {kind}: {len(_frames(error))} frames of the SDK"
        error.__traceback__ = None


@check(row=10, says="the span of a call that raised is an error, with the exception on it", sees=True)
def recorded(subject):
    @subject.tool
    def heron():
        raise BirdError("the-very-reason")

    _raised(heron)
    span = only(subject.spans(), "heron")
    assert span.is_error
    assert span.exception_events == 1, f"it is recorded {span.exception_events} times"
    assert "the-very-reason" in span.text


def _recorded_through(subject, *, kind):
    @subject.tool
    def stork():
        raise BirdError("why")

    @subject.tool
    async def astork():
        raise BirdError("why")

    @subject.agent
    def heron():
        return stork()

    @subject.agent
    async def aheron():
        return await astork()

    _raised(heron if kind == "function" else lambda: asyncio.run(aheron()))
    spans = subject.spans()
    inner, outer = only(spans, "stork"), only(spans, "heron")
    assert inner.is_error
    assert outer.is_error, "the outer call raised as well, and its span is no error"
    counts = (inner.exception_events, outer.exception_events)
    assert counts == (1, 0), f"it is recorded {counts[0]} and {counts[1]} times, inside and outside"


@check(row=10, says="through two traced functions it is recorded once, where it arose", sees=True)
def recorded_once(subject):
    _recorded_through(subject, kind="function")


@check(row=10, says="through two traced coroutines it is recorded once, where it arose", sees=True)
def recorded_once_in_coroutines(subject):
    _recorded_through(subject, kind="coroutine")


@check(row=10, says="an exception that the outer call catches is no error of the outer call", sees=True)
def caught_is_no_error(subject):
    @subject.tool
    def stork():
        raise BirdError("why")

    @subject.agent
    def heron():
        try:
            stork()
        except BirdError:
            return "fine"

    assert heron() == "fine"
    spans = subject.spans()
    assert only(spans, "stork").is_error
    assert not only(spans, "heron").is_error


@check(row=10, says="`KeyboardInterrupt` and `SystemExit` pass through, and their spans have ended as errors")
def base_exceptions(subject):
    for number, kind in enumerate((KeyboardInterrupt, SystemExit)):
        error = kind(3)

        @subject.tool(name=f"heron{number}")
        def bird(error=error):
            raise error

        assert _raised(bird) is error
        if subject.records:
            span = only(subject.spans(), f"heron{number}")
            assert span.is_error, f"{kind.__name__} is no error"
            assert span.exception_events == 1, f"{kind.__name__} is recorded {span.exception_events} times"


@check(row=10, says="a cancellation passes through and is no error")
def cancellation(subject):
    @subject.tool
    async def heron():
        await asyncio.sleep(60)

    async def main():
        task = asyncio.create_task(heron())
        await asyncio.sleep(0.01)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            return task.cancelled()
        return False

    assert asyncio.run(main())
    if subject.records:
        span = only(subject.spans(), "heron")
        assert not span.is_error, "its status is ERROR"
        assert span.exception_events == 0, "it is recorded as an exception"


@check(row=10, says="an exception whose `__str__` raises passes through, silently")
def hostile_exception(subject):
    class HostileError(Exception):
        def __str__(self):
            raise ValueError("no text")

        __repr__ = __str__

    error = HostileError()

    @subject.tool
    def heron():
        raise error

    with silence():
        assert _raised(heron) is error
        if subject.records:
            assert only(subject.spans(), "heron").is_error
