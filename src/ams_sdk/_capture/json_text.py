"""JSON in a text stays JSON: when it is cut, what is open is closed; when it is masked, it is masked by its names."""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING, Any, Final, cast

from ams_sdk._capture import mask_counts, rules
from ams_sdk._capture.card_numbers import CARD_NUMBER, is_card_number
from ams_sdk._capture.cut_end import secret_at
from ams_sdk._capture.redaction import redact_text, scan
from ams_sdk._capture.rules import REDACTED, apply_rules
from ams_sdk._capture.schemas import DESCRIBING, described, is_schema
from ams_sdk._capture.secret_names import ROOTS, hides_value, holds_secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["cut_text", "is_like_json", "redact_json"]

_DEEPEST: Final = 64
"""Levels of JSON, within one text or in texts within texts; with a secret somewhere, what is deeper is masked whole."""
_TOKEN: Final = re.compile(r'(?P<text>"(?:[^"\\]|\\.)*+)\\?+(?P<end>"?+)|[\[\]{},:]|[^\s\[\]{},:"]++', re.DOTALL)
_CLOSING: Final = {"[": "]", "{": "}"}
_INNER: Final = frozenset('[{,:"')
"""What may stand anywhere within brackets, for all that is looked at here."""
_BARE: Final = re.compile(r"[-+.0-9Ee]++\Z|t(?:r(?:ue?)?)?\Z|f(?:a(?:l(?:se?)?)?)?\Z|n(?:u(?:ll?)?)?\Z")
"""A number, true, false or null, or their beginning."""
_HALF_AN_ESCAPE: Final = re.compile(r"(?<!\\)((?:\\\\)*)\\u[0-9A-Fa-f]{0,3}\Z")
_ESCAPED_SIGN: Final = re.compile(r"\\u00[2-7]")
_ends_a_name: Final = re.compile(r'[^"\\]{0,64}+\\*+"[\s\\nrt]*+[:,}]').match
"""Behind a root: the end of a string with what it names next to it, in JSON or in JSON in JSON."""
_OPENING: Final = re.compile(r"\s*+[\[{]")
_PAIR: Final = 2
_LARGEST_CARD: Final = 10**19
_SMALLEST_CARD: Final = 10**12


def redact_json(text: str, depth: int = _DEEPEST) -> str:
    """A text that may be JSON loses its secrets, and stays JSON if it was.

    It is searched as it is first. It is read, masked by its names and written again only where that finds something,
    or where a name of a secret can be in it that only a reader sees.
    """
    masked, kinds = scan(text)
    opens = is_like_json(text)
    if not kinds and not (opens and _may_have_names(text)):
        return text
    if opens and (value := _parsed(text)) is not None:
        try:
            left = _Walk(is_whole=bool(kinds)).redacted(value, depth)
            written = text if left is value else _dumped(left, text)
        except (RecursionError, ValueError):
            pass
        else:
            return (
                _also_as_text(written, *((masked, kinds) if written is text else scan(written))) if kinds else written
            )
    for kind in kinds:
        mask_counts.count_masked(kind)
    return masked


def is_like_json(text: str) -> bool:
    """Whether a text begins as an object or a list of JSON does."""
    return _OPENING.match(text) is not None


def _may_have_names(text: str) -> bool:
    if not rules.current.searches:
        return False
    if "\\u00" in text and _ESCAPED_SIGN.search(text):
        return True
    lower = text.lower()
    return any(_ends_a_name(lower, at) for root in ROOTS for at in _behind(lower, root))


def _behind(text: str, root: str) -> Iterator[int]:
    at = text.find(root)
    while at >= 0:
        at += len(root)
        yield at
        at = text.find(root, at)


def _also_as_text(written: str, masked: str, kinds: Sequence[str]) -> str:
    """JSON without what is seen of it as a text only, if there is anything."""
    if kinds and _parsed(masked) is None:
        # What takes in more than one string was none; but a rule of the user's may look at more than one.
        masked, kinds = scan(written, searches=False)
    for kind in kinds:
        mask_counts.count_masked(kind)
    return masked


def _parsed(text: str) -> Any:  # noqa: ANN401 -- whatever JSON holds
    try:
        return json.loads(text, parse_float=_number, parse_constant=_refused)
    except (ValueError, RecursionError):
        return None


def _number(text: str) -> float:
    # Infinity would not be JSON when it is written again.
    return max(-sys.float_info.max, min(float(text), sys.float_info.max))


def _refused(text: str) -> float:
    raise ValueError(text)


def _dumped(value: object, like: str) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": ") if '": ' in like else (",", ":"))


class _Walk:
    """Masks what JSON holds.

    Args:
        is_whole: whether every text and number is searched; else names are, and what is JSON again.
    """

    __slots__ = ("_is_whole",)

    def __init__(self, *, is_whole: bool) -> None:
        self._is_whole = is_whole

    def redacted(self, value: object, depth: int, *, is_item: bool = False, describes: bool = False) -> object:
        """The value with its secrets masked; the same object if it has none.

        Args:
            value: the value.
            depth: how deep what it holds is looked into.
            is_item: whether it is one of a list, and may be one of several pairs.
            describes: whether its names are those of what its entries only describe.
        """
        if isinstance(value, str):
            return self._text(value, depth)
        if isinstance(value, list):
            return self._list(cast("list[object]", value), depth, is_pair=not describes and (is_item or self._is_whole))
        if isinstance(value, dict):
            return self._entries(cast("dict[str, Any]", value), depth, describes=describes)
        if self._is_whole and isinstance(value, (int, float)) and type(value) is not bool:
            return _redacted_number(value)
        return value

    def _text(self, text: str, depth: int) -> str:
        if not self._is_whole and not is_like_json(text):
            return text
        return redact_json(text, depth - 1) if depth > 0 else redact_text(text)

    def _list(self, items: list[object], depth: int, *, is_pair: bool) -> object:
        if depth <= 0:
            return REDACTED if self._is_whole else items
        # A list of two may be anything, as ["token", "user"], where nothing else says that it is a pair.
        if is_pair and len(items) == _PAIR and isinstance(items[0], str) and holds_secret(items[0], items[1]):
            hidden = _hidden(items[1])
            return items if hidden is items[1] else [items[0], hidden]
        left = [self.redacted(item, depth - 1, is_item=True) for item in items]
        return left if any(map(_differ, left, items)) else items

    def _entries(self, entries: dict[str, Any], depth: int, *, describes: bool) -> object:
        if depth <= 0:
            return REDACTED if self._is_whole else entries
        kept: dict[str, object] = {}
        hidden = hides_value(entries)
        for name, item in entries.items():
            shown = redact_text(name) if self._is_whole else name
            shown = shown if shown not in kept else f"{shown} ({len(kept)})"  # what was different may look the same
            if name == hidden or holds_secret(name, item):
                is_described = describes and is_schema(item)
                kept[shown] = self.redacted(described(item), depth - 1) if is_described else _hidden(item)
            else:
                kept[shown] = self.redacted(item, depth - 1, describes=name in DESCRIBING)
        is_same = kept.keys() == entries.keys() and not any(map(_differ, kept.values(), entries.values()))
        return entries if is_same else kept


def _redacted_number(value: float) -> object:
    current = rules.current
    if current.searches and isinstance(value, int) and _SMALLEST_CARD <= value < _LARGEST_CARD:
        text = str(value)
        if CARD_NUMBER.fullmatch(text) and is_card_number(text):
            mask_counts.count_masked(mask_counts.CARD)
            return REDACTED
    if current.custom:
        text = repr(value)
        left = apply_rules(text, current.custom)
        if left != text:
            mask_counts.count_masked(mask_counts.CUSTOM)
            return left
    return value


def _differ(one: object, other: object) -> bool:
    return one is not other


def _hidden(value: object) -> object:
    if value in ("", REDACTED):
        return value
    mask_counts.count_masked(mask_counts.NAME)
    return REDACTED


def cut_text(text: str, limit: int, size: int | None = None) -> str:
    """The first ``limit`` characters, less a secret that goes on behind them, and what says how many are missing.

    Of a text of ``size`` characters, of which no more than its beginning and ``WINDOW`` characters need be given.

    JSON is closed after the last whole value, or within the string that was cut, so that it stays JSON.
    """
    size = len(text) if size is None else size
    first = secret_at(text, limit, size)
    kept = text[:limit] if first is None else text[:first] + REDACTED
    missing = size - limit
    if is_like_json(kept):
        closed = _closed(kept, missing, size)
        if first is not None and (closed is None or _parsed(closed) is None):
            closed = _closed(text[:first], size - first, size)  # the secret is no string, but a list or a number
        if closed is not None and _parsed(closed) is not None:
            return closed
    return f"{kept}…[+{missing} characters]"


def _closed(kept: str, missing: int, size: int) -> str | None:
    """What was cut, with everything closed that is open; None if it cannot have been JSON.

    ``missing`` characters of ``size`` stood behind what is kept.
    """
    stack: list[str] = []
    safe, is_name = None, False
    for token in _TOKEN.finditer(kept):
        sign = kept[token.start()]
        if (not stack or sign not in _INNER) and not _may_follow(token[0], sign, stack, is_first=safe is None):
            return None
        if sign == '"' and not token["end"] and not is_name:
            whole = _HALF_AN_ESCAPE.sub(r"\1", kept[: token.end("text")])
            return f'{whole}…[+{missing + len(kept) - len(whole)} characters]"{_closers(stack)}'
        if sign in _CLOSING:
            if len(stack) >= _DEEPEST:
                break
            stack.append(sign)
            safe = token.end(), tuple(stack), True
        elif sign in "]}":
            stack.pop()
        elif sign == ",":
            safe = token.start(), tuple(stack), False
        if sign in "[{,:":
            is_name = sign != ":" and bool(stack) and stack[-1] == "{"
    if safe is None or not safe[1]:
        return None
    end, opened, is_first = safe
    told = f"[+{size - end} characters]"
    told = f'"…":"{told}"' if opened[-1] == "{" else f'"…{told}"'
    return f"{kept[:end]}{'' if is_first else ','}{told}{_closers(opened)}"


def _may_follow(token: str, sign: str, stack: list[str], *, is_first: bool) -> bool:
    if not stack:
        return is_first and sign in _CLOSING
    if sign in "]}":
        return _CLOSING[stack[-1]] == sign
    return _BARE.match(token) is not None  # "[INFO] ..." is none


def _closers(opened: list[str] | tuple[str, ...]) -> str:
    return "".join(_CLOSING[sign] for sign in reversed(opened))
