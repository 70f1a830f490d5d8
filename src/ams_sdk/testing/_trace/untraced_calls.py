"""What a model was asked, as the model itself knows, and no span tells of."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ams_sdk.testing._trace.captured_span import CapturedSpan

__all__ = ["untraced_calls"]


def untraced_calls(run: CapturedSpan, calls: Sequence[CapturedSpan], heard: Sequence[int]) -> int:
    """How often a model was asked during a run while no call of a model was traced.

    A client that tries again does so within one span, so the calls are not only counted. Nor do only the times tell: a
    test may stop one of the clocks by which they are taken.

    Args:
        run: the span of the run.
        calls: the spans of all calls of models that were captured, whoever's.
        heard: when models were asked, in nanoseconds since 1970.
    """
    if len(heard) <= len(calls):
        return 0
    return sum(_is_during(at, run) and not any(_is_during(at, call) for call in calls) for at in heard)


def _is_during(at: int, span: CapturedSpan) -> bool:
    return span.start_ns <= at and (span.end_ns is None or at <= span.end_ns)
