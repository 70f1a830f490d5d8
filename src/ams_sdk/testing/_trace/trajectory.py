"""Which way a run went, against the way that it should have gone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ams_sdk._errors import ConfigurationError
from ams_sdk.testing._trace.advice import counted, near_name, not_recorded, where_else
from ams_sdk.testing._trace.assignment import largest_matching
from ams_sdk.testing._trace.failure import failure_text
from ams_sdk.testing._trace.failure_rows import Mark, rows_of
from ams_sdk.testing._trace.masked_text import cut, shown
from ams_sdk.testing._trace.steps import Done, Step, done_in_order, step_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ams_sdk.testing._trace.run_view import RunView

__all__ = ["MODES", "gone_astray", "not_in_order"]

MODES: Final = {
    "strict": "these steps, in this order and no others",
    "unordered": "these steps in any order, and no others",
    "subset": "nothing but what is among these steps",
    "superset": "these steps in any order, and others too",
}
_WIDTH: Final = 110
_MOST_ALIGNED: Final = 400
"""Steps on each side that are put side by side in the shortest way."""


def gone_astray(run: RunView, steps: Sequence[object], mode: str) -> str | None:
    """The failure of ``assert_trajectory``."""
    if not isinstance(mode, str) or mode not in MODES:
        raise ConfigurationError(f"assert_trajectory(mode={shown(mode, 40)}): write one of {', '.join(MODES)}.")
    expected, done = _read(run, steps, "assert_trajectory()")
    if not expected and mode == "superset":
        raise ConfigurationError('assert_trajectory([], mode="superset") was given no step, and holds for every run.')
    if (unknown := _unknown(run, expected, done)) is not None:
        return unknown
    if mode == "strict":
        if len(expected) == len(done) and all(step.matches(one) for step, one in zip(expected, done, strict=True)):
            return None
        missing, extra, lines = _side_by_side(expected, done)
    else:
        matched = largest_matching(_choices(expected, done))
        taken = set(matched.values())
        missing = [at for at in range(len(expected)) if at not in matched] if mode != "subset" else []
        extra = [at for at in range(len(done)) if at not in taken] if mode != "superset" else []
        if not missing and not extra:
            return None
        lines = [f"  - {step}" for at, step in enumerate(expected) if at in missing]
        lines += [f"  + {one}" for at, one in enumerate(done) if at in extra]
    return _failure(run, mode, (expected, missing), (done, extra), lines)


def not_in_order(run: RunView, tools: Sequence[object]) -> str | None:
    """The failure of ``assert_called_in_order``."""
    if not tools:
        raise ConfigurationError("assert_called_in_order() was given nothing: write two or more names of tools.")
    expected, done = _read(run, tools, "assert_called_in_order()")
    if (unknown := _unknown(run, expected, done)) is not None:
        return unknown
    at, found = 0, list[int]()
    for step in expected:
        while at < len(done) and not step.matches(done[at]):
            at += 1
        if at == len(done):
            return _out_of_order(run, expected, done, found)
        found.append(at)
        at += 1
    return None


def _read(run: RunView, steps: Sequence[object], asked_by: str) -> tuple[list[Step], Sequence[Done]]:
    """The steps that are expected, and those that were done, of the kinds that are asked for."""
    if isinstance(steps, (str, bytes)) or not isinstance(steps, (list, tuple)):
        raise ConfigurationError(
            f'{asked_by} was given {shown(steps, 60)}: write a list of steps, ["search", "answer"].'
        )
    agents = {nested.name for nested in run.agents}
    tools = {call.name for call in run.tool_calls}
    expected = [_of_a_kind(step_of(step, asked_by), agents - tools) for step in steps]
    kinds = {step.kind for step in expected}
    done = done_in_order(
        run.tool_calls,
        run.model_calls if "model" in kinds else (),
        [(nested.name, nested.span) for nested in run.agents] if "agent" in kinds else (),
    )
    return expected, done


def _of_a_kind(step: Step, agents: set[str]) -> Step:
    if step.kind is not None:
        return step
    return Step("agent" if step.name in agents else "tool", step.name, step.arguments)


def _choices(expected: Sequence[Step], done: Sequence[Done]) -> list[list[int]]:
    return [[at for at, one in enumerate(done) if step.matches(one)] for step in expected]


def _unknown(run: RunView, expected: Sequence[Step], done: Sequence[Done]) -> str | None:
    """The failure for arguments that are asked for and were not recorded."""
    asked = {step.name for step in expected if step.arguments}
    found = next((one for one in done if not one.has_arguments and one.name in asked), None)
    if found is None:
        return None
    return failure_text(
        f"{run.name!r} was to call {found.name} with some arguments, and nobody can say whether it did.",
        not_recorded(found.span, "arguments"),
        rows=rows_of(run.branches, {run.index_of(found.span): Mark("not recorded")}, top=run.branch.depth),
    )


def _failure(
    run: RunView,
    mode: str,
    expected: tuple[Sequence[Step], Sequence[int]],
    done: tuple[Sequence[Done], Sequence[int]],
    lines: Sequence[str],
) -> str:
    steps, missing = expected
    there, extra = done
    what = [counted(len(missing), "step") + " missing"] if missing else []
    what += [f"{len(extra)} not expected"] if extra else []
    marks = {run.index_of(there[at].span): Mark("not expected", "+") for at in extra}
    unclear = [step for step in steps if step.arguments and any(step.may_be(there[at]) for at in extra)]
    near = _nearest([*unclear, *(steps[at] for at in missing)], there)
    return failure_text(
        f"{run.name!r} was to do {MODES[mode]} (mode={mode!r}): {', '.join(what) or 'the order differs'}.",
        ["- expected   + done", *lines, *near],
        rows=rows_of(run.branches, marks, top=run.branch.depth),
        advice=_ways_out(run, mode, [steps[at] for at in missing], there, steps),
    )


def _nearest(missing: Sequence[Step], done: Sequence[Done]) -> list[str]:
    """What differs between the first missing step with arguments and the nearest call of that name."""
    for step in missing:
        alike = [one for one in done if one.name == step.name and not step.matches(one)]
        if step.arguments and alike:
            differing = [step.differences(one) for one in alike]
            at = min(range(len(alike)), key=lambda one: (not step.may_be(alike[one]), len(differing[one])))
            lines = (line for name, found in differing[at].items() for one in found for line in one.lines(name))
            is_doubtful = all(one.is_doubtful for found in differing[at].values() for one in found)
            if is_doubtful:
                return [f"It cannot be told from what was recorded whether {alike[at]} is {step}; not told is", *lines]
            return [f"The nearest to {step} is {alike[at]}; it differs in", *lines]
    return []


def _ways_out(
    run: RunView, mode: str, missing: Sequence[Step], done: Sequence[Done], steps: Sequence[Step]
) -> list[str]:
    advice: list[str] = []
    names = {one.name for one in done}
    for step in missing[:2]:
        if step.name and step.name not in names:
            advice += near_name(step.name, names)
            if step.kind == "tool":
                advice += where_else(run, step.name)
    passing = [other for other in MODES if other != mode and _holds(steps, done, other)]
    if passing:
        advice.append(f"mode={passing[0]!r} would pass: {MODES[passing[0]]}.")
    return list(dict.fromkeys(advice))


def _holds(steps: Sequence[Step], done: Sequence[Done], mode: str) -> bool:
    if mode == "strict":
        return False
    matched = largest_matching(_choices(steps, done))
    all_expected, all_done = len(matched) == len(steps), len(matched) == len(done)
    return {"unordered": all_expected and all_done, "subset": all_done, "superset": all_expected}[mode]


def _out_of_order(run: RunView, expected: Sequence[Step], done: Sequence[Done], found: Sequence[int]) -> str:
    step = expected[len(found)]
    after = f" after {expected[len(found) - 1]}" if found else ""
    before = [at for at, one in enumerate(done) if step.matches(one)]
    marks = {run.index_of(done[at].span): Mark(f"step {place}") for place, at in enumerate(found, 1)}
    marks |= {
        run.index_of(done[at].span): Mark(f"{step.name or step}, too early", "✗") for at in before if at not in found
    }
    names = [one.name for one in done]
    advice = [] if before else [*near_name(step.name or "", names), *(where_else(run, step.name) if step.name else [])]
    if before:
        advice.append('If the order does not matter: assert_trajectory([…], mode="superset").')
    return failure_text(
        f"{run.name!r} was to call {' → '.join(map(str, expected))}, and there is no {step}{after}.",
        [f"  {'✓' if at < len(found) else '✗'} {at + 1}. {one}" for at, one in enumerate(expected)],
        rows=rows_of(run.branches, marks, top=run.branch.depth),
        advice=advice,
    )


def _side_by_side(expected: Sequence[Step], done: Sequence[Done]) -> tuple[list[int], list[int], list[str]]:
    """The shortest way from what was expected to what was done: what is missing, what is extra, and both as lines."""
    start = 0
    while start < min(len(expected), len(done)) and expected[start].matches(done[start]):
        start += 1
    end = 0
    while end < min(len(expected), len(done)) - start and expected[-1 - end].matches(done[-1 - end]):
        end += 1
    pairs = _common(expected[start : len(expected) - end], done[start : len(done) - end])
    kept = [*((at, at) for at in range(start)), *((one + start, other + start) for one, other in pairs)]
    kept += [(len(expected) - at, len(done) - at) for at in range(end, 0, -1)]
    lines: list[str] = []
    one = other = 0
    for step, there in [*kept, (len(expected), len(done))]:
        lines += [cut(f"  - {gone}", _WIDTH) for gone in expected[one:step]]
        lines += [cut(f"  + {new}", _WIDTH) for new in done[other:there]]
        if there < len(done):
            lines.append(f"    {done[there].name if done[there].kind == 'tool' else done[there]}")
        one, other = step + 1, there + 1
    steps, theirs = {step for step, _ in kept}, {there for _, there in kept}
    missing = [at for at in range(len(expected)) if at not in steps]
    extra = [at for at in range(len(done)) if at not in theirs]
    return missing, extra, _around_changes(lines)


def _common(expected: Sequence[Step], done: Sequence[Done]) -> list[tuple[int, int]]:
    """A longest common subsequence; of very long ways nothing is common, since nobody would read that."""
    if not expected or not done or len(expected) > _MOST_ALIGNED or len(done) > _MOST_ALIGNED:
        return []
    longest = [[0] * (len(done) + 1) for _ in range(len(expected) + 1)]
    same = [[step.matches(one) for one in done] for step in expected]
    for one in reversed(range(len(expected))):
        for other in reversed(range(len(done))):
            longest[one][other] = (
                longest[one + 1][other + 1] + 1
                if same[one][other]
                else max(longest[one + 1][other], longest[one][other + 1])
            )
    pairs: list[tuple[int, int]] = []
    one = other = 0
    while one < len(expected) and other < len(done):
        if same[one][other]:
            pairs.append((one, other))
            one, other = one + 1, other + 1
        elif longest[one + 1][other] >= longest[one][other + 1]:
            one += 1
        else:
            other += 1
    return pairs


def _around_changes(lines: Sequence[str]) -> list[str]:
    """The lines that differ, with two before and after them."""
    changed = [at for at, line in enumerate(lines) if line.startswith(("  -", "  +"))]
    kept = sorted({near for at in changed for near in range(at - 2, at + 3) if 0 <= near < len(lines)})
    shown_lines: list[str] = []
    expected = 0
    for at in kept:
        if at > expected:
            shown_lines.append(f"    … {counted(at - expected, 'step')} as expected")
        shown_lines.append(lines[at])
        expected = at + 1
    if expected < len(lines):
        shown_lines.append(f"    … {counted(len(lines) - expected, 'step')} as expected")
    return shown_lines
