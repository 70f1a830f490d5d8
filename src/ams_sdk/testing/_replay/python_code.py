"""Python as people write it: expressions that are broken over lines as ``ruff format`` and Black do."""

from __future__ import annotations

import keyword
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias, cast

__all__ = [
    "INDENT",
    "WIDTH",
    "Bracketed",
    "Code",
    "Named",
    "Text",
    "call",
    "equality",
    "is_name",
    "literal",
    "quoted",
    "statement",
]

WIDTH: Final = 100
INDENT: Final = 4
_AFTER_BREAK: Final = re.compile(r"(?<=\n)")
_WORDS: Final = re.compile(r"\S*\s*")
_SHORTEST: Final = 20
"""Columns that a piece of a text has at least, however deep it stands."""


@dataclass(frozen=True, slots=True)
class Text:
    """A text, which may be written in several pieces."""

    value: str

    @property
    def flat(self) -> str:
        """On one line."""
        return quoted(self.value)


@dataclass(frozen=True, slots=True)
class Bracketed:
    """What stands in brackets after something: a call, a list, a dictionary.

    Attributes:
        opening: everything up to the opening bracket, and it.
        items: what is inside.
        closing: the closing bracket.
        is_call: whether the items may stand on one line of their own.
        is_open: one item a line, as after a trailing comma.
    """

    opening: str
    items: tuple[Named, ...]
    closing: str
    is_call: bool = False
    is_open: bool = False

    @property
    def flat(self) -> str:
        """On one line."""
        return f"{self.opening}{', '.join(item.flat for item in self.items)}{self.closing}"

    @property
    def must_break(self) -> bool:
        """Whether it, or something in it, never stands on one line."""
        return (self.is_open and bool(self.items)) or any(item.must_break for item in self.items)


Code: TypeAlias = "str | Text | Bracketed"
"""An expression; a plain text is code that is not broken."""


@dataclass(frozen=True, slots=True)
class Named:
    """An item, after its name: ``query=``, ``"query": `` or nothing.

    Attributes:
        name: with the sign that follows it.
        code: the item.
    """

    name: str
    code: Code = field(default="")

    @property
    def flat(self) -> str:
        """On one line."""
        return self.name + _flat(self.code)

    @property
    def must_break(self) -> bool:
        """Whether it never stands on one line."""
        return isinstance(self.code, Bracketed) and self.code.must_break


def call(function: str, *arguments: Code, named: Mapping[str, Code] | None = None, is_open: bool = False) -> Bracketed:
    """A call; arguments whose names are none go into ``**{…}``.

    Args:
        function: what is called.
        arguments: the positional ones.
        named: the others.
        is_open: one argument a line.
    """
    items = [Named("", argument) for argument in arguments]
    items += [Named(f"{name}=", code) for name, code in (named or {}).items() if is_name(name)]
    others = [Named(f"{quoted(name)}: ", code) for name, code in (named or {}).items() if not is_name(name)]
    if others:
        items.append(Named("**", Bracketed("{", tuple(others), "}")))
    return Bracketed(f"{function}(", tuple(items), ")", is_call=True, is_open=is_open)


def is_name(text: str) -> bool:
    """Whether an argument can have this name."""
    return text.isidentifier() and not keyword.iskeyword(text)


def literal(value: object) -> Code:
    """A JSON value."""
    if isinstance(value, str):
        return Text(value)
    if isinstance(value, Mapping):
        entries = cast("Mapping[str, object]", value).items()
        return Bracketed("{", tuple(Named(f"{quoted(name)}: ", literal(item)) for name, item in entries), "}")
    if isinstance(value, Sequence):
        return Bracketed("[", tuple(Named("", literal(item)) for item in cast("Sequence[object]", value)), "]")
    if isinstance(value, float):
        return repr(value).replace("e+", "e") if math.isfinite(value) else f'float("{value}")'
    return repr(value)


def quoted(text: str) -> str:
    """A text as a literal in double quotes, unless that needs more escapes."""
    quote = "'" if text.count('"') > text.count("'") else '"'
    return f"{quote}{''.join(_escaped(one, quote) for one in text)}{quote}"


def statement(code: Code, indent: int, before: str = "", after: str = "") -> list[str]:
    """The lines of an expression with what stands around it.

    Args:
        code: the expression.
        indent: columns on the left.
        before: such as ``assert x == ``.
        after: such as ``:``.
    """
    return _broken(code, indent, before, after, alone=False)


def equality(left: str, code: Code, indent: int) -> list[str]:
    """The lines of an assertion that something equals an expression."""
    lines = statement(code, indent, f"assert {left} == ")
    if len(lines) > 1 or len(lines[0]) <= WIDTH:
        return lines
    margin, inner = " " * indent, " " * (indent + INDENT)
    whole = f"{inner}{left} == {_flat(code)}"
    sides = [whole] if len(whole) <= WIDTH else [f"{inner}{left}", f"{inner}== {_flat(code)}"]
    return [f"{margin}assert (", *sides, f"{margin})"]


def _broken(code: Code, indent: int, before: str, after: str, *, alone: bool) -> list[str]:
    margin = " " * indent
    flat = f"{margin}{before}{_flat(code)}{after}"
    must = isinstance(code, Bracketed) and code.must_break
    if isinstance(code, str) or (not must and len(flat) <= WIDTH):
        return [flat]
    if isinstance(code, Text):
        return _pieces(code, indent, before, after, alone=alone)
    if not code.items:
        return [flat]
    inner = " " * (indent + INDENT)
    first, last = f"{margin}{before}{code.opening}", f"{margin}{code.closing}{after}"
    if code.is_call and len(code.items) == 1 and not code.is_open:
        only = code.items[0]
        return [first, *_broken(only.code, indent + INDENT, only.name, "", alone=not only.name), last]
    together = inner + ", ".join(item.flat for item in code.items)
    if code.is_call and not must and len(together) <= WIDTH:
        return [first, together, last]
    return [
        first,
        *(line for item in code.items for line in _broken(item.code, indent + INDENT, item.name, ",", alone=False)),
        last,
    ]


def _pieces(text: Text, indent: int, before: str, after: str, *, alone: bool) -> list[str]:
    """A long text as literals one below the other, in parentheses unless the brackets of a call are around it."""
    margin = " " * indent
    inner = indent if alone else indent + INDENT
    pieces = _cut(text.value, WIDTH - inner)
    if len(pieces) <= 1:
        return [f"{margin}{before}{text.flat}{after}"]
    lines = [" " * inner + quoted(piece) for piece in pieces]
    return lines if alone else [f"{margin}{before}(", *lines, f"{margin}){after}"]


def _cut(text: str, width: int) -> list[str]:
    """Pieces that fit, cut after line breaks and between words."""
    pieces: list[str] = []
    for line in _AFTER_BREAK.split(text):
        piece = ""
        for word in _WORDS.findall(line):
            if piece and len(quoted(piece + word)) > max(width, _SHORTEST):
                pieces.append(piece)
                piece = ""
            piece += word
        if piece:
            pieces.append(piece)
    return pieces


def _flat(code: Code) -> str:
    return code if isinstance(code, str) else code.flat


def _escaped(one: str, quote: str) -> str:
    if one in {quote, "\\"}:
        return f"\\{one}"
    # Python's own way for what cannot be printed; its quotes do not matter there.
    return one if one.isprintable() else repr(one)[1:-1]
