"""The tree of a failure: each span with what it was given and what it failed with, and the marks of the assertion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast

from ams_sdk import _semconv
from ams_sdk.testing._trace.calls import error_of
from ams_sdk.testing._trace.folded_rows import Row
from ams_sdk.testing._trace.masked_text import masked
from ams_sdk.testing._trace.recorded_content import decoded
from ams_sdk.testing._trace.steps import shown_arguments
from ams_sdk.testing._trace.tree_line import line_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ams_sdk.testing._trace.forest import Branch

__all__ = ["Mark", "rows_of"]

_WIDTH = 80


class Mark(NamedTuple):
    """What is said of a span in the tree.

    Attributes:
        note: why it matters.
        sign: one character for the margin.
    """

    note: str = ""
    sign: str = " "


def rows_of(branches: Iterable[Branch], marks: Mapping[int, Mark], *, top: int = 0) -> list[Row]:
    """The tree of some spans, from top to bottom.

    Args:
        branches: the spans.
        marks: by the index of a span, what is said of it.
        top: the depth that counts as the root level.
    """
    none = Mark()
    return [
        Row(branch.depth - top, line_of(branch, masking=masked), mark.sign, mark.note, _more(branch))
        for branch in branches
        for mark in (marks.get(branch.index, none),)
    ]


def _more(branch: Branch) -> str:
    """What helps to tell calls of one name apart."""
    said: list[str] = []
    span = branch.span
    if span.status == "error" and (error := error_of(branch)) is not None and error.message:
        said.append(masked(error.message))
    if span.operation == _semconv.OPERATION_EXECUTE_TOOL:
        arguments = decoded(span, _semconv.TOOL_ARGUMENTS)
        if isinstance(arguments, dict) and arguments:
            said.append(shown_arguments(cast("Mapping[str, Any]", arguments), _WIDTH))
    return "  ".join(said)
