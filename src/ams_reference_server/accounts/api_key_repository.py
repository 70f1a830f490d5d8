"""API keys in the database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Connection, bindparam, delete, insert, or_, select, update

from ams_reference_server.models import api_keys, users
from ams_sdk.wire import ApiKey, User

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import ColumnElement

__all__ = ["FoundKey", "add", "find", "page", "remember_use", "remove"]

_USER = tuple(
    column.label(f"user_{column.name}")
    for column in (users.c.id, users.c.email, users.c.name, users.c.created_at, users.c.updated_at)
)
_SHOWN = (
    api_keys.c.id,
    api_keys.c.name,
    api_keys.c.prefix,
    api_keys.c.created_at,
    api_keys.c.expires_at,
    api_keys.c.last_used_at,
)
# Every request of an agent asks this, and building a statement costs more than running it.
_FIND = (
    select(*_SHOWN, *_USER)
    .join_from(api_keys, users, users.c.id == api_keys.c.owner_id)
    .where(api_keys.c.key_hash == bindparam("key_hash"), users.c.disabled_at.is_(None))
)


class FoundKey(NamedTuple):
    """A key, and the account that it speaks for."""

    key: ApiKey
    user: User


def add(connection: Connection, owner_id: UUID, key: ApiKey, key_hash: str) -> None:
    """Keep a new key; the key itself is not kept."""
    row: dict[str, Any] = key.model_dump(include={column.name for column in _SHOWN})
    connection.execute(insert(api_keys).values(row | {"owner_id": owner_id, "key_hash": key_hash}))


def find(connection: Connection, key_hash: str) -> FoundKey | None:
    """The key of a hash, unless its account is disabled."""
    row = connection.execute(_FIND, {"key_hash": key_hash}).first()
    if row is None:
        return None
    columns = dict(row._mapping)  # noqa: SLF001 -- SQLAlchemy's public way to a row by name
    user = {name.removeprefix("user_"): value for name, value in columns.items() if name.startswith("user_")}
    return FoundKey(ApiKey.model_validate(columns), User.model_validate(user))


def page(connection: Connection, owner_id: UUID, limit: int, after: tuple[datetime, UUID] | None) -> list[ApiKey]:
    """The owner's keys, newest first, at most ``limit``, behind the one made at this moment with this id."""
    conditions: list[ColumnElement[bool]] = [api_keys.c.owner_id == owner_id]
    if after is not None:
        made, key_id = after
        is_older = api_keys.c.created_at < made
        conditions.append(or_(is_older, (api_keys.c.created_at == made) & (api_keys.c.id < key_id)))
    newest_first = (api_keys.c.created_at.desc(), api_keys.c.id.desc())
    query = select(*_SHOWN).where(*conditions).order_by(*newest_first).limit(limit)
    rows = connection.execute(query)
    return [ApiKey.model_validate(dict(row._mapping)) for row in rows]  # noqa: SLF001 -- as above


def remove(connection: Connection, owner_id: UUID, key_id: UUID) -> bool:
    """Delete a key of this owner; whether there was one."""
    is_it = (api_keys.c.id == key_id, api_keys.c.owner_id == owner_id)
    return connection.execute(delete(api_keys).where(*is_it)).rowcount == 1


def remember_use(connection: Connection, key_id: UUID, now: datetime) -> None:
    """Keep when a key was used last."""
    connection.execute(update(api_keys).where(api_keys.c.id == key_id).values(last_used_at=now))
