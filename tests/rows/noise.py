"""What a program says that it did not say itself: in the log, on standard error, as warnings, as unraisable errors."""

from __future__ import annotations

import gc
import io
import logging
import sys
import warnings
from contextlib import contextmanager, redirect_stderr

__all__ = ["log_lines", "silence"]


class _Lines(logging.Handler):
    def __init__(self, lines: list[str], level: int) -> None:
        super().__init__(level)
        self.setFormatter(logging.Formatter("%(name)s: %(message)s"))
        self.lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@contextmanager
def log_lines(level=logging.WARNING):
    """The lines that are logged meanwhile, from this level on."""
    lines: list[str] = []
    root, handler = logging.getLogger(), _Lines(lines, level)
    before = root.level
    root.addHandler(handler)
    root.setLevel(min(level, before) if before else level)
    try:
        yield lines
    finally:
        root.setLevel(before)
        root.removeHandler(handler)


@contextmanager
def silence():
    """Nothing is said meanwhile."""
    heard: list[str] = []
    errors, before = io.StringIO(), sys.unraisablehook
    sys.unraisablehook = lambda it: heard.append(f"unraisable: {it.exc_value!r} in {it.object!r}")
    try:
        with log_lines() as lines, redirect_stderr(errors), warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            yield
            gc.collect()
    finally:
        sys.unraisablehook = before
    heard += lines + [str(one.message) for one in warned] + errors.getvalue().splitlines()
    assert not heard, f"it was not silent: {heard[:5]}"
