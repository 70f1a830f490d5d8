"""What is recorded of a call that raised: once, on the span where the exception arose, and its type on each above."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final, cast

from opentelemetry.trace import Status, StatusCode

from ams_sdk import _semconv
from ams_sdk._capture import render_text
from ams_sdk._decorators.stack_text import stack_text
from ams_sdk._guard import guard

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FunctionType

    from opentelemetry.trace import Span

    from ams_sdk._decorators.runtime import Call

__all__ = ["begun_here", "error_type", "has_begun", "record_failure"]

_MAX_STACK: Final = 16_384
_wrappers: Final[set[CodeType]] = set()


def begun_here(wrapper: Callable[..., object]) -> None:
    """Say that this function traces its calls, so that an exception's way through it can be recognised."""
    _wrappers.add(cast("FunctionType", wrapper).__code__)


def has_begun(function: Callable[..., object]) -> bool:
    """Whether that was said of the function, and not only of one that it wraps."""
    return getattr(function, "__code__", None) in _wrappers


def record_failure(span: Span, error: BaseException, ended: int, *, captures: bool, call: object = None) -> None:
    """Record what a call raised; a cancellation is no error and leaves no mark.

    Args:
        span: the call's span, still open.
        call: the call, as its wrapper knows it.
        error: what was raised.
        ended: when, in nanoseconds since the epoch.
        captures: whether the message and the stack are recorded.
    """
    if _is_cancellation(error):
        return
    kind = error_type(error)
    message = _message_of(error) if captures else ""
    span.set_attribute(_semconv.ERROR_TYPE, kind)
    span.set_status(Status(StatusCode.ERROR, message or None))
    if _recorded_below(error, call, getattr(span, "start_time", None)):
        return
    attributes = {_semconv.EXCEPTION_TYPE: kind}
    if captures:
        attributes[_semconv.EXCEPTION_MESSAGE] = message
        attributes[_semconv.EXCEPTION_STACKTRACE] = render_text(stack_text(error, message, _MAX_STACK), _MAX_STACK)
    span.add_event(_semconv.EXCEPTION_EVENT, attributes, timestamp=ended)


def error_type(error: BaseException) -> str:
    """``module.QualifiedName`` of the exception's class, built-in ones bare (OpenTelemetry's rule for Python)."""
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _is_cancellation(error: BaseException) -> bool:
    # Neither library is imported for this: where it was not, nothing of it can have been raised.
    asyncio, trio = sys.modules.get("asyncio"), sys.modules.get("trio")
    return (
        isinstance(error, GeneratorExit)
        or (asyncio is not None and isinstance(error, asyncio.CancelledError))
        or (trio is not None and isinstance(error, trio.Cancelled))
    )


def _recorded_below(error: BaseException, own: object, began: int | None) -> bool:
    """Whether the exception came through another traced call, which has recorded it then.

    Read off the traceback, which the exception carries anyway: remembering exceptions would keep them, and every local
    variable of their frames, alive.
    """
    step = error.__traceback__
    if step is not None:
        step = step.tb_next  # the first frame is this call's own
    while step is not None:
        if step.tb_frame.f_code in _wrappers:
            # The wrapper's own variable: a call that is not traced, or not sampled, has recorded nothing.
            call: Call | None = step.tb_frame.f_locals.get("call")
            if call is not None and call.records and call is not own and _is_below(call, began):
                return True
        step = step.tb_next
    return False


def _is_below(call: Call, began: int | None) -> bool:
    # One exception may be raised twice, and then its traceback has the frames of calls that are long over.
    other = getattr(call, "start_time", None)
    return not isinstance(other, int) or began is None or other >= began


def _message_of(error: BaseException) -> str:
    with guard("reading an exception's message"):
        return render_text(str(error))
    return ""
