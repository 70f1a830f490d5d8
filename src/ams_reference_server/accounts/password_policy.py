"""What a new password must be like; every broken rule is named, so that one try is enough to get it right."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Final

from ams_sdk.wire import FieldError

if TYPE_CHECKING:
    from ams_reference_server.accounts.email_address import EmailAddress

__all__ = ["LONGEST", "LONGEST_TYPED", "SHORTEST", "broken_rules"]

SHORTEST: Final = 8
LONGEST: Final = 128
LONGEST_TYPED: Final = 4 * LONGEST
"""Code points before composing, which takes time that grows with their square; more are refused without it."""


def broken_rules(password: str, email: EmailAddress | None) -> list[FieldError]:
    """The rules that the password breaks, none if it is good.

    Args:
        password: in Unicode's composed form (NFC), counted in code points.
        email: the address of the account, which may not be the password too; None if it is not known.
    """
    others = [character for character in password if not _is_letter_or_digit(character)]
    folded = password.strip().casefold()
    rules = (
        ("too_short", f"Use {SHORTEST} characters or more.", len(password) >= SHORTEST),
        ("too_long", f"Use {LONGEST} characters or fewer.", len(password) <= LONGEST),
        ("no_lowercase", "Use a lower-case letter.", any(map(str.islower, password))),
        ("no_uppercase", "Use an upper-case letter.", any(map(str.isupper, password))),
        ("no_digit", "Use a digit.", any(map(str.isdecimal, password))),
        ("no_symbol", "Use a character that is neither a letter nor a digit.", bool(others)),
        ("too_common", "Many people use this password, so it is guessed first.", folded not in _common()),
        ("is_email", "Do not use the e-mail address as the password.", email is None or not _is(folded, email)),
    )
    return [FieldError(field="password", code=code, message=message) for code, message, kept in rules if not kept]


def _is(folded: str, email: EmailAddress) -> bool:
    return folded in {email.key, email.shown.casefold()}


def _is_letter_or_digit(character: str) -> bool:
    return character.islower() or character.isupper() or character.isdecimal()


@cache
def _common() -> frozenset[str]:
    listed = (
        resources.files("ams_reference_server.accounts").joinpath("common_passwords.txt").read_text(encoding="utf-8")
    )
    return frozenset(listed.split())
