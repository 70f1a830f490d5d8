"""Secrets in free text that no issuer's prefix gives away: credentials in headers and URLs, PEM, ``name=value``.

In every pattern the first group is kept and the rest of the match is masked. A try that fails has read a bounded number
of characters, or characters that hold no other literal of the pattern; repetitions are possessive, so that nothing is
read twice.
"""

from __future__ import annotations

import re
from typing import Final

from ams_sdk._capture.secret_names import NAME

__all__ = ["BASIC", "BEARER", "DISCORD", "HEADER", "JWT", "PAIR", "PEM", "TELEGRAM", "URL"]

# RFC 7468, with the headers of RFC 1421, line breaks escaped or not, whole or cut
PEM: Final = re.compile(
    r"()-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?+-----"
    r"(?:[^-]|-(?!----END ))*+(?:-----END [A-Z0-9 ]{0,50}+-----)?+"
)
# RFC 6750 and RFC 7617. An English word may follow "bearer" and "basic"; a credential is hardly ever all lower case.
BEARER: Final = re.compile(
    r"\b((?i:bearer)[ \t]++)(?![A-Za-z]?+[a-z-]{0,31}+(?![A-Za-z0-9_~+/=]|\.[A-Za-z0-9]))[A-Za-z0-9._~+/=-]{8,}+"
)
BASIC: Final = re.compile(r"\b((?i:basic)[ \t]++)(?=[A-Za-z]?+[a-z]*+[A-Z0-9+/=])[A-Za-z0-9+/=]{8,}+")
# RFC 7519: base64url of '{"'. Within a longer word the search is bounded, or "eyJ-eyJ-" would be read over and over.
JWT: Final = re.compile(
    r"()(?:(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}+|(?<=[_-])eyJ[A-Za-z0-9_-]{8,256}+)(?:\.[A-Za-z0-9_-]*+){1,4}"
)
# the password in a URL's user information (RFC 3986, 3.2.1)
URL: Final = re.compile(r"(://)[^\s:/@\"'<>]*+:[^\s/\"'<>]+(?=@)")
# tokens of bots, tried where their second part can begin
TELEGRAM: Final = re.compile(r"()(?:(?<=bot)|(?<![A-Za-z0-9_]))[0-9]{8,10}:AA[A-Za-z0-9_-]{32,34}(?![A-Za-z0-9_-])")
DISCORD: Final = re.compile(
    r"()(?<![A-Za-z0-9_-])[MNO][A-Za-z0-9_-]{23,25}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,38}(?![A-Za-z0-9_-])"
)

# a header on a line of its own: everything up to its end, or to the end of the string that holds the line
HEADER: Final = re.compile(
    r"((?:authorization|cookies?)[ \t]*+:[ \t]*+)(?=[^\s\"'\\\[{(])"
    r"[^\r\n\"'\\]*+(?:(?<==)\"[^\"\r\n]*+\"?+[^\r\n\"'\\]*+)*+",
    re.IGNORECASE,
)
# name=value and "name": "value". The quotes stay. A string ends at its quote, or with the line: line breaks in it are
# escaped by repr and by JSON.
_STRING: Final = r"(?:\\(?:.|\Z)|(?!{quote})[^\\\n])++"
# The annotation in a definition with a default, of which the default is what counts.
_ANNOTATED: Final = (
    r":[ \t]*+(?:(?:typing\.)?+optional\[|final\[)?+(?:str|bytes|string|secretstr|final)\]?+"
    r"(?:[ \t]*+\|[ \t]*+none)?+[ \t]*+=(?!=)"
)
# Nothing, a type, or where the value comes from: an environment variable, an attribute, a template's placeholder.
_NO_VALUE: Final = (
    r"(?:none|null|nil|undefined|true|false"
    r"|(?:str|int|bytes|bool|float|string|number|secretstr|any)(?:[ \t]*+\|[ \t]*+none)?+|optional\[[a-z.]{1,32}\]"
    r"|(?-i:\$\{?+[A-Z][A-Z0-9_]{0,64}+\}?+)|\$?+\{\{[^}\n]{0,64}+\}\}|%\([a-z_]{1,32}\)s|\*{3,64}+)"
    r"(?:[\s,;&}\])\"'\\]|\Z)"
    r"|(?:self|cls|os|process|settings|config|args|request|req|env)\.[a-z_]"
)
PAIR: Final = re.compile(
    rf"({NAME}[\\\"'`*\])]{{0,12}}+[ \t]*+(?:{_ANNOTATED}|=>|:=|={{1,3}}|:)[ \t]*+"
    rf"(?!{_NO_VALUE})"
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
