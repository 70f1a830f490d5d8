"""One run of an agent as the assertions see it: what it said, and what counts as done by it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ams_sdk.testing._trace.calls import agent_name, error_of, is_agent, is_own_agent, model_calls, tool_calls
from ams_sdk.testing._trace.recorded_content import NOT_RECORDED, input_of, output_of
from ams_sdk.testing._trace.usage import usage_below

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ams_sdk.testing._trace.calls import CallError, ModelCallRecord, ToolCall
    from ams_sdk.testing._trace.captured_span import CapturedSpan
    from ams_sdk.testing._trace.forest import Branch, Forest
    from ams_sdk.testing._trace.usage import Usage

__all__ = ["RunView"]


class RunView:
    """A run, and where it stands among all spans.

    Attributes:
        branch: where the run stands.
    """

    def __init__(self, forest: Forest, branch: Branch, *, nested: bool = False) -> None:
        self.branch: Branch = branch
        self._forest = forest
        self._nested = nested
        self._inside: Sequence[Branch] | None = None
        self._tools: Sequence[ToolCall] | None = None

    @property
    def name(self) -> str:
        """What the agent is called."""
        return agent_name(self.span)

    @property
    def span(self) -> CapturedSpan:
        """The span of the run."""
        return self.branch.span

    @property
    def input(self) -> Any:  # noqa: ANN401 -- any JSON value
        """What it was given; None if that was not recorded."""
        found = input_of(self.span)
        return None if found is NOT_RECORDED else found

    @property
    def output(self) -> Any:  # noqa: ANN401 -- any JSON value
        """What came out; None if that was not recorded."""
        found = output_of(self.span)
        return None if found is NOT_RECORDED else found

    @property
    def error(self) -> CallError | None:
        """What it ended with; None for a run that came back."""
        return error_of(self.branch)

    @property
    def duration(self) -> float | None:
        """Seconds; None while it goes on."""
        return self.span.duration

    @property
    def usage(self) -> Usage:
        """The tokens that it used."""
        return usage_below(self.branch, self.inside)

    @property
    def tool_calls(self) -> Sequence[ToolCall]:
        """The calls of tools, in the order of their start."""
        if self._tools is None:
            self._tools = tuple(tool_calls(self.inside, self._forest.branches))
        return self._tools

    @property
    def model_calls(self) -> Sequence[ModelCallRecord]:
        """The calls of models, in the order of their start."""
        return tuple(model_calls(self.inside))

    @property
    def agents(self) -> Sequence[RunView]:
        """The runs of agents inside of it; with ``with_nested()`` also those inside of these."""
        return tuple(
            RunView(self._forest, branch, nested=self._nested)
            for branch in self.branches
            if branch is not self.branch and is_agent(branch.span) and (self._nested or self._is_own(branch))
        )

    @property
    def parent(self) -> RunView | None:
        """The run that it is inside of."""
        found = next((branch for branch in self.branch.above() if is_agent(branch.span)), None)
        return None if found is None else RunView(self._forest, found, nested=self._nested)

    @property
    def branches(self) -> Sequence[Branch]:
        """The run and everything below it, from top to bottom."""
        return self._forest.branches[self.branch.index : self.branch.last + 1]

    @property
    def everyones_model_calls(self) -> Sequence[ModelCallRecord]:
        """The calls of models that were captured, whoever's."""
        return tuple(model_calls(self._forest.branches))

    @property
    def inside(self) -> Sequence[Branch]:
        """What counts as done by this run, from top to bottom, without the run itself."""
        if self._inside is None:
            self._inside = [*self.branches[1:]] if self._nested else self._own()
        return self._inside

    def with_nested(self) -> RunView:
        """The same run, in which everything counts that the agents inside of it did."""
        return RunView(self._forest, self.branch, nested=True)

    def index_of(self, span: CapturedSpan) -> int:
        """The index of a span's branch."""
        found = self._forest.of(span)
        return -1 if found is None else found.index

    def _own(self) -> list[Branch]:
        own: list[Branch] = []
        index = self.branch.index + 1
        while index <= self.branch.last:
            branch = self._forest.branches[index]
            if is_own_agent(branch.span) or (is_agent(branch.span) and not is_own_agent(self.span)):
                index = branch.last + 1
                continue
            own.append(branch)
            index += 1
        return own

    def _is_own(self, branch: Branch) -> bool:
        above = next((one for one in branch.above() if is_agent(one.span)), None)
        return above is self.branch
