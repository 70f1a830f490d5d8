"""Whether a tree is the expected one.

Worked out from the bottom: for each expected branch, which spans it can stand for. Equal expected branches share the
answer. What is looked for is polynomial on purpose. An expected span counts once among its siblings; that spans are
used once in the whole tree, wherever they are expected, would take exponential time to find out.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, Final, Literal

from ams_sdk.testing._trace.assignment import largest_matching

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ams_sdk.testing._trace.expected_tree import ExpectedBranch
    from ams_sdk.testing._trace.forest import Branch, Forest

__all__ = ["MODES", "Mode", "TreeMatch"]

Mode = Literal["exact", "subset", "ordered"]
MODES: Final = ("exact", "subset", "ordered")


class TreeMatch:
    """An expected tree, and the spans that its lines can stand for.

    Args:
        top: what stands above all that is expected.
        expected: each line, from top to bottom.
        forest: what there is.
        mode: ``exact``; ``subset``, each expected span is below the one that it is expected below of, with others
            between and beside them; or ``ordered``, the same in the expected order.
    """

    def __init__(self, top: ExpectedBranch, expected: Sequence[ExpectedBranch], forest: Forest, mode: Mode) -> None:
        self._top = top
        self._expected = expected
        self._forest = forest
        self._mode: Mode = mode
        self._found: dict[int, Sequence[int]] = {}
        self._shapes: dict[int, int] = {}
        self._lines: dict[str, Sequence[Branch]] = {}

    def holds(self) -> bool:
        """Whether the tree is the expected one."""
        if self._mode == "exact" and not any(branch.line.is_anything for branch in self._expected):
            # Each line stands for one span, so it is enough to go through both side by side.
            there = self._forest.branches
            return len(there) == len(self._expected) and all(
                one.depth == other.depth and one.line.matches(other)
                for one, other in zip(self._expected, there, strict=True)
            )
        self._work_out()
        children, last = [*self._top.children], len(self._forest.branches) - 1
        if self._mode == "exact":
            return self._are_all(children, self._forest.roots)
        return not self.missing_below(children, -1, last)

    def _work_out(self) -> None:
        """Find out for each expected branch which spans it can stand for."""
        shapes: dict[tuple[object, ...], int] = {}
        by_shape: dict[int, Sequence[int]] = {}
        for branch in reversed(self._expected):
            below = [self._shapes[child.index] for child in branch.children]
            if self._mode == "subset":
                below.sort()
            shape = shapes.setdefault((branch.line.text, *below), len(shapes))
            self._shapes[branch.index] = shape
            if shape not in by_shape:
                by_shape[shape] = self._places(branch)
            self._found[branch.index] = by_shape[shape]

    def places(self, branch: ExpectedBranch) -> Sequence[int]:
        """The indices of the spans that an expected branch can stand for, with all that is below it."""
        return self._found[branch.index]

    def alike(self, branch: ExpectedBranch) -> Sequence[Branch]:
        """The spans whose line is the expected one, whatever is below them."""
        text = branch.line.text
        if text not in self._lines:
            self._lines[text] = [one for one in self._forest.branches if branch.line.matches(one)]
        return self._lines[text]

    def missing_below(self, children: Sequence[ExpectedBranch], after: int, last: int) -> list[ExpectedBranch]:
        """The expected branches for which there is no span left with an index above ``after`` and up to ``last``."""
        wanted = [child for child in children if not child.line.is_anything]
        if self._mode == "ordered" or len(wanted) == 1:
            return self._missing_in_order(wanted, after, last)
        return self._missing(wanted, after, last)

    def _places(self, branch: ExpectedBranch) -> Sequence[int]:
        if branch.line.is_anything:
            return ()
        alike = self.alike(branch)
        if self._mode == "exact":
            return [one.index for one in alike if self._are_all(branch.children, one.children)]
        if not branch.children:
            return [one.index for one in alike]
        return [one.index for one in alike if not self.missing_below(branch.children, one.index, one.last)]

    def _are_all(self, children: Sequence[ExpectedBranch], there: Sequence[Branch]) -> bool:
        """Whether spans are the expected ones, one by one; "..." is any number of them."""
        at = step = 0
        resume: tuple[int, int] | None = None
        while step < len(there):
            if at < len(children) and children[at].line.is_anything:
                resume = at, step
                at += 1
            elif at < len(children) and self._can_be(children[at], there[step].index):
                at, step = at + 1, step + 1
            elif resume is not None:
                # The last "..." takes one more.
                resume = resume[0], resume[1] + 1
                at, step = resume[0] + 1, resume[1]
            else:
                return False
        return all(child.line.is_anything for child in children[at:])

    def _can_be(self, branch: ExpectedBranch, index: int) -> bool:
        places = self._found[branch.index]
        at = bisect_left(places, index)
        return at < len(places) and places[at] == index

    def _missing_in_order(self, wanted: Sequence[ExpectedBranch], after: int, last: int) -> list[ExpectedBranch]:
        for count, child in enumerate(wanted):
            places = self._found[child.index]
            at = bisect_right(places, after)
            if at == len(places) or places[at] > last:
                return [*wanted[count:]]
            after = places[at]
        return []

    def _missing(self, wanted: Sequence[ExpectedBranch], after: int, last: int) -> list[ExpectedBranch]:
        by_shape: dict[int, Sequence[int]] = {}
        for child in wanted:
            shape = self._shapes[child.index]
            if shape not in by_shape:
                places = self._found[child.index]
                by_shape[shape] = places[bisect_right(places, after) : bisect_right(places, last)]
        had = largest_matching([by_shape[self._shapes[child.index]] for child in wanted])
        return [child for at, child in enumerate(wanted) if at not in had]
