"""The commands for accounts and their API keys."""

from __future__ import annotations

import sys
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from ams_reference_server.accounts.administration import Administration
from ams_reference_server.printing import columns, print_json, safe
from ams_reference_server.settings import load

if TYPE_CHECKING:
    from ams_reference_server.accounts.administration import UserRecord

__all__ = ["keys", "users"]

_WHO = click.argument("who", metavar="EMAIL|ID")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def users() -> None:
    """Accounts: see, keep out, let in again, delete."""


@users.command("list")
@_JSON
def list_users(*, as_json: bool) -> None:
    """Show all accounts, oldest first."""
    with _administration() as accounts:
        found = accounts.users()
    if as_json:
        print_json([_document(user) for user in found])
        return
    columns(
        ("id", "e-mail", "name", "created", "state"),
        [
            (str(user.id), user.email, user.name or "", _moment(user.created_at), _state(user.disabled_at))
            for user in found
        ],
    )


@users.command()
@_WHO
@_JSON
def disable(who: str, *, as_json: bool) -> None:
    """Keep somebody out from now on; nothing is deleted."""
    with _administration() as accounts:
        _say(accounts.disable(who), "is disabled", as_json=as_json)


@users.command()
@_WHO
@_JSON
def enable(who: str, *, as_json: bool) -> None:
    """Let somebody in again."""
    with _administration() as accounts:
        _say(accounts.enable(who), "is enabled", as_json=as_json)


@users.command()
@_WHO
@click.option("--yes", is_flag=True, help="Do not ask.")
@_JSON
def delete(who: str, *, yes: bool, as_json: bool) -> None:
    """Delete an account with its API keys, agents and traces."""
    if not yes:
        if not sys.stdin.isatty():
            raise click.UsageError("Nobody can be asked whether to delete this account; add --yes.")
        question = f"Delete {safe(who)} with all its API keys, agents and traces? This cannot be undone."
        click.confirm(question, abort=True, err=True)
    with _administration() as accounts:
        _say(accounts.delete(who), "is deleted, with its API keys, agents and traces", as_json=as_json)


@click.group()
def keys() -> None:
    """API keys."""


@keys.command()
@click.argument("who", metavar="EMAIL|ID")
@click.option("--name", required=True, help="What the key is for.")
@click.option(
    "--expires-in-days", type=click.IntRange(1, 36_500), help="After how many days it ends; never, if not given."
)
@_JSON
def create(who: str, name: str, expires_in_days: int | None, *, as_json: bool) -> None:
    """Make an API key for somebody, and print it this once."""
    expires_at = datetime.now(UTC) + timedelta(days=expires_in_days) if expires_in_days else None
    with _administration() as accounts:
        made = accounts.create_key(who, name, expires_at)
    if as_json:
        print_json(made.model_dump(mode="json"))
        return
    click.echo(made.key)
    click.echo("Keep it now: it is not shown again.", err=True)


def _administration() -> closing[Administration]:
    return closing(Administration(load()))


def _say(user: UserRecord, what: str, *, as_json: bool) -> None:
    if as_json:
        print_json(_document(user))
    else:
        click.echo(f"{safe(user.email)} ({user.id}) {what}.")


def _document(user: UserRecord) -> dict[str, Any]:
    return {name: _plain(value) for name, value in asdict(user).items()}


def _plain(value: object) -> str | None:
    if isinstance(value, datetime):
        return _moment(value)
    return None if value is None else str(value)


def _moment(moment: datetime) -> str:
    in_utc = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return in_utc.isoformat(timespec="seconds").replace("+00:00", "Z")


def _state(disabled_at: datetime | None) -> str:
    return f"disabled {_moment(disabled_at)}" if disabled_at else "active"
