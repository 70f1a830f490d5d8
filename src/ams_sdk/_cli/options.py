"""Options that several commands share."""

from __future__ import annotations

import click

__all__ = ["cursor_option", "endpoint_option", "json_option", "limit_option", "password_stdin_option"]

endpoint_option = click.option(
    "--endpoint",
    metavar="URL",
    help="The platform's address. Without it: AMS_ENDPOINT, the last login's, http://127.0.0.1:8787.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print the platform's JSON, one document.")
limit_option = click.option("--limit", type=click.IntRange(1, 200), help="The most entries to show (50).")
cursor_option = click.option("--cursor", metavar="TEXT", help="Go on where the page before said.")
password_stdin_option = click.option(
    "--password-stdin", is_flag=True, help="Read the password from stdin, for scripts. Without it you are asked."
)
