"""Where a secret is in captured spans, however it is spelled, and how to say so without saying it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from ams_sdk._capture.leaks import SHORTEST_SECRET, spellings
from ams_sdk._errors import ConfigurationError
from ams_sdk.testing._trace.masked_text import masked

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ams_sdk.testing._trace.captured_span import CapturedSpan

__all__ = ["Leak", "LeakSearch"]

_IN_PARTS: Final = 16
"""Characters from which on a part of a secret is looked for as well."""
_SHORTEST_PART: Final = 8
_LINE_END: Final = r"(?:\s|\\+[rn])*+"
_WITHOUT_CASE: Final = frozenset({"url", "hex"})


class Leak(NamedTuple):
    """A place where a secret is.

    Attributes:
        secret: which one of those that were looked for, from 1.
        place: such as ``attribute ams.input``.
        spelling: how it is written there.
    """

    secret: int
    place: str
    spelling: str


class LeakSearch:
    """Looks for some secrets.

    Args:
        secrets: texts or bytes.

    Raises:
        ConfigurationError: there are none, or one is too short to be told from chance.
    """

    def __init__(self, secrets: Sequence[object]) -> None:
        if not secrets:
            raise ConfigurationError(
                'assert_no_leak() was given nothing: write the secrets, assert_no_leak("hunter2").'
            )
        self._patterns = [
            pattern
            for number, secret in enumerate(secrets, 1)
            for pattern in _patterns(number, _checked(number, secret))
        ]
        # All at once, first: nearly all texts hold none.
        self._any = re.compile("|".join(f"(?:{pattern.text.pattern})" for pattern in self._patterns), re.IGNORECASE)

    def leaks(self, span: CapturedSpan, *, with_resource: bool = True) -> Iterator[Leak]:
        """Every place of a span where a secret is."""
        for place, text in _texts(span, with_resource=with_resource):
            if self._any.search(text) is None:
                continue
            found: dict[int, str] = {}
            for pattern in self._patterns:
                if pattern.number not in found and pattern.text.search(text):
                    found[pattern.number] = pattern.spelling
            yield from (Leak(number, self.without(place), spelling) for number, spelling in found.items())

    def without(self, text: str) -> str:
        """A text without the secrets, and without others."""
        left = text
        if self._any.search(text) is not None:
            for pattern in self._patterns:
                left = pattern.text.sub(f"[secret {pattern.number}]", left)
        return masked(left)


class _Pattern(NamedTuple):
    number: int
    spelling: str
    text: re.Pattern[str]


def _checked(number: int, secret: object) -> str | bytes:
    if not isinstance(secret, (str, bytes)):
        raise ConfigurationError(
            f"assert_no_leak(): secret {number} is {type(secret).__name__}: write a text or bytes."
        )
    if len(secret if isinstance(secret, bytes) else secret.encode("utf-8", "replace")) < SHORTEST_SECRET:
        raise ConfigurationError(
            f"assert_no_leak(): secret {number} has fewer than {SHORTEST_SECRET} bytes, which are anywhere by chance. "
            "Write a longer one."
        )
    return secret


def _patterns(number: int, secret: str | bytes) -> Iterator[_Pattern]:
    seen: set[tuple[bool, str]] = set()
    for name, spelling in spellings(secret):
        text = spelling.decode("utf-8", "replace") if name != "utf-16" else spelling.decode("latin-1")
        # Where case does not matter, "%2f" and "%2F" are one; elsewhere "PASSWORD" is not "password".
        key = name in _WITHOUT_CASE, text
        if key not in seen:
            seen.add(key)
            # Base64 is written in lines, as in e-mail; in JSON their ends are escaped, in JSON in JSON twice.
            written = _LINE_END.join(map(re.escape, text)) if name == "base64" else re.escape(text)
            yield _Pattern(number, name, re.compile(written, re.IGNORECASE if key[0] else 0))
    whole = secret.decode("utf-8", "replace") if isinstance(secret, bytes) else secret
    if len(whole) >= _IN_PARTS:
        length = max(_SHORTEST_PART, (len(whole) + 1) // 2)
        parts = {whole[at : at + length] for at in range(len(whole) - length + 1)}
        yield _Pattern(number, "a part of it", re.compile("|".join(map(re.escape, sorted(parts)))))


def _texts(span: CapturedSpan, *, with_resource: bool) -> Iterator[tuple[str, str]]:
    yield "name", span.name
    if span.status_message:
        yield "status message", span.status_message
    if span.trace_state:
        yield "state of the trace", span.trace_state
    yield from _of_attributes("attribute", span.attributes)
    for at, event in enumerate(span.events, 1):
        yield f"name of event {at}", event.name
        yield from _of_attributes(f"event {event.name}, attribute", event.attributes)
    for at, link in enumerate(span.links, 1):
        yield from _of_attributes(f"link {at}, attribute", link.attributes)
        if link.trace_state:
            yield f"state of the trace of link {at}", link.trace_state
    yield from (("scope", text) for text in (span.scope_name, span.scope_version) if text)
    if with_resource:
        yield from _of_attributes("resource attribute", span.resource)


def _of_attributes(place: str, attributes: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for name, value in attributes.items():
        yield f"name of {place} {name}", name
        yield from ((f"{place} {name}", text) for text in _of_value(value))


def _of_value(value: object) -> Iterable[str]:
    if isinstance(value, str):
        return (value,)
    if isinstance(value, (list, tuple)):
        return (*map(str, cast("Sequence[object]", value)), json.dumps(value, default=str))
    return (str(value),)
