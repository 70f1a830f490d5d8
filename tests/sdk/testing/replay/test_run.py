from __future__ import annotations

import asyncio
import dataclasses
import functools
from collections.abc import AsyncIterator, Iterator  # noqa: TC003 -- evaluated
from datetime import date

import pytest

from ams_sdk import ConfigurationError, agent
from ams_sdk.testing import run


@dataclasses.dataclass
class Topic:
    name: str
    since: date


@agent
def plain(topic: Topic, *more: date, **named: date) -> object:
    return topic, more, named


@agent
async def asynchronous(topic: Topic) -> Topic:
    await asyncio.sleep(0)
    return topic


@agent
def streaming(count: int) -> Iterator[int]:
    yield from range(count)


@agent
async def streaming_later(count: int) -> AsyncIterator[int]:
    for one in range(count):
        await asyncio.sleep(0)
        yield one


@agent
def by_name_only(*, question: str) -> str:
    return question


@agent
def by_place_only(question: str, limit: int = 3, /) -> tuple[str, int]:
    return question, limit


@agent
class Researcher:
    def run(self, question: str) -> str:
        return question


@agent(entrypoint="answer")
class Made:
    def __init__(self, desk):
        self.desk = desk

    def answer(self, question: str) -> str:
        return question


def plain_at_first(topic):
    return asynchronous(topic)


class Desk:
    @agent
    async def answer(self, question: str) -> str:
        return question


TOPIC = {"name": "otters", "since": "2026-01-31"}
REBUILT = Topic("otters", date(2026, 1, 31))


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (
            lambda: run(plain, TOPIC, "2026-02-01", last="2026-03-01"),
            (REBUILT, (date(2026, 2, 1),), {"last": date(2026, 3, 1)}),
        ),
        (lambda: run(plain, topic=REBUILT), (REBUILT, (), {})),
        (lambda: run(asynchronous, topic=TOPIC), REBUILT),
        (lambda: run(streaming, 3), [0, 1, 2]),
        (lambda: run(streaming_later, count=3), [0, 1, 2]),
        (lambda: run(by_name_only, "why?"), "why?"),
        (lambda: run(by_place_only, question="why?", limit=2), ("why?", 2)),
        (lambda: run(by_place_only, question="why?"), ("why?", 3)),
        (lambda: run(Researcher, "why?"), "why?"),
        (lambda: run(Researcher().run, question="why?"), "why?"),
        (lambda: run(Desk().answer, "why?"), "why?"),
        (lambda: run(functools.partial(plain, TOPIC)), (TOPIC, (), {})),
        (lambda: run(max, 1, 2), 2),
    ],
)
def test_an_agent_of_any_shape_gives_its_result(call, expected):
    assert call() == expected


@pytest.mark.parametrize("subject", [asynchronous, streaming_later, functools.partial(asynchronous), plain_at_first])
def test_what_has_to_wait_is_refused_inside_of_a_loop(subject):
    async def inside():
        run(subject, 1)

    with pytest.raises(ConfigurationError, match="an event loop runs here already: write await"):
        asyncio.run(inside())


def test_what_need_not_wait_runs_inside_of_a_loop_too():
    async def inside():
        return run(by_name_only, "why?")

    assert asyncio.run(inside()) == "why?"


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: run("researcher"), "write the agent's function"),
        (lambda: run(Made, "why?"), "run(Made): an instance needs arguments"),
        (lambda: run(Desk, "why?"), "not decorated with @agent"),
    ],
)
def test_misuse_is_told_what_to_write(call, says):
    with pytest.raises(ConfigurationError) as caught:
        call()
    assert says in str(caught.value)


def test_wrong_arguments_are_the_type_error_of_the_call():
    with pytest.raises(TypeError, match="question"):
        run(by_name_only, nothing=1)
