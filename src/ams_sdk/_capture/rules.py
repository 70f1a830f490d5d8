"""What the user has said about redaction: whether texts are searched for secrets at all, and rules of the user's own.

One per process, as what is configured is. Rules run after the built-in ones, on texts that are already cut; a text that
a rule cannot handle is masked as a whole.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from ams_sdk._errors import ConfigurationError
from ams_sdk._guard import hold_back

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

__all__ = ["BUILT_IN", "REDACTED", "SHORTEST", "Rules", "apply_rules", "compile_rules", "current", "use_rules"]

REDACTED: Final = "[redacted]"
SHORTEST: Final = 13
"""Characters of a secret without a "=" or ":" before it: a payment card's number."""

Rule: TypeAlias = "str | re.Pattern[str] | Callable[[str], str]"


class Rules:
    """How texts are redacted.

    Attributes:
        searches: whether texts are searched for shapes of secrets.
        custom: the user's own, each from a text to what is left of it.
        shortest: characters below which a plain text is left as it is.
    """

    __slots__ = ("custom", "searches", "shortest")

    def __init__(self, *, searches: bool = True, custom: Sequence[Callable[[str], str]] = ()) -> None:
        self.searches = searches
        self.custom = tuple(custom)
        self.shortest = 0 if custom else SHORTEST


BUILT_IN: Final = Rules()
current: Rules = BUILT_IN
"""The rules of this process; read as ``rules.current``, and set by ``use_rules`` only."""


def use_rules(chosen: Rules = BUILT_IN) -> None:
    """Redact by these rules from now on; by the built-in ones if none are given."""
    global current  # noqa: PLW0603 -- one per process
    current = chosen


def compile_rules(redact: bool | Iterable[Rule] | None) -> Rules:  # noqa: FBT001 -- the user's own argument
    """Read what ``configure(redact=…)`` was given.

    Raises:
        ConfigurationError: it is neither True, False nor a list of patterns and callables, or a pattern cannot be used.
    """
    if redact is None or redact is True:
        return BUILT_IN
    if redact is False:
        return Rules(searches=False)
    if not isinstance(redact, list | tuple):
        raise ConfigurationError(f"redact cannot be used: {_ADVICE}.")
    return Rules(custom=[_compiled(one) for one in cast("Sequence[object]", redact)])


_ADVICE: Final = "write True, False, or a list of regular expressions and of functions from a text to a text"


def _compiled(rule: object) -> Callable[[str], str]:
    if isinstance(rule, str):
        try:
            rule = re.compile(rule)
        except re.error as error:
            raise ConfigurationError(f"redact cannot be used: {rule!r} is no regular expression: {error}.") from None
    if isinstance(rule, re.Pattern):
        return _masking(cast("re.Pattern[str]", rule))
    if not callable(rule):
        raise ConfigurationError(f"redact cannot be used: {_ADVICE}, not {type(rule).__name__}.")
    return cast("Callable[[str], str]", rule)


def _masking(pattern: re.Pattern[str]) -> Callable[[str], str]:
    if not isinstance(pattern.pattern, str):
        raise ConfigurationError(f"redact cannot be used: {pattern.pattern!r} is for bytes, write it for text.")
    if pattern.search(""):
        raise ConfigurationError(f"redact cannot be used: {pattern.pattern!r} matches where there is nothing to mask.")
    return lambda text: pattern.sub(REDACTED, text)


def apply_rules(text: str, custom: Sequence[Callable[[str], Any]]) -> str:
    """What the user's rules leave of a text; the mark alone if one of them fails or answers with no text."""
    for rule in custom:
        try:
            left = rule(text)
        except Exception as error:
            if not hold_back("redact: a rule of the program's own", error):
                raise
            return REDACTED
        if type(left) is not str:
            return REDACTED
        text = left
    return text
