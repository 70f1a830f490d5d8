"""What a new password must be like, by the contract's default policy: ``complexity``."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final

from ams_sdk.testing._platform.common_passwords import is_common
from ams_sdk.wire import FieldError

if TYPE_CHECKING:
    from ams_sdk.testing._platform.email_address import EmailAddress

__all__ = ["LONGEST", "broken_rules", "composed"]

LONGEST: Final = 128
"""Code points."""
_SHORTEST: Final = 8
_LONGEST_TYPED: Final = 4 * LONGEST


def composed(password: str) -> str:
    """Unicode's composed form (NFC); of what is too long, composed or not, the text as it is."""
    return password if len(password) > _LONGEST_TYPED else unicodedata.normalize("NFC", password)


def broken_rules(password: str, email: EmailAddress | None) -> list[FieldError]:
    """The rules that a composed password breaks, none if it is good; None for an address that is none."""
    is_other = email is None or password.strip().casefold() not in {email.key, email.shown.casefold()}
    has_symbol = any(not (one.islower() or one.isupper() or one.isdecimal()) for one in password)
    rules = (
        ("too_short", f"Use {_SHORTEST} characters or more.", len(password) >= _SHORTEST),
        ("too_long", f"Use {LONGEST} characters or fewer.", len(password) <= LONGEST),
        ("no_lowercase", "Use a lower-case letter.", any(map(str.islower, password))),
        ("no_uppercase", "Use an upper-case letter.", any(map(str.isupper, password))),
        ("no_digit", "Use a digit.", any(map(str.isdecimal, password))),
        ("no_symbol", "Use a character that is neither a letter nor a digit.", has_symbol),
        ("too_common", "Many people use this password, so it is guessed first.", not is_common(password)),
        ("is_email", "Do not use the e-mail address as the password.", is_other),
    )
    return [FieldError(field="password", code=code, message=message) for code, message, is_kept in rules if not is_kept]
