"""How two values are compared: level by level, to say where they differ and not only that they do."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, cast

from ams_sdk._capture import HIDDEN, REDACTED
from ams_sdk.testing._trace.recorded_loss import MASKED
from ams_sdk.testing._trace.value_difference import ABSENT, Difference
from ams_sdk.testing._trace.value_form import ATOMS, entries_by_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["Comparison", "joined", "text_pattern", "types_note"]

_LARGEST_SET: Final = 500
"""Items of a set that are looked for in any order."""


class Comparison:
    """What both comparisons do: level by level, atoms as JSON tells them apart, everything else by its ``__eq__``."""

    __slots__ = ()

    def run(self, expected: object, got: object, path: str, depth: int) -> Iterator[Difference]:
        """Where two values differ, or may do; ``path`` is where they stand, ``depth`` how many levels are looked at."""
        kind, there = type(expected), type(got)
        if kind in ATOMS and there in ATOMS:
            if not _is_same_atom(expected, got) and not self.is_recorded_number(expected, got):
                yield self.difference(path, expected, got)
        elif depth and kind is dict and there is dict:
            named = entries_by_text(cast("dict[object, object]", expected).items())
            yield from self.in_mapping(named, cast("dict[object, object]", got), path, depth)
        elif depth and kind in {list, tuple} and there in {list, tuple}:
            yield from self.in_sequence(cast("Sequence[object]", expected), cast("Sequence[object]", got), path, depth)
        elif isinstance(equal := _equal(expected, got), str):
            yield Difference(path, expected, got, equal, is_doubtful=True)
        elif not equal:
            if expected is HIDDEN or got is HIDDEN:
                yield Difference(path, REDACTED, REDACTED, MASKED, is_doubtful=True)
            elif not depth:
                yield Difference(path, expected, got, "nested too deeply", is_doubtful=True)
            else:
                yield from self.in_form(expected, got, path, depth)

    def is_recorded_number(self, expected: object, got: object) -> bool:
        """Whether a number that JSON does not have was recorded as this."""
        raise NotImplementedError

    def difference(self, path: str, expected: object, got: object) -> Difference:
        """That these two are not the same."""
        return Difference(path, expected, got, types_note(expected, got))

    def in_form(self, expected: object, got: object, path: str, depth: int) -> Iterator[Difference]:
        """The differences of two that are neither equal nor of the same kind in JSON."""
        raise NotImplementedError

    def in_mapping(
        self, expected: Mapping[str, object], got: Mapping[object, object], path: str, depth: int
    ) -> Iterator[Difference]:
        """The differences of two mappings."""
        there = entries_by_text(got.items())
        for name, value in expected.items():
            if name in there:
                yield from self.run(value, there[name], joined(path, name), depth - 1)
            else:
                yield Difference(joined(path, name), value, ABSENT)
        yield from (
            Difference(joined(path, name), ABSENT, value) for name, value in there.items() if name not in expected
        )

    def in_sequence(
        self, expected: Sequence[object], got: Sequence[object], path: str, depth: int
    ) -> Iterator[Difference]:
        """The differences of two sequences."""
        for index in range(max(len(expected), len(got))):
            there = f"{path}[{index}]"
            if index >= len(got):
                yield Difference(there, expected[index], ABSENT)
            elif index >= len(expected):
                yield Difference(there, ABSENT, got[index])
            else:
                yield from self.run(expected[index], got[index], there, depth - 1)

    def in_any_order(
        self, expected: Sequence[object], got: Sequence[object], path: str, depth: int
    ) -> Iterator[Difference]:
        """The differences of two sequences, one of which was a set and has no order of its own."""
        if max(len(expected), len(got)) > _LARGEST_SET:
            yield from self.in_sequence(expected, got, path, depth)
            return
        left = list(expected)
        others: list[object] = []
        for item in got:
            at = next((at for at, one in enumerate(left) if not any(self.run(one, item, "", depth - 1))), None)
            if at is None:
                others.append(item)
            else:
                del left[at]
        yield from self.in_sequence(left, others, path, depth)


def text_pattern(expected: object) -> re.Pattern[str] | None:
    """What is searched in texts."""
    found = cast("re.Pattern[str]", expected) if type(expected) is re.Pattern else None
    return found if found is not None and type(found.pattern) is str else None


def _is_same_atom(expected: object, got: object) -> bool:
    # 1 is 1.0 in JSON, and true is another thing.
    return isinstance(expected, bool) is isinstance(got, bool) and expected == got


def _equal(expected: object, got: object) -> bool | str:
    if expected is got:
        return True
    try:
        return bool(expected == got)
    except Exception as error:  # noqa: BLE001 -- the user's own __eq__
        return _are_equal_arrays(expected, got) or f"comparing raised {type(error).__name__}"


def _are_equal_arrays(expected: Any, got: Any) -> bool:  # noqa: ANN401 -- numpy and pandas are not imported here
    """Whether two arrays are, which are compared item by item and have no answer of one word."""
    try:
        return type(expected) is type(got) and expected.shape == got.shape and bool((expected == got).all(axis=None))
    except Exception:  # noqa: BLE001 -- they are something else
        return False


def joined(path: str, key: str) -> str:
    """Where an entry of this name stands."""
    name = key if key.isidentifier() else json.dumps(key, ensure_ascii=False)
    return f"{path}.{name}" if path else name


def types_note(expected: object, got: object) -> str:
    """That a value is of another type, where the values themselves may look alike."""
    if type(expected) is type(got) or expected is None or not {type(expected), type(got)} <= ATOMS:
        return ""
    return f"{type(expected).__name__} expected, {type(got).__name__} recorded"
