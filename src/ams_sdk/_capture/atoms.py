"""Values that never change, so a reference to one is as good as a copy and can be rendered later, elsewhere."""

from __future__ import annotations

from json.encoder import encode_basestring
from typing import TYPE_CHECKING, Any, Final

from ams_sdk._capture import rules
from ams_sdk._capture.mask_counts import NAME, count_masked
from ams_sdk._capture.rendering import MAX_TEXT, MAX_TOTAL, CutText, render, render_text
from ams_sdk._capture.rules import REDACTED

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["NOT_ATOMS", "cut_atoms", "quoted", "render_atom", "render_secret_atom", "size_of_atoms"]

NOT_ATOMS: Final = -1
_SMALL: Final = frozenset({int, float, bool, type(None)})
_ROOM: Final = MAX_TOTAL - MAX_TEXT  # the names, and what says that something was cut, take some as well
_HIDDEN: Final = f'"{REDACTED}"'

quoted: Final = encode_basestring
"""A text as a JSON string, non-ASCII characters kept."""


def size_of_atoms(values: Iterable[Any]) -> int:
    """The characters that these values hold, or ``NOT_ATOMS`` if one of them has to be rendered now.

    That is one that may change later, that runs code of its own, or that is so large that a reference would keep too
    much.
    """
    size = 0
    for value in values:
        if type(value) is str:
            size += len(value)
        elif type(value) not in _SMALL:
            return NOT_ATOMS
    return size if size <= MAX_TEXT else NOT_ATOMS


def cut_atoms(values: Iterable[Any]) -> tuple[list[Any], int] | None:
    """The values with long texts cut, and the characters that are left of all; None if one has to be rendered now.

    As ``size_of_atoms``, for values that are too large as they are.
    """
    cut: list[Any] = []
    size = 0
    for value in values:
        kept = CutText.of(value) if type(value) is str and len(value) > MAX_TEXT else value
        if isinstance(kept, str) and type(value) is str:
            size += min(len(kept), MAX_TEXT)
        elif type(value) not in _SMALL:
            return None
        cut.append(kept)
    return (cut, size) if size <= _ROOM else None


def render_atom(value: Any) -> str:  # noqa: ANN401 -- one of the types above
    """What ``render`` makes of such a value, sooner."""
    kind = type(value)  # pyright: ignore[reportUnknownVariableType] -- of Any
    if kind is str:
        # As ``render_text`` begins, without the calls.
        is_harmless = len(value) < rules.current.shortest and value.isascii() and "=" not in value and ":" not in value
        return quoted(value if is_harmless else render_text(value))
    if kind is int and -_PLAIN < value < _PLAIN:
        return repr(value)
    if value is None:
        return "null"
    if kind is bool:
        return "true" if value else "false"
    return render(value)


def render_secret_atom(value: Any) -> str:  # noqa: ANN401 -- the same
    """The same of a value whose name is one of a secret: whether there is one may be seen."""
    if value is None or type(value) is bool:
        return render_atom(value)
    count_masked(NAME)
    return _HIDDEN


_PLAIN: Final = 2**53
