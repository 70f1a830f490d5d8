"""The contract of a platform as rules that anybody holds their own platform to, in raw HTTP.

``PlatformContract`` is for a suite of pytest, ``judge`` and ``ams contract run`` need no test runner. Names only, and
each loads when it is asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ams_sdk.testing.contract.failure import ContractAssertionError
    from ams_sdk.testing.contract.platform_under_test import PlatformUnderTest
    from ams_sdk.testing.contract.rule import Group, Rule, select
    from ams_sdk.testing.contract.suite import PlatformContract
    from ams_sdk.testing.contract.verdict import Outcome, Verdict, judge

__all__ = [
    "ContractAssertionError",
    "Group",
    "Outcome",
    "PlatformContract",
    "PlatformUnderTest",
    "Rule",
    "Verdict",
    "judge",
    "select",
]

_HOMES: Final = {
    "ContractAssertionError": "failure",
    "Group": "rule",
    "Outcome": "verdict",
    "PlatformContract": "suite",
    "PlatformUnderTest": "platform_under_test",
    "Rule": "rule",
    "Verdict": "verdict",
    "judge": "verdict",
    "select": "rule",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
