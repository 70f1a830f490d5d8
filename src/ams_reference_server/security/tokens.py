"""How a login is proved: a signed token (JWT, RFC 7519), accepted only in the one form that this server writes.

The only place that knows python-jose, which by default accepts other forms and lets raw errors through.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final, Literal
from uuid import UUID, uuid4

from jose import jwk, jws
from jose.exceptions import JOSEError
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from ams_reference_server.errors import InvalidTokenError, TokenExpiredError

if TYPE_CHECKING:
    from collections.abc import Callable

    from jose.backends.base import Key

__all__ = ["AccessToken", "Tokens"]

_ALGORITHM: Final = "HS256"
_PARTY: Final = "ams"  # who issues a token, and whom it is for
_LONGEST: Final = 4096
_CLOCK_SKEW: Final = 60  # seconds that another process's clock may be ahead
_YEAR_9999: Final = 253_402_300_799
_PART: Final = re.compile(r"[A-Za-z0-9_-]+")

_Seconds = Annotated[int, Field(ge=0, le=_YEAR_9999)]


class _Claims(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    iss: Literal["ams"]
    aud: Literal["ams"]
    sub: Annotated[str, Field(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
    iat: _Seconds
    exp: _Seconds
    jti: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What a valid token says: whose it is, its own id, and when it ends (seconds since the epoch)."""

    user_id: UUID
    token_id: str
    expires_at: int


class Tokens:
    """Issues and reads access tokens.

    Each key has an id, which the token's header names (``kid``, RFC 7515, section 4.1.4): so a second key can be
    accepted while it is being replaced, and each token is tried with one key only.

    Args:
        secret: what tokens are signed with, 32 bytes or more.
        lifetime: how long a token lasts, in seconds.
        previous: the secret before this one, whose tokens are still accepted.
        clock: seconds since the epoch.
    """

    def __init__(
        self,
        secret: bytes,
        lifetime: int,
        previous: bytes | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.lifetime = lifetime
        self._clock = clock
        self._key_id = _key_id(secret)
        self._key = _key(secret)
        # The header is compared as text: no other spelling of it, no other field and no other algorithm gets further.
        self._keys = {_header(one): _key(one) for one in (secret, previous) if one is not None}

    def issue(self, user_id: UUID) -> str:
        """A new token for this account."""
        now = int(self._clock())
        claims = {
            "iss": _PARTY,
            "aud": _PARTY,
            "sub": str(user_id),
            "iat": now,
            "exp": now + self.lifetime,
            "jti": uuid4().hex,
        }
        return jws.sign(claims, self._key, headers={"kid": self._key_id}, algorithm=_ALGORITHM)

    def read(self, token: str) -> AccessToken:
        """What the token says.

        Raises:
            InvalidTokenError: it is not one that this server issued.
            TokenExpiredError: it is, and its time is over.
        """
        if len(token) > _LONGEST:
            raise InvalidTokenError
        parts = token.split(".")
        key = self._keys.get(parts[0])
        if len(parts) != 3 or key is None or not _is_canonical(parts[2]):  # noqa: PLR2004 -- header, claims, signature
            raise InvalidTokenError
        try:
            claims = _Claims.model_validate(from_json(jws.verify(token, key, _ALGORITHM)))
        except (JOSEError, ValidationError, ValueError):
            raise InvalidTokenError from None
        now = self._clock()
        if claims.iat > now + _CLOCK_SKEW or claims.exp <= claims.iat:
            raise InvalidTokenError
        if claims.exp <= now:
            raise TokenExpiredError
        return AccessToken(UUID(claims.sub), claims.jti, claims.exp)


def _key(secret: bytes) -> Key:
    # A key object and not the bytes: python-jose would look into those for other kinds of keys, at every token.
    return jwk.construct(secret, _ALGORITHM)


def _key_id(secret: bytes) -> str:
    # Everybody who has a token sees it, so it must say nothing about the secret.
    return hmac.digest(secret, b"ams key id", hashlib.sha256).hex()[:16]


def _header(secret: bytes) -> str:
    return jws.sign({}, _key(secret), headers={"kid": _key_id(secret)}, algorithm=_ALGORITHM).partition(".")[0]


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _is_canonical(part: str) -> bool:
    # Base64url without padding; the last character may not carry bits that decoding drops (RFC 4648, section 3.5).
    if not _PART.fullmatch(part) or len(part) % 4 == 1:
        return False
    return base64.urlsafe_b64encode(_decoded(part)).rstrip(b"=") == part.encode()
