from __future__ import annotations

import io
import sys

import pytest
from rich.text import Text

from ams_sdk._cli import terminal


class Screen(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


def printed(monkeypatch, stream, content):
    monkeypatch.setattr(sys, "stdout", stream)
    terminal.show(content)
    return stream.getvalue()


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch):
    for name in ("COLUMNS", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


def test_colours_are_for_a_terminal_only_and_not_with_no_color(monkeypatch):
    red = Text("x", style="red")
    assert printed(monkeypatch, Screen(), red) == "\x1b[31mx\x1b[0m\n"
    assert printed(monkeypatch, io.StringIO(), red) == "x\n"
    monkeypatch.setenv("NO_COLOR", "1")
    assert printed(monkeypatch, Screen(), red) == "x\n"


def test_a_terminal_that_asks_for_a_width_gets_it_and_a_pipe_is_not_wrapped(monkeypatch):
    assert printed(monkeypatch, io.StringIO(), Text("x" * 500)) == "x" * 500 + "\n"
    monkeypatch.setenv("COLUMNS", "100")
    assert printed(monkeypatch, io.StringIO(), Text("x" * 150)).splitlines() == ["x" * 100, "x" * 50]


def test_markup_and_emoji_codes_are_text(monkeypatch):
    assert printed(monkeypatch, Screen(), "[red]x[/red] :bomb: 12") == "[red]x[/red] :bomb: 12\n"


def test_a_table_has_a_rule_on_a_terminal_and_is_bare_elsewhere(monkeypatch):
    def table():
        empty = terminal.table(terminal.console(), "NAME")
        empty.add_row("x")
        return empty

    monkeypatch.setattr(sys, "stdout", Screen())
    assert "─" in printed(monkeypatch, sys.stdout, table())
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert printed(monkeypatch, sys.stdout, table()) == "NAME\nx\n"


def test_only_elastic_columns_give_way(monkeypatch):
    monkeypatch.setenv("COLUMNS", "30")
    table = terminal.table(terminal.console(), "ID", "NAME", "N", elastic={"NAME"}, right={"N"})
    table.add_row(*map(terminal.cell, ("i" * 12, "n\x1b " + "n" * 40, "7")))
    assert printed(monkeypatch, io.StringIO(), table).splitlines()[1].rstrip() == "i" * 12 + r"  n\x1b nnnnnn…  7"


@pytest.mark.parametrize(("columns", "wide"), [("80", False), ("119", False), ("120", True)])
def test_whether_there_is_room(monkeypatch, columns, wide):
    monkeypatch.setenv("COLUMNS", columns)
    assert terminal.is_wide(terminal.console()) is wide
