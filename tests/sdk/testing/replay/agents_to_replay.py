"""Agents of many kinds; what their tools do is what a replay must not need."""

# ruff: noqa: TC003 -- annotations are evaluated

from __future__ import annotations

import dataclasses
import json
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import httpx

from ams_sdk import agent, model_call, tool


class StrangeError(Exception):
    def __init__(self, what, code):
        super().__init__(f"{what}: {code}")


@dataclasses.dataclass
class Topic:
    name: str
    since: date


@tool
def search(query: str, **more: object) -> list[str]:
    if query == "missing":
        raise LookupError("nothing found")
    if query == "strange":
        raise StrangeError("strange", 3)
    if query == "key":
        raise KeyError("it's")
    if query == "local":

        class LocalError(Exception):
            pass

        raise LocalError("here")
    if query == "secret":
        return ["sk-proj-" + "a1B2" * 10]
    return [b"abc"] if query == "bytes" else [f"{query} float"]


def ask(messages, before=lambda: None):
    tools = [{"type": "function", "function": {"name": "search", "parameters": {"type": "object"}}}]
    with model_call(provider="openai", model="gpt-5", messages=messages) as call:
        before()
        response = httpx.post(
            f"{os.environ['OPENAI_BASE_URL']}/chat/completions",
            json={"model": "gpt-5", "messages": messages, "tools": tools},
            headers={"Authorization": f"Bearer {os.environ['OPENAI_API_KEY']}"},
        )
        response.raise_for_status()
        call.record(response.json())
    return response.json()["choices"][0]["message"]


@agent
def researcher(question: str) -> str:
    messages = [{"role": "user", "content": question}]
    while "tool_calls" in (said := ask(messages)):
        messages.append(said)
        for call in said["tool_calls"]:
            try:
                found = json.dumps(search(**json.loads(call["function"]["arguments"])), default=str)
            except Exception as problem:  # noqa: BLE001 -- whatever a tool raises
                found = str(problem)
            messages.append({"role": "tool", "tool_call_id": call["id"], "content": found})
    return said["content"] or said["refusal"] or ""


@agent
def thinker(question: str) -> list[str]:
    said = []
    for _ in range(2):
        with model_call(provider="anthropic", model="claude", messages=question) as call:
            response = httpx.post(
                f"{os.environ['ANTHROPIC_BASE_URL']}/v1/messages",
                json={
                    "model": "claude",
                    "max_tokens": 2048,
                    "messages": [{"role": "user", "content": question}],
                    "thinking": {"type": "enabled", "budget_tokens": 1024},
                },
                headers={"x-api-key": "any", "anthropic-version": "2023-06-01"},
            )
            response.raise_for_status()
            call.record(response.json())
        said += [part.get("text") or part.get("thinking") for part in response.json()["content"]]
    return said


@agent
def settled(topic: Topic, *, limit: int) -> Topic:
    assert isinstance(topic, Topic)
    return dataclasses.replace(topic, name=topic.name * limit)


@agent
def variadic(first: int, *rest: int, **named: int) -> int:
    return first + sum(rest) + sum(named.values())


@agent
class Clerk:
    def run(self, question: str) -> str:
        return f"{question}!"


class Desk:
    @agent
    def answer(self, question: str) -> str:
        return f"{question}!"


@agent
def streaming(count: int) -> Iterator[int]:
    yield from range(count)


@agent
async def run(question: str) -> str:
    return question


@agent
def nothing() -> None:
    """Do nothing."""


@agent
def keyword(*, question: str) -> str:
    return question


@agent
def inner(question: str) -> str:
    return question


@agent
def failing(question: str) -> str:
    if question == "local":

        class LocalError(Exception):
            pass

        raise LocalError("here")
    raise StrangeError(question, 3)


@tool
def delegate(task: str) -> str:
    return researcher(task)


@agent
def editor(task: str) -> str:
    return f"{delegate(task)} {ask([{'role': 'user', 'content': task}])['content']}"


@tool
def embed(text: str) -> list[float]:
    with model_call(provider="openai", model="small", operation="embeddings", messages=text) as call:
        call.record({"data": [{"embedding": [0.5, 1.5]}]})
    return [0.5, 1.5]


@agent
def embedding(text: str) -> float:
    return sum(embed(text))


meeting = threading.Barrier(2)


@tool
def slow(number: int) -> int:
    meeting.wait(10)
    return number


@agent
def parallel(task: str) -> int:
    with ThreadPoolExecutor(2) as pool:
        return sum(pool.map(slow, (1, 2)))


@tool
def log_in(user: str, password: str) -> bool:
    return bool(user and password)


@agent
def with_secret(task: str) -> bool:
    return log_in("ada", password="swordfish-" + str(len(task)))


@agent
def with_local_tool(task: str) -> str:
    @tool
    def local(task: str) -> str:
        return task

    return local(task)


@agent(capture="input")
def no_output(task: str) -> str:
    return task


@tool(capture="input")
def quiet(task: str) -> str:
    return task


@agent
def quiet_tool_user(task: str) -> str:
    return quiet(task)


@tool
def breaking(task: str) -> Iterator[str]:
    yield task
    raise LookupError


@agent
def breaks_off(task: str) -> str:
    try:
        return "".join(breaking(task))
    except LookupError:
        return ""


def _asks(response, **options):
    with model_call(**{"provider": "openai", "model": "m", "messages": "a", **options}) as call:
        if isinstance(response, Exception):
            raise response
        call.record(response)


@agent
def asks_bedrock(task: str) -> None:
    _asks("so", provider="aws.bedrock")


@agent
def asks_embeddings(task: str) -> None:
    _asks({"data": [{"embedding": [1.0]}]}, operation="embeddings")


@agent
def asks_nobody(task: str) -> str:
    try:
        _asks(RuntimeError("no idea"))
    except RuntimeError:
        return "so"


@agent
def asks_twice(task: str) -> None:
    _asks({"choices": [{"message": {"role": "assistant", "content": one}} for one in "ab"]})


@agent
def asks_for_image(task: str) -> None:
    image = {"type": "image", "source": {"type": "base64", "data": "AAAA", "media_type": "image/png"}}
    _asks({"role": "assistant", "type": "message", "content": [image]})


asked_first = {"task": "on land"}
was_asked = threading.Event()


@agent
def leader(task: str) -> list[str]:
    was_asked.clear()
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(worked, (f"{task} on land", f"{task} at sea")))


def worked(task):
    messages = [{"role": "user", "content": task}]
    said = ask(messages, before=lambda: in_turn(task))["content"]
    was_asked.set()
    return (
        said + ask([*messages, {"role": "assistant", "content": said}, {"role": "user", "content": "And?"}])["content"]
    )


def in_turn(task):
    meeting.wait(10)
    if not task.endswith(asked_first["task"]):
        was_asked.wait(10)


@agent
def twins(task: str) -> list[str]:
    messages = [{"role": "user", "content": task}]
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda _: ask(messages, before=lambda: meeting.wait(10))["content"], range(2)))
