import asyncio
import sys
from pathlib import Path

from tests.libraries import departures
from tests.libraries.installed import needs
from tests.libraries.traces import assert_conventional, assert_one_trace, tree

from ams_sdk import agent, tool

pytestmark = needs("mcp")

SERVER = Path(__file__).with_name("town_server.py")


def test_a_server_in_this_process_is_traced_below_the_agent_that_calls_it(recorder, traced):
    from mcp.client import Client
    from mcp.server.mcpserver import MCPServer

    server = MCPServer("towns")

    @server.tool()
    @tool
    def population(city: str) -> int:
        return {"Oslo": 717_710}[city]

    @agent
    async def assistant(city: str) -> str:
        async with Client(server) as client:
            return (await client.call_tool("population", {"city": city})).content[0].text

    assert asyncio.run(assistant("Oslo")) == "717710"
    spans = recorder.spans
    assert_one_trace(spans)
    served = [below for below in tree(spans)[0][1] if below[0].startswith("tools/call")]
    assert served == [("tools/call population", [("execute_tool population", [])])]
    assert "mcp" not in traced()  # it traces itself
    assert_conventional(spans, {departures.MCP: set()})


def test_a_server_in_another_process_learns_which_trace_asks(recorder):
    from mcp.client.client import Client
    from mcp.client.stdio import StdioServerParameters, stdio_client

    @agent
    async def assistant(city: str) -> str:
        process = StdioServerParameters(command=sys.executable, args=[str(SERVER)])
        async with Client(stdio_client(process)) as client:
            return (await client.call_tool("population", {"city": city})).content[0].text

    people, asking = asyncio.run(assistant("Oslo")).split()
    spans = recorder.spans
    assert_one_trace(spans)
    assert people == "717710"
    assert asking == f"{spans[0].context.trace_id:032x}"
    assert "MCP send tools/call population" in [name for name, _ in tree(spans)[0][1]]
    assert_conventional(spans, {departures.MCP: {"mcp: the span's name is not the method and its target"}})
