"""Figures, the budgets that they are held against, and how both are shown."""

from __future__ import annotations

import json
import os
import platform
import statistics
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SERVER_PACKAGES = ("starlette", "uvicorn", "httptools", "uvloop", "sqlalchemy", "bcrypt")


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of several rounds, and what it may be.

    ``least`` and ``most`` are the budget; with neither the figure is only shown.
    """

    name: str
    value: float
    lowest: float
    highest: float
    unit: str = ""
    least: float | None = None
    most: float | None = None

    @property
    def is_met(self) -> bool:
        """Whether the budget is kept."""
        return (self.least is None or self.value >= self.least) and (self.most is None or self.value <= self.most)

    @property
    def verdict(self) -> str:
        """The budget in words, and whether it is kept."""
        bounds = [f"at least {self.least:g}"] if self.least is not None else []
        bounds += [f"at most {self.most:g}"] if self.most is not None else []
        return f"{' and '.join(bounds)}: {'pass' if self.is_met else 'FAIL'}" if bounds else ""


def median_of(
    name: str, rounds: list[float], unit: str = "", *, least: float | None = None, most: float | None = None
) -> Figure:
    """The median of the rounds, with the lowest and the highest."""
    return Figure(name, statistics.median(rounds), min(rounds), max(rounds), unit, least, most)


def compared(  # noqa: PLR0913 -- all but two are keyword-only
    what: str,
    found: Mapping[str, Sequence[float]],
    unit: str = "",
    *,
    base: str,
    ours: tuple[str, ...],
    most: float | None = None,
    wish: float | None = None,
    ratios: Mapping[str, list[float]] | None = None,
) -> list[Figure]:
    """What each side took, and its ratio to ``base``, of rounds that stood side by side; ``ours`` have the budget.

    ``ratios`` are given where they are of shorter times than the rounds.
    """
    figures = [median_of(f"{what}: {side}", list(values), unit) for side, values in found.items()]
    for side, values in found.items():
        if side == base:
            continue
        beside = ratios[side] if ratios else [one / other for one, other in zip(values, found[base], strict=True)]
        wished = f" (wish: {wish:g})" if side in ours and wish is not None else ""
        name = f"{what}: {side} to {base}{wished}"
        figures.append(median_of(name, beside, "x", most=most if side in ours else None))
    return figures


def show(
    title: str,
    figures: list[Figure],
    *,
    as_json: bool,
    packages: Sequence[str] = _SERVER_PACKAGES,
    notes: Sequence[str] = (),
    **about: object,
) -> int:
    """Print the figures, then the notes; the exit code is 1 if a budget is missed."""
    about |= {"python": platform.python_version(), "cores": os.cpu_count()}
    about |= {package: version(package) for package in packages}
    if as_json:
        rows = [asdict(figure) | {"is_met": figure.is_met} for figure in figures]
        print(json.dumps({"title": title, "about": about, "figures": rows, "notes": notes}))
    else:
        print(title)
        print("  " + ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in about.items()))
        for figure in figures:
            spread = f"({_digits(figure.lowest)} to {_digits(figure.highest)})"
            value = _digits(figure.value)
            print(f"  {figure.name:<58} {value:>8} {figure.unit:<4} {spread:<20} {figure.verdict}".rstrip())
        for note in notes:
            print(f"  {note}")
    return 0 if all(figure.is_met for figure in figures) else 1


def _digits(value: float) -> str:
    return f"{value:.1f}" if value >= 100 else f"{value:.3g}"  # noqa: PLR2004 -- digits that mean something
