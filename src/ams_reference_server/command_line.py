"""``python -m ams_reference_server``: its commands, and what becomes of an error."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING, Final

import click

from ams_reference_server import logs
from ams_reference_server.account_commands import keys, users
from ams_reference_server.db import Database
from ams_reference_server.errors import RequestError, StartError
from ams_reference_server.printing import columns, print_json
from ams_reference_server.secret_masks import masked
from ams_reference_server.serve import serve as serve_alone
from ams_reference_server.settings import explain, load
from ams_reference_server.workers import serve_with_workers

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main", "program"]

_NAME: Final = "python -m ams_reference_server"
_HIGHEST_PORT: Final = 65_535
_MOST_WORKERS: Final = 256
_USAGE: Final = 2
_INTERRUPTED: Final = 130


class _DefaultToServe(click.Group):
    """A group whose options, when no command is named, are those of ``serve``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0].startswith("-") and args[0] not in ctx.help_option_names):
            args = ["serve", *args]
        return super().parse_args(ctx, args)


@click.group(
    cls=_DefaultToServe,
    epilog=f"Without a command it serves; the options are in: {_NAME} serve --help",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
def program() -> None:
    """The reference server of AMS. Its settings come from the environment; see 'config'."""


@program.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, _HIGHEST_PORT),
    default=8787,
    show_default=True,
    help="The port to listen on, 0 for a free one.",
)
@click.option(
    "--workers", type=click.IntRange(1, _MOST_WORKERS), default=1, show_default=True, help="How many processes serve."
)
@click.option("--parent-pid", type=int, help="End when this process, which started the server, is gone.")
def serve(host: str, port: int, workers: int, parent_pid: int | None) -> None:
    """Serve until SIGTERM or Ctrl-C."""
    settings = load()
    logs.configure(settings.log_level, settings.log_format)
    if workers == 1:
        serve_alone(settings, host, port, parent_pid)
    else:
        serve_with_workers(settings, host, port, workers, parent_pid)


@program.command()
@click.option("--to", default="head", show_default=True, help="The revision to go to, up or down.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def migrate(to: str, *, as_json: bool) -> None:
    """Bring the database's schema up to date, or to a revision."""
    database = Database(load().database_url)
    try:
        before, after = database.migrate(to)
    finally:
        database.dispose()
    if as_json:
        print_json({"before": before, "after": after})
    elif before == after:
        click.echo(f"The schema is at revision {after or 'base'} already.")
    else:
        click.echo(f"The schema went from revision {before or 'base'} to {after or 'base'}.")


@program.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
def config(*, as_json: bool) -> None:
    """Show each setting, its value and where it comes from; secrets are masked."""
    rows = explain(load())
    if as_json:
        print_json(
            [
                {"name": row.setting.name, "variable": row.setting.env, "value": row.value, "origin": row.origin}
                for row in rows
            ]
        )
    else:
        columns(("variable", "value", "origin"), [(row.setting.env, row.value, row.origin) for row in rows])


program.add_command(users)
program.add_command(keys)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: the command line without the program; the process's own if not given.

    Returns:
        The exit code; the table is in ``docs/server.md``.
    """
    logs.configure("warning")
    try:
        code = _run(list(sys.argv[1:] if arguments is None else arguments))
        sys.stdout.flush()
    except BrokenPipeError:
        # What is still in the buffer would fail once more, and loudly, when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 -- whatever it is, it is said in one line
        message, code = _explained(error)
        with contextlib.suppress(OSError):  # the reader of stderr may be gone too, and there is nobody left to tell
            sys.stderr.write(f"Error: {masked(' '.join(message.split()))}\n")
    return code


def _run(arguments: list[str]) -> int:
    # Not click's own main(): that one ends the process itself, with codes of its own.
    try:
        with program.make_context(_NAME, arguments) as context:
            program.invoke(context)
    except click.exceptions.Exit as exit_:
        return exit_.exit_code
    return 0


def _explained(error: BaseException) -> tuple[str, int]:
    match error:
        case click.UsageError():
            path = error.ctx.command_path if error.ctx else _NAME
            return f"{error.format_message()} (see {path} --help)", _USAGE
        case StartError():
            return str(error), error.exit_code
        case RequestError():
            return error.detail, _USAGE
        case click.Abort() | KeyboardInterrupt():
            return "Interrupted; nothing more was done.", _INTERRUPTED
        case _:
            return f"It did not work: {type(error).__name__}: {error}", StartError.exit_code
