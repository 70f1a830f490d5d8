"""Programs of any shape make the tree that they look like: parent, run and session of every span."""

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.trace import TracerProvider

from ams_sdk import agent, session, span, tool, workflow


@dataclass
class Node:
    """A piece of a program, and what is inside of it."""

    kind: str
    children: list = field(default_factory=list)
    number: int = 0


CALLS = ("agent", "tool", "span", "workflow")
KINDS = (*CALLS, "async agent", "generator", "left generator", "async generator", "thread", "pool", "session")
LEAF = st.sampled_from(CALLS).map(Node)
NODE = st.recursive(
    LEAF, lambda inner: st.builds(Node, st.sampled_from(KINDS), st.lists(inner, max_size=4)), max_leaves=14
)


def work(number, node):
    run(node.children)
    return number


@agent(capture="input", exclude=["node"])
def an_agent(number, node):
    return work(number, node)


@tool(capture="input", exclude=["node"])
def a_tool(number, node):
    return work(number, node)


@span(capture="input", exclude=["node"])
def a_span(number, node):
    return work(number, node)


@workflow(capture="input", exclude=["node"])
def a_workflow(number, node):
    return work(number, node)


@agent(capture="input", exclude=["node"])
async def an_async_agent(number, node):
    await asyncio.sleep(0)
    return await asyncio.create_task(asyncio.to_thread(work, number, node))


@tool(capture="input", exclude=["node"])
def a_generator(number, node):
    for child in node.children:
        run([child])
        yield number


@agent(capture="input", exclude=["node"])
async def an_async_generator(number, node):
    for child in node.children:
        await asyncio.to_thread(run, [child])
        yield number


def run(nodes):
    for node in nodes:
        one(node)


def one(node):
    match node.kind:
        case "thread":
            thread = threading.Thread(target=run, args=(node.children,))
            thread.start()
            thread.join()
        case "pool":
            with ThreadPoolExecutor(2) as pool:
                list(pool.map(one, node.children))
        case "session":
            with session(f"s{node.number}"):
                run(node.children)
        case "generator" | "left generator":
            generator = a_generator(node.number, node)
            for _ in generator:
                a_tool(-node.number, Node("tool"))  # the consumer's
                if node.kind == "left generator":
                    break
            generator.close()
        case "async generator":
            asyncio.run(consume(node))
        case "async agent":
            asyncio.run(an_async_agent(node.number, node))
        case _:
            {"agent": an_agent, "tool": a_tool, "span": a_span, "workflow": a_workflow}[node.kind](node.number, node)


async def consume(node):
    async for _ in an_async_generator(node.number, node):
        a_tool(-node.number, Node("tool"))


def expected(nodes, parent, of_agent, conversation, found):
    """By number, the parent's, the agent's and the session's; of the consumer's calls, below zero, as well."""
    for node in nodes:
        if node.kind in {"thread", "pool"}:
            expected(node.children, parent, of_agent, conversation, found)
        elif node.kind == "session":
            expected(node.children, parent, of_agent, f"s{node.number}", found)
        else:
            is_agent = node.kind in {"agent", "async agent", "async generator"}
            children = node.children[:1] if node.kind == "left generator" else node.children
            found[node.number] = parent, node.number if is_agent else of_agent, conversation
            if "generator" in node.kind and children:
                found[-node.number] = parent, of_agent, conversation
            expected(children, node.number, node.number if is_agent else of_agent, conversation, found)
    return found


def number_all(nodes, start):
    for node in nodes:
        start += 1
        node.number = start
        start = number_all(node.children, start)
    return start


def seen(spans):
    numbers = {one.context.span_id: number_of(one) for one in spans}
    runs = {one.attributes["ams.run.id"]: number_of(one) for one in spans if one.name.startswith("invoke_agent")}
    return {
        number_of(one): (
            numbers[one.parent.span_id] if one.parent else None,
            runs.get(one.attributes.get("ams.run.id")),
            one.attributes.get("gen_ai.conversation.id"),
        )
        for one in spans
    }


def number_of(one):
    (given_,) = [v for k, v in one.attributes.items() if k in {"ams.input", "gen_ai.tool.call.arguments"}]
    return json.loads(given_)["number"]


@pytest.mark.parametrize("whose", ["ours", "theirs"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(nodes=st.lists(NODE, min_size=1, max_size=3))
def test_every_span_is_where_the_program_made_it(unconfigured_recorder, whose, nodes):
    recorder = type(unconfigured_recorder)()  # a new one for each program
    provider = TracerProvider(shutdown_on_exit=False) if whose == "theirs" else None
    recorder.configure(provider=provider)
    number_all(nodes, 0)
    run(nodes)
    assert seen(recorder.spans) == expected(nodes, None, None, None, {})
