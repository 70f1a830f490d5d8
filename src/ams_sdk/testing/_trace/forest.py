"""Captured spans become trees, whatever they say of their parents: missing ones, circles and ids that occur twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ams_sdk.testing._trace.captured_span import CapturedSpan

__all__ = ["CIRCLE", "MISSING", "REMOTE", "Branch", "Forest"]

REMOTE: Final = "parent is remote"
MISSING: Final = "parent is missing"
CIRCLE: Final = "parents form a circle"


class Branch:
    """A span with what is below it.

    Attributes:
        span: the span.
        parent: the branch above; None at the root level.
        children: in the order of their start.
        note: why it stands at the root level although it has a parent; empty if it has none.
        index: its place in the forest, read from top to bottom.
        last: the index of the last branch below it; its own if there is none.
        depth: 0 at the root level.
    """

    __slots__ = ("children", "depth", "index", "last", "note", "parent", "span")

    def __init__(self, span: CapturedSpan) -> None:
        self.span: CapturedSpan = span
        self.parent: Branch | None = None
        self.children: list[Branch] = []
        self.note: str = ""
        self.index: int = 0
        self.last: int = 0
        self.depth: int = 0

    def __iter__(self) -> Iterator[Branch]:
        """The branch and all below it, from top to bottom."""
        waiting: list[Branch] = [self]
        while waiting:
            branch = waiting.pop()
            yield branch
            waiting.extend(reversed(branch.children))

    def above(self) -> Iterator[Branch]:
        """What it is below of, the nearest first."""
        branch = self.parent
        while branch is not None:
            yield branch
            branch = branch.parent

    def is_below(self, other: Branch) -> bool:
        """Whether the other one is above it."""
        return other.index < self.index <= other.last


class Forest:
    """All trees of some spans, of any number of traces.

    Spans that started at one moment keep the order in which they were given. Nothing here is recursive: a trace may be
    deeper than Python's stack.

    Attributes:
        roots: in the order of their start.
        branches: all, from top to bottom.
    """

    __slots__ = ("_by_id", "branches", "roots")

    def __init__(self, spans: Iterable[CapturedSpan]) -> None:
        made = [Branch(span) for span in sorted(spans, key=_start)]
        self._by_id: dict[tuple[str, str], Branch] = {}
        for branch in made:
            self._by_id.setdefault((branch.span.trace_id, branch.span.span_id), branch)
        self.roots: Sequence[Branch] = self._planted(made)
        self.branches: Sequence[Branch] = [branch for root in self.roots for branch in root]
        self._number()

    def of(self, span: CapturedSpan) -> Branch | None:
        """The branch of a span."""
        found = self._by_id.get((span.trace_id, span.span_id))
        if found is None or found.span is span:
            return found
        return next((branch for branch in self.branches if branch.span is span), found)

    def _planted(self, made: Sequence[Branch]) -> list[Branch]:
        roots: list[Branch] = []
        for branch in made:
            span = branch.span
            parent = self._by_id.get((span.trace_id, span.parent_id)) if span.parent_id else None
            if parent is not None:
                branch.parent = parent
                parent.children.append(branch)
            else:
                branch.note = (REMOTE if span.parent_is_remote else MISSING) if span.parent_id else ""
                roots.append(branch)
        reached = {id(branch) for root in roots for branch in root}
        for branch in made:
            if id(branch) not in reached:
                # Only a circle is out of reach. Its earliest span is cut loose, and the rest hangs below that.
                circle = _circle_above(branch)
                first = min(circle, key=lambda one: one.span.start_ns)
                assert first.parent is not None  # noqa: S101 -- in a circle each has one
                first.parent.children.remove(first)
                first.parent, first.note = None, CIRCLE
                roots.append(first)
                reached.update(map(id, first))
        return sorted(roots, key=lambda root: root.span.start_ns)

    def _number(self) -> None:
        for index, branch in enumerate(self.branches):
            branch.index = branch.last = index
            branch.depth = 0 if branch.parent is None else branch.parent.depth + 1
        for branch in reversed(self.branches):
            if branch.parent is not None:
                branch.parent.last = max(branch.parent.last, branch.last)


def _start(span: CapturedSpan) -> int:
    return span.start_ns


def _circle_above(branch: Branch) -> list[Branch]:
    """The members of the circle that a branch is in, or hangs below of."""
    seen: dict[int, Branch] = {}
    step: Branch | None = branch
    while step is not None and id(step) not in seen:
        seen[id(step)] = step
        step = step.parent
    members = list(seen.values())
    return members[members.index(step) :] if step is not None else members
