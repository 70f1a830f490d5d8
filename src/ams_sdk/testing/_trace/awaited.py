"""What a test waits for: so many spans, or that a function of the capture comes true."""

from __future__ import annotations

import inspect
import math
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Final

from ams_sdk._errors import ConfigurationError
from ams_sdk.testing._trace.failure import failure_text
from ams_sdk.testing._trace.failure_rows import rows_of
from ams_sdk.testing._trace.forest import Forest
from ams_sdk.testing._trace.masked_text import shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from ams_sdk.testing._trace.capture import TraceCapture

__all__ = ["Awaited", "check_timeout"]

_ADVICE: Final = (
    "If it takes longer, wait(timeout=…). What another process does arrives only with the fixture ams_server, after it "
    "has flushed or ended."
)
_GAVE_NOTHING: Final = (
    "The function gave back None, as an assertion does: if that is right, write until=lambda trace: … or True."
)


class Awaited:
    """Spans, or a function; asked again and again.

    Args:
        spans: so many have ended.
        until: this is true of the capture.

    Attributes:
        failure: what the function raised when it was asked last; an assertion that fails is not true yet.

    Raises:
        ConfigurationError: there is nothing to wait for, or two things, or what cannot be waited for.
    """

    def __init__(self, spans: int | None, until: Callable[[TraceCapture], object] | None) -> None:
        if (spans is None) == (until is None):
            raise ConfigurationError("wait() takes either spans=, a number, or until=, a function of the capture.")
        if spans is not None and (isinstance(spans, bool) or not isinstance(spans, int) or spans < 0):
            raise ConfigurationError(f"wait(spans={shown(spans, 40)}): write a whole number, 0 or more.")
        if until is not None and not callable(until):
            raise ConfigurationError(
                f"wait(until={shown(until, 40)}): write a function of the capture, such as "
                "lambda trace: trace.agents('researcher')."
            )
        self._spans = spans
        self._until = until
        self._gave_nothing = False
        self.failure: AssertionError | None = None

    def is_there(self, trace: TraceCapture) -> bool:
        """Whether it is so now.

        Raises:
            ConfigurationError: the function has to be awaited, or gave back what is always true.
        """
        found = self.ask(trace)
        if inspect.isawaitable(found):
            if inspect.iscoroutine(found):
                found.close()
            raise ConfigurationError(
                "wait(until=…) was given an asynchronous function, and does not await it: "
                "write a plain one, or await wait_async(until=…)."
            )
        return self.is_true(found)

    def ask(self, trace: TraceCapture) -> object:
        """What says whether it is so now; it may have to be awaited."""
        self.failure, self._gave_nothing = None, False
        if self._until is None:
            return len(trace.spans) >= (self._spans or 0)
        try:
            return self._until(trace)
        except AssertionError as failure:
            self.failure = failure
            return False

    def is_true(self, found: object) -> bool:
        """Whether the function has said that it is so.

        Raises:
            ConfigurationError: it gave back what is always true.
        """
        if isinstance(found, Iterator | AsyncIterator):
            kind = type(found).__name__  # pyright: ignore[reportUnknownArgumentType] -- whatever it is
            raise ConfigurationError(
                f"wait(until=…) was given a function that gives back a {kind}, which is true also when nothing is in "
                "it: write any(…) or a list."
            )
        self._gave_nothing = found is None
        return bool(found)

    def late(self, trace: TraceCapture, timeout: float) -> str:
        """What is said when it did not come in time."""
        ended, still_open = trace.spans, trace.open_spans
        name = getattr(self._until, "__name__", "it")
        what = f"until={name} to be true" if self._spans is None else f"{_counted(self._spans)} to end"
        said = [] if self.failure is None else ["It last said:", f"  {_headline(self.failure)}"]
        return failure_text(
            f"Waited {timeout:g} s for {what}; {_are(len(ended), 'has', 'have')} ended and "
            f"{_are(len(still_open), 'is', 'are')} open.",
            said,
            rows=rows_of(Forest([*ended, *still_open]).branches, {}),
            advice=[_GAVE_NOTHING, _ADVICE] if self._gave_nothing else [_ADVICE],
        )


def check_timeout(timeout: float) -> None:
    """Check a number of seconds.

    Raises:
        ConfigurationError: it is none.
    """
    is_number = isinstance(timeout, int | float) and not isinstance(timeout, bool)
    if not (is_number and math.isfinite(timeout) and timeout >= 0):
        raise ConfigurationError(f"wait(timeout={shown(timeout, 40)}): write a number of seconds, 0 or more.")


def _headline(failure: AssertionError) -> str:
    return next((line for line in str(failure).splitlines() if line.strip()), type(failure).__name__)


def _counted(spans: int) -> str:
    return "1 span" if spans == 1 else f"{spans} spans"


def _are(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
