from __future__ import annotations

import click

from ams_sdk._cli.command_group import CommandGroup, Entry

GROUP = CommandGroup(
    "things",
    (
        Entry("broken", "no_such_module:command", "Cannot be imported."),
        Entry("version", "ams_sdk._cli.version:version", "V."),
    ),
    help="Things.",
)


def test_help_imports_no_command():
    text = GROUP.get_help(click.Context(GROUP, info_name="things"))
    assert "Cannot be imported." in text
    assert text.index("broken") < text.index("version")


def test_a_command_is_imported_by_its_name():
    context = click.Context(GROUP)
    assert GROUP.list_commands(context) == ["broken", "version"]
    assert GROUP.get_command(context, "version").name == "version"
    assert GROUP.get_command(context, "other") is None
