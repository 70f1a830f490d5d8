"""What a configured SDK lends to the decorators, and the question whether there is one.

The decorators stand below the engine and know it only by this protocol. Until the first decorated call nobody has been
asked; then ``starter`` is, once, and the answer holds until the SDK is configured or shut down by hand.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Protocol

from ams_sdk._guard import guard

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.trace import Tracer

    from ams_sdk._decorators.definition import AgentDefinition

__all__ = ["Runtime", "current", "lock", "reset", "set_current", "set_starter"]


class Runtime(Protocol):
    """A configured SDK, as a decorated call sees it."""

    @property
    def capture_content(self) -> bool:
        """Whether arguments, results and messages are recorded."""
        ...

    def tracer(self) -> Tracer:
        """The tracer of the provider that serves now."""
        ...

    def agent_started(self, agent: AgentDefinition) -> str | None:
        """Told at each run of an agent; answers with its id on the platform, if that is known."""
        ...


class _State:
    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.decided = False
        self.asking = False
        self.runtime: Runtime | None = None
        self.starter: Callable[[], Runtime | None] | None = None

    def after_fork(self) -> None:
        # The thread that held the lock, and was asking perhaps, is not in the child.
        self.lock = threading.RLock()
        self.asking = False


_state = _State()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_state.after_fork)


def current() -> Runtime | None:
    """The configured SDK, or None: then a decorated call is a plain call."""
    return _state.runtime if _state.decided else _ask()


def lock() -> threading.RLock:
    """The one lock for whoever changes what is configured; two would be taken in two orders."""
    return _state.lock


def set_current(runtime: Runtime | None) -> None:
    """Decide by hand: from now on calls are traced by this runtime, or not at all."""
    with _state.lock:
        _state.runtime = runtime
        _state.decided = True


def reset() -> None:
    """Forget the answer: the next decorated call asks again."""
    with _state.lock:
        _state.runtime = None
        _state.decided = False


def set_starter(starter: Callable[[], Runtime | None]) -> None:
    """Say who is asked at the first decorated call."""
    _state.starter = starter


def _ask() -> Runtime | None:
    # Calls of other threads wait here: untraced they would tear their trees. A decorated function that the starter
    # itself happens to call gets past the lock and is a plain call.
    with _state.lock:
        if not _state.decided and not _state.asking:
            _state.asking = True
            try:
                runtime = None
                with guard("configuring from the environment"):
                    runtime = _state.starter() if _state.starter else None
                set_current(runtime)
            finally:
                _state.asking = False
        return _state.runtime
