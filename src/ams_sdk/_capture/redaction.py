"""What counts as a secret in free text.

The scan takes time linear in the text: plain string search finds literals, and a pattern is tried only where its
literal stands. A try that fails has read a bounded number of characters, or characters that hold no other literal of
the pattern; one that succeeds consumes what it read. Repetitions are possessive, so that nothing is read twice.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeAlias

from ams_sdk._capture.secret_names import NAME, ROOTS

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["REDACTED", "SHORTEST", "redact_cut_text", "redact_text"]

REDACTED: Final = "[redacted]"

# In every pattern the first group is kept and the rest of the match is masked.

# RFC 7468, with the headers of RFC 1421, line breaks escaped or not, whole or cut
_PEM: Final = re.compile(
    r"()-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?+-----"
    r"(?:[^-]|-(?!----END ))*+(?:-----END [A-Z0-9 ]{0,50}+-----)?+"
)
# RFC 6750 and RFC 7617. An English word may follow "basic"; credentials in base64 are hardly ever all lower case.
_BEARER: Final = re.compile(r"\b((?i:bearer)[ \t]++)[A-Za-z0-9._~+/=-]{8,}+")
_BASIC: Final = re.compile(r"\b((?i:basic)[ \t]++)(?=[A-Za-z]?+[a-z]*+[A-Z0-9+/=])[A-Za-z0-9+/=]{8,}+")
# RFC 7519: base64url of '{"'. Within a longer word the search is bounded, or "eyJ-eyJ-" would be read over and over.
_JWT: Final = re.compile(
    r"()(?:(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}+|(?<=[_-])eyJ[A-Za-z0-9_-]{8,256}+)(?:\.[A-Za-z0-9_-]*+){1,4}"
)
# keys that carry their issuer's prefix: this platform, OpenAI, Anthropic, Stripe, GitHub, GitLab, Slack, Hugging Face
_PREFIXES: Final = r"(?:ams_|sk-|sk_live_|sk_test_|rk_live_|gh[pousr]_|github_pat_|glpat-|xox[abprs]-|hf_)"
# ("ams_reference_server" is a package, and too short for a key)
_KEY: Final = re.compile(
    rf"()(?<![A-Za-z0-9])(?!ams_[A-Za-z0-9_-]{{16,19}}(?![A-Za-z0-9_-])){_PREFIXES}[A-Za-z0-9_-]{{16,}}+"
)
_AWS: Final = re.compile(r"()(?<![A-Za-z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])")
_GOOGLE: Final = re.compile(r"()(?<![A-Za-z0-9])AIza[A-Za-z0-9_-]{35}")
# the password in a URL's user information (RFC 3986, 3.2.1)
_URL: Final = re.compile(r"(://)[^\s:/@\"'<>]*+:[^\s/\"'<>]+(?=@)")

# a header on a line of its own: everything up to its end, or to the end of the string that holds the line
_HEADER: Final = re.compile(
    r"((?:authorization|cookies?)[ \t]*+:[ \t]*+)(?=[^\s\"'\\\[{(])"
    r"[^\r\n\"'\\]*+(?:(?<==)\"[^\"\r\n]*+\"?+[^\r\n\"'\\]*+)*+",
    re.IGNORECASE,
)
# name=value and "name": "value". The quotes stay. A string ends at its quote, or with the line: line breaks in it are
# escaped by repr and by JSON.
_STRING: Final = r"(?:\\(?:.|\Z)|(?!{quote})[^\\\n])++"
_PAIR: Final = re.compile(
    rf"({NAME}[\\\"'`*\])]{{0,12}}+[ \t]*+(?:=>|:=|={{1,3}}|:)[ \t]*+"
    r"(?!(?:none|null|true|false)(?:[\s,;&}\])\"'\\]|\Z))"
    # a quote, or, in JSON within a JSON string, a quote behind backslashes: as many of them end it
    r"(?:(?P<quote>\"\"\"|'''|[\"'`])|(?P<escaped>\\++[\"']))?+)"
    rf"(?(quote){_STRING.format(quote='(?P=quote)')}"
    r"|(?(escaped)(?:(?!(?<!\\)(?P=escaped))[^\n])++|(?:"
    # b"…", SecretStr("…")
    rf"(?:[bfru]{{1,2}}|[a-z_.]{{1,32}}+\([ \t]{{0,8}}+)(?P<inner>[\"'])"
    rf"{_STRING.format(quote='(?P=inner)')}(?P=inner)?+"
    r"|\[[^\]]*+\]?+|\{[^}]*+\}?+|\([^)\n]*+\)?+"
    r"|[^\s\"',;&}\])]++)))",
    re.IGNORECASE,
)

_Shapes: TypeAlias = tuple[tuple[str, re.Pattern[str]], ...]
# Where to look for what: literals are in lower case.
_ANYWHERE: Final = (("bearer", _BEARER), ("basic", _BASIC), ("akia", _AWS), ("asia", _AWS), ("aiza", _GOOGLE))
_WITH_DOT: Final = (("eyj", _JWT),)
_WITH_DASH: Final = (("-----begin", _PEM), ("sk-", _KEY), ("glpat-", _KEY), ("xox", _KEY))
_WITH_UNDERSCORE: Final = tuple((start, _KEY) for start in ("ams_", "sk_", "rk_", "gh", "hf_"))
_WITH_SIGN: Final = (
    *(("://", _URL), ("authorization", _HEADER), ("cookie", _HEADER)),
    *((root, _PAIR) for root in ROOTS),
)
# By which of the four kinds of characters a text holds; one that holds none costs next to nothing.
_SHAPES: Final = tuple(
    sum(
        (group for bit, group in enumerate((_WITH_DOT, _WITH_DASH, _WITH_UNDERSCORE, _WITH_SIGN)) if kinds >> bit & 1),
        _ANYWHERE,
    )
    for kinds in range(16)
)
SHORTEST: Final = 15
"""Characters of a secret without a "=" or ":" before it: "Bearer " and eight characters."""

# The beginning of a secret whose end was cut off may be too short for its own pattern.
_FRAGMENT: Final = re.compile(
    rf"(?:(?<![A-Za-z0-9]){_PREFIXES}[A-Za-z0-9_-]*+|(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]*+|(?:AKIA|ASIA|AIza)[A-Za-z0-9_-]*+"
    r"|(?<=://)[^\s/\"'<>@]*+|(?<=(?i:bearer) )\S*+)\Z"
)
_FRAGMENT_LENGTH: Final = 128


def redact_text(text: str) -> str:
    """The text with whatever looks like a secret replaced by ``[redacted]``."""
    sign = "=" in text or ":" in text
    if not sign and len(text) < SHORTEST:
        return text
    tries = sorted(_tries(text, _SHAPES[("." in text) | ("-" in text) << 1 | ("_" in text) << 2 | sign << 3]))
    kept: list[str] = []
    end = 0
    for start, _, pattern in tries:
        if start >= end and (match := pattern.match(text, start)):
            kept += text[end : match.end(1)], REDACTED
            end = match.end()
    return "".join((*kept, text[end:])) if kept else text


def redact_cut_text(text: str) -> str:
    """The same for a text whose end was cut off, and maybe the end of a secret with it."""
    text = redact_text(text)
    return text[:-_FRAGMENT_LENGTH] + _FRAGMENT.sub(REDACTED, text[-_FRAGMENT_LENGTH:])


def _tries(text: str, shapes: _Shapes) -> Iterator[tuple[int, int, re.Pattern[str]]]:
    lower = text.lower()
    if len(lower) != len(text):  # places must be the same in both; this letter alone becomes two
        lower = text.replace("\u0130", "i").lower()
    for order, (literal, pattern) in enumerate(shapes):
        start = lower.find(literal)
        while start >= 0:
            yield start, order, pattern
            start = lower.find(literal, start + 1)
