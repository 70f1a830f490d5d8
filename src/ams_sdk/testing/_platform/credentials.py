"""Access tokens and API keys: how they look, and whether one that is shown is good.

A token looks like a JWT with HS256 and is one, but it is looked up and not verified: only the very text that was issued
is known.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import string
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4

from ams_sdk.testing._platform.refusals import Refusal
from ams_sdk.wire import ApiKey, NewApiKey

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["LIFETIME", "Credentials", "KnownKey", "KnownToken"]

LIFETIME: Final = 28_800
"""Seconds that an access token lasts."""

_SKEW: Final = timedelta(seconds=60)  # that another clock may be ahead
_USE_NOTED_EVERY: Final = timedelta(minutes=1)
_ALPHABET: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
_PREFIX_ALPHABET: Final = string.digits + string.ascii_lowercase


@dataclass(frozen=True, slots=True)
class KnownToken:
    """An access token that was issued."""

    user_id: UUID
    issued_at: datetime
    expires_at: datetime
    is_revoked: bool = False


@dataclass(frozen=True, slots=True)
class KnownKey:
    """An API key that was made, and the number of the key among all."""

    user_id: UUID
    key: ApiKey
    number: int


class Credentials:
    """Every credential of the platform; whoever calls holds the platform's lock."""

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(32)
        self._header = _part({"alg": "HS256", "kid": secrets.token_hex(8), "typ": "JWT"})
        self._tokens: dict[str, KnownToken] = {}
        self._keys: dict[str, KnownKey] = {}
        self._made = 0

    def issue(self, user_id: UUID, now: datetime) -> str:
        """A new token for this account."""
        begins = now.replace(microsecond=0)
        expires_at = begins + timedelta(seconds=LIFETIME)
        claims = {
            "iss": "ams",
            "aud": "ams",
            "sub": str(user_id),
            "iat": int(begins.timestamp()),
            "exp": int(expires_at.timestamp()),
            "jti": uuid4().hex,
        }
        signed = f"{self._header}.{_part(claims)}"
        token = f"{signed}.{_text(hmac.digest(self._secret, signed.encode(), hashlib.sha256))}"
        self._tokens[token] = KnownToken(user_id, begins, expires_at)
        return token

    def make_key(self, user_id: UUID, name: str, expires_at: datetime | None, now: datetime) -> NewApiKey:
        """A new API key for this account."""
        prefix = "ams_" + "".join(secrets.choice(_PREFIX_ALPHABET) for _ in range(8))
        key = f"{prefix}_{''.join(secrets.choice(_ALPHABET) for _ in range(43))}"
        made = NewApiKey(id=uuid4(), name=name, prefix=prefix, created_at=now, expires_at=expires_at, key=key)
        self._made += 1
        shown = ApiKey(id=made.id, name=name, prefix=prefix, created_at=now, expires_at=expires_at)
        self._keys[key] = KnownKey(user_id, shown, self._made)
        return made

    def owner_of(self, bearer: str, now: datetime) -> UUID:
        """Whose credential this is; the use of a key is noted.

        Raises:
            Refusal: 401, it is none, or its time is over, or it was revoked.
        """
        if (key := self._keys.get(bearer)) is not None:
            return self._use(bearer, key, now)
        token = self._tokens.get(bearer)
        if token is None or token.issued_at > now + _SKEW:
            raise Refusal("invalid_token")
        if token.expires_at <= now:
            raise Refusal("token_expired")
        if token.is_revoked:
            raise Refusal("invalid_token")
        return token.user_id

    def knows(self, bearer: str) -> bool:
        """Whether it was ever issued, and not deleted."""
        return bearer in self._tokens or bearer in self._keys

    def restore(self, user_id: UUID, token: str, key: NewApiKey, now: datetime) -> None:
        """Take a token and a key as they are, as good as on their first day."""
        self._tokens[token] = KnownToken(user_id, now, now + timedelta(seconds=LIFETIME))
        self._made += 1
        shown = ApiKey.model_validate(key.model_dump(exclude={"key"}) | {"created_at": now})
        self._keys[key.key] = KnownKey(user_id, shown, self._made)

    def revoke(self, bearer: str) -> None:
        """Make a token useless, or delete a key."""
        if bearer in self._tokens:
            self._tokens[bearer] = replace(self._tokens[bearer], is_revoked=True)
        self._keys.pop(bearer, None)

    def expire(self, bearer: str, now: datetime) -> None:
        """Let its time be over."""
        if bearer in self._tokens:
            self._tokens[bearer] = replace(self._tokens[bearer], expires_at=now)
        elif (known := self._keys.get(bearer)) is not None:
            ended = known.key.model_copy(update={"expires_at": now})
            self._keys[bearer] = KnownKey(known.user_id, ended, known.number)

    def delete_key(self, user_id: UUID, key_id: UUID) -> bool:
        """Delete a key of this account; whether there was one."""
        for bearer, known in self._keys.items():
            if known.key.id == key_id and known.user_id == user_id:
                del self._keys[bearer]
                return True
        return False

    def keys_of(self, user_id: UUID) -> list[KnownKey]:
        """The account's keys, newest first."""
        own = [known for known in self._keys.values() if known.user_id == user_id]
        return sorted(own, key=lambda known: (known.key.created_at, known.number), reverse=True)

    def texts(self) -> Iterator[str]:
        """Each credential, to be masked where something is shown."""
        yield from list(self._tokens)
        yield from list(self._keys)

    def _use(self, bearer: str, known: KnownKey, now: datetime) -> UUID:
        key = known.key
        if key.expires_at is not None and key.expires_at <= now:
            raise Refusal("token_expired")
        if key.last_used_at is None or now - key.last_used_at >= _USE_NOTED_EVERY:
            used = key.model_copy(update={"last_used_at": now})
            self._keys[bearer] = KnownKey(known.user_id, used, known.number)
        return known.user_id


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _part(value: Mapping[str, object]) -> str:
    return _text(json.dumps(value, separators=(",", ":")).encode())
