"""What of a run is replayed, and what runs for real: the agent's own code, and whatever asks models and other tools.

A tool answers what was recorded. One that did more below it, with models, tools or agents, is a part of the agent: it
runs, and what it asks is replayed. Unless that cannot be: then its result is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from ams_sdk import _semconv
from ams_sdk.testing._replay.code_place import CodePlace, recorded_place
from ams_sdk.testing._replay.model_answer import unspoken
from ams_sdk.testing._trace.calls import is_agent, is_own_agent

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ams_sdk.testing._trace.agent_run import AgentRun
    from ams_sdk.testing._trace.calls import ModelCallRecord, ToolCall
    from ams_sdk.testing._trace.captured_span import CapturedSpan
    from ams_sdk.testing._trace.forest import Branch

__all__ = ["MEASURED_NS", "DoneStep", "ReplayPlan"]

MEASURED_NS: Final = 2_000
"""A platform tells times in microseconds: what overlaps by less may have come one after the other."""


class DoneStep(NamedTuple):
    """Something that the run did, in the order of its start.

    Attributes:
        branch: where its span stands.
        tool: the call, if it is a tool's.
        model: the call, if it is a model's.
        agent: the name, if it is an agent's run.
        place: where the tool's code is, if that is known.
        is_stubbed: whether the tool's result is replayed.
    """

    branch: Branch
    tool: ToolCall | None = None
    model: ModelCallRecord | None = None
    agent: str = ""
    place: CodePlace | None = None
    is_stubbed: bool = False

    @property
    def spans(self) -> list[CapturedSpan]:
        """All spans of it and below it."""
        return [one.span for one in self.branch]


class ReplayPlan:
    """The steps of a run, with those of the agents inside of it.

    Attributes:
        steps: in the order of their start; without what is below a replayed tool.
        is_unordered: whether some went on at the same time.
        real: names of tools that run for real, by why they do.
    """

    def __init__(self, run: AgentRun) -> None:
        whole = run.with_nested()._view  # noqa: SLF001 -- of the testing kit as this is
        self._top = whole.branch
        branches = {one.span.span_id: one for one in whole.branches}
        found = [
            *(DoneStep(branches[one.span.span_id], tool=one) for one in whole.tool_calls),
            *(DoneStep(branches[one.span.span_id], model=one) for one in whole.model_calls),
            *(DoneStep(branches[one.span.span_id], agent=one.name) for one in whole.agents),
        ]
        found.sort(key=lambda step: (step.branch.span.start_ns, step.branch.index))
        placed = [step._replace(place=_place(step)) if step.tool else step for step in found]
        inside = {at: _inside(step, placed) for at, step in enumerate(placed) if step.tool}
        active = {_key(placed[at]) for at, steps in inside.items() if steps and _can_run(steps)}
        stubbed = [
            step._replace(is_stubbed=step.place is not None and _key(step) not in active) if step.tool else step
            for step in placed
        ]
        replaced = [step.branch for step in stubbed if step.is_stubbed]
        left = [step for step in stubbed if not any(step.branch.is_below(one) for one in replaced)]
        # A framework's agent inside of a decorated one is how that one works.
        is_framework = is_own_agent(run.span) and not any(is_own_agent(step.branch.span) for step in left)
        self.steps: Sequence[DoneStep] = [step for step in left if not (step.agent and is_framework)]
        self.is_unordered: bool = _overlap(self.steps)
        self.real: dict[str, list[str]] = {
            "unplaced": _names(step for step in self.steps if step.tool and step.place is None),
            "active": _names(step for step in self.steps if step.tool and step.place and not step.is_stubbed),
        }

    @property
    def open_spans(self) -> list[CapturedSpan]:
        """Those that have not ended."""
        return [one.span for one in self._top if one.span.end_ns is None]

    def of_name(self, name: str) -> int:
        """How many runs inside are of an agent of this name."""
        return sum(step.agent == name for step in self.steps)


def _place(step: DoneStep) -> CodePlace | None:
    """Where the tool's code is: said on our own span, which may be below a framework's of the same call."""
    name = step.tool.name if step.tool else ""
    for one in step.branch:
        span = one.span
        if one is not step.branch and is_agent(span):
            return None
        is_ours = span.scope_name == _semconv.SCOPE and span.operation == _semconv.OPERATION_EXECUTE_TOOL
        if is_ours and span.attributes.get(_semconv.TOOL_NAME) == name:
            return recorded_place(span.attributes.get(_semconv.CODE_FUNCTION_NAME))
    return None


def _inside(step: DoneStep, steps: Iterable[DoneStep]) -> list[DoneStep]:
    return [one for one in steps if one.branch.is_below(step.branch)]


def _can_run(steps: Sequence[DoneStep]) -> bool:
    """Whether what is below a tool can be replayed; an agent there runs in any case."""
    return any(step.agent for step in steps) or not any(step.model and unspoken(step.model) for step in steps)


def _key(step: DoneStep) -> object:
    return step.place or (step.tool.name if step.tool else "")


def _names(steps: Iterable[DoneStep]) -> list[str]:
    return list(dict.fromkeys(step.tool.name for step in steps if step.tool))


def _overlap(steps: Sequence[DoneStep]) -> bool:
    """Whether one began while another went on that it is not below of."""
    for at, step in enumerate(steps):
        end = step.branch.span.end_ns or step.branch.span.start_ns
        for later in steps[at + 1 :]:
            if later.branch.span.start_ns >= end - MEASURED_NS:
                break
            if not later.branch.is_below(step.branch):
                return True
    return False
