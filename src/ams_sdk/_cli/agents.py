"""``ams agents``: the registry, to look at."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click
from rich.table import Table
from rich.text import Text

from ams_sdk._cli import terminal
from ams_sdk._cli.command_group import CommandGroup, Entry
from ams_sdk._cli.duration import relative
from ams_sdk._cli.missing import looking_for
from ams_sdk._cli.moment import local
from ams_sdk._cli.options import cursor_option, endpoint_option, json_option, limit_option
from ams_sdk._cli.plain_text import safe, shortened
from ams_sdk._client import Client

if TYPE_CHECKING:
    from ams_sdk.wire import Agent, AgentStatus

__all__ = ["agents", "list_", "print_agent", "show"]

_DESCRIPTION = 60
_VERSION = 20

agents = CommandGroup(
    "agents",
    (
        Entry("list", "ams_sdk._cli.agents:list_", "List your agents."),
        Entry("show", "ams_sdk._cli.agents:show", "Show one agent."),
    ),
    help="Look at registered agents. An agent registers itself when its program runs.",
)


@click.command("list")
@click.option("--status", type=click.Choice(["active", "deprecated"]), help="Only agents of this status.")
@click.option("-q", "--query", metavar="TEXT", help="Only agents that have this text in name or description.")
@limit_option
@cursor_option
@endpoint_option
@json_option
def list_(  # noqa: PLR0913 -- one argument an option
    status: AgentStatus | None,
    query: str | None,
    limit: int | None,
    cursor: str | None,
    endpoint: str | None,
    *,
    as_json: bool,
) -> None:
    """List your agents.

    \b
    Examples:
      ams agents list
      ams agents list --status active -q research
      ams agents list --json
    """  # noqa: D301 -- \b is click's mark for a paragraph that keeps its lines
    with Client(endpoint=endpoint) as client:
        page = client.agents.list(status=status, q=query, limit=limit, cursor=cursor)
    if as_json:
        terminal.print_document(page)
        return
    if page.items:
        _print_table(page.items)
    else:
        filtered = any(one is not None for one in (status, query, cursor))
        nothing = "No agents here. A program that uses @ams_sdk.agent registers its agents when it runs."
        click.echo("No agent matches." if filtered else nothing)
    if page.next_cursor:
        click.echo(f"There are more: add --cursor {safe(page.next_cursor)}")


@click.command("show")
@click.argument("name_or_id", metavar="NAME_OR_ID")
@endpoint_option
@json_option
def show(name_or_id: str, endpoint: str | None, *, as_json: bool) -> None:
    """Show one agent: its newest revision, its tools and labels.

    \b
    Examples:
      ams agents show researcher
      ams agents show 1b4e28ba-2fa1-11d2-883f-0016d3cca427 --json
    """  # noqa: D301 -- \b is click's mark for a paragraph that keeps its lines
    with Client(endpoint=endpoint) as client, looking_for("agent", name_or_id, client.endpoint):
        agent = client.agents.get(name_or_id)
    if as_json:
        terminal.print_document(agent)
    else:
        print_agent(agent)


def _print_table(agents: list[Agent]) -> None:
    target = terminal.console()
    wide = terminal.is_wide(target)
    more = ("ID", "DESCRIPTION") if wide else ()
    table = terminal.table(target, "NAME", "VERSION", "STATUS", "CHANGED", *more, elastic={"NAME", "DESCRIPTION"})
    now = datetime.now(UTC)
    for agent in agents:
        texts = [agent.name, shortened(agent.revision.version, _VERSION), agent.status, relative(agent.updated_at, now)]
        if wide:
            texts += [str(agent.id), shortened(agent.description or "", _DESCRIPTION)]
        table.add_row(*(terminal.cell(text) for text in texts))
    terminal.show(table)


def print_agent(agent: Agent) -> None:
    """Print one agent for a person."""
    revision = agent.revision
    terminal.show(Text(safe(agent.name), style="bold"))
    facts = {
        "id": str(agent.id),
        "status": agent.status,
        "version": f"{revision.version} (revision {revision.number})",
        "fingerprint": revision.fingerprint,
        "model": revision.model,
        "framework": revision.framework,
        "sdk": revision.sdk,
        "created": local(agent.created_at),
        "changed": local(agent.updated_at),
        "labels": ", ".join(f"{name}={value}" for name, value in agent.labels.items()),
        "description": agent.description,
    }
    rows = [(name, value) for name, value in facts.items() if value]
    rows += [("tool", f"{tool.name}  {tool.description or ''}".rstrip()) for tool in revision.tools]
    rows += [("skill", f"{skill.name}  {skill.description}".rstrip()) for skill in revision.skills]
    table = Table.grid("", "", padding=(0, 2, 0, 0))
    for name, value in rows:
        table.add_row(Text(name, style="dim"), Text(safe(value), overflow="fold"))
    terminal.show(table)
