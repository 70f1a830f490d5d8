"""A tree on few lines: what is marked, what is around it, and how much was left out in between."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Final

from ams_sdk.testing._trace.masked_text import WIDTH, Masking, cut, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Row", "folded"]

_DEEPEST: Final = 12
"""Below this level a number says the depth, since indentation would push the text off the screen."""
_MOST_MARKED: Final = 20
"""Marked rows whose surroundings are looked at."""
_FEW: Final = 3
_FAR: Final = 12
"""Rows above, on the way to the root, that matter."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a tree.

    Attributes:
        depth: 0 at the root level.
        text: what is there.
        sign: one character for the margin; a blank for nothing.
        note: what is to be said of it.
        more: what else to show of it, cut first.
        count: how many it stands for.
    """

    depth: int
    text: str
    sign: str = " "
    note: str = ""
    more: str = ""
    count: int = 1

    @property
    def is_marked(self) -> bool:
        """Whether somebody should look at it."""
        return self.sign != " " or bool(self.note)


def folded(rows: Sequence[Row], most: int, masking: Masking, word: str = "span") -> list[str]:
    """The lines of a tree, ``most`` at most.

    Args:
        rows: from top to bottom.
        most: lines; three at least.
        masking: what leaves out secrets, before anything is cut.
        word: what a row is.
    """
    if len(rows) > most:
        rows = _without_repetition(rows)
    kept = range(len(rows)) if len(rows) <= most else sorted(_chosen(rows, most))
    lines: list[str] = []
    expected = 0
    for index in kept:
        if index > expected:
            lines.append(_fold(rows[expected:index], word))
        lines.append(_line(rows[index], masking))
        expected = index + 1
    if expected < len(rows):
        lines.append(_fold(rows[expected:], word))
    return lines


def _without_repetition(rows: Sequence[Row]) -> Sequence[Row]:
    """The rows with one for all those in a line that say the same, where there are many."""
    left: list[Row] = []
    for row, alike in groupby(rows):
        count = sum(1 for _ in alike)
        if count > _FEW:
            note = "; ".join(part for part in (row.note, f"{count} times") if part)
            left.append(replace(row, note=note, count=count))
        else:
            left += [row] * count
    return left


def _line(row: Row, masking: Masking) -> str:
    level = f"[level {row.depth}] " if row.depth > _DEEPEST else ""
    start = f"{row.sign} {'  ' * min(row.depth, _DEEPEST)}{level}"
    note = f"  ← {cut(one_line(masking(row.note)), 64)}" if row.note else ""
    text = cut(one_line(masking(row.text)), WIDTH - len(start) - len(note))
    room = WIDTH - len(start) - len(text) - len(note) - 2
    more = f"  {cut(one_line(masking(row.more)), room)}" if row.more and room > len("query=…") else ""
    return f"{start}{text}{more}{note}".rstrip()


def _fold(left_out: Sequence[Row], word: str) -> str:
    count = sum(row.count for row in left_out)
    return f"  {'  ' * min(left_out[0].depth, _DEEPEST)}… {count} {word}{'' if count == 1 else 's'}"


def _chosen(rows: Sequence[Row], most: int) -> set[int]:
    chosen: set[int] = set()
    used = 1  # all rows are one fold
    for index in _by_weight(rows):
        if index in chosen:
            continue
        # A row alone in the middle of a fold makes two of it; one beside others takes from it.
        left = index > 0 and index - 1 not in chosen
        right = index + 1 < len(rows) and index + 1 not in chosen
        cost = left + right
        if used + cost > most:
            if used >= most - 1:
                break
            continue
        chosen.add(index)
        used += cost
    return chosen


def _by_weight(rows: Sequence[Row]) -> Iterator[int]:
    """Every row, what matters most first."""
    marked = [index for index, row in enumerate(rows) if row.is_marked]
    yield from marked[:_MOST_MARKED]
    above = _parents(rows)
    for step in range(_FAR):
        for index in marked[:_MOST_MARKED]:
            parent: int | None = index
            for _ in range(step + 1):
                parent = above[parent] if parent is not None else None
            if parent is not None:
                yield parent
    yield 0
    for distance in (1, 2):
        for index in marked[:_MOST_MARKED]:
            yield from (near for near in (index - distance, index + distance) if 0 <= near < len(rows))
    yield from marked[_MOST_MARKED:]
    yield from range(len(rows))


def _parents(rows: Sequence[Row]) -> list[int | None]:
    found: list[int | None] = []
    path: list[int] = []
    for index, row in enumerate(rows):
        del path[row.depth :]
        found.append(path[-1] if path else None)
        path.append(index)
    return found
