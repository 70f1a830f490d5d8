"""Free text loses whatever looks like a secret.

The scan takes time linear in the text: plain string search finds literals, and a pattern is tried only where its
literal stands. What most texts do not have (a "=", a long word, four digits in a row) is asked for first, so that they
are spared most of the searches. A text with escapes is searched once more without them.
"""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from ams_sdk._capture import free_text, key_shapes, mask_counts, named_values, rules
from ams_sdk._capture.card_numbers import CARD_NUMBER, is_card_number
from ams_sdk._capture.escapes import without_escapes
from ams_sdk._capture.rules import REDACTED, SHORTEST, apply_rules
from ams_sdk._capture.secret_names import ROOTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["REDACTED", "SHORTEST", "Mask", "masks", "redact_shapes", "redact_text", "scan"]


class _Shape(NamedTuple):
    """What is tried: the pattern's first group is kept, the rest of the match is masked and counted as ``kind``.

    Of those that may begin at one place, the one with the lowest ``order`` is tried first. What a pattern cannot tell
    of its match, ``confirms`` does.
    """

    order: int
    pattern: re.Pattern[str]
    kind: str
    confirms: Callable[[re.Match[str]], bool] | None = None


_Searches: TypeAlias = tuple[tuple[str, tuple[_Shape, ...]], ...]
_Try: TypeAlias = tuple[int, _Shape]
Mask: TypeAlias = tuple[int, int, str]
"""Where it begins and ends in the text, and its kind."""


def _is_card(match: re.Match[str]) -> bool:
    return is_card_number(match[0])


_BEARER: Final = _Shape(0, free_text.BEARER, mask_counts.AUTHORIZATION)
_BASIC: Final = _Shape(1, free_text.BASIC, mask_counts.AUTHORIZATION, named_values.is_credential)
_JWT: Final = _Shape(2, free_text.JWT, mask_counts.JWT)
_PEM: Final = _Shape(3, free_text.PEM, mask_counts.PEM)
_URL: Final = _Shape(4, free_text.URL, mask_counts.URL)
_HEADER: Final = _Shape(5, free_text.HEADER, mask_counts.AUTHORIZATION)
_PAIR: Final = _Shape(6, free_text.PAIR, mask_counts.NAME)
_LISTED: Final = _Shape(7, named_values.LISTED, mask_counts.NAME, named_values.is_listed)
_TAGGED: Final = _Shape(8, named_values.TAGGED, mask_counts.NAME)
_TOLD: Final = _Shape(9, named_values.TOLD, mask_counts.NAME)
_FORM_FIELD: Final = _Shape(10, named_values.FORM_FIELD, mask_counts.NAME, named_values.is_field_of_secret)
_VALUE_FIRST: Final = _Shape(11, named_values.VALUE_FIRST, mask_counts.NAME, named_values.is_field_of_secret)
_NETLOC: Final = _Shape(12, free_text.NETLOC, mask_counts.URL)
_PEM_END: Final = _Shape(13, free_text.PEM_END, mask_counts.PEM)
_TELEGRAM: Final = _Shape(14, free_text.TELEGRAM, mask_counts.KEY)
_DISCORD: Final = _Shape(15, free_text.DISCORD, mask_counts.KEY)
_CARD: Final = _Shape(16, CARD_NUMBER, mask_counts.CARD, _is_card)

# What to look for in a text of which case does not matter: literals are in lower case.
_ANYWHERE: Final[_Searches] = (("bearer", (_BEARER,)), ("basic", (_BASIC,)))
_WITH_SIGN: Final[_Searches] = (
    *(("://", (_URL,)), ("netloc", (_NETLOC,)), ("form-data;", (_FORM_FIELD,))),
    *(("authorization", (_HEADER,)), ("cookie", (_HEADER,))),
)
_WITH_VALUES: Final[_Searches] = tuple((f"value{quote}", (_VALUE_FIRST,)) for quote in "\"'\\")
_SIGNS_OF_VALUES: Final = (*(f"value{sign}{quote}" for sign in ("", "=") for quote in "\"'\\"), "value:")


def _searches_with(*, has_sign: bool, is_listed: bool, is_tagged: bool, is_told: bool) -> _Searches:
    shapes = ((_PAIR, has_sign), (_LISTED, is_listed), (_TAGGED, is_tagged), (_TOLD, is_told))
    by_name = tuple(shape for shape, is_tried in shapes if is_tried)
    names = tuple((root, by_name) for root in ROOTS) if by_name else ()
    return (*_ANYWHERE, *(_WITH_SIGN if has_sign else ()), *(_WITH_VALUES if is_listed and has_sign else ()), *names)


_SEARCHES: Final = {
    (sign, listed, tagged, told): _searches_with(has_sign=sign, is_listed=listed, is_tagged=tagged, is_told=told)
    for sign, listed, tagged, told in itertools.product((False, True), repeat=4)
}
"""By whether there is a sign, and whether a name may give away what is not written behind it with one: in lists, tags
and complaints."""
# Where case matters, and only in texts that have a long word: keys by the literal that they begin with, which begins a
# long word as well, and those around whose literal there are other signs.
_KEY_BY_PREFIX: Final = {
    literal: _Shape(_CARD.order + number, pattern, mask_counts.KEY)
    for number, (literal, pattern) in enumerate(key_shapes.SHAPES.items(), 1)
}
_OTHER_KEYS: Final = tuple(one for one in _KEY_BY_PREFIX.items() if not one[0].replace("-", "_").isidentifier())
_PREFIXES: Final = tuple(one for one in _KEY_BY_PREFIX if one.replace("-", "_").isidentifier())
_ANY_PREFIX: Final = "|".join(map(re.escape, _PREFIXES))
_prefix_at: Final = re.compile(_ANY_PREFIX).match
_prefixes_in: Final = re.compile(rf"(?<=[_-])(?:{_ANY_PREFIX})").finditer
# Beyond these, plain string search of one prefix after the other is faster than patterns in each long word.
_LONGEST_SCANNED: Final = 128
_FEW_WORDS: Final = 64

_WORD: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
_WORDS: Final = bytes(ord("a") if one in _WORD else one for one in range(256))
"""Turns every character of a key into one and the same."""
_LONG_WORD: Final = b"a" * key_shapes.SHORTEST_KEY
_DIGITS: Final = bytes(ord("0") if one in b"0123456789" else one for one in range(256))
_GROUPED: Final = (b"0000 0000", b"0000-0000")
_UNGROUPED: Final = b"0" * SHORTEST
_OF_DISCORD: Final = b".aaaaaa."
_to_end_of_digits: Final = re.compile(rb"0++").match
_to_end_of_word: Final = re.compile(rb"a++").match

_SHORTEST_BEARER: Final = 15
"""Characters of "Bearer " and a credential: of anything but a card's number."""


def redact_text(text: str, *, searches: bool = True) -> str:
    """The text with whatever looks like a secret replaced by ``[redacted]``, and what the user's rules do with that.

    Args:
        text: what may hold secrets.
        searches: whether it is searched; else only the rules are applied.
    """
    text, kinds = scan(text, searches=searches)
    for kind in kinds:
        mask_counts.count_masked(kind)
    return text


def redact_shapes(text: str) -> str:
    """The text without what the built-in rules find; the same object if that is nothing."""
    text, kinds = _without_shapes(text)
    for kind in kinds:
        mask_counts.count_masked(kind)
    return text


def scan(text: str, *, searches: bool = True) -> tuple[str, Sequence[str]]:
    """What ``redact_text`` makes of a text, and what kinds of things it masked, which are not counted."""
    current = rules.current
    kinds: Sequence[str] = ()
    if searches and current.searches:
        text, kinds = _without_shapes(text)
    if current.custom:
        left = apply_rules(text, current.custom)
        if left != text:
            text, kinds = left, (*kinds, mask_counts.CUSTOM)
    return text, kinds


def masks(text: str) -> list[Mask]:
    """Where a text holds secrets, in their order; none of these overlap."""
    has_sign = "=" in text or ":" in text
    if not has_sign and len(text) < SHORTEST:
        return []
    found = _masks(text, has_sign=has_sign)
    shown = without_escapes(text)
    if shown is not text:
        more = _masks(shown, has_sign=has_sign or "=" in shown or ":" in shown)
        found = _united(found, [_on_escapes(one, text, shown) for one in more])
    return found


def _without_shapes(text: str) -> tuple[str, Sequence[str]]:
    kept: list[str] = []
    kinds: list[str] = []
    end = 0
    for first, last, kind in masks(text):
        kept += text[end:first], REDACTED
        end = last
        if last - first != len(REDACTED) or text[first:last] != REDACTED:
            kinds.append(kind)
    return ("".join((*kept, text[end:])), kinds) if kinds else (text, ())


def _masks(text: str, *, has_sign: bool) -> list[Mask]:
    found: list[Mask] = []
    tries = _tries(text, has_sign=has_sign)
    tries.sort()
    end = 0
    for start, (_, pattern, kind, confirms) in tries:
        if start < end or (match := pattern.match(text, start)) is None:
            continue
        if confirms is not None and not confirms(match):
            continue
        end = match.end()
        found.append((match.end(1), end, kind))
    return found


def _on_escapes(mask: Mask, text: str, shown: str) -> Mask:
    """The mask with the whole of an escape that it would divide."""
    first, end, kind = mask
    while 0 < first < end and shown[first] != text[first] and shown[first - 1] != text[first - 1]:
        first -= 1
    while end < len(text) and shown[end] != text[end] and shown[end - 1] != text[end - 1]:
        end += 1
    return first, end, kind


def _united(some: list[Mask], others: list[Mask]) -> list[Mask]:
    united: list[Mask] = []
    for first, end, kind in sorted(some + others):
        if united and first <= united[-1][1]:
            before, last, known = united[-1]
            united[-1] = before, max(last, end), known
        else:
            united.append((first, end, kind))
    return united


def _tries(text: str, *, has_sign: bool) -> list[_Try]:
    tries: list[_Try] = []
    plain = text.encode("ascii", "replace")  # a byte for each character, whatever it is
    digits = plain.translate(_DIGITS)
    if b"0000" in digits:
        tries += _numbers(digits)
    if len(text) < _SHORTEST_BEARER and not has_sign:
        return tries
    lower = text.lower()
    if len(lower) != len(text):  # places must be the same in both; this letter alone becomes two
        lower = text.replace("\u0130", "i").lower()
    for literal, shapes in _searches(lower, has_sign=has_sign):
        if literal in lower:
            tries += _found(lower, literal, *shapes)
    if "." in text and "eyJ" in text:
        tries += _found(text, "eyJ", _JWT)
    if "-" in text and "-----" in text:
        tries += _found(text, "-----BEGIN", _PEM)
        tries += _ends_of_keys(text)
    words = plain.translate(_WORDS) if len(text) >= key_shapes.SHORTEST_KEY else b""
    if _LONG_WORD in words:
        tries += _keys(text, words)
        tries += _bot_tokens(text, words)
    return tries


def _searches(lower: str, *, has_sign: bool) -> _Searches:
    # One character is found much faster than two.
    is_listed = ('"' in lower and '",' in lower) or ("'" in lower and "'," in lower)
    is_tagged = "<" in lower and "</" in lower
    is_told = False
    if has_sign and "value" in lower:
        is_listed = is_listed or any(sign in lower for sign in _SIGNS_OF_VALUES)
        is_told = "input_value=" in lower
    return _SEARCHES[has_sign, is_listed, is_tagged, is_told]


def _found(text: str, literal: str, *shapes: _Shape) -> Iterator[_Try]:
    start = text.find(literal)
    while start >= 0:
        for shape in shapes:
            yield start, shape
        start = text.find(literal, start + 1)


def _ends_of_keys(text: str) -> Iterator[_Try]:
    for end, _ in _found(text, "-----END", _PEM_END):
        if _ends_key(text, end):
            before = text[max(0, end - _LONGEST_KEY) : end]
            yield end - len(before) + len(before.rstrip(_KEY_SIGNS)), _PEM_END


_ends_key: Final = re.compile(r"-----END [A-Z0-9 ]{0,50}PRIVATE KEY").match
_LONGEST_KEY: Final = 8_192
_KEY_SIGNS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=\\\r\n"


def _keys(text: str, words: bytes) -> Iterator[_Try]:
    start = words.find(_LONG_WORD)
    for _ in range(_FEW_WORDS):
        if start < 0:
            break
        found = _to_end_of_word(words, start)
        end = found.end() if found else start + 1
        if prefix := _prefix_at(text, start):
            yield start, _KEY_BY_PREFIX[prefix[0]]
        if text.find("_", start, end) >= 0 or text.find("-", start, end) >= 0:  # else nothing begins within the word
            if end - start > _LONGEST_SCANNED:
                break
            for prefix in _prefixes_in(text, start, end):
                yield prefix.start(), _KEY_BY_PREFIX[prefix[0]]
        start = words.find(_LONG_WORD, end)
    if start >= 0:
        yield from _prefixes_from(text, start)
    for literal, shape in _OTHER_KEYS:
        if literal in text:
            yield from _found(text, literal, shape)


def _prefixes_from(text: str, start: int) -> Iterator[_Try]:
    rest = text[start:]
    for literal in _PREFIXES:
        if literal in rest:
            yield from ((start + at, shape) for at, shape in _found(rest, literal, _KEY_BY_PREFIX[literal]))


def _bot_tokens(text: str, words: bytes) -> Iterator[_Try]:
    # They have no prefix, so they are found by their middle.
    for at, _ in _found(text, ":AA", _TELEGRAM):
        yield from ((at - length, _TELEGRAM) for length in (8, 9, 10) if at >= length)
    at = words.find(_OF_DISCORD)
    while at >= 0:
        yield from ((at - length, _DISCORD) for length in (24, 25, 26) if at >= length)
        at = words.find(_OF_DISCORD, at + 1)


def _numbers(digits: bytes) -> Iterator[_Try]:
    for group in _GROUPED:
        start = digits.find(group)
        while start >= 0:
            yield start, _CARD
            start = digits.find(group, start + 1)
    if _UNGROUPED in digits:
        digits = digits.replace(b"." + _UNGROUPED, b"." * (1 + SHORTEST))  # fractions, of which there may be many
    start = digits.find(_UNGROUPED)
    while start >= 0:
        yield start, _CARD
        found = _to_end_of_digits(digits, start)
        start = digits.find(_UNGROUPED, found.end() if found else start + 1)
