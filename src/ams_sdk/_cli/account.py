"""``ams register``, ``login``, ``logout`` and ``whoami``."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import click

from ams_sdk import _config, _credentials
from ams_sdk._cli import password as password_input
from ams_sdk._cli import terminal
from ams_sdk._cli.duration import relative
from ams_sdk._cli.moment import local
from ams_sdk._cli.options import endpoint_option, json_option, password_stdin_option
from ams_sdk._cli.plain_text import safe
from ams_sdk._client import Client
from ams_sdk._connection import Connection, resolve
from ams_sdk._credentials import Login
from ams_sdk._errors import AMSError, AuthenticationError

__all__ = ["login", "logout", "register", "whoami"]

_LONGEST_LOGIN = 10 * 366 * 86_400
"""Seconds; whatever a platform says, the end of a login stays a date."""

email_option = click.option("--email", metavar="ADDRESS", help="The account's address. Without it you are asked.")


@click.command()
@email_option
@click.option("--name", metavar="TEXT", help="Your name, as others will see it.")
@password_stdin_option
@endpoint_option
def register(email: str | None, name: str | None, endpoint: str | None, *, password_stdin: bool) -> None:
    """Create an account and log in.

    A password has 8 to 128 characters, among them a lower-case letter, an upper-case letter, a digit and another
    character, unless the platform has a rule of its own.

    \b
    Examples:
      ams register
      ams register --email ada@example.com --name Ada
      pass show ams | ams register --email ada@example.com --password-stdin
    """  # noqa: D301 -- \b is click's mark for a paragraph that keeps its lines
    with Client(endpoint=endpoint) as client:
        email = email or password_input.ask_email()
        password = _password(password_stdin=password_stdin, twice=True)
        user = client.auth.register(email=email, password=password, name=name)
        click.echo(f"Created the account {safe(user.email)} at {client.endpoint}.")
        _log_in(client, email, password)


@click.command()
@email_option
@password_stdin_option
@endpoint_option
def login(email: str | None, endpoint: str | None, *, password_stdin: bool) -> None:
    """Log in and keep the login on this machine.

    The token is kept in a file that only you can read, and sent to no other platform.

    \b
    Examples:
      ams login
      ams login --email ada@example.com --endpoint https://ams.example.com
      pass show ams | ams login --email ada@example.com --password-stdin
    """  # noqa: D301 -- \b is click's mark for a paragraph that keeps its lines
    with Client(endpoint=endpoint) as client:
        email = email or password_input.ask_email()
        _log_in(client, email, _password(password_stdin=password_stdin, twice=False))


@click.command()
@endpoint_option
def logout(endpoint: str | None) -> None:
    """End the login, on the platform and here.

    The login is forgotten here in any case. If the platform cannot be told, the exit code says so, and its token stays
    good until its time is over.

    \b
    Examples:
      ams logout
      ams logout --endpoint https://ams.example.com
    """  # noqa: D301 -- \b is click's mark for a paragraph that keeps its lines
    folder = _config.state_folder()
    address = resolve(endpoint=endpoint).endpoint
    saved = _credentials.find(folder, address)
    if saved is None:
        click.echo(f"There is no login at {address} to end.")
        return
    if saved.is_over():
        _credentials.forget(folder, address)
        click.echo(f"The login at {address} was over already; it is forgotten here.")
        return
    try:
        # The saved token by name: AMS_API_KEY, if it is set, is another credential and stays good.
        with Client(endpoint=address, api_key=saved.access_token) as client:
            client.auth.logout()
    except AuthenticationError:
        _credentials.forget(folder, address)
        click.echo(f"The platform at {address} had ended the login already; it is forgotten here.")
    except AMSError:
        _credentials.forget(folder, address)
        until = local(saved.expires_at)
        click.echo(f"Forgotten here only: the token at {address} stays good until {until}.")
        raise
    else:
        _credentials.forget(folder, address)
        click.echo(f"Logged out at {address}.")


@click.command()
@endpoint_option
@json_option
def whoami(endpoint: str | None, *, as_json: bool) -> None:
    """Show who is logged in, where, and until when.

    \b
    Examples:
      ams whoami
      ams whoami --json
    """  # noqa: D301 -- \b is click's mark for a paragraph that keeps its lines
    connection = resolve(endpoint=endpoint)
    with Client(endpoint=endpoint) as client:
        user = client.users.me()
    if as_json:
        terminal.print_document(user)
        return
    click.echo(safe(f"{user.name} <{user.email}>" if user.name else user.email))
    click.echo(f"endpoint    {connection.endpoint}")
    click.echo(f"credential  {_credential(connection)}")
    click.echo(f"account     {user.id}, since {local(user.created_at, '%Y-%m-%d')}")


def _password(*, password_stdin: bool, twice: bool) -> str:
    return password_input.password_from_stdin() if password_stdin else password_input.ask_password(twice=twice)


def _log_in(client: Client, email: str, password: str) -> None:
    # Before the call: the platform's clock starts no earlier, so the login never seems good when it is over.
    now = datetime.now(UTC)
    token = client.auth.login(email=email, password=password)
    expires_at = now + timedelta(seconds=min(max(token.expires_in, 0), _LONGEST_LOGIN))
    _credentials.save(_config.state_folder(), Login(client.endpoint, email, token.access_token, expires_at))
    click.echo(f"Logged in as {safe(email)} at {client.endpoint} until {local(expires_at)}.")
    if os.environ.get("AMS_API_KEY"):
        click.echo("AMS_API_KEY is set, and is used instead of this login.", err=True)


def _credential(connection: Connection) -> str:
    if connection.source != "login" or connection.login is None:
        return "the API key in AMS_API_KEY"
    ends = connection.login.expires_at
    return f"login, ends {local(ends)} ({relative(ends, datetime.now(UTC))})"
