"""Escapes in a text: what they stand for is seen by whoever looks for secrets, each character at its place.

A secret may follow a line break that JSON or ``repr`` has written as two characters, a colour of a terminal, a blank
in percent-encoding or an entity of HTML, and the letter before it is then no part of its word.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["without_escapes"]

_SIGNS: Final = frozenset("=:&?")
"""What is shown as it is meant. None of these can begin or end what is masked."""
_QUOTES: Final = frozenset("\"'")
"""So are these where an entity stands for them, which has to be masked or left as a whole."""
_ENTITIES: Final = {"amp": "&", "quot": '"', "apos": "'", "equals": "=", "colon": ":", "NewLine": "\n"}
_RARER: Final = (
    "&#",
    "&quot;",
    "&apos;",
    "&amp;",
    "&nbsp;",
    "&equals;",
    "&colon;",
    "&NewLine;",
    "\\u",
    "\\x",
    "%",
    "\x1b",
    "\\/",
    "\\0",
    "\\b",
    "\\f",
    "\\v",
    "\\a",
    "\\e",
)
_ESCAPE: Final = re.compile(
    # a control sequence (ECMA-48), its first character escaped or not
    r"(?:\x1b|(?<!\\)\\++(?:x1[Bb]|u001[Bb]|033|e))\[[0-?]{0,32}+[@-~]"
    r"|(?P<slashes>:(?:\\++/){2}|%3[Aa]%2[Ff]%2[Ff])"
    r"|(?<!\\)\\++(?:u(?P<u>[0-9A-Fa-f]{4})|x(?P<x>[0-9A-Fa-f]{2})|[abfv0])"
    r"|%(?P<percent>[0-9A-Fa-f]{2})"
    r"|&(?:#(?P<decimal>[0-9]{2,4})|#[xX](?P<hex>[0-9A-Fa-f]{2,4})|(?P<named>amp|quot|apos|nbsp|equals|colon|NewLine));"
)
"""Backslashes are read from the first on, so that none is read twice; JSON in JSON has more of them than one."""


def without_escapes(text: str) -> str:
    """A text of the same length, with line breaks, blanks and a few signs in place of escapes.

    What an escape stands for is at the end of its place. The same object if there is none.
    """
    shown = text
    if "\\" in text:
        shown = shown.replace("\\n", "\n\n").replace("\\r", "\n\n").replace("\\t", "  ")
    elif "%" not in text and "\x1b" not in text and "&" not in text:
        return text
    if any(one in shown for one in _RARER):
        shown = _ESCAPE.sub(_shown, shown)
    return text if shown == text else shown


def _shown(match: re.Match[str]) -> str:
    size = match.end() - match.start()
    if match["slashes"]:
        return "://".rjust(size)
    code = match["u"] or match["x"] or match["percent"]
    sign = chr(int(code, 16)) if code else _sign_of_entity(match)
    if sign in "\r\n":
        return "\n" * size
    is_shown = sign in _SIGNS or (not code and sign in _QUOTES)
    return (sign if is_shown else " ").rjust(size)


def _sign_of_entity(match: re.Match[str]) -> str:
    code = match["hex"]
    if match["decimal"] or code:
        return chr(int(code, 16) if code else int(match["decimal"]))
    return _ENTITIES.get(match["named"] or "", " ")
