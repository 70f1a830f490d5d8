"""One place at which a value is not the expected one, or may be another."""

from __future__ import annotations

from typing import Final

from ams_sdk.testing._trace.masked_text import shown

__all__ = ["ABSENT", "Difference"]

_WIDTH: Final = 100
_ALIKE: Final = "they differ in what is not shown here"


class _Nothing:
    def __repr__(self) -> str:
        return "nothing"


ABSENT: Final = _Nothing()
"""Stands for what is not there."""


class Difference:
    """One place at which a value differs.

    Attributes:
        path: such as ``filter.year`` or ``[2]``; empty for the value itself.
        expected: what was expected there.
        got: what is there.
        note: why, if it is not plain to see.
        is_doubtful: it may be the expected one: what was recorded does not tell.
    """

    __slots__ = ("expected", "got", "is_doubtful", "note", "path")

    def __init__(self, path: str, expected: object, got: object, note: str = "", *, is_doubtful: bool = False) -> None:
        self.path = path
        self.expected = expected
        self.got = got
        self.note = note
        self.is_doubtful = is_doubtful

    def lines(self, name: str) -> list[str]:
        """What is said of it.

        Args:
            name: of the argument that the value is.
        """
        path = f"{name}{'' if not self.path or self.path.startswith('[') else '.'}{self.path}"
        last = self.path.rpartition(".")[2] or name
        expected, got = (shown(side, _WIDTH, name=last) for side in (self.expected, self.got))
        note = self.note or (_ALIKE if expected == got else "")
        return [f"  {path}{f'  ({note})' if note else ''}", f"    expected  {expected}", f"    got       {got}"]
