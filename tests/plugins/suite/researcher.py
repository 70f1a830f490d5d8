"""The code under test: an agent in each of its shapes, with tracers that were made at import."""

from __future__ import annotations

import contextvars
from concurrent.futures import ThreadPoolExecutor

from opentelemetry import trace

from ams_sdk import agent, tool

tracer = trace.get_tracer("a.library")


@tool
def search(query: str) -> list[str]:
    with tracer.start_as_current_span("index"):
        return [f"{query} float"]


@agent(version="1.2.0")
def researcher(question: str) -> str:
    return search(question)[0]


@agent
async def reader(question: str) -> str:
    return researcher(question)


@agent
def crowd(number: int) -> int:
    with ThreadPoolExecutor(2) as threads:
        return len(list(threads.map(search, map(str, range(number)))))


seen = contextvars.ContextVar[str]("seen", default="")
