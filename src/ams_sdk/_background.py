"""What the SDK does in threads of its own must not show in the program: no log lines, no spans, no child that hangs."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

from opentelemetry import context
from opentelemetry.context import (
    _SUPPRESS_HTTP_INSTRUMENTATION_KEY,  # pyright: ignore[reportPrivateUsage] -- there is no public name for it
    _SUPPRESS_INSTRUMENTATION_KEY,  # pyright: ignore[reportPrivateUsage] -- the same
)

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["THREADS", "NotDuringForks", "importing", "keep_quiet", "quietly", "untraced"]

THREADS: Final = "ams-sdk "
"""How the names of the SDK's own threads begin."""


_LOGGERS: Final = (
    *("httpx", "httpcore.connection", "httpcore.http11", "httpcore.http2", "httpcore.proxy"),
    "opentelemetry.exporter.otlp.proto.grpc.exporter",
)


def keep_quiet() -> None:
    """Drop what the HTTP client logs in the SDK's own threads; the program's own use of it is not touched."""
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_not_ours)  # adding it again changes nothing


def _not_ours(_record: logging.LogRecord) -> bool:
    return not (_is_quiet.get() or threading.current_thread().name.startswith(THREADS))


_is_quiet: Final = ContextVar("ams-sdk-is-quiet", default=False)


@contextlib.contextmanager
def quietly() -> Generator[None]:
    """The same for what is sent on the SDK's account in threads of others, as OpenTelemetry's reader of metrics is."""
    token = _is_quiet.set(True)
    try:
        yield
    finally:
        _is_quiet.reset(token)


@contextlib.contextmanager
def untraced() -> Generator[None]:
    """Keep OpenTelemetry's instrumentation of HTTP clients away from what the SDK itself sends."""
    quiet = context.set_value(_SUPPRESS_INSTRUMENTATION_KEY, True)  # noqa: FBT003 -- a value, not a flag
    token = context.attach(context.set_value(_SUPPRESS_HTTP_INSTRUMENTATION_KEY, True, quiet))  # noqa: FBT003 -- the same
    try:
        yield
    finally:
        context.detach(token)


class NotDuringForks:
    """What a thread of ours does not do while another thread forks: ``with`` it.

    Args:
        longest: the most seconds that a fork waits; longer takes only a thread that was stopped.
    """

    def __init__(self, longest: float) -> None:
        self._longest = longest
        # Reentrant: a signal handler of the program may end a span while its thread is in here.
        self._lock = threading.RLock()
        self._forking = threading.local()  # several threads may fork at once
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(
                before=self._before, after_in_parent=self._after_in_parent, after_in_child=self._after_in_child
            )

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def _before(self) -> None:
        self._forking.is_held = self._lock.acquire(timeout=self._longest)

    def _after_in_parent(self) -> None:
        if self._forking.is_held:
            self._lock.release()

    def _after_in_child(self) -> None:
        self._lock = threading.RLock()


importing: Final = NotDuringForks(5.0)
"""Held by a thread of the SDK while it imports: ``with importing: import …``.

A module that another thread was importing at the moment of a fork stays locked in the child for ever, and whoever
imports it there hangs.
"""
