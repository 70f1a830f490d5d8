"""A rule of the contract: its name, what it says, and how a platform is held to it."""

from __future__ import annotations

import inspect
import unittest
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Final, Literal, get_args

from ams_sdk._errors import ConfigurationError
from ams_sdk.testing.contract.failure import ContractAssertionError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ams_sdk.testing.contract.platform_under_test import PlatformUnderTest

    Check = Callable[[PlatformUnderTest], None]

__all__ = ["Group", "NotApplicableError", "Rule", "known_rules", "rule", "select"]

Group = Literal["everywhere", "accounts", "agents", "telemetry", "health"]
"""A chapter of the contract."""

_RULES: Final[dict[str, Rule]] = {}
_FILES: Final = (
    "access",
    "requests",
    "answers",
    "problems",
    "queries",
    "accounts",
    "tokens",
    "keys",
    "agents",
    "intake",
    "spans",
    "trace_lists",
    "health",
)


class NotApplicableError(unittest.SkipTest):
    """A rule that this platform cannot be held to in this run; pytest and unittest take it for a skip."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule.

    Attributes:
        name: ``group.rule``; it stays.
        group: the chapter.
        says: what the contract says, a sentence or two.
    """

    name: str
    group: Group
    says: str
    _check: Check = field(repr=False)

    def check(self, platform: PlatformUnderTest) -> None:
        """Hold a platform to it.

        Raises:
            ContractAssertionError: the platform does not keep it.
            NotApplicableError: that cannot be found out here.
        """
        __tracebackhide__ = True
        try:
            self._check(platform)
        except ContractAssertionError as broken:
            raise ContractAssertionError(broken.wrong, broken.exchanges, rule=self.name, says=self.says) from None
        except (LookupError, TypeError, ValueError) as error:
            # What is taken from an answer without a look at its shape is not there.
            wrong = f"the answer has not the shape that was to come ({type(error).__name__}: {error})."
            raise ContractAssertionError(wrong, platform.latest(), rule=self.name, says=self.says) from error


def rule(group: Group, name: str | None = None) -> Callable[[Check], Check]:
    """Make a function a rule: called like it, and saying what its docstring says."""

    def add(check: Check) -> Check:
        full = f"{group}.{name or check.__name__}"
        says = " ".join((inspect.getdoc(check) or full).split())
        _RULES[full] = Rule(full, group, says, check)
        return check

    return add


def known_rules() -> tuple[Rule, ...]:
    """Every rule, in the contract's order."""
    for file in _FILES:
        import_module(f"{__name__.rpartition('.')[0]}.rules.{file}")
    order = get_args(Group)
    return tuple(sorted(_RULES.values(), key=lambda one: order.index(one.group)))


def select(*names: str) -> tuple[Rule, ...]:
    """The rules of these names, or of the groups of these names; all if none is given.

    Raises:
        ConfigurationError: there is no such rule.
    """
    known = known_rules()
    for name in names:
        if not any(_is_called(one, name) for one in known):
            near = [one.name for one in known if name.rpartition(".")[2] in one.name]
            hint = f"did you mean {', '.join(near[:3])}? " if near else ""
            raise ConfigurationError(
                f"The contract has no rule {name!r}; {hint}Write a rule's name or one of the groups "
                f"{', '.join(get_args(Group))}; `ams contract rules` lists them."
            )
    return tuple(one for one in known if not names or any(_is_called(one, name) for name in names))


def _is_called(one: Rule, name: str) -> bool:
    return name in {one.name, one.group}
