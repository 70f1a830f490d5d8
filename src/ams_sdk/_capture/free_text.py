"""Secrets in free text that no issuer's prefix gives away: credentials in headers and URLs, PEM, ``name=value``.

In every pattern the first group is kept and the rest of the match is masked. A try that fails has read a bounded number
of characters, or characters that hold no other literal of the pattern; repetitions are possessive, so that nothing is
read twice.
"""

from __future__ import annotations

import re
from typing import Final

from ams_sdk._capture.secret_names import NAME

__all__ = [
    "BASIC",
    "BEARER",
    "BLANK",
    "DISCORD",
    "HEADER",
    "JWT",
    "NETLOC",
    "NO_VALUE",
    "PAIR",
    "PEM",
    "PEM_END",
    "QUOTE",
    "TELEGRAM",
    "URL",
    "VALUE",
]

# RFC 7468, with the headers of RFC 1421, line breaks escaped or not, whole or cut
PEM: Final = re.compile(
    r"()-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?+-----"
    r"(?:[^-]|-(?!----END ))*+(?:-----END [A-Z0-9 ]{0,50}+-----)?+"
)
# the same without its beginning, which was cut off
PEM_END: Final = re.compile(
    r"()[A-Za-z0-9+/=\\\r\n]{16,}+-----END [A-Z0-9 ]{0,50}PRIVATE KEY(?: BLOCK)?+-----",
)
# RFC 6750 and RFC 7617. A word may follow "bearer" ("of", "OpenTelemetry"); a credential is hardly ever all lower
# case. What follows "basic" is decoded to see whether it is one.
_NO_MORE: Final = r"(?![A-Za-z0-9_~+/=]|\.[A-Za-z0-9])"
BEARER: Final = re.compile(
    rf"\b((?i:bearer)[ \t]++)(?![A-Za-z]?+[a-z-]{{0,31}}+{_NO_MORE}"
    rf"|(?:[A-Z][a-z]{{2,16}}+){{2,4}}+[0-9]{{0,2}}+{_NO_MORE})"
    r"[A-Za-z0-9._~+/=-]{8,}+"
)
BASIC: Final = re.compile(r"\b((?i:basic)[ \t]++)[A-Za-z0-9+/=]{8,}+")
# RFC 7519: base64url of '{"'. Within a longer word the search is bounded, or "eyJ-eyJ-" would be read over and over.
JWT: Final = re.compile(
    r"()(?:(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}+|(?<=[_-])eyJ[A-Za-z0-9_-]{8,256}+)(?:\.[A-Za-z0-9_-]*+){1,4}"
)
# The user information of a URL (RFC 3986, 3.2.1): with a password, or a token in its place. What follows a port is a
# path.
URL: Final = re.compile(
    r"(://)(?:[^\s:/@\"'<>]*+:[^\s/\"'<>]+|(?=[A-Za-z_]{0,64}+[0-9])[A-Za-z0-9_]{20,}+"
    r"|[^\s:/@\[\"'<>]{1,64}+:(?![0-9]{1,5}+[/?#]|[{$%])[^\s@\"'<>]{1,256}+(?=@[A-Za-z0-9\[]))(?=@)"
)
# the same as ``urlsplit`` gives it
NETLOC: Final = re.compile(
    r"(netloc[\\\"']{0,8}+[ \t]*+[:=][ \t]*+[\\\"']{0,8}+)[^\s:/@\"'<>]{0,128}+:[^\s/\"'<>]{1,512}(?=@)", re.IGNORECASE
)
# tokens of bots, tried where their second part can begin
TELEGRAM: Final = re.compile(r"()(?:(?<=bot)|(?<![A-Za-z0-9_]))[0-9]{8,10}:AA[A-Za-z0-9_-]{32,34}(?![A-Za-z0-9_-])")
DISCORD: Final = re.compile(
    r"()(?<![A-Za-z0-9_-])[MNO][A-Za-z0-9_-]{23,25}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,38}(?![A-Za-z0-9_-])"
)

# a header on a line of its own: everything up to its end, or to the end of the string that holds the line
HEADER: Final = re.compile(
    r"((?:authorization|cookies?(?=[ \t]*+:[^\r\n=\"'\\]{1,256}+=))[ \t]*+:[ \t]*+)(?=[^\s\"'\\\[{(])"
    r"[^\r\n\"'\\]*+(?:(?<==)\"[^\"\r\n]*+\"?+[^\r\n\"'\\]*+)*+",
    re.IGNORECASE,
)
# The annotation in a definition with a default, of which the default is what counts.
_ANNOTATED: Final = (
    r":[ \t]*+(?:(?:typing\.)?+optional\[|final\[)?+(?:str|bytes|string|secretstr|final)\]?+"
    r"(?:[ \t]*+\|[ \t]*+none)?+[ \t]*+=(?!=)"
)
# Nothing, a type, or where the value comes from: an environment variable, an attribute, a template's placeholder.
NO_VALUE: Final = (
    r"(?:none|null|nil|undefined|true|false"
    r"|(?:str|int|bytes|bool|float|string|number|secretstr|any)(?:[ \t]*+\|[ \t]*+none)?+|optional\[[a-z.]{1,32}\]"
    r"|(?-i:\$\{?+[A-Z][A-Z0-9_]{0,64}+\}?+)|\$?+\{\{[^}\n]{0,64}+\}\}|%\([a-z_]{1,32}\)s|\*{3,64}+)"
    r"(?:[\s,;&}\])\"'\\]|\Z)"
    r"|(?:self|cls|os|process|settings|config|args|request|req|env)\.[a-z_]"
)
# A value, from the quote on that begins it; the quotes stay. A string ends at its quote, or with the line: line breaks
# in it are escaped by repr and by JSON.
_STRING: Final = r"(?:\\(?:.|\Z)|(?!{quote})[^\\\n])++"
QUOTE: Final = (
    # or, in JSON within a JSON string, a quote behind backslashes: as many of them end it
    r"(?:(?P<triple>\"\"\"|''')|(?P<quote>[\"'`])|(?P<escaped>\\++[\"']))"
)
_BARE: Final = (
    # b"…", SecretStr("…")
    r"(?:[bfru]{1,2}|[a-z_.]{1,32}+\([ \t]{0,8}+)(?P<inner>[\"'])"
    rf"{_STRING.format(quote='(?P=inner)')}(?P=inner)?+"
    # a block of YAML: the lines that are indented as the first one
    r"|[|>][+-]?+[0-9]?+[ \t]*+(?:\r?\n){1,8}+(?P<indent>[ \t]++)[^\r\n]*+(?:(?:\r?\n)++(?P=indent)[^\r\n]*+)*+"
    # a list, a mapping, what ODBC has in braces, which may go on
    r"|\[[^\]]*+\]?+|\{[^}]*+\}?+(?:[^\s\"',;:.&}\])<>/]++\}?+)?+|\([^)\n]*+\)?+"
    r"|[^\s\"',;&}\])]++"
)
VALUE: Final = (
    r"(?(triple)(?:\\[\s\S]|(?!(?P=triple))[^\\]){1,4096}+"
    rf"|(?(quote){_STRING.format(quote='(?P=quote)')}"
    rf"|(?(escaped)(?:(?!(?<!\\)(?P=escaped))[^\n])++|(?:{_BARE}))))"
)
BLANK: Final = "[ \\t\u00a0\u2000-\u200a\u202f\u3000]"
# name=value and "name": "value"
PAIR: Final = re.compile(
    rf"({NAME}[ \t]*+[\\\"'`*\])]{{0,12}}+[ \t]*+(?:{_ANNOTATED}|=>|:=|={{1,3}}|:){BLANK}*+"
    rf"(?!{NO_VALUE}){QUOTE}?+){VALUE}",
    re.IGNORECASE,
)
