"""A click group that imports a command's module when the command is used, so that ``ams`` starts quickly."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["CommandGroup", "Entry"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A command of a group.

    Args:
        name: what the user types.
        where: ``module:attribute`` of the click command.
        summary: one line for the group's help, which is printed without importing the module.
    """

    name: str
    where: str
    summary: str


class CommandGroup(click.Group):
    """A group whose commands are listed in a table; used alone it prints its help.

    Args:
        entries: the commands, in the order of the help.
        name: the group's own name.
        help: the group's help text.
    """

    def __init__(self, name: str, entries: Sequence[Entry], help: str, params: Sequence[click.Parameter] = ()) -> None:  # noqa: A002 -- click's name for it
        super().__init__(
            name,
            help=help,
            params=list(params),
            invoke_without_command=True,
            no_args_is_help=False,
            callback=_show_help,
            context_settings={"help_option_names": ["-h", "--help"]},
        )
        self.entries = {entry.name: entry for entry in entries}

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 -- click's signature
        """Return the names in the order of the table."""
        return list(self.entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 -- click's signature
        """Import a command; None if there is none of this name."""
        entry = self.entries.get(cmd_name)
        if entry is None:
            return None
        module, _, attribute = entry.where.partition(":")
        command: Any = getattr(import_module(module), attribute)
        return command  # type: ignore[no-any-return]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 -- click's signature
        """Write the commands from the table."""
        with formatter.section("Commands"):
            formatter.write_dl([(entry.name, entry.summary) for entry in self.entries.values()])


@click.pass_context
def _show_help(context: click.Context, /, **_: object) -> None:
    if context.invoked_subcommand is None:
        click.echo(context.get_help())
