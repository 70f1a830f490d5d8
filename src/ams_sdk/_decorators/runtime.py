"""What a configured SDK lends to the decorators, and the question whether there is one.

The decorators stand below the engine and know it only by this protocol. Until the first decorated call nobody has been
asked; then ``starter`` is, once, and the answer holds until the SDK is configured or shut down by hand.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

from ams_sdk._guard import guard

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.trace import Tracer

    from ams_sdk._decorators.definition import Definition

__all__ = [
    "Begin",
    "Call",
    "Collector",
    "Runtime",
    "ask",
    "begin",
    "lock",
    "reset",
    "set_current",
    "set_starter",
    "state",
]


class Collector(Protocol):
    """Takes what a call gives item by item; ``returned`` is given it in the end, in place of a result."""

    def add(self, item: object, /) -> None:
        """One more item."""
        ...


class Call(Protocol):
    """A call whose span is open. In the end one of ``returned`` and ``failed`` is called, once; nothing here raises."""

    @property
    def records(self) -> bool:
        """Whether what happens is recorded; not so where nothing is sampled."""
        ...

    def collector(self) -> Collector | None:
        """What takes the items that the call gives, one by one; None if they are not recorded."""
        ...

    def suspend(self) -> None:
        """The call goes on later; until then the context from before it is current again."""
        ...

    def resume(self) -> None:
        """It goes on, in the context that was current when it was suspended."""
        ...

    def returned(self, value: object, /) -> None:
        """The call ended well."""
        ...

    def failed(self, error: BaseException, collected: Any = None, /) -> None:  # noqa: ANN401 -- of the call's own
        """The call raised; ``collected`` is the collector, if it has one, with what was given until then."""
        ...


class Runtime(Protocol):
    """A configured SDK, as a decorated call sees it."""

    captures: bool
    """Whether content is recorded."""

    def tracer(self) -> Tracer:
        """The tracer that serves now, for spans that are no calls."""
        ...

    def begin(self, definition: Definition, args: tuple[Any, ...], kwargs: dict[str, Any], /) -> Call | None:
        """Start the span of a call, or answer None if the call is not to be traced. Raises nothing of the SDK's."""
        ...


Begin: TypeAlias = "Callable[[tuple[Any, ...], dict[str, Any]], Call | None]"
"""Starts the span of a call with these arguments, or answers None if the call is not to be traced."""


class _State:
    """What is known. A decorated call reads it without a function in between, and asks if it is not ``decided``."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.decided = False
        self.asking = False
        self.runtime: Runtime | None = None
        self.starter: Callable[[], Runtime | None] | None = None

    def __reduce__(self) -> str:
        # cloudpickle copies a function of __main__ with what it refers to: that process has a state of its own.
        return "state"

    def after_fork(self) -> None:
        # The thread that held the lock, and was asking perhaps, is not in the child.
        self.lock = threading.RLock()
        self.asking = False


state: Final = _State()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=state.after_fork)


def lock() -> threading.RLock:
    """The one lock for whoever changes what is configured; two would be taken in two orders."""
    return state.lock


def set_current(runtime: Runtime | None) -> None:
    """Decide by hand: from now on calls are traced by this runtime, or not at all."""
    with state.lock:
        state.runtime = runtime
        state.decided = True


def reset() -> None:
    """Forget the answer: the next decorated call asks again."""
    with state.lock:
        state.runtime = None
        state.decided = False


def set_starter(starter: Callable[[], Runtime | None]) -> None:
    """Say who is asked at the first decorated call."""
    state.starter = starter


def begin(definition: Definition, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call | None:
    """Start the span of a call, where a call in between does not matter; None if it is a plain call."""
    lent = state.runtime if state.decided else ask()
    return None if lent is None else lent.begin(definition, args, kwargs)


def ask() -> Runtime | None:
    """The configured SDK, or None: then a decorated call is a plain call. For ``state`` that is not decided yet."""
    # Calls of other threads wait here: untraced they would tear their trees. A decorated function that the starter
    # itself happens to call gets past the lock and is a plain call.
    with state.lock:
        if not state.decided and not state.asking:
            state.asking = True
            try:
                runtime = None
                with guard("configuring from the environment"):
                    try:
                        runtime = state.starter() if state.starter else None
                    except RecursionError:  # the caller stands close to the limit: another call may not, and asks again
                        return None
                set_current(runtime)
            finally:
                state.asking = False
        return state.runtime
