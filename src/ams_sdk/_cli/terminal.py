"""Writing to the user: tables and trees for people, one JSON document for programs."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Final

import click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ams_sdk._cli.plain_text import safe

if TYPE_CHECKING:
    from collections.abc import Collection

    from pydantic import BaseModel
    from rich.console import RenderableType

__all__ = ["cell", "console", "is_wide", "print_document", "show", "table"]

_WIDE: Final = 120
_UNBOUNDED: Final = 1000


class _Console(Console):
    def on_broken_pipe(self) -> None:
        # rich would end the process with code 1; ``main`` knows what a reader that went away means.
        raise BrokenPipeError


def console() -> Console:
    """Return a console on the present stdout.

    On a terminal it has colours (not with ``NO_COLOR``) and the terminal's width. Elsewhere it is plain and does not
    wrap, so that ``grep`` sees whole lines. Markup and emoji codes are off: names come from elsewhere.
    """
    written_to_a_person = sys.stdout.isatty() or "COLUMNS" in os.environ or "FORCE_COLOR" in os.environ
    return _Console(markup=False, emoji=False, highlight=False, width=None if written_to_a_person else _UNBOUNDED)


def show(renderable: RenderableType) -> None:
    """Print a table, a tree or a text; elsewhere than on a terminal without the blanks that fill up its lines."""
    target = console()
    if target.is_terminal:
        target.print(renderable)
        return
    with target.capture() as capture:
        target.print(renderable)
    click.echo("\n".join(line.rstrip() for line in capture.get().splitlines()))


def is_wide(target: Console) -> bool:
    """Whether there is room for the columns that one can do without."""
    return target.width >= _WIDE


def table(target: Console, *headings: str, elastic: Collection[str] = (), right: Collection[str] = ()) -> Table:
    """Return an empty table: with a rule below its head on a terminal, bare elsewhere.

    Args:
        target: where it will be printed.
        headings: one for each column.
        elastic: the columns that give way, with an ellipsis, if the table is too wide; the others stay whole.
        right: the columns of numbers.
    """
    look = box.SIMPLE_HEAD if target.is_terminal else None
    empty = Table(box=look, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for heading in headings:
        # rich shrinks only columns that may wrap; ``cell`` then keeps their text from wrapping.
        empty.add_column(heading, no_wrap=heading not in elastic, justify="right" if heading in right else "left")
    return empty


def cell(text: str, style: str = "") -> Text:
    """Return the text, made harmless, as one line that ends in an ellipsis where it does not fit."""
    return Text(safe(text), style=style, no_wrap=True, overflow="ellipsis")


def print_document(document: BaseModel) -> None:
    """Print the JSON that came over the wire, and nothing else; in ASCII, so that no name acts on the terminal."""
    click.echo(json.dumps(document.model_dump(mode="json"), indent=2, ensure_ascii=True))
