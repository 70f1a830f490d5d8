"""A tree that is not the expected one: what is missing, what is extra, and where the nearest is."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Final

from ams_sdk.testing._trace.advice import counted, near_name
from ams_sdk.testing._trace.failure import failure_text
from ams_sdk.testing._trace.failure_rows import Mark, rows_of
from ams_sdk.testing._trace.folded_rows import Row, folded
from ams_sdk.testing._trace.masked_text import masked
from ams_sdk.testing._trace.tree_line import line_of, plain_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ams_sdk.testing._trace.expected_tree import ExpectedBranch
    from ams_sdk.testing._trace.forest import Branch, Forest
    from ams_sdk.testing._trace.tree_match import Mode, TreeMatch

__all__ = ["exact_failure", "part_failure"]

_MOST_COMPARED: Final = 1_000
"""Lines on each side, beyond those that are equal at the beginning and the end, that are put side by side."""
_MOST_TRIED: Final = 50
_EXPECTED_LINES: Final = 16


def exact_failure(expected: Sequence[ExpectedBranch], forest: Forest, others: Sequence[str]) -> str:
    """For mode "exact": the difference line by line.

    Args:
        expected: each line, from top to bottom.
        forest: what there is.
        others: the other modes in which it would hold.
    """
    rows, missing, extra = _difference(expected, forest.branches)
    what = [f"{counted(missing, 'span')} missing"] if missing else []
    what += [f"{extra} not expected"] if extra else []
    advice = [f"mode={others[0]!r} would pass."] if others else []
    advice += ['"*" in a line is anything, "..." on a line any number of spans. tree() prints what would pass.']
    return failure_text(
        f"The tree is not the expected one: {', '.join(what) or 'spans are elsewhere'}.",
        ["- expected   + captured"],
        rows=rows or [Row(0, "(no spans)")],
        advice=advice,
    )


def part_failure(
    match: TreeMatch, top: ExpectedBranch, expected: Sequence[ExpectedBranch], forest: Forest, mode: Mode
) -> str:
    """For the modes "subset" and "ordered": the first expected line for which there is no span."""
    branch, why, marks = _culprit(match, top, forest, mode)
    # All that is above the one that is missing is there; it alone is marked.
    wanted = [Row(one.depth, one.line.text, "-" if one is branch else " ") for one in expected]
    names = [one.span.name for one in forest.branches]
    named = next((one for one in forest.branches if one.span.name == branch.line.name), None)
    advice = near_name(branch.line.name, names) if branch.line.name and named is None else []
    if named is not None and not match.alike(branch):
        advice.append(
            f'Write {branch.line.line_of(named)}, or "{plain_name(masked(named.span.name))}  *" for one in any state.'
        )
    where = (
        f" below {branch.parent.line.text}" if branch.parent is not None and branch.parent.parent is not None else ""
    )
    if mode == "ordered" and why.startswith("it is there"):
        advice.append('If the order does not matter: mode="subset".')
    return failure_text(
        f"The tree lacks {branch.line.text}{where} (mode={mode!r}): {why}.",
        ["expected:", *folded(wanted, _EXPECTED_LINES, masked, "line"), "captured:"],
        rows=rows_of(forest.branches, marks) or [Row(0, "(no spans)")],
        advice=[*advice, '"*" in a line is anything; a line that may be missing is to be left out.'],
    )


def _culprit(
    match: TreeMatch, top: ExpectedBranch, forest: Forest, mode: Mode
) -> tuple[ExpectedBranch, str, dict[int, Mark]]:
    """The deepest branch that fails although its own line is there, and what of it is missing."""
    above, after, last = top, -1, len(forest.branches) - 1
    while True:
        missing = match.missing_below(above.children, after, last)
        branch = missing[0]
        alike = [one for one in match.alike(branch) if after < one.index <= last]
        if not alike:
            return branch, *_elsewhere(match, branch, forest)
        places = match.places(branch)
        if branch.children and not any(after < place <= last for place in places):
            # Its line is there, and something below is missing: take the span that has most of it.
            nearest = min(
                alike[:_MOST_TRIED], key=lambda one: len(match.missing_below(branch.children, one.index, one.last))
            )
            above, after, last = branch, nearest.index, nearest.last
            continue
        marks = {one.index: Mark("is one of them") for one in alike}
        asked = sum(child.line.text == branch.line.text for child in above.children)
        if mode == "ordered":
            return branch, "it is there, and not after what is expected before it", marks
        return branch, f"{counted(asked, 'such span')} expected, {len(alike)} there for all that could be it", marks


def _elsewhere(match: TreeMatch, branch: ExpectedBranch, forest: Forest) -> tuple[str, dict[int, Mark]]:
    there = match.alike(branch)
    if there:
        return "it is somewhere else", {one.index: Mark("not below the expected span") for one in there}
    named = [one for one in forest.branches if one.span.name == branch.line.name]
    if named:
        return "a span of this name has another line", {
            one.index: Mark(f"has {_after_name(branch, one)}") for one in named
        }
    return "there is no such span", {}


def _after_name(expected: ExpectedBranch, branch: Branch) -> str:
    """What the line of a span says after its name."""
    return (
        expected.line.line_of(branch)[len(plain_name(masked(branch.span.name))) :].strip() or "nothing after its name"
    )


def _difference(expected: Sequence[ExpectedBranch], there: Sequence[Branch]) -> tuple[list[Row], int, int]:
    """Both trees in one, line by line; how many lines are missing, and how many are extra."""
    start = 0
    while start < min(len(expected), len(there)) and _same(expected[start], there[start]):
        start += 1
    end = 0
    while end < min(len(expected), len(there)) - start and _same(expected[-1 - end], there[-1 - end]):
        end += 1
    left, right = expected[start : len(expected) - end], there[start : len(there) - end]
    rows = [_there(branch) for branch in there[:start]]
    by_name = {branch.line.name: branch for branch in reversed(left)}
    missing = extra = 0
    for kind, one, one_end, other, other_end in _steps(left, right):
        if kind == "equal":
            rows += [_there(branch) for branch in right[other:other_end]]
            continue
        gone = [branch for branch in left[one:one_end] if not branch.line.is_anything]
        rows += [Row(branch.depth, branch.line.text, "-") for branch in gone]
        if len(gone) < one_end - one:  # there is a "...", and nobody knows which spans are too many for it
            rows += [_there(branch) for branch in right[other:other_end]]
        else:
            rows += [Row(branch.depth, _like(by_name, branch), "+") for branch in right[other:other_end]]
            extra += other_end - other
        missing += len(gone)
    return rows + [_there(branch) for branch in there[len(there) - end :]], missing, extra


def _steps(left: Sequence[ExpectedBranch], right: Sequence[Branch]) -> Sequence[tuple[str, int, int, int, int]]:
    if len(left) > _MOST_COMPARED or len(right) > _MOST_COMPARED:
        return [("replace", 0, len(left), 0, len(right))]
    # A span that has an expected line counts as that line, so that "*" is found.
    texts = {(branch.depth, branch.line.text): branch for branch in left}
    by_depth: dict[int, list[ExpectedBranch]] = {}
    for branch in texts.values():
        by_depth.setdefault(branch.depth, []).append(branch)
    ours = [(branch.depth, branch.line.text) for branch in left]
    theirs = [
        next(
            ((one.depth, one.line.text) for one in by_depth.get(branch.depth, ()) if one.line.matches(branch)),
            (branch.depth, f"{line_of(branch)}\n"),
        )
        for branch in right
    ]
    return SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes()


def _same(one: ExpectedBranch, other: Branch) -> bool:
    return one.depth == other.depth and one.line.matches(other)


def _there(branch: Branch) -> Row:
    return Row(branch.depth, line_of(branch, masking=masked))


def _like(expected: Mapping[str | None, ExpectedBranch], branch: Branch) -> str:
    """The line of a span, with the attributes that the expected line of its name asks for."""
    found = expected.get(branch.span.name)
    return line_of(branch, masking=masked) if found is None else found.line.line_of(branch)
