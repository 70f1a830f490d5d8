"""What is wrong with a whole trace; each function gives the text of the failure, or None."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from ams_sdk.testing._trace.advice import counted, listed, near_name
from ams_sdk.testing._trace.calls import error_of
from ams_sdk.testing._trace.failure import failure_text
from ams_sdk.testing._trace.failure_rows import Mark, rows_of
from ams_sdk.testing._trace.forest import CIRCLE, MISSING
from ams_sdk.testing._trace.invariants import broken_invariants
from ams_sdk.testing._trace.masked_text import masked, shown
from ams_sdk.testing._trace.tree_failure import exact_failure, part_failure
from ams_sdk.testing._trace.tree_line import plain_name
from ams_sdk.testing._trace.tree_match import TreeMatch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ams_sdk.testing._trace.expected_tree import ExpectedBranch
    from ams_sdk.testing._trace.folded_rows import Row
    from ams_sdk.testing._trace.forest import Branch, Forest
    from ams_sdk.testing._trace.leak_search import LeakSearch
    from ams_sdk.testing._trace.run_view import RunView
    from ams_sdk.testing._trace.selection import Selection
    from ams_sdk.testing._trace.tree_match import Mode

__all__ = ["broken", "errors", "in_pieces", "leaks", "not_one", "not_one_agent", "other_tree", "still_open"]

_MOST_LISTED: Final = 12
_MOST_TRIED: Final = 200
"""Lines of an expected tree that is tried in other modes, for advice."""
_NO_SPANS: Final = (
    "Nothing was captured. Is what runs decorated (@agent, @tool) or instrumented, and does it run inside of the test?"
)


def not_one_agent(forest: Forest, name: str | None, there: Sequence[RunView], found: Sequence[RunView]) -> str:
    """The failure of ``agent``."""
    asked = "of an agent" if name is None else f"of the agent {name!r}"
    marks = {run.branch.index: Mark(f"run {at} of {len(found)}") for at, run in enumerate(found, 1)}
    if found:
        advice = ["agents() gives all of them, in the order of their start."]
        if name is None and len({run.name for run in found}) > 1:
            advice.insert(0, f"Name the one that you mean: agent({found[0].name!r}).")
        if any(other.branch.is_below(run.branch) for run in found for other in found):
            advice.append(
                "One runs inside of another; of a decorated agent around a framework's, agents()[0] is the outer one."
            )
        return failure_text(
            f"One run {asked} was expected, and there are {len(found)}.", rows=_rows(forest, marks), advice=advice
        )
    advice = near_name(name, [run.name for run in there]) if name is not None else []
    if there:
        advice.append(f"The agents that ran: {listed(run.name for run in there)}.")
    elif forest.branches:
        advice.append(
            "No span is the run of an agent (gen_ai.operation.name = invoke_agent): put @agent on the function."
        )
    else:
        advice.append(_NO_SPANS)
    return failure_text(f"One run {asked} was expected, and there is none.", rows=_rows(forest, marks), advice=advice)


def not_one(forest: Forest, selection: Selection, found: Sequence[Branch]) -> str:
    """The failure of ``one``."""
    if found:
        marks = {branch.index: Mark(f"{at} of {len(found)}") for at, branch in enumerate(found, 1)}
        return failure_text(
            f"One span with {selection} was expected, and there are {len(found)}.",
            rows=_rows(forest, marks),
            advice=["Ask for more to tell them apart, where=lambda span: … if nothing else does; or take find(…)[0]."],
        )
    unmet = {branch.index: [*selection.unmet(branch)] for branch in forest.branches}
    fewest = min(map(len, unmet.values()), default=0)
    near = [branch for branch in forest.branches if len(unmet[branch.index]) == fewest][:3]
    is_near = fewest < len(selection.asked)
    details: list[str] = []
    if near and is_near:
        branch = near[0]
        details = [f"The nearest is {plain_name(masked(branch.span.name))}; it differs in"]
        for name in unmet[branch.index]:
            details += [f"  {name}", f"    expected  {shown(selection.asked[name], 100)}"]
            details += [f"    got       {selection.got(name, branch)}"]
    marks = {branch.index: Mark("nearest" if at == 0 else "near") for at, branch in enumerate(near)} if is_near else {}
    advice = selection.advice(forest.branches)
    return failure_text(
        f"One span with {selection} was expected, and there is none.",
        details,
        rows=_rows(forest, marks),
        advice=advice or ([] if forest.branches else [_NO_SPANS]),
    )


def other_tree(forest: Forest, top: ExpectedBranch, lines: Sequence[ExpectedBranch], mode: Mode) -> str | None:
    """The failure of ``assert_tree``."""
    match = TreeMatch(top, lines, forest, mode)
    if match.holds():
        return None
    if mode == "exact":
        others: tuple[Mode, ...] = ("ordered", "subset") if 0 < len(lines) <= _MOST_TRIED else ()
        looser = [other for other in others if TreeMatch(top, lines, forest, other).holds()]
        return exact_failure(lines, forest, looser)
    return part_failure(match, top, lines, forest, mode)


def errors(forest: Forest) -> str | None:
    """The failure of ``assert_no_errors``."""
    if not forest.branches:
        return _nothing("No span was to fail")
    failed = [branch for branch in forest.branches if branch.span.status == "error"]
    if not failed:
        return None
    first = [branch for at, branch in enumerate(failed) if at + 1 == len(failed) or not failed[at + 1].is_below(branch)]
    details: list[str] = []
    for branch in first[:_MOST_LISTED]:
        error = error_of(branch)
        message = f": {shown(error.message, 200)}" if error is not None and error.message else ""
        details.append(f"  ✗ {plain_name(masked(branch.span.name))}  {branch.span.error_type}{message}")
    if len(first) > _MOST_LISTED:
        details.append(f"  … {len(first) - _MOST_LISTED} more")
    return failure_text(
        f"No span was to fail, and {_did(len(failed))}; the errors arose in {counted(len(first), 'span')}:",
        details,
        rows=_rows(forest, {branch.index: Mark("here", "✗") for branch in first}),
        advice=["Of errors that are expected, assert what they are: run.assert_failed(…), or trace.one(error=…)."],
    )


def still_open(forest: Forest) -> str | None:
    """The failure of ``assert_all_ended``."""
    if not forest.branches:
        return _nothing("All spans were to end")
    there = [branch for branch in forest.branches if branch.span.end_ns is None]
    if not there:
        return None
    return failure_text(
        f"All spans were to end, and {counted(len(there), 'span')} {'is' if len(there) == 1 else 'are'} open.",
        rows=_rows(forest, {branch.index: Mark("still open", "✗") for branch in there}),
        advice=[
            "A generator is open until it is exhausted or closed, a task until it is awaited.",
            "What ends soon after the test's call can be waited for: trace.wait(until=…), before this assertion.",
        ],
    )


def in_pieces(forest: Forest, roots: int) -> str | None:
    """The failure of ``assert_connected``."""
    lost = [branch for branch in forest.roots if branch.note in {MISSING, CIRCLE}]
    traces = len({branch.span.trace_id for branch in forest.roots})
    if not lost and len(forest.roots) == traces == roots:
        return None
    if not forest.branches:
        return failure_text(f"{counted(roots, 'tree')} of spans expected, and there is no span.", advice=[_NO_SPANS])
    marks = {
        branch.index: Mark(f"tree {at} of {len(forest.roots)}", " " if at == 1 else "✗")
        for at, branch in enumerate(forest.roots, 1)
    }
    marks |= {
        branch.index: Mark("its parent is not here" if branch.note == MISSING else CIRCLE, "✗") for branch in lost
    }
    advice: list[str] = []
    if lost:
        advice.append(
            "A parent that is missing has not ended, is not sampled, or belongs to a process that was not captured."
        )
    if len(forest.roots) > roots:
        advice.append(
            "Work that lost its context begins a new trace: a thread that was started before configure(), a queue, a"
        )
        advice.append("  process without inject() and extract().")
    if not lost and len(forest.roots) == traces:
        advice.append(f"If they belong apart: assert_connected(roots={traces}) would pass.")
    return failure_text(
        f"{counted(roots, 'tree')} expected, and there {'is' if len(forest.roots) == 1 else 'are'} "
        f"{counted(len(forest.roots), 'tree')} of {counted(traces, 'trace')}"
        f"{f', {len(lost)} without the span above' if lost else ''}.",
        rows=_rows(forest, marks),
        advice=advice,
    )


def leaks(forest: Forest, search: LeakSearch) -> str | None:
    """The failure of ``assert_no_leak``."""
    if not forest.branches:
        return _nothing("No secret was to be in a span")
    found: list[tuple[Branch, int, str, str]] = []
    seen: set[int] = set()
    for branch in forest.branches:
        resource = id(branch.span.resource)
        found += [
            (branch, leak.secret, leak.place, leak.spelling)
            for leak in search.leaks(branch.span, with_resource=resource not in seen)
        ]
        seen.add(resource)
    if not found:
        return None
    details = [
        f"  ✗ {plain_name(search.without(branch.span.name))}: secret {secret}, in its {place}{_spelled(spelling)}"
        for branch, secret, place, spelling in found[:_MOST_LISTED]
    ]
    if len(found) > _MOST_LISTED:
        details.append(f"  … {len(found) - _MOST_LISTED} more")
    places = Counter(branch.index for branch, *_ in found)
    return failure_text(
        f"No secret was to be in a span, and {counted(len(found), 'place')} in {counted(len(places), 'span')} "
        f"{'has' if len(found) == 1 else 'have'} one (numbered as they were given):",
        details,
        rows=_rows(forest, {index: Mark(counted(count, "place"), "✗") for index, count in places.items()}),
        advice=[
            "To mask it: annotate the parameter with Secret, name it in exclude=, or configure(redact=[pattern]).",
        ],
        masking=search.without,
    )


def broken(forest: Forest, except_: object) -> str | None:
    """The failure of ``assert_invariants``."""
    found = broken_invariants(forest, except_)
    if not forest.branches:
        return _nothing("Every trace keeps some rules")
    if not found:
        return None
    by_key: dict[str, list[Branch]] = {}
    for finding in found:
        by_key.setdefault(finding.key, []).append(finding.branch)
    details = [f"  ✗ {key}  ({_spans(branches)})" for key, branches in list(by_key.items())[:_MOST_LISTED]]
    if len(by_key) > _MOST_LISTED:
        details.append(f"  … {len(by_key) - _MOST_LISTED} more")
    checks = list(dict.fromkeys(finding.check for finding in found))
    marks: dict[int, Mark] = {}
    for finding in reversed(found):
        marks[finding.branch.index] = Mark(finding.check, "✗")
    names = ", ".join(f'"{check}"' for check in checks)
    return failure_text(
        f"Every trace keeps these rules, and this one breaks {', '.join(checks)}:",
        details,
        rows=_rows(forest, marks),
        advice=[
            (
                f"To leave out {'the check' if len(checks) == 1 else 'these checks'}: "
                f"assert_invariants(except_=({names}{',' if len(checks) == 1 else ''}))."
            ),
            f'To leave out one finding only, write it instead: except_=("{found[0].key}",).',
        ],
    )


def _nothing(expected: str) -> str:
    """What holds for no span at all says nothing, and would hold for ever where a decorator was forgotten."""
    return failure_text(
        f"{expected}, and there is no span.",
        advice=[_NO_SPANS, "If nothing is to be traced: assert not trace.spans and not trace.open_spans."],
    )


def _rows(forest: Forest, marks: Mapping[int, Mark]) -> list[Row]:
    return rows_of(forest.branches, marks)


def _did(count: int) -> str:
    return f"{count} did"


def _spans(branches: Sequence[Branch]) -> str:
    first = plain_name(masked(branches[0].span.name))
    return first if len(branches) == 1 else f"{first} and {counted(len(branches) - 1, 'other')}"


def _spelled(spelling: str) -> str:
    if spelling == "plain":
        return ""
    return f", {spelling}" if spelling.startswith("a part") else f", written as {spelling}"
