"""How the text of a setting is read: each reader returns the value, or raises ``ValueError`` saying what to write."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from limits import RateLimitItem, parse_many

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "MAKE_A_KEY",
    "MINIMUM_KEY_BYTES",
    "folder",
    "integer",
    "key",
    "networks",
    "one_of",
    "origins",
    "rate",
    "text",
]

MINIMUM_KEY_BYTES: Final = 32
MAKE_A_KEY: Final = 'make one with: python -c "import secrets; print(secrets.token_urlsafe(48))"'
# What starts a key of another kind, which is no shared secret; python-jose refuses to sign with it.
_DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}
_LONGEST_WINDOW: Final = 366 * 86400  # seconds
_OTHER_KEYS: Final = ("-----BEGIN", "ssh-rsa")


def text(text: str) -> str:
    """Any text."""
    return text


def folder(text: str) -> Path:
    """A folder, as a full path."""
    try:
        return Path(text).expanduser().absolute()
    except RuntimeError:
        raise ValueError(
            f"{text.partition('/')[0]} is nobody's home folder here; write the folder's full path"
        ) from None


def key(text: str) -> str:
    """A secret that tokens are signed with (RFC 7518, section 3.2: as long as the hash, 32 bytes)."""
    if any(mark in text for mark in _OTHER_KEYS):
        raise ValueError(f"it is a key of another kind, not a shared secret; {MAKE_A_KEY}")
    if len(text.encode()) < MINIMUM_KEY_BYTES:
        raise ValueError(f"it needs {MINIMUM_KEY_BYTES} bytes or more; {MAKE_A_KEY}")
    return text


def one_of(*words: str) -> Callable[[str], str]:
    """One of these words."""

    def read(text: str) -> str:
        if text not in words:
            raise ValueError(f"write {', '.join(words[:-1])} or {words[-1]}")
        return text

    return read


def integer(least: int, most: int) -> Callable[[str], int]:
    """A whole number within bounds."""

    def read(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
            raise ValueError(f"write a whole number from {least} to {most}")
        return int(text)

    return read


def rate(text: str) -> RateLimitItem | None:
    """How often within how long, as the library ``limits`` writes it; None for no limit."""
    if text == "off":
        return None
    try:
        (limit,) = parse_many(text)
    except ValueError:  # none, or several
        limit = None
    if limit is None or limit.amount < 1 or not 1 <= limit.get_expiry() <= _LONGEST_WINDOW:
        raise ValueError("write how often within how long, for example 10 per 5 minutes, or off")
    return limit


def networks(text: str) -> tuple[str, ...]:
    """Addresses and networks (CIDR), separated by commas."""
    listed = _listed(text)
    for one in listed:
        try:
            ip_network(one)
        except ValueError:
            raise ValueError(
                "write addresses or networks separated by commas, for example 127.0.0.1,10.0.0.0/8"
            ) from None
    return listed


def origins(text: str) -> tuple[str, ...]:
    """Origins (RFC 6454: scheme, host and port) separated by commas."""
    listed = _listed(text)
    for one in listed:
        parts = urlsplit(one)
        is_origin = parts.scheme in _DEFAULT_PORTS and parts.hostname and f"{parts.scheme}://{parts.netloc}" == one
        # As browsers write them: they are compared as text.
        if not is_origin or one != one.lower() or one.endswith(_DEFAULT_PORTS[parts.scheme]) or "@" in one:
            raise ValueError(
                "write origins as browsers do, separated by commas: https://app.example.org, in lower case and without "
                "a port that goes without saying"
            )
    return listed


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
