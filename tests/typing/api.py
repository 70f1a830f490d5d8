"""What type checkers must see through the decorators; mypy and pyright read this file, nothing runs it."""

import functools
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Coroutine, Generator, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar, assert_type, overload

import ams_sdk
from ams_sdk import (
    ModelCall,
    Run,
    Secret,
    agent,
    current_run,
    extract,
    inject,
    model_call,
    session,
    span,
    tool,
    wire,
    workflow,
)

T = TypeVar("T")


@tool
def bare(query: str, limit: int = 3) -> list[str]:
    return [query] * limit


@tool(name="called", description="…")
def called(query: str, /, *, limit: int) -> list[str]:
    return [query] * limit


@agent
async def bare_agent(question: str) -> str:
    return question


@agent(name="called", version="1", description="…", tools=[bare, called])
async def called_agent(question: str, *, depth: int = 1) -> dict[str, int]:
    return {question: depth}


@tool
def generic(value: T) -> list[T]:
    return [value]


@overload
def either(value: int) -> int: ...
@overload
def either(value: str) -> str: ...
@tool
def either(value: int | str) -> int | str:
    return value


@agent
def stream(question: str) -> Generator[str, int, bytes]:
    sent = yield question
    return bytes(sent)


@agent(version="1", capture="input", exclude=("question",))
async def astream(question: str) -> AsyncIterator[str]:
    yield question


@workflow
async def atwo_ways(question: str) -> AsyncGenerator[int, str]:
    yield len(question)


@workflow(name="both")
def both(question: str) -> Iterator[str]:
    yield question


@span
def step(what: T) -> T:
    return what


@span(operation="retrieval", attributes={"gen_ai.data_source.id": "handbook", "counts": [1, 2]})
def retrieve(query: str, secret: Annotated[str, Secret] = "") -> list[str]:
    return [query, secret]


@agent
class Librarian:
    shelf: str = ""

    def run(self, title: str) -> bytes:
        return title.encode()


@agent(entrypoint="search", version="2")
class Shelf(Generic[T]):
    def __init__(self, first: T) -> None:
        self.first = first

    def search(self, title: str) -> tuple[T, str]:
        return self.first, title


@tool
@dataclass
class Search:
    limit: int = 3

    async def __call__(self, query: str) -> list[str]:
        return [query] * self.limit


class Desk:
    @tool
    @staticmethod
    def above_static(what: str) -> int:
        return len(what)

    @tool
    @classmethod
    def above_class(cls, what: str) -> "Desk":
        return cls() if what else Desk()

    @agent(capture="none")
    @classmethod
    async def called_above_class(cls, what: str) -> str:
        return what

    @tool
    def look(self, where: str) -> bytes:
        return where.encode()

    def __call__(self) -> int:
        return 3

    @classmethod
    @agent(version="1")
    def make(cls, name: str) -> "Desk":
        return cls() if name else Desk()

    @staticmethod
    @tool
    async def fetch(name: str) -> float:
        return float(name)


assert_type(bare("otters"), list[str])
assert_type(called("otters", limit=1), list[str])
assert_type(generic(3), list[int])
assert_type(generic("a"), list[str])
assert_type(either(3), int)
assert_type(either("a"), str)
assert_type(Desk().look("up"), bytes)
assert_type(Desk.make("oak"), Desk)

assert_type(stream("why"), Generator[str, int, bytes])
assert_type(astream("why"), AsyncIterator[str])
assert_type(atwo_ways("why"), AsyncGenerator[int, str])
assert_type(both("why"), Iterator[str])
assert_type(step(3), int)
assert_type(retrieve("why", secret="x"), list[str])
assert_type(Librarian().run("a"), bytes)
assert_type(Librarian().shelf, str)
assert_type(Shelf(3).search("a"), tuple[int, str])
assert_type(Shelf("a").first, str)
assert_type(Search(limit=2), Search)
assert_type(Desk.above_static("a"), int)
assert_type(Desk().above_static("a"), int)
assert_type(Desk.above_class("a"), Desk)
assert_type(tool(functools.partial(called, limit=3))("a"), list[str])
assert_type(tool(Desk().look)("up"), bytes)
assert_type(tool(Desk())(), int)


class Sub(Librarian):
    pass


assert_type(Sub().run("a"), bytes)
assert_type(isinstance(Sub(), Librarian), bool)

plain: Callable[[str], Coroutine[Any, Any, str]] = bare_agent
kind: type[Librarian] = Librarian


@session("c", user="u", tags=["beta"], metadata={"plan": "free"})
def handler(what: str) -> int:
    return len(what)


@session()
async def ahandler(what: str) -> int:
    return len(what)


assert_type(handler("a"), int)
assert_type(current_run(), Run)
assert_type(current_run().id, str)
current_run().set({"order.id": 7}, customer="acme")
current_run().event("looked", where="shelf")
current_run().feedback(0.5, label="fair")
assert_type(inject(dict[str, str]()), dict[str, str])

with session("c") as conversation, extract({"traceparent": "…"}):
    assert_type(conversation, str)
with extract([(b"traceparent", b"...")]):
    pass


async def awaited() -> None:
    assert_type(await bare_agent("why"), str)
    assert_type(await called_agent("why", depth=2), dict[str, int])
    assert_type(await Desk.fetch("1"), float)
    assert_type(await Desk.called_above_class("1"), str)
    assert_type(await Search()("a"), list[str])
    assert_type(await ahandler("a"), int)
    async for text in astream("why"):
        assert_type(text, str)
    async with session("c") as conversation:
        assert_type(conversation, str)
    await bare_agent(question=1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    called_agent("why")  # type: ignore[unused-coroutine]  # pyright: ignore[reportUnusedCoroutine]


# A wrong argument is an error; where it is not, the comment below it is the error that the checkers report.
bare(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
called("otters")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
agent(verison="1")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
stream(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
Librarian().run(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
Search(limit="a")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
Desk.above_static(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
Desk.above_class(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
handler(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
agent(capture="everything")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
agent(3)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]

ams_sdk.configure(endpoint="http://127.0.0.1:8787", sample_rate=0.5)
ams_sdk.configure("http://127.0.0.1:8787")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
assert_type(ams_sdk.flush(timeout=1.0), bool)
assert_type(ams_sdk.shutdown(), bool)
assert_type(ams_sdk.stats().exported, dict[str, int])


def clients(client: ams_sdk.Client) -> None:
    assert_type(client.users.me(), wire.User)
    assert_type(client.auth.login(email="a", password="b"), wire.Token)
    assert_type(client.agents.list(), wire.Page[wire.Agent])
    assert_type(client.agents.get("a"), wire.Agent)
    assert_type(client.traces.get("a"), wire.Trace)


async def async_clients(client: ams_sdk.AsyncClient) -> None:
    assert_type(await client.users.me(), wire.User)
    assert_type(await client.traces.list(), wire.Page[wire.TraceSummary])


@model_call(provider="openai", model="gpt-5", temperature=0.5)
def asked(prompt: str, *, depth: int = 1) -> dict[str, int]:
    return {prompt: depth}


@model_call(provider="openai")
async def asked_async(prompt: str) -> bytes:
    return prompt.encode()


@model_call(provider="openai", operation="generate_content", capture="output")
def streamed(prompt: str) -> Iterator[str]:
    yield prompt


@model_call(provider="openai")
async def streamed_async(prompt: str) -> AsyncIterator[int]:
    yield len(prompt)


assert_type(asked("why", depth=2), dict[str, int])
assert_type(streamed("why"), Iterator[str])
assert_type(streamed_async("why"), AsyncIterator[int])
asked(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
model_call()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
model_call(provider="openai", temprature=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
model_call(provider="openai", operation="talk")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

with model_call(provider="openai", messages=[{"role": "user", "content": "why"}], tools=[bare]) as call:
    assert_type(call, ModelCall)
    call.record(object())
    for number in call.stream([1, 2]):
        assert_type(number, int)
    with call.stream(iter("ab")) as letters:
        assert_type(next(letters), str)
        letters.close()
    call.chunk("a")
    call.usage(input_tokens=1, cache_read=1)
    call.finish("stop")
    call.set(**{"my.name": 1})


async def streamed_by_hand(chunks: AsyncIterable[bytes]) -> None:
    assert_type(await asked_async("why"), bytes)
    async with model_call(provider="openai") as call:
        assert_type(call, ModelCall)
        async for chunk in call.stream(chunks):
            assert_type(chunk, bytes)
        await call.stream(chunks).aclose()
