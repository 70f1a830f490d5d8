"""Whether a value is the expected one, where it differs, and where nobody can tell.

What was recorded may be less than the value was: masked, cut, or the name of a type only. Two values that are recorded
as the same are not equal for that; the difference is in doubt then. Values that are still there are compared
themselves.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Final, cast

from ams_sdk._capture import REDACTED, render
from ams_sdk.testing._trace.recorded_loss import (
    CUT,
    MASKED,
    PARTLY_MASKED,
    could_have_been,
    has_marks,
    items_left_out,
    loss_of,
    names_left_out,
)
from ams_sdk.testing._trace.value_comparison import Comparison, joined, text_pattern, types_note
from ams_sdk.testing._trace.value_difference import ABSENT, Difference
from ams_sdk.testing._trace.value_form import (
    ATOMS,
    Form,
    declares_fields,
    form_of,
    has_own_equality,
    hidden_fields,
    is_json,
    state_of,
)

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["differences", "differences_of_values", "is_expected"]

_DEEPEST: Final = 50
_MOST: Final = 50
"""Differences of one value that are looked for."""


def is_expected(expected: object, got: object) -> bool:
    """Whether a recorded value is certainly the expected one.

    Equal is equal, so any object with an ``__eq__`` can be expected, in containers as well; a compiled pattern is
    searched in a text. What JSON does not have, such as a tuple, a date or a dataclass, is also equal to the form in
    which the decorators record it, if that form tells it from others.
    """
    return next(differences(expected, got), None) is None


def differences(expected: object, got: object) -> Iterator[Difference]:
    """Where a recorded value is not the expected one, or may be another; at most some dozens of places."""
    return _bounded(_OfRecorded().run(expected, got, "", _DEEPEST))


def differences_of_values(expected: object, got: object) -> list[Difference]:
    """The same for a value that is still there: unmasked and uncut, objects without an ``__eq__`` by what they hold.

    An expected value that is all JSON may also be written as it would be recorded, marks and all.
    """
    found = list(_bounded(_OfValues().run(expected, got, "", _DEEPEST)))
    if found and _is_all_json(expected, _DEEPEST) and is_expected(expected, json.loads(render(got))):
        return []
    return found


def _bounded(found: Iterator[Difference]) -> Iterator[Difference]:
    for count, one in enumerate(found):
        if count >= _MOST:
            return
        yield one


class _OfRecorded(Comparison):
    """With what was recorded, which is JSON and may be less than the value was."""

    __slots__ = ()

    def is_recorded_number(self, expected: object, got: object) -> bool:
        return isinstance(expected, float) and not math.isfinite(expected) and got == str(expected)

    def difference(self, path: str, expected: object, got: object) -> Difference:
        loss = loss_of(expected, got)
        if loss:
            return Difference(path, expected, got, loss, is_doubtful=True)
        return Difference(path, expected, got, _note(expected, got))

    def in_form(self, expected: object, got: object, path: str, depth: int) -> Iterator[Difference]:
        pattern = text_pattern(expected)
        if pattern is not None and isinstance(got, str):
            yield from self._of_pattern(pattern, got, path)
        elif is_json(expected):
            yield self.difference(path, expected, got)
        else:
            form = form_of(expected)
            if not form.is_whole:
                yield self._of_summary(expected, form.value, got, path)
                return
            is_set = isinstance(expected, (set, frozenset)) and isinstance(got, list)
            compare = self.in_any_order if is_set else self.run
            found = compare(cast("list[object]", form.value), cast("list[object]", got), path, depth - 1)
            for one in found:
                if one.path == path and one.expected is form.value:
                    one.expected = expected  # as the test has written it
                yield one

    def in_mapping(
        self, expected: Mapping[str, object], got: Mapping[object, object], path: str, depth: int
    ) -> Iterator[Difference]:
        there = cast("Mapping[str, object]", got)
        missing = names_left_out(there)
        if missing is None or expected.keys() == there.keys():
            yield from super().in_mapping(expected, got, path, depth)
            return
        absent = [name for name in expected if name not in there]
        for name in expected:
            if name in there:
                yield from self.run(expected[name], there[name], joined(path, name), depth - 1)
        if missing in {-1, len(absent)} and absent:
            yield Difference(path, dict(expected), dict(there), CUT, is_doubtful=True)
        else:
            yield Difference(path, dict(expected), dict(there))

    def in_sequence(
        self, expected: Sequence[object], got: Sequence[object], path: str, depth: int
    ) -> Iterator[Difference]:
        missing = items_left_out(got)
        kept = len(got) - 1
        if missing is None or (len(expected) == len(got) and expected[-1] == got[-1]):
            yield from super().in_sequence(expected, got, path, depth)
            return
        yield from super().in_sequence(expected[:kept], got[:kept], path, depth)
        if len(expected) >= kept:
            is_doubtful = missing == -1 or len(expected) == kept + missing
            yield Difference(f"{path}[{kept}]", list(expected[kept:]), got[-1], CUT, is_doubtful=is_doubtful)

    def _of_pattern(self, expected: re.Pattern[str], got: str, path: str) -> Iterator[Difference]:
        if got == form_of(expected).value:  # a pattern was recorded, and not which
            yield Difference(path, expected, got, _SUMMARY, is_doubtful=True)
        elif expected.search(got) is None:
            loss = (CUT if REDACTED not in got else PARTLY_MASKED) if has_marks(got) else ""
            yield Difference(path, expected, got, loss, is_doubtful=bool(loss))

    def _of_summary(self, expected: object, summary: object, got: object, path: str) -> Difference:
        """Of a value that is recorded as something that others are recorded as, too."""
        if not isinstance(summary, str):
            is_alike = isinstance(got, dict if isinstance(summary, dict) else list)
            return Difference(path, expected, got, _SUMMARY if is_alike else "", is_doubtful=is_alike)
        if loss := loss_of(expected, got):
            return Difference(path, expected, got, loss, is_doubtful=True)
        if not isinstance(got, str):
            return Difference(path, expected, got)
        if got == summary or could_have_been(summary, got):
            return Difference(path, expected, got, _SUMMARY, is_doubtful=True)
        if has_own_equality(expected) and has_marks(got):  # it was asked about what is left of it
            return Difference(path, expected, got, _note(expected, got), is_doubtful=True)
        return Difference(path, expected, got)


class _OfValues(Comparison):
    """With what a call was given, which is all there."""

    __slots__ = ()

    def is_recorded_number(self, expected: object, got: object) -> bool:
        return expected != expected and got != got  # noqa: PLR0124 -- not a number, both

    def in_form(self, expected: object, got: object, path: str, depth: int) -> Iterator[Difference]:
        yield from _unshown(self._in_form(expected, got, path, depth), path, hidden_fields(got))

    def _in_form(self, expected: object, got: object, path: str, depth: int) -> Iterator[Difference]:
        pattern = text_pattern(expected)
        if pattern is not None and isinstance(got, str):
            if pattern.search(got) is None:
                yield self.difference(path, expected, got)
        elif not is_json(expected) and type(expected) is type(got):
            yield from self._in_state(expected, got, path, depth)
        elif not is_json(expected) and (form := form_of(expected)).is_whole:
            yield from self._in_form_of(expected, form.value, got, path, depth)
        elif is_json(expected) and not is_json(got) and _is_to_be_written(form := form_of(got)):
            yield from self._in_form_of(got, expected, form.value, path, depth)
        else:
            yield self.difference(path, expected, got)

    def _in_form_of(self, was: object, expected: object, got: object, path: str, depth: int) -> Iterator[Difference]:
        if isinstance(was, (set, frozenset)) and {type(expected), type(got)} <= {list, tuple}:
            items, there = cast("Sequence[object]", expected), cast("Sequence[object]", got)
            return self.in_any_order(items, there, path, depth - 1)
        return self.run(expected, got, path, depth - 1)

    def _in_state(self, expected: object, got: object, path: str, depth: int) -> Iterator[Difference]:
        # That of a dataclass asks its fields, which may have none of their own.
        if has_own_equality(expected) and not declares_fields(expected):
            yield self.difference(path, expected, got)
            return
        wanted, there = state_of(expected), state_of(got)
        if wanted is not None and there is not None:
            yield from self.in_mapping(wanted, cast("Mapping[object, object]", there), path, depth)
        elif (form := form_of(expected)).is_whole:  # an exception, by its class and what it was made of
            yield from self.run(form.value, form_of(got).value, path, depth - 1)
        else:
            yield Difference(path, expected, got, f"another one: a {type(got).__name__} is only equal to itself")


_SUMMARY: Final = "recorded as this, and so are others"


def _unshown(found: Iterator[Difference], path: str, hidden: frozenset[str]) -> Iterator[Difference]:
    """The same, without the values of fields that the class says are not to be shown."""
    places = [joined(path, name) for name in hidden]
    for one in found:
        if any(one.path == place or one.path.startswith((f"{place}.", f"{place}[")) for place in places):
            one.expected, one.got = (side if side is ABSENT else REDACTED for side in (one.expected, one.got))
        yield one


def _is_to_be_written(form: Form) -> bool:
    """Whether a test may write a value as this: all of it, or the text that is recorded of it."""
    return form.is_whole or isinstance(form.value, str)


def _is_all_json(value: object, depth: int) -> bool:
    if type(value) is dict:
        entries = cast("dict[object, object]", value)
        return depth > 0 and all(type(key) is str and _is_all_json(item, depth - 1) for key, item in entries.items())
    if type(value) in {list, tuple}:
        return depth > 0 and all(_is_all_json(item, depth - 1) for item in cast("Sequence[object]", value))
    return type(value) in ATOMS


def _note(expected: object, got: object) -> str:
    if isinstance(got, str):
        if got == REDACTED:
            return MASKED
        if has_marks(got):
            return PARTLY_MASKED if REDACTED in got else CUT
    return types_note(expected, got)
