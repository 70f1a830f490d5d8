"""What type checkers must see through the decorators; mypy and pyright read this file, nothing runs it."""

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar, assert_type, overload

import ams_sdk
from ams_sdk import agent, tool, wire

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


class Desk:
    @tool
    def look(self, where: str) -> bytes:
        return where.encode()

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

plain: Callable[[str], Coroutine[Any, Any, str]] = bare_agent


async def awaited() -> None:
    assert_type(await bare_agent("why"), str)
    assert_type(await called_agent("why", depth=2), dict[str, int])
    assert_type(await Desk.fetch("1"), float)
    await bare_agent(question=1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    called_agent("why")  # type: ignore[unused-coroutine]  # pyright: ignore[reportUnusedCoroutine]


# A wrong argument is an error; where it is not, the comment below it is the error that the checkers report.
bare(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
called("otters")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
agent(verison="1")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
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
