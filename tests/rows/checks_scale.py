"""Rows 16 and 17: deep, wide and many; decorated twice, and decorated where nothing is configured."""

from __future__ import annotations

import asyncio
import inspect
import sys
import time

from tests.rows.check import check
from tests.rows.noise import silence
from tests.rows.programs import run
from tests.rows.seen import below, only, roots


@check(row=16, says="a recursion that is 900 calls deep is a chain of 900 spans (the limit of Python is raised for it)")
def deep_recursion(subject):
    @subject.tool
    def heron(depth):
        return depth if depth == 900 else heron(depth + 1)

    before = sys.getrecursionlimit()
    sys.setrecursionlimit(20_000)
    try:
        assert heron(1) == 900
    finally:
        sys.setrecursionlimit(before)
    if subject.records:
        _chain(subject.spans(), 900)


@check(row=16, says="the same for coroutines, 300 deep")
def deep_coroutines(subject):
    @subject.tool
    async def heron(depth):
        return depth if depth == 300 else await heron(depth + 1)

    before = sys.getrecursionlimit()
    sys.setrecursionlimit(20_000)
    try:
        assert asyncio.run(heron(1)) == 300
    finally:
        sys.setrecursionlimit(before)
    if subject.records:
        _chain(subject.spans(), 300)


def _chain(spans, length):
    found = [one for one in spans if "heron" in one.name]
    assert len(found) == length, f"there are {len(found)} spans"
    (root,) = roots(found)
    children = {one.parent_id: one for one in found}
    assert len(children) == length, "two have one parent"
    reached, here = 1, root
    while here.span_id in children:
        here = children[here.span_id]
        reached += 1
    assert reached == length, f"the chain is {reached} long"
    assert {one.trace_id for one in found} == {root.trace_id}


@check(row=16, says="1 000 concurrent tasks under one call, each with a call of its own below it: the right tree")
def concurrent_tasks(subject):
    @subject.tool
    async def stork(number):
        await asyncio.sleep(0)
        return number

    @subject.tool
    async def egret(number):
        await asyncio.sleep(0)
        return await stork(number)

    @subject.agent
    async def heron():
        return await asyncio.gather(*(egret(number) for number in range(1_000)))

    assert asyncio.run(heron()) == list(range(1_000))
    if subject.records:
        spans = subject.spans()
        top = only(spans, "heron")
        middle = {one.span_id: one for one in spans if "egret" in one.name}
        lowest = [one for one in spans if "stork" in one.name]
        assert (len(middle), len(lowest)) == (1_000, 1_000)
        assert all(below(one, top) for one in middle.values())
        assert {one.parent_id for one in lowest} == set(middle)


@check(row=16, says="10 000 calls under one: each is below it, none is lost")
def many_children(subject):
    @subject.tool
    def stork(number):
        return number

    @subject.agent
    def heron():
        return sum(stork(number) for number in range(10_000))

    assert heron() == 49_995_000
    if subject.records:
        spans = subject.spans()
        top = only(spans, "heron")
        children = [one for one in spans if "stork" in one.name]
        assert len(children) == 10_000, f"there are {len(children)}"
        assert all(below(one, top) for one in children)


@check(row=16, says="linear cost: of 10 000 calls under one, the last 2 000 take at most 3 times the first", timed=True)
def linear_cost(subject):
    @subject.tool
    def stork(number):
        return number

    @subject.agent
    def heron():
        took = []
        for _ in range(5):
            began = time.perf_counter()
            for number in range(2_000):
                stork(number)
            took.append(time.perf_counter() - began)
        return took

    ratios = []
    for _ in range(3):
        first, *_rest, last = heron()
        ratios.append(last / first)
    assert min(ratios) <= 3, f"they take {min(ratios):.1f} times as long"


@check(row=17, says="decorated twice: run once a call, the same result, silently; one span or two, in one tree")
def decorated_twice(subject):
    runs = []

    @subject.tool
    @subject.tool
    def heron(what):
        runs.append(what)
        return what

    with silence():
        assert heron("a") == "a"
        assert runs == ["a"]
        if subject.records:
            found = [one for one in subject.spans() if "heron" in one.name]
            assert len(found) in {1, 2}, f"there are {len(found)} spans"
            assert len(roots(found)) == 1
            assert len({one.trace_id for one in found}) == 1


@check(row=17, says="decorated twice, functions of all kinds stay what they are")
def decorated_twice_stays(subject):
    @subject.tool
    @subject.tool
    async def heron(what: str) -> str:
        return what

    @subject.tool
    @subject.tool
    def gheron(what: str):
        yield what

    assert inspect.iscoroutinefunction(heron)
    assert inspect.isgeneratorfunction(gheron)
    assert list(inspect.signature(heron).parameters) == ["what"]
    assert (asyncio.run(heron("a")), list(gheron("a"))) == ("a", ["a"])


@check(row=17, says="an agent over a tool: both spans, the tool's below the agent's")
def agent_over_tool(subject):
    @subject.agent(name="pelican")
    @subject.tool(name="stork")
    def heron(what):
        return what

    with silence():
        assert heron("a") == "a"
        if subject.records:
            spans = subject.spans()
            assert len(spans) == 2, f"there are {len(spans)} spans"
            assert below(only(spans, "stork"), only(spans, "pelican"))


_LIBRARY = """
    import asyncio

    @tool
    def heron(what):
        return what

    @agent
    async def aheron(what):
        return heron(what)

    @tool
    def gheron(count):
        yield from range(count)

    assert heron("a") == "a"
    assert asyncio.run(aheron("b")) == "b"
    assert list(gheron(2)) == [0, 1]
"""


@check(row=17, says="decorated in a library that nobody configures: it works, says nothing and ends well", alone=True)
def unconfigured_is_silent(subject):
    ran = run(subject, _LIBRARY, configured=False, file=False, state="unconfigured")
    assert ran.code == 0, ran.reason
    assert (ran.out, ran.err) == ("", ""), f"it says: {(ran.out + ran.err).strip()[:160]}"


@check(row=17, says="the same where warnings are errors", alone=True)
def unconfigured_raises_no_warning(subject):
    body = "    import warnings\n    warnings.simplefilter('error')\n" + _LIBRARY
    ran = run(subject, body, configured=False, file=False, state="unconfigured")
    assert ran.code == 0, ran.reason
