"""``ams traces``: what agents did, to look at."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from ams_sdk._cli import terminal
from ams_sdk._cli.command_group import CommandGroup, Entry
from ams_sdk._cli.duration import human, relative
from ams_sdk._cli.missing import looking_for
from ams_sdk._cli.moment import moment, seconds
from ams_sdk._cli.options import cursor_option, endpoint_option, json_option, limit_option
from ams_sdk._cli.plain_text import safe, shortened
from ams_sdk._cli.trace_tree import trace_tree
from ams_sdk._client import Client

if TYPE_CHECKING:
    from rich.text import Text

    from ams_sdk.wire import TraceStatus, TraceSummary

__all__ = ["list_", "show", "traces"]

_NAME = 40

traces = CommandGroup(
    "traces",
    (
        Entry("list", "ams_sdk._cli.traces:list_", "List traces, newest first."),
        Entry("show", "ams_sdk._cli.traces:show", "Show one trace as a tree."),
        Entry("to-test", "ams_sdk._cli.to_test:to_test", "Write a test that replays a recorded run."),
    ),
    help="Look at what agents did.",
)


@click.command("list")
@click.option("--agent", metavar="NAME_OR_ID", help="Only traces of this agent.")
@click.option("--status", type=click.Choice(["ok", "error"]), help="Only traces that ended so.")
@click.option("--session", metavar="ID", help="Only traces of this conversation.")
@click.option("--since", type=moment, metavar="WHEN", help="Only traces that started then or later: 2h, 2026-01-31.")
@click.option("--until", type=moment, metavar="WHEN", help="Only traces that started before.")
@click.option("--min-duration", type=seconds, metavar="TIME", help="Only traces that took as long: 500ms, 2s.")
@click.option("-q", "--query", metavar="TEXT", help="Only traces with this text in their name, agent or id.")
@limit_option
@cursor_option
@endpoint_option
@json_option
def list_(  # noqa: PLR0913, PLR0917 -- one argument an option, passed by name
    agent: str | None,
    status: TraceStatus | None,
    session: str | None,
    since: datetime | None,
    until: datetime | None,
    min_duration: float | None,
    query: str | None,
    limit: int | None,
    cursor: str | None,
    endpoint: str | None,
    *,
    as_json: bool,
) -> None:
    """List traces, newest first.

    \b
    Examples:
      ams traces list
      ams traces list --agent researcher --status error --since 2h
      ams traces list --min-duration 5s --json
    """  # noqa: D301 -- \b is click's mark for a paragraph that keeps its lines
    with Client(endpoint=endpoint) as client:
        page = client.traces.list(
            agent=agent,
            status=status,
            session=session,
            since=since,
            until=until,
            min_duration=min_duration,
            q=query,
            limit=limit,
            cursor=cursor,
        )
    if as_json:
        terminal.print_document(page)
        return
    if page.items:
        _print_table(page.items)
    else:
        filters = (agent, status, session, since, until, min_duration, query, cursor)
        nothing = "No traces here. A program that uses @ams_sdk.agent sends a trace for each run."
        click.echo("No trace matches." if any(one is not None for one in filters) else nothing)
    if page.next_cursor:
        click.echo(f"There are more: add --cursor {safe(page.next_cursor)}")


@click.command("show")
@click.argument("trace_id", metavar="TRACE_ID")
@click.option("--all", "unfold", is_flag=True, help="Show each of many equal spans, instead of one line for them.")
@endpoint_option
@json_option
def show(trace_id: str, endpoint: str | None, *, unfold: bool, as_json: bool) -> None:
    """Show one trace as a tree. Arguments, results and stack traces are in what --json prints.

    \b
    Examples:
      ams traces show 4bf92f3577b34da6a3ce929d0e0e4736
      ams traces show 4bf92f3577b34da6a3ce929d0e0e4736 --all
      ams traces show 4bf92f3577b34da6a3ce929d0e0e4736 --json
    """  # noqa: D301 -- \b is click's mark for a paragraph that keeps its lines
    with Client(endpoint=endpoint) as client, looking_for("trace", trace_id, client.endpoint):
        trace = client.traces.get(trace_id)
    if as_json:
        terminal.print_document(trace)
    else:
        terminal.show(trace_tree(trace, unfold=unfold))


def _print_table(summaries: list[TraceSummary]) -> None:
    target = terminal.console()
    wide = terminal.is_wide(target)
    more = ("SPANS", "TOKENS", "SESSION") if wide else ()
    headings = ("TRACE", "STARTED", "NAME", "TIME", *more, "STATUS")
    table = terminal.table(target, *headings, elastic={"NAME", "SESSION", "STATUS"}, right={"TIME", "SPANS", "TOKENS"})
    now = datetime.now(UTC)
    for summary in summaries:
        table.add_row(*_row(summary, now, wide=wide))
    terminal.show(table)


def _row(summary: TraceSummary, now: datetime, *, wide: bool) -> list[Text]:
    texts = [
        summary.trace_id,
        relative(summary.started_at, now),
        shortened(summary.agent or summary.root_name or "-", _NAME),
        human(summary.duration_ns),
    ]
    if wide:
        tokens = summary.input_tokens + summary.output_tokens
        texts += [str(summary.span_count), str(tokens) if tokens else "-", shortened(summary.session or "-", _NAME)]
    failed = summary.status == "error"
    outcome = shortened(summary.error or "error", _NAME) if failed else "ok"
    return [*(terminal.cell(text) for text in texts), terminal.cell(outcome, "red" if failed else "green")]
