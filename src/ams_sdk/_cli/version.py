"""``ams version``."""

from __future__ import annotations

import platform

import click

from ams_sdk._version import __version__

__all__ = ["sentence", "version"]


@click.command()
def version() -> None:
    """Show the version of ams-sdk.

    \b
    Examples:
      ams version
    """  # noqa: D301 -- \b is click's mark for a paragraph that keeps its lines
    click.echo(sentence())


def sentence() -> str:
    """Return which release this is, and of which Python."""
    return f"ams-sdk {__version__} (Python {platform.python_version()})"
