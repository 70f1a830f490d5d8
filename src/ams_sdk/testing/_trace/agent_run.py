"""One run of an agent: what it was given, what it did, what came out, and what can be asserted of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from ams_sdk.testing._trace import budget, call_assertions, outcome, trajectory
from ams_sdk.testing._trace.failure import TraceAssertionError
from ams_sdk.testing._trace.recorded_content import NOT_RECORDED
from ams_sdk.testing._trace.steps import by_name_only, united_arguments

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Never

    from ams_sdk.testing._trace.calls import CallError, ModelCallRecord, ToolCall
    from ams_sdk.testing._trace.captured_span import CapturedSpan
    from ams_sdk.testing._trace.run_view import RunView
    from ams_sdk.testing._trace.steps import Step
    from ams_sdk.testing._trace.usage import Usage
    from ams_sdk.testing._trace.view import TraceView

__all__ = ["AgentRun"]


class AgentRun:
    """One run of an agent, as it was when it was asked for; made by ``TraceView.agent()``.

    What an agent inside of it did is that agent's own, and found in ``agents``, unless ``with_nested()`` is asked. A
    framework's agent inside of a decorated one is how that one works, so what it did is the decorated one's as well.
    Every assertion raises ``TraceAssertionError``.
    """

    def __init__(self, trace: TraceView, view: RunView) -> None:
        self._trace = trace
        self._view = view

    def __repr__(self) -> str:
        return f"<AgentRun of {self.name!r}: {len(self.tool_calls)} tool calls, {len(self.model_calls)} model calls>"

    @property
    def name(self) -> str:
        """What the agent is called."""
        return self._view.name

    @property
    def span(self) -> CapturedSpan:
        """The span of the run."""
        return self._view.span

    @property
    def trace(self) -> TraceView:
        """The trace that the run is in."""
        return self._trace

    @property
    def input(self) -> Any:  # noqa: ANN401 -- any JSON value
        """What it was given; None if that was not recorded.

        A text, if that was all; a dictionary of its arguments; or, from other instrumentation, the messages in the
        form of the GenAI conventions.
        """
        return self._view.input

    @property
    def output(self) -> Any:  # noqa: ANN401 -- any JSON value
        """What came out, as JSON has it, or the messages; None if it was not recorded."""
        return self._view.output

    @property
    def error(self) -> CallError | None:
        """What it ended with; None for a run that came back."""
        return self._view.error

    @property
    def duration(self) -> float | None:
        """Seconds; None while it goes on."""
        return self._view.duration

    @property
    def usage(self) -> Usage:
        """The tokens that it used; a call that a framework and a client have both recorded counts once."""
        return self._view.usage

    @property
    def tool_calls(self) -> Sequence[ToolCall]:
        """The calls of tools, in the order of their start."""
        return self._view.tool_calls

    @property
    def model_calls(self) -> Sequence[ModelCallRecord]:
        """The calls of models, in the order of their start."""
        return self._view.model_calls

    @property
    def agents(self) -> Sequence[AgentRun]:
        """The runs of agents inside of it; with ``with_nested()`` also those inside of these."""
        return tuple(AgentRun(self._trace, view) for view in self._view.agents)

    @property
    def parent(self) -> AgentRun | None:
        """The run that it is inside of."""
        view = self._view.parent
        return None if view is None else AgentRun(self._trace, view)

    def with_nested(self) -> AgentRun:
        """The same run, in which everything counts that the agents inside of it did."""
        return AgentRun(self._trace, self._view.with_nested())

    def assert_called(
        self,
        tool: str | Callable[..., Any],
        /,
        *unnamed: Never,
        times: int | None = None,
        result: Any = NOT_RECORDED,  # noqa: ANN401 -- any value
        arguments: Mapping[str, Any] | None = None,
        **named: Any,  # noqa: ANN401 -- the same
    ) -> None:
        """A tool was called with these arguments, among others.

        Args:
            tool: its name, or the function that is decorated with ``@tool``.
            unnamed: none; arguments are given by their names.
            times: how often exactly; at least once if not given.
            result: what it gave back.
            arguments: the same as ``named``, for names that this method has itself, such as ``times``.
            named: values, or anything whose ``__eq__`` tells: ``mock.ANY``, ``pytest.approx``, or a
                matcher of dirty-equals; of a text a compiled pattern. What JSON does not have, a tuple or a
                dataclass, is compared in the form in which it is recorded. An argument that a call leaves at its
                default is not recorded; where the function is known, the default counts.

        Raises:
            TraceAssertionError: it was not, or not so often; or what was recorded does not tell, because the value was
                masked, cut, or recorded by its type only.
            ConfigurationError: this cannot be asked.
        """
        __tracebackhide__ = True
        by_name_only(unnamed, "assert_called", tool)
        asked = united_arguments(arguments, named, "assert_called()")
        self._fail_with(call_assertions.not_called_so(self._view, tool, times, result, asked))

    def assert_not_called(
        self,
        tool: str | Callable[..., Any],
        /,
        *unnamed: Never,
        arguments: Mapping[str, Any] | None = None,
        **named: Any,  # noqa: ANN401 -- any value
    ) -> None:
        """A tool was not called; or, if some are given, not with these arguments.

        What an agent inside of the run called is that agent's: ``with_nested()`` asks for it as well.

        Args:
            tool: its name, or the function that is decorated with ``@tool``.
            unnamed: none; arguments are given by their names.
            arguments: the same as ``named``, for names that this method has itself.
            named: as in ``assert_called``.

        Raises:
            TraceAssertionError: it was, or may have been: what was recorded of an argument does not tell.
            ConfigurationError: this cannot be asked.
        """
        __tracebackhide__ = True
        by_name_only(unnamed, "assert_not_called", tool)
        asked = united_arguments(arguments, named, "assert_not_called()")
        self._fail_with(call_assertions.called_anyway(self._view, tool, asked))

    def assert_called_in_order(self, *tools: str | Step | Callable[..., Any]) -> None:
        """These were called one after the other, with others before, between and after them.

        Args:
            tools: names, decorated functions, or steps (``tool_step("search", query="otters")``).

        Raises:
            TraceAssertionError: they were not.
            ConfigurationError: this cannot be asked.
        """
        __tracebackhide__ = True
        self._fail_with(trajectory.not_in_order(self._view, tools))

    def assert_only_called(self, *tools: str | Callable[..., Any]) -> None:
        """No other tools than these were called; not all of them need to have been. Without any, none was called.

        What an agent inside of the run called is that agent's: ``with_nested()`` asks for it as well.

        Raises:
            TraceAssertionError: another one was.
            ConfigurationError: this cannot be asked.
        """
        __tracebackhide__ = True
        self._fail_with(call_assertions.others_called(self._view, tools))

    def assert_trajectory(
        self,
        steps: Sequence[str | Step | Callable[..., Any]],
        mode: Literal["strict", "unordered", "subset", "superset"] = "strict",
    ) -> None:
        """The run went this way.

        Args:
            steps: names of tools, or of agents inside; decorated functions; or what ``tool_step``,
                ``model_step`` and ``agent_step`` give. Calls of models, and of agents, count only if
                one is among the steps.
            mode: ``strict``, these steps in this order and no others; ``unordered``, these in any order; ``subset``,
                nothing but what is among these; ``superset``, these in any order, and others too. A step
                stands for one call.

        Raises:
            TraceAssertionError: it went another way.
            ConfigurationError: this cannot be asked.
        """
        __tracebackhide__ = True
        self._fail_with(trajectory.gone_astray(self._view, steps, mode))

    def assert_within(  # noqa: PLR0913 -- each by its name
        self,
        *,
        tokens: int | None = None,
        input_tokens: int | None = None,
        output_tokens: int | None = None,
        seconds: float | None = None,
        model_calls: int | None = None,
        tool_calls: int | None = None,
    ) -> None:
        """The run took no more than this; without what agents inside of it took, unless ``with_nested()`` is asked.

        Args:
            tokens: in and out.
            input_tokens: that went into models.
            output_tokens: that came out of them.
            seconds: from its start to its end.
            model_calls: calls of models.
            tool_calls: calls of tools.

        Raises:
            TraceAssertionError: it took more, or nothing says how much it took.
            ConfigurationError: no limit was given, or one cannot be a limit.
        """
        __tracebackhide__ = True
        limits = {
            "tokens": tokens,
            "input_tokens": input_tokens,
            "output_tokens": output_tokens,
            "seconds": seconds,
            "model_calls": model_calls,
            "tool_calls": tool_calls,
        }
        said = {name: limit for name, limit in limits.items() if limit is not None}
        self._fail_with(budget.exceeded(self._view, said, self._trace.heard_by_models))

    def assert_failed(self, exc: type[BaseException] | str | None = None, match: str | None = None) -> None:
        """The run ended with an error.

        Args:
            exc: the class of the exception, or one above it; or its name, or a provider's error code.
            match: a regular expression that is searched in its message.

        Raises:
            TraceAssertionError: it did not, or with another one.
            ConfigurationError: this cannot be asked.
        """
        __tracebackhide__ = True
        self._fail_with(outcome.not_failed(self._view, exc, match))

    def assert_succeeded(self) -> None:
        """The run has ended, and without an error.

        Raises:
            TraceAssertionError: it has not.
        """
        __tracebackhide__ = True
        self._fail_with(outcome.not_succeeded(self._view))

    def _fail_with(self, text: str | None) -> None:
        __tracebackhide__ = True
        if text is not None:
            raise TraceAssertionError(text, self._trace)
