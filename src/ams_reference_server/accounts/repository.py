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
    from datetime import datetime
    from uuid import UUID

    from ams_reference_server.accounts.email_address import EmailAddress

__all__ = ["Credentials", "active_user", "add_user", "credentials", "purge_revoked", "replace_hash", "revoke"]

_PROFILE = (users.c.id, users.c.email, users.c.name, users.c.created_at, users.c.updated_at)


# Every request asks this, and building a statement costs more than running it.
_ACTIVE_USER = select(*_PROFILE).where(
    users.c.id == bindparam("user_id"),
    ~exists().where(revoked_tokens.c.jti == bindparam("token_id")),
)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a login is checked against."""

    user_id: UUID
    password_hash: str


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


def credentials(connection: Connection, email_key: str) -> Credentials | None:
    """The account of an address."""
    row = connection.execute(select(users.c.id, users.c.password_hash).where(users.c.email_key == email_key)).first()
    return None if row is None else Credentials(*row)


def active_user(connection: Connection, user_id: UUID, token_id: str) -> User | None:
    """The account that a token speaks for; None if the account is gone or the token was revoked."""
    row = connection.execute(_ACTIVE_USER, {"user_id": user_id, "token_id": token_id}).first()
    return None if row is None else User.model_validate(dict(row._mapping))  # noqa: SLF001 -- SQLAlchemy's public way to a row by name


def replace_hash(connection: Connection, user_id: UUID, password_hash: str, now: datetime) -> None:
    """Keep a hash of the present scheme and cost."""
    connection.execute(update(users).where(users.c.id == user_id).values(password_hash=password_hash, updated_at=now))


def revoke(connection: Connection, token_id: str, expires_at: int) -> None:
    """Keep a token from being used again; twice is the same as once."""
    insert_new(connection, revoked_tokens, [{"jti": token_id, "expires_at": expires_at}])


def purge_revoked(connection: Connection, now: int) -> None:
    """Forget revoked tokens that have expired by now, in seconds since the epoch; nobody can use them anyhow."""
    connection.execute(delete(revoked_tokens).where(revoked_tokens.c.expires_at <= now))
