"""What a new password must be like; every broken rule is named, so that one try is enough to get it right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from ams_reference_server.accounts.common_passwords import is_common
from ams_sdk.wire import FieldError

if TYPE_CHECKING:
    from ams_reference_server.accounts.email_address import EmailAddress

__all__ = ["LONGEST", "LONGEST_TYPED", "PasswordPolicy"]

LONGEST: Final = 128
LONGEST_TYPED: Final = 4 * LONGEST
"""Code points before composing, which takes time that grows with their square; more are refused without it."""

_SHORTEST: Final = {"complexity": 8, "nist": 15}


class _Rule(NamedTuple):
    code: str
    message: str
    is_kept: bool


@dataclass(frozen=True, slots=True)
class PasswordPolicy:
    """One of two: ``complexity``, or ``nist`` (SP 800-63B-4, section 3.1.1.2: longer, and no rule of composition)."""

    name: Literal["complexity", "nist"]

    def broken_rules(self, password: str, email: EmailAddress | None) -> list[FieldError]:
        """The rules that the password breaks, none if it is good.

        Args:
            password: in Unicode's composed form (NFC), counted in code points.
            email: the address of the account, which may not be the password too; None if it is not known.
        """
        shortest = _SHORTEST[self.name]
        is_other = email is None or password.strip().casefold() not in {email.key, email.shown.casefold()}
        rules = [
            _Rule("too_short", f"Use {shortest} characters or more.", len(password) >= shortest),
            _Rule("too_long", f"Use {LONGEST} characters or fewer.", len(password) <= LONGEST),
            *(_composition(password) if self.name == "complexity" else []),
            _Rule("too_common", "Many people use this password, so it is guessed first.", not is_common(password)),
            _Rule("is_email", "Do not use the e-mail address as the password.", is_other),
        ]
        return [
            FieldError(field="password", code=rule.code, message=rule.message) for rule in rules if not rule.is_kept
        ]


def _composition(password: str) -> list[_Rule]:
    others = [character for character in password if not _is_letter_or_digit(character)]
    return [
        _Rule("no_lowercase", "Use a lower-case letter.", any(map(str.islower, password))),
        _Rule("no_uppercase", "Use an upper-case letter.", any(map(str.isupper, password))),
        _Rule("no_digit", "Use a digit.", any(map(str.isdecimal, password))),
        _Rule("no_symbol", "Use a character that is neither a letter nor a digit.", bool(others)),
    ]


def _is_letter_or_digit(character: str) -> bool:
    return character.islower() or character.isupper() or character.isdecimal()
