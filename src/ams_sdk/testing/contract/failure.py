"""What somebody reads whose platform breaks a rule: what was asked, what came, what the contract says."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ContractAssertionError"]

_WIDTH: Final = 100
_INDENT: Final = " " * 10


class ContractAssertionError(AssertionError):
    """A platform does not keep a rule of the contract.

    Args:
        wrong: what came otherwise than it was to come.
        exchanges: what was asked and what came, each as text.
        rule: the rule's name.
        says: what the contract says.

    Attributes:
        wrong: as given.
        exchanges: as given.
        rule: as given; empty while the rule is not known.
        says: as given; the same.
    """

    def __init__(self, wrong: str, exchanges: Sequence[str] = (), *, rule: str = "", says: str = "") -> None:
        self.wrong: str = wrong
        self.exchanges: tuple[str, ...] = tuple(exchanges)
        self.rule: str = rule
        self.says: str = says
        super().__init__(wrong)

    def __str__(self) -> str:
        contract = [_entry("contract", "\n".join(textwrap.wrap(self.says, _WIDTH)))] if self.says else []
        return "\n".join([*([self.rule] if self.rule else []), *contract, *self.exchanges, _entry("wrong", self.wrong)])


def _entry(name: str, text: str) -> str:
    return f"{name:<{len(_INDENT)}}{text}".replace("\n", f"\n{_INDENT}")
