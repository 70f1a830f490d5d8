"""``ams version``."""

from __future__ import annotations

import platform

import click

from ams_sdk._version import __version__

__all__ = ["version"]


@click.command()
def version() -> None:
    """Show the version of ams-sdk.

    \b
    Examples:
      ams version
    """  # noqa: D301 -- \b is click's mark for a paragraph that keeps its lines
    click.echo(f"ams-sdk {__version__} (Python {platform.python_version()})")
