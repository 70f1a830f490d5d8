"""A check: what one clause of a row demands, as a function that takes an SDK and asserts."""

from __future__ import annotations

import functools
import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.rows.subject import Subject

__all__ = ["CHECKS", "ROWS", "Check", "NotRun", "all_checks", "check"]

ROWS = {
    1: "The decorator bare, called, and called with a name",
    2: "Functions, coroutines, generators and asynchronous generators stay what they are",
    3: "A generator's return value, `send`, `throw` and `close`",
    4: "The span of a generator: the whole iteration, and not the consumer's work",
    5: "A generator that is left unfinished",
    6: "A class",
    7: "Methods, `partial`, callable objects, functions that return an awaitable",
    8: "Types, for mypy `--strict` and pyright",
    9: "Signature, name, documentation, annotations, pickling",
    10: "The user's exception",
    11: "Arguments that are hostile or large",
    12: "Arguments that change during the call",
    13: "Secrets",
    14: "The parent, across threads, tasks, processes and HTTP",
    15: "Forked processes",
    16: "Depth, width and number",
    17: "Decorated twice, agent over tool, decorated in a library that nobody configures",
    18: "The application's own tracer provider",
    19: "The end of the process",
}


class NotRun(Exception):  # noqa: N818 -- no error
    """The check cannot be made here, which is nobody's fault."""


@dataclass(frozen=True)
class Check:
    """A check.

    Attributes:
        name: of the function.
        row: the row of the table that it belongs to.
        says: what must hold.
        run: the function.
        timed: whether it measures time; left out by the tests.
        sees: whether it looks at nothing but spans, so that there is nothing to check where none are recorded.
        alone: whether it sets up the SDK itself, in processes of its own, so that it is run in one state only.
        slow: whether it takes more than some three seconds.
    """

    name: str
    row: int
    says: str
    run: Callable[[Subject], None]
    timed: bool = False
    sees: bool = False
    alone: bool = False
    slow: bool = False


CHECKS: dict[str, Check] = {}


def check(  # noqa: PLR0913 -- the attributes of a check
    *, row: int, says: str, timed: bool = False, sees: bool = False, alone: bool = False, slow: bool = False
) -> Callable[[Callable[[Subject], None]], Callable[[Subject], None]]:
    """Make a function a check; the meanings are in ``Check``."""

    def register(function: Callable[[Subject], None]) -> Callable[[Subject], None]:
        name = _name(function)
        assert row in ROWS, row
        assert name not in CHECKS, name
        CHECKS[name] = Check(name, row, says, function, timed, sees, alone, slow)
        return function

    return register


def _name(function: Callable[[Subject], None]) -> str:
    if isinstance(function, functools.partial):
        parts = (function.func.__name__.strip("_"), *map(str, function.keywords.values()))
        return "_".join(parts).replace(" ", "_")
    return function.__name__


def all_checks() -> dict[str, Check]:
    """Every check by its name, in the order of rows."""
    for path in sorted(Path(__file__).parent.glob("checks_*.py")):
        importlib.import_module(f"tests.rows.{path.stem}")
    return dict(sorted(CHECKS.items(), key=lambda item: item[1].row))
