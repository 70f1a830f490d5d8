"""What another thread may do in the middle of a function, tried at each of its lines."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FunctionType

_PATIENCE = 0.05
"""Seconds that the other thread is waited for; it may have to wait for a lock that is held there."""


def at_each_line(function: FunctionType, interfere: Callable[[], object], run: Callable[[], Any]) -> Iterator[Any]:
    """Run something once for each line of ``function`` that it gets to, with something else in between.

    Yields:
        What each run gives back.
    """
    for number in range(1, 100):
        left = number

        def in_the_function(_frame, event, _argument):
            nonlocal left
            left -= event == "line"
            if event == "line" and not left:
                interfere()
            return in_the_function

        def everywhere(frame, _event, _argument):
            return in_the_function if frame.f_code is function.__code__ else None

        before = sys.gettrace()
        sys.settrace(everywhere)
        try:
            result = run()
        finally:
            sys.settrace(before)
        if left > 0:
            return
        yield result


def paused(function: FunctionType, number: int, go_on: threading.Event, act: Callable[[], object]) -> None:
    """Do something, but pause at a line of ``function`` until the event, unless we are waited for ourselves."""
    left = number

    def in_the_function(_frame, event, _argument):
        nonlocal left
        left -= event == "line"
        if event == "line" and not left:
            go_on.wait(_PATIENCE)
        return in_the_function

    before = sys.gettrace()
    sys.settrace(lambda frame, _event, _argument: in_the_function if frame.f_code is function.__code__ else None)
    try:
        act()
    finally:
        sys.settrace(before)


class AnotherThread:
    """Does something in a thread of its own, and waits for it a little while, unless it has to wait for us."""

    def __init__(self, act: Callable[[], object]) -> None:
        self._act = act
        self._threads: list[threading.Thread] = []

    def __call__(self) -> None:
        thread = threading.Thread(target=self._act)
        self._threads.append(thread)
        thread.start()
        thread.join(_PATIENCE)

    @property
    def has_acted(self) -> bool:
        """Whether it was called since the last ``join``."""
        return bool(self._threads)

    def join(self) -> None:
        """Wait for the rest of it."""
        while self._threads:
            self._threads.pop().join()
