"""Secrets that got into a text by mistake are made unreadable: access tokens, API keys, password hashes, passwords.

A last safety net: nothing here logs a secret on purpose. Every pattern begins at a fixed mark and takes what follows in
one go, so the time grows only with the length of the text.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["masked"]

_MASK: Final = "********"
_HASH: Final = re.compile(r"\$2[abxy]\$\d\d\$[./A-Za-z0-9]+|\$bcrypt-sha256\$[^\s\"']+")
_URL: Final = re.compile(r"://[^\s\"'<>]+")
_PARAMETER: Final = re.compile(r"(?i)([?&](?:pass(?:word)?|pwd|secret|token)=)[^\s\"'&#]+")
_WORD: Final = re.compile(r"[A-Za-z0-9_.\-]{24,}")  # long enough to be a token or a key
_JSON_START: Final = "eyJ"  # {" in Base64: every part of a JWT that is JSON begins so
_KEY_MARK: Final = "ams_"
_KEY: Final = re.compile(r"ams_[0-9A-Za-z]{6,}_[0-9A-Za-z]+")


def masked(text: str) -> str:
    """The text with what looks like a secret replaced by asterisks."""
    if "://" in text:
        text = _PARAMETER.sub(rf"\1{_MASK}", _URL.sub(_without_password, text))
    if "$" in text:
        text = _HASH.sub(_MASK, text)
    if _JSON_START in text or _KEY_MARK in text:
        text = _WORD.sub(_without_credential, text)
    return text


def _without_password(found: re.Match[str]) -> str:
    authority, at, rest = found[0].rpartition("@")
    user, colon, _ = authority[3:].partition(":")
    return f"://{user}:{_MASK}@{rest}" if at and colon else found[0]


def _without_credential(found: re.Match[str]) -> str:
    word = found[0]
    start = word.find(_JSON_START)
    if start >= 0:
        return word[:start] + _MASK
    return _KEY.sub(lambda key: _MASK if any(map(str.isdigit, key[0])) else key[0], word)
