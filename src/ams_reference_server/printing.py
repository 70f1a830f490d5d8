"""What the commands print: columns for people, JSON for programs."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["columns", "print_json", "safe"]

_UNBOUNDED = 1000


def safe(text: str) -> str:
    """The text without characters that would act on a terminal (CWE-150): each becomes its escape."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )


def columns(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table; elsewhere than on a terminal no line is wrapped, so that ``grep`` sees whole ones."""
    is_terminal = sys.stdout.isatty()
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for heading in headings:
        table.add_column(heading, overflow="fold", no_wrap=not is_terminal)
    for row in rows:
        table.add_row(*(Text(safe(value)) for value in row))
    console = Console(width=None if is_terminal else _UNBOUNDED, markup=False, emoji=False, highlight=False)
    with console.capture() as capture:
        console.print(table)
    click.echo("\n".join(line.rstrip() for line in capture.get().splitlines()))


def print_json(document: Any) -> None:  # noqa: ANN401 -- whatever JSON knows
    """Print a JSON document; in ASCII, so that no name acts on the terminal."""
    click.echo(json.dumps(document, indent=2))
