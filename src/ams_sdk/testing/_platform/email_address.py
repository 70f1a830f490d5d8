"""An e-mail address as it is shown, and as it is compared."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Final

import idna

__all__ = ["EmailAddress", "InvalidEmailError"]

_LONGEST: Final = 254  # RFC 5321, section 4.5.3.1.3, without the brackets of a path
_LONGEST_TEXT: Final = 1024  # code points as they arrive: composing takes time that grows with their square
_LONGEST_LOCAL: Final = 64  # the same, section 4.5.3.1.1
_SPECIALS: Final = frozenset('()<>[]:;@\\,"')  # RFC 5322, section 3.2.3: only in quoted local parts, which nobody has


class InvalidEmailError(ValueError):
    """The text is no e-mail address."""


@dataclass(frozen=True, slots=True)
class EmailAddress:
    """``shown`` is the address as it was typed; two addresses are the same account when their ``key`` is the same."""

    shown: str
    key: str

    @classmethod
    def parse(cls, text: str) -> EmailAddress:
        """Read an address: trimmed, composed (NFC); the key also NFKC case-folded, its domain in ASCII (IDNA, UTS 46).

        Raises:
            InvalidEmailError: it has no form that mail could be sent to.
        """
        if len(text) > _LONGEST_TEXT:
            raise InvalidEmailError(text)
        shown = unicodedata.normalize("NFC", text.strip())
        local, at, domain = shown.rpartition("@")
        if not at or not domain or not _is_local(local) or len(shown.encode()) > _LONGEST:
            raise InvalidEmailError(text)
        try:
            ascii_domain = idna.encode(domain, uts46=True).decode().lower()
        except (idna.IDNAError, UnicodeError):
            raise InvalidEmailError(text) from None
        if "." not in ascii_domain.rstrip("."):
            raise InvalidEmailError(text)
        folded = _folded(local)
        # A look-alike can stand for what no local part may hold, such as a full-width @.
        if not _is_local(folded):
            raise InvalidEmailError(text)
        return cls(shown, f"{folded}@{ascii_domain.rstrip('.')}")


def _folded(local: str) -> str:
    # NFKC also takes full-width and ligature forms for the letters they stand for. Folding can take a composed letter
    # apart, and composing can make one that folds again: Unicode's NFKC_Casefold has two rounds too.
    for _ in range(2):
        local = unicodedata.normalize("NFKC", local.casefold())
    return local


def _is_local(local: str) -> bool:
    if not local or len(local.encode()) > _LONGEST_LOCAL or local.startswith(".") or local.endswith("."):
        return False
    return ".." not in local and all(
        character.isprintable() and not character.isspace() and character not in _SPECIALS for character in local
    )
