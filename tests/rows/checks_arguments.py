"""Rows 11 and 12: arguments that are hostile, large, or change during the call."""

from __future__ import annotations

import array
import asyncio
import dataclasses
import functools
import tempfile
import threading
import time
from unittest.mock import MagicMock

from tests.rows.check import check
from tests.rows.noise import silence
from tests.rows.seen import only

_CUT = 1_000_000  # characters; what is longer is not cut in any sense that helps
_MARKS = ("…", "...", "truncated", "more", "cut", "omitted", "bytes", "chars", "items", "length", "len=")


class _Hostile:
    def __repr__(self):
        raise ValueError("no text")

    __str__ = __repr__


class _Asking:
    """Whatever it is asked for raises."""

    def __getattr__(self, name):
        raise RuntimeError(name)

    @property
    def __dict__(self):
        raise RuntimeError("no fields")


def _passes(subject, value):
    @subject.tool
    def heron(what, kept=3):
        return [what]

    with silence():
        found = heron(value)
        assert found[0] is value
        if subject.records:
            return only(subject.spans(), "heron")
    return None


@check(row=11, says="an argument whose `__repr__` and `__str__` raise: the call works, silently, and has its span")
def repr_raises(subject):
    _passes(subject, _Hostile())


@check(row=11, says="such an argument in a list and in a mapping: the same")
def repr_raises_inside(subject):
    _passes(subject, [{"a": _Hostile(), "b": [_Hostile()]}])


@check(row=11, says="an argument all of whose attributes raise: the call works, silently, and has its span")
def attributes_raise(subject):
    _passes(subject, _Asking())


@check(row=11, says="a list and a mapping that hold themselves: the call works, silently, and has its span")
def cyclic(subject):
    cycle = [1]
    cycle.append({"again": cycle})
    _passes(subject, cycle)


@check(row=11, says="a list that is a hundred thousand lists deep: the call works, silently, and has its span")
def deep(subject):
    value = []
    for _ in range(100_000):
        value = [value]
    try:
        _passes(subject, value)
    finally:
        while value:  # a deep list is not let go of at once, or its end would recurse
            value = value.pop()


@check(row=11, says="an object whose `__repr__` takes its lock, while the caller holds that: the call does not wait")
def object_with_a_lock(subject):
    class Queue:
        def __init__(self):
            self.lock = threading.Lock()

        def __repr__(self):
            if not self.lock.acquire(timeout=1):  # without the limit the program would stand still for ever
                waited.append(1)
                return "locked"
            self.lock.release()
            return "free"

    @subject.tool
    def heron(what):
        return what

    value, waited = Queue(), []
    with value.lock:
        assert heron(value) is value
    assert not waited, "the call waits for a lock that its caller holds"


@check(row=11, says="a lock that is held, and other locks: the call works, silently, and has its span")
def locks(subject):
    lock = threading.Lock()
    with lock:
        _passes(subject, [lock, threading.RLock(), threading.Condition()])
        assert lock.locked()


@check(row=11, says="a string of 5 MB is cut, visibly")
def long_text(subject):
    span = _passes(subject, "a" * 5_000_000)
    if span is not None:
        assert len(span.text) < _CUT, f"{len(span.text)} characters are recorded"
        assert any(mark in span.text for mark in _MARKS), "nothing tells that there was more"


@check(row=11, says="a list of ten million items is cut, visibly")
def long_list(subject):
    span = _passes(subject, [0] * 10_000_000)
    if span is not None:
        assert len(span.text) < _CUT, f"{len(span.text)} characters are recorded"
        assert any(mark in span.text for mark in _MARKS), "nothing tells that there was more"


@check(row=11, says="an array of ten million numbers is cut")
def long_array(subject):
    span = _passes(subject, array.array("i", bytes(40_000_000)))
    if span is not None:
        assert len(span.text) < _CUT, f"{len(span.text)} characters are recorded"


@check(row=11, says="a mock, of which nothing is called")
def mock(subject):
    value = MagicMock()
    _passes(subject, value)
    seen = [call for call in value.mock_calls if call[0] not in {"__str__", "__repr__"}]
    assert not seen, f"the SDK called {seen[0][0]}"


@check(row=11, says="an open file, which is not read")
def open_file(subject):
    with tempfile.TemporaryFile("w+") as file:
        file.write("a line\n")
        file.seek(0)
        _passes(subject, file)
        assert file.tell() == 0
        assert file.read() == "a line\n"


@check(row=11, says="an iterator, which is not used up")
def iterator(subject):
    given = iter([1, 2, 3])
    _passes(subject, given)
    assert list(given) == [1, 2, 3]


def _seconds(function, value):
    """The best of fifteen tries, or of those that fit into three seconds."""
    took = []
    while len(took) < 15 and (len(took) < 3 or sum(took) < 3):
        began = time.perf_counter()
        function(value)
        took.append(time.perf_counter() - began)
    return min(took)


def _cheap(subject, *, kind):
    values = {
        "text": lambda: "a" * 5_000_000,
        "list": lambda: [0] * 10_000_000,
        "array": lambda: array.array("i", bytes(40_000_000)),
        "mapping": lambda: dict.fromkeys(range(1_000_000), "a"),
    }

    @subject.tool
    def heron(what):
        return None

    heron("warm")
    value = values[kind]()
    extra = _seconds(heron, value) - _seconds(heron, "small")
    assert extra <= 0.001, f"it costs {extra * 1_000:.1f} ms more than a small argument"


for _kind, _what in {
    "text": "a string of 5 MB",
    "list": "a list of ten million items",
    "array": "an array of ten million numbers",
    "mapping": "a mapping of a million items",
}.items():
    check(row=11, says=f"{_what} costs the caller at most 1 ms more than a small argument", timed=True)(
        functools.partial(_cheap, kind=_kind)
    )


def _changes(subject, value, change):
    @subject.tool
    def heron(what):
        change(what)

    heron(value)
    text = only(subject.spans(), "heron").text
    assert "as-it-was" in text, "what it was at the start is not recorded"
    assert "changed-later" not in text, "it is recorded as it was later"


@check(row=12, says="a list that grows during the call is recorded as it was at the start", sees=True)
def list_changes(subject):
    _changes(subject, ["as-it-was"], lambda what: what.append("changed-later"))


@check(row=12, says="a mapping that changes during the call", sees=True)
def mapping_changes(subject):
    _changes(subject, {"a": {"b": "as-it-was"}}, lambda what: what["a"].update(b="changed-later"))


@dataclasses.dataclass
class _Order:
    state: str
    notes: list[str]


@check(row=12, says="a dataclass, and a list in it, that change during the call", sees=True)
def object_changes(subject):
    def change(what):
        what.state = "changed-later"
        what.notes.append("changed-later")

    _changes(subject, _Order("as-it-was", []), change)


@check(row=12, says="a list that another task changes while a coroutine runs", sees=True)
def list_changes_in_another_task(subject):
    value = ["as-it-was"]

    @subject.tool
    async def heron(what):
        await asyncio.sleep(0.01)

    async def main():
        task = asyncio.create_task(heron(value))
        await asyncio.sleep(0)
        value[:] = ["changed-later"]
        await task

    asyncio.run(main())
    text = only(subject.spans(), "heron").text
    assert "as-it-was" in text, "what it was at the start is not recorded"
    assert "changed-later" not in text, "it is recorded as it was later"


@check(row=12, says="a list that a generator is given and that changes between two items", sees=True)
def list_changes_between_items(subject):
    value = ["as-it-was"]

    @subject.tool
    def heron(what):
        yield 1
        yield 2

    for _ in heron(value):
        value[:] = ["changed-later"]
    text = only(subject.spans(), "heron").text
    assert "as-it-was" in text, "what it was at the start is not recorded"
    assert "changed-later" not in text, "it is recorded as it was later"
