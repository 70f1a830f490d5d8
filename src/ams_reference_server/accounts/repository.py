"""Accounts in the database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, bindparam, delete, exists, insert, select, update
from sqlalchemy.exc import IntegrityError

from ams_reference_server.db import insert_new
from ams_reference_server.errors import EmailTakenError
from ams_reference_server.models import revoked_tokens, users
from ams_sdk.wire import User

if TYPE_CHECKING:
    from uuid import UUID

    from ams_reference_server.accounts.email_address import EmailAddress

__all__ = [
    "Credentials",
    "active_user",
    "add_user",
    "credentials",
    "is_taken",
    "purge_revoked",
    "replace_hash",
    "revoke",
]

_PROFILE = (users.c.id, users.c.email, users.c.name, users.c.created_at, users.c.updated_at)


# Every request asks this, and building a statement costs more than running it.
_ACTIVE_USER = select(*_PROFILE).where(
    users.c.id == bindparam("user_id"),
    users.c.disabled_at.is_(None),
    ~exists().where(revoked_tokens.c.jti == bindparam("token_id")),
)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a login is checked against."""

    user_id: UUID
    password_hash: str
    is_disabled: bool


def add_user(connection: Connection, user: User, email: EmailAddress, password_hash: str) -> None:
    """Keep a new account.

    Raises:
        EmailTakenError: the address, in whatever spelling, has one already.
    """
    row: dict[str, Any] = user.model_dump() | {"email_key": email.key, "password_hash": password_hash}
    try:
        connection.execute(insert(users).values(row))
    except IntegrityError:
        raise EmailTakenError from None


def is_taken(connection: Connection, email_key: str) -> bool:
    """Whether the address has an account at this moment."""
    return connection.execute(select(users.c.id).where(users.c.email_key == email_key)).first() is not None


def credentials(connection: Connection, email_key: str) -> Credentials | None:
    """The account of an address."""
    columns = (users.c.id, users.c.password_hash, users.c.disabled_at.is_not(None))
    row = connection.execute(select(*columns).where(users.c.email_key == email_key)).first()
    return None if row is None else Credentials(*row)


def active_user(connection: Connection, user_id: UUID, token_id: str) -> User | None:
    """The account that a token speaks for; None if it is gone or disabled, or the token was revoked."""
    row = connection.execute(_ACTIVE_USER, {"user_id": user_id, "token_id": token_id}).first()
    return None if row is None else User.model_validate(dict(row._mapping))  # noqa: SLF001 -- SQLAlchemy's public way to a row by name


def replace_hash(connection: Connection, kept: Credentials, password_hash: str) -> None:
    """Keep a hash of the present scheme and cost, if the password was not changed in the meantime."""
    is_same = (users.c.id == kept.user_id, users.c.password_hash == kept.password_hash)
    connection.execute(update(users).where(*is_same).values(password_hash=password_hash))


def revoke(connection: Connection, token_id: str, expires_at: int) -> None:
    """Keep a token from being used again; twice is the same as once."""
    insert_new(connection, revoked_tokens, [{"jti": token_id, "expires_at": expires_at}])


def purge_revoked(connection: Connection, now: int) -> None:
    """Forget revoked tokens that have expired by now, in seconds since the epoch; nobody can use them anyhow."""
    connection.execute(delete(revoked_tokens).where(revoked_tokens.c.expires_at <= now))
