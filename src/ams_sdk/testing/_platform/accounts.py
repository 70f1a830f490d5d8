"""Accounts, logins and API keys: the calls under ``/api/auth``, ``/api/users`` and ``/api/keys``."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from ams_sdk.testing._platform.credentials import LIFETIME, Credentials
from ams_sdk.testing._platform.email_address import EmailAddress, InvalidEmailError
from ams_sdk.testing._platform.paging import PageQuery, decode_cursor, encode_cursor, invalid_cursor
from ams_sdk.testing._platform.password_policy import LONGEST, broken_rules, composed
from ams_sdk.testing._platform.refusals import Refusal, broken_rule
from ams_sdk.wire import ApiKey, FieldError, Page, Token, User

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator

    from ams_sdk.wire import ApiKeyRequest, LoginRequest, NewApiKey, RegisterRequest

__all__ = ["Accounts"]


@dataclass(frozen=True, slots=True)
class _Kept:
    user: User
    password: bytes


class Accounts:
    """The platform's accounts.

    Args:
        lock: held while they are read or changed.
    """

    def __init__(self, lock: threading.RLock) -> None:
        self._lock = lock
        self._by_key: dict[str, _Kept] = {}
        self._by_id: dict[UUID, User] = {}
        self.credentials = Credentials()

    def register(self, wanted: RegisterRequest, now: datetime) -> User:
        """Open an account.

        Raises:
            Refusal: 422 or 409.
        """
        email, password = _checked(wanted)
        with self._lock:
            if email.key in self._by_key:
                raise Refusal("email_taken")
            user = User(id=uuid4(), email=email.shown, name=wanted.name, created_at=now, updated_at=now)
            self.add(user, password)
        return user

    def add(self, user: User, password: str) -> None:
        """Keep an account as it is."""
        with self._lock:
            self._by_key[EmailAddress.parse(user.email).key] = _Kept(user, _digest(password))
            self._by_id[user.id] = user

    def log_in(self, wanted: LoginRequest, now: datetime) -> tuple[Token, User]:
        """Check a password and issue a token.

        Raises:
            Refusal: 401 ``invalid_credentials``; which of the two was wrong is not said.
        """
        password = composed(wanted.password)
        with self._lock:
            kept = self._by_key.get(_key(wanted.email))
            if kept is None or len(password) > LONGEST or kept.password != _digest(password):
                raise Refusal("invalid_credentials")
            token = self.credentials.issue(kept.user.id, now)
        return Token(access_token=token, expires_in=LIFETIME), kept.user

    def authenticate(self, bearer: str, now: datetime) -> User:
        """Whose credential this is.

        Raises:
            Refusal: 401.
        """
        with self._lock:
            return self._by_id[self.credentials.owner_of(bearer, now)]

    def log_out(self, bearer: str) -> None:
        """Make a token useless, or delete a key."""
        with self._lock:
            self.credentials.revoke(bearer)

    def create_key(self, owner: User, wanted: ApiKeyRequest, now: datetime) -> NewApiKey:
        """Make an API key.

        Raises:
            Refusal: 422, its time is over already.
        """
        expires_at = None if wanted.expires_at is None else _in_the_future(wanted.expires_at, now)
        with self._lock:
            return self.credentials.make_key(owner.id, wanted.name, expires_at, now)

    def list_keys(self, owner: User, query: PageQuery) -> Page[ApiKey]:
        """A page of an account's keys, newest first.

        Raises:
            Refusal: 422, the cursor is none of this list.
        """
        after = None if query.cursor is None else _position(query.cursor)
        with self._lock:
            keys = [known.key for known in self.credentials.keys_of(owner.id)]
        if after is not None:
            keys = _behind(keys, *after)
        shown = keys[: query.limit]
        cursor = f"{shown[-1].created_at.isoformat()} {shown[-1].id}" if len(keys) > query.limit else None
        return Page[ApiKey](items=shown, next_cursor=None if cursor is None else encode_cursor(cursor))

    def delete_key(self, owner: User, key_id: str) -> None:
        """Delete a key.

        Raises:
            Refusal: 404.
        """
        try:
            known = UUID(key_id)
        except ValueError:
            raise Refusal("not_found") from None
        # Python knows more spellings of a UUID than RFC 9562.
        with self._lock:
            if str(known) != key_id.lower() or not self.credentials.delete_key(owner.id, known):
                raise Refusal("not_found")

    def find(self, email: str) -> User | None:
        """The account of an address, in any of its spellings."""
        with self._lock:
            kept = self._by_key.get(_key(email))
        return None if kept is None else kept.user

    def __iter__(self) -> Iterator[User]:
        with self._lock:
            return iter(list(self._by_id.values()))


def _checked(wanted: RegisterRequest) -> tuple[EmailAddress, str]:
    errors: list[FieldError] = []
    email = None
    try:
        email = EmailAddress.parse(wanted.email)
    except InvalidEmailError:
        message = "Write an e-mail address, for example ada@example.org."
        errors.append(FieldError(field="email", code="invalid_email", message=message))
    password = composed(wanted.password)
    errors += broken_rules(password, email)
    if email is None or errors:
        raise Refusal("validation", errors=errors)
    return email, password


def _key(email: str) -> str:
    try:
        return EmailAddress.parse(email).key
    except InvalidEmailError:
        return ""


def _digest(password: str) -> bytes:
    # A platform takes its time for this; here only what is shown of the state must not hold a password.
    return hashlib.sha256(password.encode()).digest()


def _in_the_future(expires_at: datetime, now: datetime) -> datetime:
    try:
        utc = expires_at.astimezone(UTC)
    except OverflowError:  # before the year 1 or after 9999 there
        utc = datetime.min.replace(tzinfo=UTC)
    if utc <= now:
        message = "Name a time in the future, up to the year 9999 in UTC, or leave it out."
        raise broken_rule("expires_at", "in_the_past", message)
    return utc


def _position(cursor: str) -> tuple[datetime, UUID]:
    made, _, key_id = decode_cursor(cursor).partition(" ")
    try:
        moment = datetime.fromisoformat(made)
        if moment.tzinfo is None:
            raise invalid_cursor()
        return moment.astimezone(UTC), UUID(key_id)
    except (ValueError, OverflowError):
        raise invalid_cursor() from None


def _behind(keys: list[ApiKey], moment: datetime, key_id: UUID) -> list[ApiKey]:
    for index, key in enumerate(keys):
        if key.id == key_id:
            return keys[index + 1 :]
    return [key for key in keys if key.created_at < moment]  # it was deleted meanwhile
