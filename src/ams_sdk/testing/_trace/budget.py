"""What a run took, against what it may take."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from ams_sdk._errors import ConfigurationError
from ams_sdk.testing._trace.failure import failure_text
from ams_sdk.testing._trace.failure_rows import Mark, rows_of
from ams_sdk.testing._trace.masked_text import shown
from ams_sdk.testing._trace.untraced_calls import untraced_calls
from ams_sdk.testing._trace.usage import is_spoken_for

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ams_sdk.testing._trace.run_view import RunView

__all__ = ["exceeded"]

_TOKENS: Final = ("tokens", "input_tokens", "output_tokens")
_OF_MODELS: Final = (*_TOKENS, "model_calls")
_ALL: Final = (*_TOKENS, "seconds", "model_calls", "tool_calls")


def exceeded(run: RunView, limits: Mapping[str, float], heard: Sequence[int] = ()) -> str | None:
    """The failure of ``assert_within``; None if the run took no more than the limits.

    Args:
        run: what took something.
        limits: the most that it may take.
        heard: when models were asked, as they know themselves, in nanoseconds since 1970.
    """
    _check(limits)
    if heard and not limits.keys().isdisjoint(_OF_MODELS):
        untraced = untraced_calls(run.span, [call.span for call in run.everyones_model_calls], heard)
        if untraced:
            return _unseen(run, limits, untraced)
    usage = run.usage
    taken: dict[str, float | None] = {
        "tokens": usage.total_tokens,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "seconds": run.duration,
        "model_calls": len(run.model_calls),
        "tool_calls": len(run.tool_calls),
    }
    unknown = _unknown(run) if any(name in limits for name in _TOKENS) else 0
    if unknown:
        return _uncounted(run, limits, unknown)
    if "seconds" in limits and run.duration is None:
        return failure_text(
            f"{run.name!r} was to take at most {limits['seconds']:g} seconds, and has not ended.",
            rows=rows_of(run.branches, {run.branch.index: Mark("still open")}, top=run.branch.depth),
            advice=["Assert after the run has come back; if it is a generator, exhaust or close it first."],
        )
    over = {name: limit for name, limit in limits.items() if (taken[name] or 0) > limit}
    return _over(run, limits, over, taken) if over else None


def _check(limits: Mapping[str, Any]) -> None:
    if not limits:
        raise ConfigurationError(f"assert_within() was given no limit: write one or more of {', '.join(_ALL)}.")
    for name, limit in limits.items():
        number = isinstance(limit, (int, float)) and not isinstance(limit, bool)
        if not number or math.isnan(limit) or limit < 0:
            raise ConfigurationError(f"assert_within({name}={shown(limit, 40)}): write a number, 0 or more.")


def _unseen(run: RunView, limits: Mapping[str, float], untraced: int) -> str:
    calls = "1 call" if untraced == 1 else f"{untraced} calls"
    return failure_text(
        f"{run.name!r} was to stay within {_said(limits)}, and the scripted model answered {calls} meanwhile that no "
        "span tells of.",
        rows=rows_of(run.branches, _models(run), top=run.branch.depth),
        advice=[
            "The client's calls are not traced: ams doctor says by what they would be. Its extra is installed from the",
            "checkout of ams-sdk, for example python -m pip install '.[openai]'. Or use ams_sdk.model_call().",
        ],
    )


def _unknown(run: RunView) -> int:
    """How many calls of models do not say their tokens, and nothing above them does."""
    calls = run.model_calls
    silent = [call for call in calls if not call.usage.is_known]
    if len(silent) == len(calls) and run.usage.is_known:
        return 0  # the run itself says it
    first = run.branch.index
    return sum(
        not (call.error is not None and call.output is None)  # no answer, no tokens
        and not is_spoken_for(run.branches[run.index_of(call.span) - first], run.branch)
        for call in silent
    )


def _uncounted(run: RunView, limits: Mapping[str, float], unknown: int) -> str:
    number = len(run.model_calls)
    if unknown == number:
        which = "no call of a model says how many tokens it used"
    else:
        which = f"{unknown} of its {number} calls of models {'does' if unknown == 1 else 'do'} not say how many tokens"
        which += f" {'it' if unknown == 1 else 'they'} used"
    return failure_text(
        f"{run.name!r} was to stay within {_said(limits)}, and {which}.",
        rows=rows_of(run.branches, _models(run), top=run.branch.depth),
        advice=[
            'Streams of OpenAI\'s chat completions say it only if asked: stream_options={"include_usage": True}.',
            "Your own model_call() says it by call.usage(input_tokens=…). Or limit model_calls= instead.",
        ],
    )


def _over(
    run: RunView, limits: Mapping[str, float], over: Mapping[str, float], taken: Mapping[str, float | None]
) -> str:
    width = max(map(len, limits))
    details = [
        f"  {'✗' if name in over else ' '} {name.ljust(width)}  "
        f"at most {_number(limit)}, took {_number(taken[name] or 0)}"
        for name, limit in limits.items()
    ]
    marks: dict[int, Mark] = {}
    if not over.keys().isdisjoint(_OF_MODELS):
        marks |= _models(run)
    if "tool_calls" in over:
        marks |= {run.index_of(call.span): Mark(f"tool call {at}") for at, call in enumerate(run.tool_calls, 1)}
    if "seconds" in over:
        marks |= _slowest(run)
    write = ", ".join(f"{name}={_enough(taken[name] or 0)}" for name in over)
    return failure_text(
        f"{run.name!r} was to stay within {_said(limits)}.",
        details,
        rows=rows_of(run.branches, marks, top=run.branch.depth),
        advice=[f"assert_within({write}) would pass."],
    )


def _models(run: RunView) -> dict[int, Mark]:
    return {
        run.index_of(call.span): Mark(
            f"model call {at}: {call.usage.input_tokens} in, {call.usage.output_tokens} out"
            if call.usage.is_known
            else f"model call {at}: tokens unknown"
        )
        for at, call in enumerate(run.model_calls, 1)
    }


def _slowest(run: RunView) -> dict[int, Mark]:
    """The three calls that took longest, each without what it waited for below it."""
    own: list[tuple[float, int]] = []
    for branch in run.branches:
        below = sum(child.span.duration or 0.0 for child in branch.children)
        own.append((max((branch.span.duration or 0.0) - below, 0.0), branch.index))
    longest: Sequence[tuple[float, int]] = sorted(own, key=lambda one: (-one[0], one[1]))[:3]
    return {index: Mark(f"{_number(seconds)} s of its own") for seconds, index in longest if seconds}


def _said(limits: Mapping[str, float]) -> str:
    return ", ".join(f"{name}={_number(limit)}" for name, limit in limits.items())


def _number(number: float) -> str:
    return str(number) if isinstance(number, int) else f"{number:.4g}"


def _enough(number: float) -> str:
    if isinstance(number, int):
        return str(number)
    digits = 3 - math.floor(math.log10(number)) if number > 0 else 0
    return f"{math.ceil(number * 10**digits) / 10**digits:g}"
