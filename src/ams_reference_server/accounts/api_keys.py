"""What API keys do: made, listed, deleted, and accepted where an access token is."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4

from ams_reference_server.accounts import api_key_repository as repository
from ams_reference_server.caller import ByApiKey, Caller
from ams_reference_server.errors import (
    InvalidRequestError,
    InvalidTokenError,
    NotFoundError,
    TokenExpiredError,
    UnavailableError,
)
from ams_reference_server.paging import decode_cursor, encode_cursor, invalid_cursor
from ams_reference_server.security.api_keys import hash_of, new_api_key
from ams_sdk.wire import ApiKey, FieldError, NewApiKey, Page

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from ams_reference_server.db import Database
    from ams_reference_server.paging import PageQuery
    from ams_sdk.wire import ApiKeyRequest

__all__ = ["ApiKeys", "make_key"]

_USE_KEPT_EVERY: Final = timedelta(minutes=1)  # else each request of an agent would be a write
_MOST_NOTED: Final = 10_000
_NOTE_SECONDS: Final = 0.2

logger = logging.getLogger(__name__)


def make_key(connection: Connection, owner_id: UUID, name: str, expires_at: datetime | None) -> NewApiKey:
    """Make a key for an account and keep its hash.

    Raises:
        InvalidRequestError: its time is over already.
    """
    now = datetime.now(UTC)
    if expires_at is not None:
        expires_at = _in_the_future(expires_at, now)
    secret = new_api_key()
    made = NewApiKey(id=uuid4(), name=name, prefix=secret.prefix, created_at=now, expires_at=expires_at, key=secret.key)
    repository.add(connection, owner_id, made, secret.key_hash)
    return made


class ApiKeys:
    """The API keys in one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._noted: dict[UUID, datetime] = {}  # when a key's use was last written, or tried to be
        self._notes: set[asyncio.Task[None]] = set()

    async def create(self, owner_id: UUID, wanted: ApiKeyRequest) -> NewApiKey:
        """Make a key.

        Raises:
            InvalidRequestError: its time is over already.
        """
        return await self._database.write(
            partial(make_key, owner_id=owner_id, name=wanted.name, expires_at=wanted.expires_at)
        )

    async def page(self, owner_id: UUID, query: PageQuery) -> Page[ApiKey]:
        """The owner's keys, newest first.

        Raises:
            InvalidRequestError: the cursor is none of this list.
        """
        after = None if query.cursor is None else _position(query.cursor)
        found = await self._database.read(
            partial(repository.page, owner_id=owner_id, limit=query.limit + 1, after=after)
        )
        items, more = found[: query.limit], found[query.limit :]
        return Page[ApiKey](items=items, next_cursor=_cursor(items[-1]) if more else None)

    async def delete(self, owner_id: UUID, key_id: str) -> None:
        """Make a key useless; when this returns, it is.

        Raises:
            NotFoundError: the owner has no such key.
        """
        try:
            known = UUID(key_id)
        except ValueError:
            raise NotFoundError from None
        if str(known) != key_id.lower():
            raise NotFoundError  # Python knows more spellings of a UUID than RFC 9562
        if not await self._database.write(partial(repository.remove, owner_id=owner_id, key_id=known)):
            raise NotFoundError

    async def authenticate(self, bearer: str) -> Caller:
        """Who sends this key.

        Raises:
            InvalidTokenError: there is no such key, or its account is disabled.
            TokenExpiredError: its time is over.
        """
        found = await self._database.read_once(partial(repository.find, key_hash=hash_of(bearer)))
        if found is None:
            raise InvalidTokenError
        now = datetime.now(UTC)
        if found.key.expires_at is not None and found.key.expires_at <= now:
            raise TokenExpiredError
        await self._note_use(found.key, now)
        return Caller(found.user, ByApiKey(found.key.id))

    async def _note_use(self, key: ApiKey, now: datetime) -> None:
        noted = self._noted.get(key.id) or key.last_used_at
        if noted is not None and now - noted < _USE_KEPT_EVERY:
            return
        if len(self._noted) >= _MOST_NOTED:
            self._noted.clear()
        self._noted[key.id] = now
        note = asyncio.create_task(self._remember_use(key.id, now))
        self._notes.add(note)
        note.add_done_callback(self._notes.discard)
        await asyncio.wait({note}, timeout=_NOTE_SECONDS)  # a database that is busy writing holds up no reader

    async def _remember_use(self, key_id: UUID, now: datetime) -> None:
        try:
            await self._database.write(partial(repository.remember_use, key_id=key_id, now=now))
        except UnavailableError:
            logger.warning("When an API key was last used could not be kept.")


def _in_the_future(expires_at: datetime, now: datetime) -> datetime:
    try:
        utc = expires_at.astimezone(UTC)
    except OverflowError:  # before the year 1 or after 9999 there
        utc = datetime.min.replace(tzinfo=UTC)
    if utc <= now:
        message = "Name a time in the future, up to the year 9999 in UTC, or leave it out."
        raise InvalidRequestError(errors=[FieldError(field="expires_at", code="in_the_past", message=message)])
    return utc


def _cursor(key: ApiKey) -> str:
    return encode_cursor(f"{key.created_at.isoformat()} {key.id}")


def _position(cursor: str) -> tuple[datetime, UUID]:
    made, _, key_id = decode_cursor(cursor).partition(" ")
    try:
        moment = datetime.fromisoformat(made)
        if moment.tzinfo is None:
            raise invalid_cursor()
        return moment.astimezone(UTC), UUID(key_id)
    except (ValueError, OverflowError):
        raise invalid_cursor() from None
