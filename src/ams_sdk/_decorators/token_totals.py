"""The tokens that the model calls of one run have used, each counted once.

Several instrumentations may record one call: a framework's span around the client library's. A span that says how many
tokens were used speaks for all that is below it; one that does not passes on what those say. What is below a decorated
call is that call's own affair: a framework does not count what a tool asks of a model.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any, Final

from ams_sdk import _semconv

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ams_sdk._decorators.run import Run

__all__ = ["TokenTotals", "totals_of"]

# The conventions' names, and before them those that instrumentations still use.
_INPUT: Final = (_semconv.USAGE_INPUT_TOKENS, "gen_ai.usage.prompt_tokens", "llm.token_count.prompt")
_OUTPUT: Final = (_semconv.USAGE_OUTPUT_TOKENS, "gen_ai.usage.completion_tokens", "llm.token_count.completion")
_MOST_OPEN: Final = 10_000

# One for all runs, held for some additions; reentrant, since a signal handler may end a span at any moment.
_lock = threading.RLock()


def _fresh_lock() -> None:
    global _lock  # noqa: PLW0603 -- another thread of the parent may have held it at the moment of the fork
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_fresh_lock)


def totals_of(run: Run) -> TokenTotals:
    """The totals of a run, made when the first span inside of it is."""
    totals = run.totals
    if totals is None:
        with _lock:
            totals = run.totals = run.totals or TokenTotals()
    return totals


class TokenTotals:
    """Told of each span of the run that is not of a decorated call, when it begins and when it ends."""

    __slots__ = ("_below", "_open", "input", "output")

    def __init__(self) -> None:
        self.input: int = 0
        """Tokens that went into models."""
        self.output: int = 0
        """Tokens that came out of them."""
        self._open: dict[int, int] = {}
        self._below: dict[int, tuple[int, int]] = {}

    def begun(self, span_id: int, parent_id: int) -> None:
        """A span has begun."""
        if len(self._open) >= _MOST_OPEN:  # somebody leaves spans open for ever
            self._open.clear()
            self._below.clear()
        self._open[span_id] = parent_id

    def ended(self, span_id: int, attributes: Mapping[str, Any]) -> None:
        """A span has ended, and these are its attributes."""
        said = _count(attributes, _INPUT), _count(attributes, _OUTPUT)
        with _lock:
            self._add(span_id, said)

    def _add(self, span_id: int, said: tuple[int | None, int | None]) -> None:
        parent_id = self._open.pop(span_id, None)
        below = self._below.pop(span_id, (0, 0))
        used = below if said == (None, None) else (said[0] or 0, said[1] or 0)
        if used == (0, 0):
            return
        if parent_id is not None and parent_id in self._open:
            before = self._below.get(parent_id, (0, 0))
            self._below[parent_id] = before[0] + used[0], before[1] + used[1]
        else:
            self.input += used[0]
            self.output += used[1]

    def attributes(self) -> dict[str, int]:
        """What the span of the run says of them; nothing if there were none."""
        if not (self.input or self.output):
            return {}
        return {_semconv.USAGE_INPUT_TOKENS: self.input, _semconv.USAGE_OUTPUT_TOKENS: self.output}


def _count(attributes: Mapping[str, Any], names: tuple[str, ...]) -> int | None:
    for name in names:
        value = attributes.get(name)
        if type(value) is int and value >= 0:
            return value
    return None
