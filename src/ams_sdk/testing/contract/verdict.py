"""The contract without a test runner: each rule's verdict, as it is found."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ams_sdk.testing.contract.failure import ContractAssertionError
from ams_sdk.testing.contract.rule import NotApplicableError, select

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ams_sdk.testing.contract.platform_under_test import PlatformUnderTest
    from ams_sdk.testing.contract.rule import Rule

__all__ = ["Outcome", "Verdict", "judge"]

Outcome = Literal["kept", "broken", "skipped"]
"""What a platform does with a rule; skipped is one that could not be tried."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found out about one rule.

    Attributes:
        rule: the rule.
        outcome: what the platform does with it.
        seconds: that it took to find out.
        broken: what was asked, what came and what was wrong; None unless it is broken.
        reason: why it was skipped; empty unless it was.
    """

    rule: Rule
    outcome: Outcome
    seconds: float
    broken: ContractAssertionError | None = None
    reason: str = ""


def judge(platform: PlatformUnderTest, rules: Iterable[Rule] | None = None) -> Iterator[Verdict]:
    """Hold a platform to rules, one after the other; to all of them if none are given."""
    for rule in select() if rules is None else rules:
        begun = time.perf_counter()
        broken, reason = None, ""
        try:
            rule.check(platform)
        except ContractAssertionError as error:
            broken = error
        except NotApplicableError as error:
            reason = str(error)
        outcome: Outcome = "broken" if broken else "skipped" if reason else "kept"
        yield Verdict(rule, outcome, time.perf_counter() - begun, broken, reason)
