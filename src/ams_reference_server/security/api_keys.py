"""API keys: how one is made, and how it is kept and found again.

A key is ``ams_``, eight characters that people are shown, an underscore and 256 random bits in 43 characters. With so
much chance in it no guess finds one, so its SHA-256 is enough to keep, and quick to look up at every request; a slow
hash is for passwords.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import string
from typing import Final, NamedTuple

__all__ = ["ApiKeySecret", "hash_of", "is_api_key", "new_api_key"]

_ALPHABET: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
_PREFIX_ALPHABET: Final = string.digits + string.ascii_lowercase
_PREFIX_LENGTH: Final = 8
_BITS: Final = 256
_DIGITS: Final = 43  # of 62 each, for 256 bits
_FORM: Final = re.compile(rf"ams_[0-9a-z]{{{_PREFIX_LENGTH}}}_[0-9A-Za-z]{{{_DIGITS}}}")


class ApiKeySecret(NamedTuple):
    """A key as its owner sees it this once, the part that stays visible, and the hash to keep."""

    key: str
    prefix: str
    key_hash: str


def new_api_key() -> ApiKeySecret:
    """A new key."""
    prefix = "ams_" + "".join(secrets.choice(_PREFIX_ALPHABET) for _ in range(_PREFIX_LENGTH))
    number = secrets.randbits(_BITS)
    digits = ""
    for _ in range(_DIGITS):
        number, digit = divmod(number, len(_ALPHABET))
        digits += _ALPHABET[digit]
    key = f"{prefix}_{digits}"
    return ApiKeySecret(key, prefix, hash_of(key))


def is_api_key(bearer: str) -> bool:
    """Whether a credential has the form of a key; whether it is one, only the database knows."""
    return _FORM.fullmatch(bearer) is not None


def hash_of(key: str) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(key.encode()).hexdigest()
