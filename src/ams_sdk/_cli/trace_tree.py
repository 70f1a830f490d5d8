"""A trace becomes a tree that a person can read; pure, whatever the spans say about their parents."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Final

from rich.text import Text
from rich.tree import Tree

from ams_sdk import _semconv
from ams_sdk._cli.duration import human
from ams_sdk._cli.moment import local
from ams_sdk._cli.plain_text import shortened

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ams_sdk.wire import Span, Trace

__all__ = ["trace_tree"]

_MOST_ALIKE: Final = 6
"""So many equal siblings in a row are shown one by one; more become one line."""

_DEEPEST: Final = 12
"""Below this level a number says the depth, since indentation would push the names of a deep trace off the screen."""

_LONGEST_NAME: Final = 120
_LONGEST_MESSAGE: Final = 200

_KINDS: Final[Mapping[str, str]] = {
    _semconv.OPERATION_INVOKE_AGENT: "agent",
    _semconv.OPERATION_CREATE_AGENT: "agent",
    _semconv.OPERATION_EXECUTE_TOOL: "tool",
    _semconv.OPERATION_CHAT: "model",
    _semconv.OPERATION_EMBEDDINGS: "model",
    _semconv.OPERATION_GENERATE_CONTENT: "model",
    _semconv.OPERATION_TEXT_COMPLETION: "model",
    _semconv.OPERATION_INVOKE_WORKFLOW: "workflow",
    _semconv.OPERATION_PLAN: "plan",
    _semconv.OPERATION_RETRIEVAL: "retrieval",
    **dict.fromkeys(_semconv.MEMORY_OPERATIONS, "memory"),
}
_STYLES: Final[Mapping[str, str]] = {
    "agent": "magenta",
    "tool": "cyan",
    "model": "green",
    "workflow": "bright_magenta",
    "plan": "blue",
    "retrieval": "yellow",
    "memory": "yellow",
    "span": "dim",
}


@dataclass(slots=True)
class _Branch:
    """A span with what is below it; ``note`` says why it stands at the root level although it has a parent."""

    span: Span
    children: list[_Branch] = field(default_factory=list["_Branch"])
    note: str = ""


def trace_tree(trace: Trace, *, unfold: bool = False) -> Tree:
    """Draw a trace.

    Children stand in the order of their start. A span whose parent is not in the trace, or is below itself, stands at
    the root level and says so.

    Args:
        trace: what the platform answered.
        unfold: show each of many equal siblings in a row instead of one line for all of them.
    """
    root = Tree(_headline(trace), guide_style="dim")
    waiting = [(root, group, 1) for group in reversed(_groups(_forest(trace.spans), unfold=unfold))]
    # A stack of its own instead of recursion: a trace may be deeper than Python's stack.
    while waiting:
        above, group, level = waiting.pop()
        first = group[0]
        label = _line(first, level) if len(group) == 1 else _folded(group, level)
        drawn = above.add(label)
        below = drawn if level < _DEEPEST else above
        if len(group) == 1:
            waiting += [(below, each, level + 1) for each in reversed(_groups(first.children, unfold=unfold))]
    return root


def _forest(spans: Iterable[Span]) -> list[_Branch]:
    branches = [_Branch(span) for span in sorted(spans, key=lambda span: span.started_at)]
    by_id = {branch.span.span_id: branch for branch in reversed(branches)}
    roots: list[_Branch] = []
    for branch in branches:
        parent_id = branch.span.parent_span_id
        if parent_id in by_id:
            by_id[parent_id].children.append(branch)
        else:
            branch.note = "(its parent is not in this trace)" if parent_id else ""
            roots.append(branch)
    reached: set[int] = set()
    _reach(roots, reached)
    for branch in branches:
        if id(branch) not in reached:
            # Only a circle of parents is out of reach. Cut it at its earliest span, and the rest hangs below that.
            parent = by_id[branch.span.parent_span_id or ""]
            parent.children = [child for child in parent.children if child is not branch]
            branch.note = "(its parents form a circle)"
            roots.append(branch)
            _reach([branch], reached)
    return sorted(roots, key=lambda branch: branch.span.started_at)


def _reach(branches: Sequence[_Branch], reached: set[int]) -> None:
    waiting = list(branches)
    while waiting:
        branch = waiting.pop()
        reached.add(id(branch))
        waiting += branch.children


def _groups(branches: Sequence[_Branch], *, unfold: bool) -> list[list[_Branch]]:
    groups: list[list[_Branch]] = []
    for _, alike in groupby(branches, key=_likeness):
        members = list(alike)
        groups += [[member] for member in members] if unfold or len(members) <= _MOST_ALIKE else [members]
    return groups


def _likeness(branch: _Branch) -> tuple[str, str, str, str, str]:
    return (_kind(branch.span), branch.span.name, branch.span.status, _error_type(branch.span), branch.note)


def _headline(trace: Trace) -> Text:
    failed = trace.status == "error"
    count = f"{trace.span_count} span{'' if trace.span_count == 1 else 's'}"
    return Text.assemble(
        (shortened(trace.agent or trace.root_name or "trace", _LONGEST_NAME), "bold"),
        "  ",
        (trace.status, "red" if failed else "green"),
        f"  {human(trace.duration_ns)}  {count}  ",
        (local(trace.started_at, "%Y-%m-%d %H:%M:%S"), "dim"),
    )


def _line(branch: _Branch, level: int) -> Text:
    span = branch.span
    line = _name(span, level)
    line.append(f"  {human(span.duration_ns)}", "dim")
    _append_outcome(line, branch)
    return line


def _folded(group: Sequence[_Branch], level: int) -> Text:
    durations = [branch.span.duration_ns for branch in group]
    line = _name(group[0].span, level)
    line.append(f" × {len(group)}", "bold")  # noqa: RUF001 -- the sign is meant
    line.append(f"  {human(sum(durations))} in total, slowest {human(max(durations))}", "dim")
    _append_outcome(line, group[0])
    hidden: set[int] = set()
    _reach(group, hidden)
    if below := len(hidden) - len(group):
        line.append(f"  (and {below} below: --all)", "dim")
    return line


def _name(span: Span, level: int) -> Text:
    kind = _kind(span)
    # "execute_tool search" of kind tool says the same twice.
    name = span.name.removeprefix(f"{span.attributes.get(_semconv.OPERATION_NAME)} ")
    depth = f"level {level}: " if level > _DEEPEST else ""
    if name == kind:
        return Text.assemble((depth, "dim"), (kind, _STYLES[kind]))
    return Text.assemble((depth, "dim"), (f"{kind} ", _STYLES[kind]), shortened(name, _LONGEST_NAME) or "(no name)")


def _append_outcome(line: Text, branch: _Branch) -> None:
    if branch.span.status == "error":
        message = shortened(_error_message(branch.span), _LONGEST_MESSAGE)
        kind = shortened(_error_type(branch.span), _LONGEST_NAME)
        line.append(f"  ✗ {kind}: {message}" if message else f"  ✗ {kind}", "red")
    if branch.note:
        line.append(f"  {branch.note}", "yellow")


def _kind(span: Span) -> str:
    return _KINDS.get(str(span.attributes.get(_semconv.OPERATION_NAME)), "span")


def _error_type(span: Span) -> str:
    if span.status != "error":
        return ""
    return str(span.attributes.get(_semconv.ERROR_TYPE) or _of_exception(span, _semconv.EXCEPTION_TYPE) or "error")


def _error_message(span: Span) -> str:
    return span.status_message or _of_exception(span, _semconv.EXCEPTION_MESSAGE)


def _of_exception(span: Span, attribute: str) -> str:
    values = (event.attributes.get(attribute) for event in span.events)
    return next((str(value) for value in values if value), "")
