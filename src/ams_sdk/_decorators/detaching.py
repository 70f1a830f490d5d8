"""A context that was made current is left again, also where OpenTelemetry would print a stack."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from opentelemetry import context as otel_context

if TYPE_CHECKING:
    from contextvars import Token

    from opentelemetry.context import Context

__all__ = ["detach"]


def detach(token: Token[Context]) -> None:
    """Make the context from before current again."""
    # Not otel_context.detach: that prints a stack when a task is torn down in another context than its own, which is no
    # error and has nothing to restore.
    with contextlib.suppress(ValueError):
        otel_context._RUNTIME_CONTEXT.detach(token)  # noqa: SLF001
