"""What one stub answers, to which calls, and how often; and one call of a stubbed tool."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ams_sdk.testing._trace.masked_text import shown
from ams_sdk.testing._trace.steps import DEFAULT, call_text
from ams_sdk.testing._trace.value_difference import ABSENT, Difference
from ams_sdk.testing._trace.value_match import differences_of_values

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Stub", "StubbedCall"]


@dataclass(frozen=True, slots=True)
class StubbedCall:
    """One call of a tool that is stubbed.

    Attributes:
        arguments: by their names, as the tool was given them; those beyond the named ones as ``*args``.
        is_answered: whether a stub answered; no other ever reached the agent.
    """

    arguments: Mapping[str, Any]
    is_answered: bool


@dataclass(slots=True, eq=False)
class Stub:
    """An answer to some calls of a tool.

    Attributes:
        arguments: those that matter.
        exact: whether the call may have no others.
        times: how often it answers; None for always.
        defaults: what the tool takes where a call gives nothing.
        answer: gives the result, or raises.
        says: how the answer is shown.
        used: how often it has answered.
    """

    arguments: Mapping[str, Any]
    exact: bool
    times: int | None
    defaults: Mapping[str, Any]
    answer: Callable[[], Any]
    says: str
    used: int = field(default=0)

    @property
    def is_left(self) -> bool:
        """Whether it answers one more call."""
        return self.times is None or self.used < self.times

    @property
    def is_unused(self) -> bool:
        """Whether a call is missing that it was written for."""
        return self.times is not None and self.used < self.times

    def differs(self, given: Mapping[str, Any]) -> dict[str, list[Difference]]:
        """By the argument's name, where a call is another one; empty if this answers it.

        What the call leaves at its default has that value.
        """
        found = {name: self._differences(name, value, given) for name, value in self.arguments.items()}
        if self.exact:
            found |= {
                name: [Difference("", ABSENT, value)] for name, value in given.items() if name not in self.arguments
            }
        return {name: different for name, different in found.items() if different}

    def text(self, tool: str) -> str:
        """As the test has it, on one line."""
        arguments = call_text(tool, self.arguments, 60) if self.arguments or self.exact else f"{tool}(…)"
        return f"{arguments} {self.says}"

    def _differences(self, name: str, expected: object, given: Mapping[str, Any]) -> list[Difference]:
        if name in given:
            return differences_of_values(expected, given[name])
        if name not in self.defaults:
            return [Difference("", expected, ABSENT)]
        found = differences_of_values(expected, self.defaults[name])
        for one in found:
            one.note = one.note or DEFAULT
        return found


def said_of_result(value: object) -> str:
    """How a result is shown."""
    return f"-> {shown(value, 40)}"
