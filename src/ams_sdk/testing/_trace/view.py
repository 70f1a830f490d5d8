"""Captured spans, and what can be asked and asserted of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ams_sdk._errors import ConfigurationError
from ams_sdk.testing._trace import trace_assertions
from ams_sdk.testing._trace.agent_run import AgentRun
from ams_sdk.testing._trace.calls import is_agent, is_own_agent
from ams_sdk.testing._trace.decorated_names import agent_name_of
from ams_sdk.testing._trace.expected_tree import expected_tree
from ams_sdk.testing._trace.failure import TraceAssertionError
from ams_sdk.testing._trace.forest import Forest
from ams_sdk.testing._trace.leak_search import LeakSearch
from ams_sdk.testing._trace.masked_text import shown
from ams_sdk.testing._trace.otlp_json import from_otlp_json, to_otlp_json
from ams_sdk.testing._trace.run_view import RunView
from ams_sdk.testing._trace.selection import Selection
from ams_sdk.testing._trace.tree_line import line_of
from ams_sdk.testing._trace.tree_match import MODES

if TYPE_CHECKING:
    import os
    import re
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from ams_sdk.testing._trace.captured_span import CapturedSpan, SpanKind, SpanStatus
    from ams_sdk.testing._trace.forest import Branch
    from ams_sdk.testing._trace.tree_match import Mode

__all__ = ["TraceView"]


def _none() -> Sequence[CapturedSpan]:
    return ()


class TraceView:
    """Captured spans, of any number of traces, whoever made them. Every assertion raises ``TraceAssertionError``.

    Args:
        ended: gives the spans that have ended, each time anew.
        still_open: gives those that have not.
    """

    def __init__(
        self,
        ended: Callable[[], Sequence[CapturedSpan]],
        still_open: Callable[[], Sequence[CapturedSpan]] = _none,
    ) -> None:
        self._ended = ended
        self._still_open = still_open

    @classmethod
    def of(cls, spans: Iterable[CapturedSpan]) -> TraceView:
        """Of these spans; those without an end count as open."""
        there = tuple(spans)
        ended = tuple(span for span in there if span.end_ns is not None)
        still_open = tuple(span for span in there if span.end_ns is None)
        return TraceView(lambda: ended, lambda: still_open)

    @classmethod
    def from_otlp_json(cls, text: str) -> TraceView:
        """Of the spans in one ``ExportTraceServiceRequest`` in OTLP's JSON.

        Raises:
            ConfigurationError: the text is none.
        """
        return TraceView.of(from_otlp_json(text))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> TraceView:
        """Of the spans in a file that ``save`` has written.

        Raises:
            ConfigurationError: there is no such file, or something else is in it.
        """
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"The trace cannot be loaded from {path}: {error}.") from error
        return cls.from_otlp_json(text)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write all spans to a file as one ``ExportTraceServiceRequest`` in OTLP's JSON.

        It is what ``POST /v1/traces`` takes. Folders are made. A span that is open has no end there.

        Raises:
            OSError: the file cannot be written.
        """
        file = Path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(to_otlp_json([*self.spans, *self.open_spans]), encoding="utf-8")

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {len(self.spans)} spans, {len(self.open_spans)} open>"

    @property
    def spans(self) -> Sequence[CapturedSpan]:
        """Those that have ended, in the order of their end."""
        return self._ended()

    @property
    def open_spans(self) -> Sequence[CapturedSpan]:
        """Those that have not."""
        return self._still_open()

    @property
    def heard_by_models(self) -> Sequence[int]:
        """When models of a test were asked, in nanoseconds since 1970; where none are known, nothing."""
        return ()

    @property
    def roots(self) -> Sequence[CapturedSpan]:
        """Those with no captured span above them, in the order of their start; open ones too."""
        return tuple(root.span for root in self._forest().roots)

    def tree(self, attributes: Collection[str] = (), *, durations: bool = False) -> str:
        """All spans as text, two blanks to the right for each level, siblings in the order of their start.

        The same for every run that does the same: no ids, no times, nothing of the machine. What has failed, is open,
        or has no parent here although it names one, says so. It is what ``assert_tree`` expects.

        Args:
            attributes: the names of those to show.
            durations: show how long each took, which differs from run to run.
        """
        if isinstance(attributes, str):
            raise ConfigurationError(f"tree(attributes={attributes!r}): write a list of names, [{attributes!r}].")
        names = tuple(attributes)
        return "\n".join(
            f"{'  ' * branch.depth}{line_of(branch, names, durations=durations)}" for branch in self._forest().branches
        )

    def agent(self, name: str | Callable[..., Any] | None = None) -> AgentRun:
        """The one run of an agent.

        A framework's agent inside of a decorated one does not count if the decorated one does.

        Args:
            name: what the agent is called, or the function or class that is decorated with ``@agent``; not needed if
                there is only one run.

        Raises:
            TraceAssertionError: there is none, or more than one; the failure lists those that are there.
            ConfigurationError: this is no agent.
        """
        __tracebackhide__ = True
        name = None if name is None else agent_name_of(name, "agent()")
        forest = self._forest()
        there = self._agents(forest)
        found = _without_workings([run for run in there if name is None or run.name == name])
        if len(found) != 1:
            raise TraceAssertionError(trace_assertions.not_one_agent(forest, name, there, found), self)
        return AgentRun(self, found[0])

    def agents(self, name: str | Callable[..., Any] | None = None) -> Sequence[AgentRun]:
        """All runs of agents, those inside of others too, in the order of their start.

        Args:
            name: only of the agent that is called so, or is decorated so.

        Raises:
            ConfigurationError: this is no agent.
        """
        name = None if name is None else agent_name_of(name, "agents()")
        there = self._agents(self._forest())
        return tuple(AgentRun(self, run) for run in there if name is None or run.name == name)

    def find(  # noqa: PLR0913 -- each by its name
        self,
        *,
        name: str | re.Pattern[str] | Any = None,  # noqa: ANN401 -- anything whose __eq__ tells
        kind: SpanKind | None = None,
        operation: str | None = None,
        agent: str | Callable[..., Any] | None = None,
        tool: str | Callable[..., Any] | None = None,
        model: str | None = None,
        status: SpanStatus | None = None,
        error: str | bool | type[BaseException] | None = None,
        attributes: Mapping[str, Any] | None = None,
        where: Callable[[CapturedSpan], bool] | None = None,
    ) -> list[CapturedSpan]:
        """The spans that meet all that is asked, from top to bottom of the tree; open ones too.

        Args:
            name: of the span, or a compiled pattern that is searched in it.
            kind: ``internal``, ``server``, ``client``, ``producer`` or ``consumer``.
            operation: ``gen_ai.operation.name``, such as ``execute_tool``.
            agent: the name of the agent in whose run the span is, or whose run it is; or what is decorated.
            tool: ``gen_ai.tool.name``; or what is decorated.
            model: ``gen_ai.request.model``.
            status: ``unset``, ``ok`` or ``error``.
            error: ``error.type``, whole or without its module; the class; or whether there is an error at all.
            attributes: values by their names, or anything whose ``__eq__`` tells.
            where: anything else.

        Raises:
            ConfigurationError: this cannot be asked.
        """
        selection = _selection(name, kind, operation, agent, tool, model, status, error, attributes, where)
        return [branch.span for branch in self._forest().branches if selection.is_met_by(branch)]

    def one(  # noqa: PLR0913 -- each by its name
        self,
        *,
        name: str | re.Pattern[str] | Any = None,  # noqa: ANN401 -- anything whose __eq__ tells
        kind: SpanKind | None = None,
        operation: str | None = None,
        agent: str | Callable[..., Any] | None = None,
        tool: str | Callable[..., Any] | None = None,
        model: str | None = None,
        status: SpanStatus | None = None,
        error: str | bool | type[BaseException] | None = None,
        attributes: Mapping[str, Any] | None = None,
        where: Callable[[CapturedSpan], bool] | None = None,
    ) -> CapturedSpan:
        """The one span that meets all that is asked; as ``find``.

        Raises:
            TraceAssertionError: there is none, or more than one.
            ConfigurationError: this cannot be asked.
        """
        __tracebackhide__ = True
        selection = _selection(name, kind, operation, agent, tool, model, status, error, attributes, where)
        forest = self._forest()
        found = [branch for branch in forest.branches if selection.is_met_by(branch)]
        if len(found) != 1:
            raise TraceAssertionError(trace_assertions.not_one(forest, selection, found), self)
        return found[0].span

    def assert_tree(self, expected: str, mode: Mode = "exact") -> None:
        """The spans are these.

        Args:
            expected: the text that ``tree()`` prints, moved to the right as you like. In a line ``*`` is anything;
                ``...`` on a line is any number of spans. ``[name=value]`` at the end of a line asks for attributes, as
                JSON.
            mode: ``exact``; ``subset``, each expected span is somewhere below the one that it is expected below of,
                with any others between and beside them; ``ordered``, the same, and siblings start in the expected
                order. An expected span counts once among its siblings.

        Raises:
            TraceAssertionError: they are not.
            ConfigurationError: the text is no tree, or there is no such mode.
        """
        __tracebackhide__ = True
        if mode not in MODES:
            raise ConfigurationError(f"assert_tree(mode={shown(mode, 40)}): write one of {', '.join(MODES)}.")
        top, lines = expected_tree(expected)
        if not lines and mode != "exact":
            raise ConfigurationError(f"assert_tree(mode={mode!r}) was given no line, which every trace has.")
        self._fail_with(trace_assertions.other_tree(self._forest(), top, lines, mode))

    def assert_no_errors(self) -> None:
        """No span has failed.

        Raises:
            TraceAssertionError: one has, or there is no span at all.
        """
        __tracebackhide__ = True
        self._fail_with(trace_assertions.errors(self._forest()))

    def assert_all_ended(self) -> None:
        """No span is open.

        Raises:
            TraceAssertionError: one is, or there is no span at all.
        """
        __tracebackhide__ = True
        self._fail_with(trace_assertions.still_open(self._forest()))

    def assert_connected(self, *, roots: int = 1) -> None:
        """All spans are one tree of one trace: none has lost the span above it.

        Args:
            roots: how many trees there are, each of a trace of its own; a span whose parent is in another process
                counts as the root of one.

        Raises:
            TraceAssertionError: they are not.
            ConfigurationError: this is no number of trees.
        """
        __tracebackhide__ = True
        if isinstance(roots, bool) or not isinstance(roots, int) or roots < 1:
            raise ConfigurationError(f"assert_connected(roots={shown(roots, 40)}): write a whole number, 1 or more.")
        self._fail_with(trace_assertions.in_pieces(self._forest(), roots))

    def assert_no_leak(self, *secrets: str | bytes) -> None:
        """None of these secrets is in a span.

        Not as it is, nor in base64 (in lines, too), hexadecimal digits, percent-encoded or escaped; of a long one, not
        half of it either. Names, attributes, events, links, status messages, states of traces, scopes and resources
        are searched. The failure says where one is, and never what it is.

        Args:
            secrets: four bytes or more each.

        Raises:
            TraceAssertionError: one is, or there is no span to look in.
            ConfigurationError: there is nothing to look for.
        """
        __tracebackhide__ = True
        self._fail_with(trace_assertions.leaks(self._forest(), LeakSearch(secrets)))

    def assert_invariants(self, *, except_: Collection[str] = ()) -> None:
        """What holds for every trace holds for this one.

        The checks: ``conventions``, names, kinds and types of OpenTelemetry's GenAI conventions; ``parents``, none is
        missing; ``times``, nothing starts before what is above it or ends before it starts; ``one_error_once``, an
        exception is recorded where it arose only; ``ended``; ``unique_ids``; ``status``, errors have a type and success
        is unset.

        Args:
            except_: the names of checks to leave out, or single findings as the failure prints them.

        Raises:
            TraceAssertionError: something does not hold, or there is no span at all.
            ConfigurationError: there is no such check, or it finds no such thing.
        """
        __tracebackhide__ = True
        self._fail_with(trace_assertions.broken(self._forest(), except_))

    def _fail_with(self, text: str | None) -> None:
        __tracebackhide__ = True
        if text is not None:
            raise TraceAssertionError(text, self)

    @staticmethod
    def _agents(forest: Forest) -> list[RunView]:
        found = [branch for branch in forest.branches if is_agent(branch.span)]
        found.sort(key=_start)
        return [RunView(forest, branch) for branch in found]

    def _forest(self) -> Forest:
        return Forest([*self.spans, *self.open_spans])


def _without_workings(runs: Sequence[RunView]) -> Sequence[RunView]:
    """The runs without those that are how a decorated agent among them works."""
    decorated = [run for run in runs if is_own_agent(run.span)]
    return [run for run in runs if run in decorated or not any(run.branch.is_below(one.branch) for one in decorated)]


def _start(branch: Branch) -> int:
    return branch.span.start_ns


def _selection(*asked: Any) -> Selection:  # noqa: ANN401 -- as find was given them
    names = ("name", "kind", "operation", "agent", "tool", "model", "status", "error", "attributes", "where")
    return Selection(**dict(zip(names, asked, strict=True)))
