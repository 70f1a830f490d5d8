"""``ams keys``: credentials for agents that run longer than a login."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from ams_sdk._cli import terminal
from ams_sdk._cli.command_group import CommandGroup, Entry
from ams_sdk._cli.duration import relative
from ams_sdk._cli.missing import looking_for
from ams_sdk._cli.moment import later, local
from ams_sdk._cli.options import cursor_option, endpoint_option, json_option, limit_option
from ams_sdk._cli.plain_text import safe
from ams_sdk._client import Client

if TYPE_CHECKING:
    from ams_sdk.wire import ApiKey

__all__ = ["create", "delete", "keys", "list_"]

keys = CommandGroup(
    "keys",
    (
        Entry("create", "ams_sdk._cli.keys:create", "Make an API key."),
        Entry("list", "ams_sdk._cli.keys:list_", "List your API keys."),
        Entry("delete", "ams_sdk._cli.keys:delete", "Delete an API key."),
    ),
    help="Make and delete API keys, for agents that run longer than a login. An agent finds its key in AMS_API_KEY.",
)


@click.command("create")
@click.argument("name")
@click.option("--expires", type=later, metavar="WHEN", help="When it ends: 90d, 2027-01-31. Without it: when deleted.")
@endpoint_option
@json_option
def create(name: str, expires: datetime | None, endpoint: str | None, *, as_json: bool) -> None:
    """Make an API key. It is shown this once.

    \b
    Examples:
      ams keys create nightly-build --expires 90d
      AMS_API_KEY=$(ams keys create worker --json | jq -r .key)
    """  # noqa: D301 -- \b is click's mark for a paragraph that keeps its lines
    with Client(endpoint=endpoint) as client:
        made = client.keys.create(name, expires_at=expires)
    if as_json:
        terminal.print_document(made)
        return
    click.echo(safe(made.key))  # alone on stdout, so that a script can take it
    until = f" It ends {local(made.expires_at)}." if made.expires_at else ""
    click.echo(f"That is the key; it is shown this once. Set it as AMS_API_KEY.{until}", err=True)


@click.command("list")
@limit_option
@cursor_option
@endpoint_option
@json_option
def list_(limit: int | None, cursor: str | None, endpoint: str | None, *, as_json: bool) -> None:
    """List your API keys, newest first.

    \b
    Examples:
      ams keys list
      ams keys list --json
    """  # noqa: D301 -- \b is click's mark for a paragraph that keeps its lines
    with Client(endpoint=endpoint) as client:
        page = client.keys.list(limit=limit, cursor=cursor)
    if as_json:
        terminal.print_document(page)
        return
    if page.items:
        _print_table(page.items)
    else:
        click.echo("No keys here. Make one: ams keys create NAME")
    if page.next_cursor:
        click.echo(f"There are more: add --cursor {safe(page.next_cursor)}")


@click.command("delete")
@click.argument("key_id", metavar="ID")
@endpoint_option
def delete(key_id: str, endpoint: str | None) -> None:
    """Delete an API key; whoever uses it is refused from then on.

    \b
    Examples:
      ams keys delete 1b4e28ba-2fa1-11d2-883f-0016d3cca427
    """  # noqa: D301 -- \b is click's mark for a paragraph that keeps its lines
    with Client(endpoint=endpoint) as client, looking_for("API key", key_id, client.endpoint):
        client.keys.delete(key_id)
    click.echo("The key is deleted.")


def _print_table(found: list[ApiKey]) -> None:
    target = terminal.console()
    table = terminal.table(target, "NAME", "PREFIX", "CREATED", "LAST USED", "EXPIRES", "ID", elastic={"NAME"})
    now = datetime.now(UTC)
    for key in found:
        last_used = relative(key.last_used_at, now) if key.last_used_at else "never"
        expires = relative(key.expires_at, now) if key.expires_at else "never"
        texts = [key.name, key.prefix, relative(key.created_at, now), last_used, expires, str(key.id)]
        table.add_row(*(terminal.cell(text) for text in texts))
    terminal.show(table)
