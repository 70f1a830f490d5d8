"""OpenTelemetry's current context, without the two functions that stand before the context variable.

Another implementation may have been chosen by ``OTEL_PYTHON_CONTEXT``; then OpenTelemetry is asked.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

from opentelemetry import context as otel_context
from opentelemetry.context.contextvars_context import ContextVarsRuntimeContext

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Token

    from opentelemetry.context import Context

__all__ = ["attach_context", "current_context", "detach_context"]

_runtime: Final[Any] = otel_context._RUNTIME_CONTEXT
_variable: Final[Any] = getattr(_runtime, "_current_context", None)
# One that does not share the variable, a subclass for example, is not looked into.
_is_plain: Final[bool] = _runtime.__class__ is ContextVarsRuntimeContext and _variable.__class__ is ContextVar

current_context: Final[Callable[[], Context]] = _variable.get if _is_plain else otel_context.get_current
"""The current context."""
attach_context: Final[Callable[[Context], Token[Context]]] = _variable.set if _is_plain else otel_context.attach
"""Make a context current; the token makes the one before current again."""
_reset: Final[Callable[[Token[Context]], None]] = _variable.reset if _is_plain else _runtime.detach


def detach_context(token: Token[Context]) -> None:
    """Make the context from before current again."""
    # OpenTelemetry's own function prints a stack when a task is torn down in another context than its own, which is no
    # error and has nothing to restore.
    try:  # noqa: SIM105 -- a with statement costs as much as all of this
        _reset(token)
    except ValueError:
        pass
