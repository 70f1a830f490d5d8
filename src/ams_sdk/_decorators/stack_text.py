"""What Python prints of an exception, bounded before it is read and not after.

As ``traceback.format_exception`` writes it, which reads every exception of a chain or a group and looks for names that
may have been meant, with code of the program. Here the exception itself comes first, and the others as far as there is
room; each is asked for its message once.
"""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Final, cast

from ams_sdk._capture.introspection import attribute
from ams_sdk._guard import guard

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["stack_text"]

_FRAMES: Final = 50
"""Of one stack, those nearest to where it was raised."""
_EXCEPTIONS: Final = 24
"""In all, of chains and groups together."""
_MEMBERS: Final = 8
"""Of one group."""
_DEPTH: Final = 4
"""Of groups in groups."""
_NOTES: Final = 8
_LONGEST: Final = 2_048
"""Characters of a message of another exception, and of a note."""
_CAUSE: Final = "\nThe above exception was the direct cause of the following exception:\n\n"
_CONTEXT: Final = "\nDuring handling of the above exception, another exception occurred:\n\n"


def stack_text(error: BaseException, message: str, size: int) -> str:
    """The stack of an exception, with what led to it before, and the members of a group behind.

    Args:
        error: the exception.
        message: what it says, which is not asked for again.
        size: about how many characters there is room for; the exception itself is there in any case.
    """
    return _Writing(size).chain(error, message, 0)


class _Writing:
    """How much may still be written."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._exceptions = _EXCEPTIONS

    def chain(self, error: BaseException, message: str | None, depth: int) -> str:
        """An exception, with those before it."""
        texts = [self._one(error, message, depth)]
        seen = {id(error)}
        before = _before(error)
        while before is not None and id(before[0]) not in seen:
            other, joint = before
            seen.add(id(other))
            if self._size <= 0 or self._exceptions <= 0:
                texts.append(f"[what came before is left out]\n{joint}")
                break
            texts.append(self._one(other, None, depth) + joint)
            before = _before(other)
        return "".join(reversed(texts))

    def _one(self, error: BaseException, message: str | None, depth: int) -> str:
        self._exceptions -= 1
        text = "".join(_lines(error, message))
        self._size -= len(text)
        if issubclass(type(error), BaseExceptionGroup) and depth < _DEPTH:
            text += self._members(cast("BaseExceptionGroup[BaseException]", error), depth)
        return text

    def _members(self, group: BaseExceptionGroup[BaseException], depth: int) -> str:
        texts: list[str] = []
        members = group.exceptions
        for number, member in enumerate(members[:_MEMBERS], 1):
            if self._size <= 0 or self._exceptions <= 0:
                break
            inner = self.chain(member, None, depth + 1)
            texts.append(f"+---------------- {number} ----------------\n{inner}")
        missing = len(members) - len(texts)
        if missing:
            texts.append(f"+---------------- [+{missing} exceptions] ----------------\n")
        return "".join(f"  {line}" for line in "".join(texts).splitlines(keepends=True))


def _before(error: BaseException) -> tuple[BaseException, str] | None:
    if error.__cause__ is not None:
        return error.__cause__, _CAUSE
    if error.__context__ is not None and not error.__suppress_context__:
        return error.__context__, _CONTEXT
    return None


def _lines(error: BaseException, message: str | None) -> Iterator[str]:
    if error.__traceback__ is not None:
        yield "Traceback (most recent call last):\n"
        yield from traceback.extract_tb(error.__traceback__, limit=-_FRAMES).format()
    kind = type(error)
    name = (
        kind.__qualname__ if kind.__module__ in {"builtins", "__main__"} else f"{kind.__module__}.{kind.__qualname__}"
    )
    said = _message_of(error) if message is None else message
    yield f"{name}: {said}\n" if said else f"{name}\n"
    notes = attribute(error, "__notes__")
    if type(notes) is list:
        yield from (f"{note[:_LONGEST]}\n" for note in cast("list[object]", notes[:_NOTES]) if isinstance(note, str))


def _message_of(error: BaseException) -> str:
    with guard("reading an exception's message"):
        return str(error)[:_LONGEST]
    return ""
