"""``ams dev``: the reference server on this machine, until Ctrl-C."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING, Final

import click

from ams_sdk._cli.server_process import ServerProcess

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

__all__ = ["dev"]

_PORT: Final = 8787


@click.command()
@click.option("--port", type=click.IntRange(0, 65_535), default=_PORT, show_default=True, help="0 takes a free one.")
@click.pass_context
def dev(context: click.Context, port: int) -> None:
    """Run the reference server on this machine, until Ctrl-C.

    It keeps accounts, agents and traces in one file in your state folder (AMS_STATE_DIR). It needs the extra 'server'.

    \b
    Examples:
      ams dev
      ams dev --port 9000
    """  # noqa: D301 -- \b is click's mark for a paragraph that keeps its lines
    with ServerProcess("ams dev", port=port, log=sys.stderr) as server:
        # From here on Ctrl-C is for the server, which ends in good order, and its exit code is that of this command.
        _on_signal(server.ask_to_end)
        click.echo(_welcome(server.address, default=port == _PORT))
        sys.stdout.flush()
        code = server.wait()
    context.exit(code)


def _on_signal(act: Callable[[], None]) -> None:
    def handle(_number: int, _frame: FrameType | None) -> None:
        act()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handle)


def _welcome(address: str, *, default: bool) -> str:
    elsewhere = "" if default else f"  export AMS_ENDPOINT={address}\n"
    return (
        f"AMS is at {address} (Ctrl-C ends it). In another terminal run:\n"
        f"{elsewhere}"
        "  ams register       an account, logged in\n"
        "  ams agents list    the agents that registered\n"
        "  ams traces list    what they did"
    )
