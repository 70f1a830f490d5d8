"""What to write instead: names that are near, content that was not recorded, calls that are somewhere else."""

from __future__ import annotations

import difflib
from collections import Counter
from typing import TYPE_CHECKING

from ams_sdk import _semconv
from ams_sdk.testing._trace.calls import agent_name, is_agent
from ams_sdk.testing._trace.recorded_content import requested_calls
from ams_sdk.testing._trace.usage import MODEL_OPERATIONS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ams_sdk.testing._trace.captured_span import CapturedSpan
    from ams_sdk.testing._trace.run_view import RunView

__all__ = ["counted", "listed", "near_name", "not_recorded", "times_text", "where_else"]

_MOST_LISTED = 8


def near_name(name: str, there: Iterable[str]) -> list[str]:
    """A question, if one of the names that are there is nearly this one."""
    found = difflib.get_close_matches(name, sorted(set(there)), n=1, cutoff=0.6)
    return [f'Did you mean "{found[0]}"?'] if found else []


def listed(names: Iterable[str]) -> str:
    """Names with how often each is there, in the order of their first; "nothing" if there is none."""
    counts = Counter(names)
    said = [f"{name} ({count}x)" if count > 1 else name for name, count in counts.items()]
    rest = len(said) - _MOST_LISTED
    return ", ".join(said[:_MOST_LISTED] + ([f"and {rest} others"] if rest > 0 else [])) or "nothing"


def counted(count: int, noun: str) -> str:
    """A number of things."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def times_text(count: int) -> str:
    """How often."""
    return {0: "never", 1: "once", 2: "twice"}.get(count, f"{count} times")


def not_recorded(span: CapturedSpan, what: str) -> list[str]:
    """That content is not on a span, and how it gets there.

    Args:
        span: the span.
        what: such as ``arguments``.
    """
    if span.scope_name == _semconv.SCOPE:
        return [
            f"The {what} of {span.name} were not recorded. To record them: configure(capture_content=True) or",
            '  AMS_CAPTURE_CONTENT=true for all, and capture="all" without exclude= where it is decorated.',
        ]
    whose = f"{span.scope_name}'s" if span.scope_name else "somebody else's"
    return [
        f"The {what} of {span.name} ({whose} span) were not recorded. To have instrumentation record content:",
        "  OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=SPAN_ONLY, set before the library is instrumented.",
    ]


def where_else(run: RunView, tool: str) -> list[str]:
    """Where a tool that the run did not call was called, or that a model asked for it."""
    said: list[str] = []
    inside = {id(branch) for branch in run.inside}
    nested = [
        agent_name(next(one for one in branch.above() if is_agent(one.span)).span)
        for branch in run.branches[1:]
        if id(branch) not in inside and _is_call_of(branch.span, tool)
    ]
    if nested:
        said.append(
            f"{tool} was called by an agent inside of it, {listed(nested)}: ask that run, or run.with_nested()."
        )
    asked = sum(
        call.name == tool
        for branch in run.inside
        if branch.span.operation in MODEL_OPERATIONS
        for call in requested_calls(branch.span)
    )
    if asked and not nested:
        said.append(
            f"A model asked for {tool} ({asked}x), but no span says that it was called: put @tool on the function."
        )
    return said


def _is_call_of(span: CapturedSpan, tool: str) -> bool:
    if span.operation != _semconv.OPERATION_EXECUTE_TOOL:
        return False
    return span.attributes.get(_semconv.TOOL_NAME, span.name.partition(" ")[2]) == tool
