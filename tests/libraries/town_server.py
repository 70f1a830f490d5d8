"""An MCP server on stdio, as a process of its own: it knows how many people live where, and which trace asks."""

from mcp.server.mcpserver import MCPServer
from opentelemetry import trace

server = MCPServer("towns")


@server.tool()
def population(city: str) -> str:
    """How many people live in a city."""
    asking = trace.get_current_span().get_span_context()
    return f"{ {'Oslo': 717_710}[city] } {asking.trace_id:032x}"


if __name__ == "__main__":
    server.run("stdio")
