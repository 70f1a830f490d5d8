"""How a password gets in: asked for without echo, or from stdin; never an argument, which every process can see."""

from __future__ import annotations

import sys

import click

__all__ = ["ask_email", "ask_password", "password_from_stdin"]

_LONGEST = 64 * 1024


def ask_email() -> str:
    """Ask for the address.

    Raises:
        click.UsageError: there is no terminal to ask on.
    """
    if not sys.stdin.isatty():
        raise click.UsageError("There is no terminal to ask for the address: give it with --email.")
    answer: str = click.prompt("Email", err=True)
    return answer


def ask_password(*, twice: bool) -> str:
    """Ask for the password without echo.

    Args:
        twice: ask again and compare, for a password that is new.

    Raises:
        click.UsageError: there is no terminal to ask on.
    """
    if not sys.stdin.isatty():
        raise click.UsageError("There is no terminal to ask for the password: pipe it in with --password-stdin.")
    answer: str = click.prompt("Password", hide_input=True, confirmation_prompt=twice, err=True)
    return answer


def password_from_stdin() -> str:
    """Read the password from stdin; one line break at its end is not part of it.

    Raises:
        click.UsageError: stdin is empty, too long or not UTF-8.
    """
    content = sys.stdin.buffer.read(_LONGEST + 1)
    try:
        password = content.decode()
    except UnicodeDecodeError:
        raise click.UsageError("The password on stdin is not UTF-8.") from None
    password = password.removesuffix("\n").removesuffix("\r")
    if not password or len(content) > _LONGEST:
        raise click.UsageError("There is no usable password on stdin: pipe in exactly one.")
    return password
