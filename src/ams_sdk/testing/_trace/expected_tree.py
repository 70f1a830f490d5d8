"""A tree as somebody expects it, written as text: each line a span, what is further to the right below it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ams_sdk._errors import ConfigurationError
from ams_sdk.testing._trace.tree_line import ANYTHING, ExpectedLine

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ExpectedBranch", "expected_tree"]


class ExpectedBranch:
    """An expected line with what is expected below it.

    Attributes:
        line: the line.
        children: as they are written.
        parent: what it is written below of; None for what is above all.
        depth: 0 at the root level.
        index: its place, read from top to bottom.
    """

    __slots__ = ("children", "depth", "index", "line", "parent")

    def __init__(self, line: ExpectedLine, parent: ExpectedBranch | None, index: int) -> None:
        self.line = line
        self.parent = parent
        self.children: list[ExpectedBranch] = []
        self.depth: int = 0 if parent is None or parent.parent is None else parent.depth + 1
        self.index = index


def expected_tree(text: str) -> tuple[ExpectedBranch, Sequence[ExpectedBranch]]:
    """What stands above all that is expected, and each line of it from top to bottom.

    Raises:
        ConfigurationError: the lines are no tree.
    """
    if not isinstance(text, str):
        raise ConfigurationError(
            f"assert_tree() was given {type(text).__name__}: write the tree as text, as tree() prints it."
        )
    top = ExpectedBranch(ExpectedLine(""), None, -1)
    branches: list[ExpectedBranch] = []
    above: list[tuple[int, ExpectedBranch]] = [(-1, top)]
    first: int | None = None
    # By line feeds only: whatever else ends a line somewhere is an escape in what tree() prints.
    for raw in text.split("\n"):
        line = raw.expandtabs(4).strip(" \r")
        if not line:
            continue
        column = len(raw.expandtabs(4)) - len(raw.expandtabs(4).lstrip(" "))
        first = column if first is None else first
        if column < first:
            raise ConfigurationError(
                f"assert_tree(): {line!r} stands further to the left than the first line. Roots stand below each other."
            )
        while above[-1][0] >= column:
            above.pop()
        parent = above[-1][1]
        if parent.line.text == ANYTHING:
            raise ConfigurationError(
                f'assert_tree(): {line!r} stands below "...", which is any number of spans. Write "*" for one span.'
            )
        branch = ExpectedBranch(ExpectedLine(line), parent, len(branches))
        parent.children.append(branch)
        branches.append(branch)
        above.append((column, branch))
    return top, branches
