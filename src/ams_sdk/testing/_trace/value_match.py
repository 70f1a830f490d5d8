"""Whether a recorded value is the expected one, and where it differs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from ams_sdk._capture import REDACTED, render
from ams_sdk.testing._trace.masked_text import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["ABSENT", "Difference", "differences", "is_expected"]

_DEEPEST: Final = 50
_PLAIN: Final = (str, bool, int, float, type(None))
_WIDTH: Final = 100
_MOST: Final = 50
"""Differences of one value that are looked for."""


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
    """

    __slots__ = ("expected", "got", "note", "path")

    def __init__(self, path: str, expected: object, got: object, note: str = "") -> None:
        self.path = path
        self.expected = expected
        self.got = got
        self.note = note

    def lines(self, name: str) -> list[str]:
        """What is said of it.

        Args:
            name: of the argument that the value is.
        """
        path = f"{name}{'' if not self.path or self.path.startswith('[') else '.'}{self.path}"
        last = self.path.rpartition(".")[2] or name
        return [
            f"  {path}{f'  ({self.note})' if self.note else ''}",
            f"    expected  {shown(self.expected, _WIDTH, name=last)}",
            f"    got       {shown(self.got, _WIDTH, name=last)}",
        ]


def is_expected(expected: object, got: object) -> bool:
    """Whether a recorded value is the expected one.

    Equal is equal, so any object with an ``__eq__`` can be expected, in containers as well. What JSON does not have,
    such as a tuple, a date or a dataclass, is also equal to the form in which the decorators record it.
    """
    return next(differences(expected, got), None) is None


def differences(expected: object, got: object) -> Iterator[Difference]:
    """Where a recorded value is not the expected one; at most some dozens of places."""
    for count, found in enumerate(_differences(expected, got, "", _DEEPEST)):
        if count >= _MOST:
            return
        yield found


def _differences(expected: object, got: object, path: str, depth: int) -> Iterator[Difference]:
    equal, wanted = _equal(expected, got), expected
    if equal is True:
        return
    if isinstance(equal, str):
        yield Difference(path, expected, got, equal)
    elif depth and isinstance(expected, Mapping) and isinstance(got, Mapping):
        yield from _in_mapping(
            cast("Mapping[object, object]", expected), cast("Mapping[object, object]", got), path, depth
        )
    elif depth and isinstance(expected, (list, tuple)) and isinstance(got, list):
        yield from _in_sequence(cast("Sequence[object]", expected), cast("list[object]", got), path, depth)
    elif isinstance(expected, _PLAIN) or not _is_recorded_as(wanted, got):
        yield Difference(path, wanted, got, _reason(wanted, got))


def _equal(expected: object, got: object) -> bool | str:
    try:
        return bool(expected == got)
    except Exception as error:  # noqa: BLE001 -- the user's own __eq__
        return f"comparing raised {type(error).__name__}"


def _in_mapping(
    expected: Mapping[object, object], got: Mapping[object, object], path: str, depth: int
) -> Iterator[Difference]:
    by_text = {str(key): value for key, value in expected.items()}  # JSON has no other keys
    for key, value in by_text.items():
        if key in got:
            yield from _differences(value, got[key], _joined(path, key), depth - 1)
        else:
            yield Difference(_joined(path, key), value, ABSENT)
    yield from (Difference(_joined(path, str(key)), ABSENT, value) for key, value in got.items() if key not in by_text)


def _in_sequence(expected: Sequence[object], got: Sequence[object], path: str, depth: int) -> Iterator[Difference]:
    for index in range(max(len(expected), len(got))):
        there = f"{path}[{index}]"
        if index >= len(got):
            yield Difference(there, expected[index], ABSENT)
        elif index >= len(expected):
            yield Difference(there, ABSENT, got[index])
        else:
            yield from _differences(expected[index], got[index], there, depth - 1)


def _joined(path: str, key: str) -> str:
    name = key if key.isidentifier() else json.dumps(key, ensure_ascii=False)
    return f"{path}.{name}" if path else name


def _is_recorded_as(expected: object, got: object) -> bool:
    written: Any = json.loads(render(expected))
    return bool(written == got)


def _reason(expected: object, got: object) -> str:
    if isinstance(got, str):
        if got == REDACTED:
            return "masked when it was recorded: expect mock.ANY, or assert on what the platform or the tool got"
        if "…[+" in got:
            return "cut when it was recorded"
        if REDACTED in got:
            return "a secret in it was masked when it was recorded"
    if (
        type(expected) is not type(got)
        and isinstance(expected, _PLAIN)
        and isinstance(got, _PLAIN)
        and expected is not None
    ):
        return f"{type(expected).__name__} expected, {type(got).__name__} recorded"
    return ""
