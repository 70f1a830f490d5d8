"""Secrets in free text whose name stands near them, but not as ``name=value``: in lists, tags, forms, and complaints.

The patterns are made as those of ``free_text``: the first group is kept, and the rest of the match is masked.
"""

from __future__ import annotations

import base64
import re
from typing import Final

from ams_sdk._capture.free_text import BLANK, NO_VALUE, QUOTE, VALUE
from ams_sdk._capture.secret_names import NAME, is_secret_name

__all__ = ["FORM_FIELD", "LISTED", "TAGGED", "TOLD", "VALUE_FIRST", "is_credential", "is_field_of_secret", "is_listed"]

_QUOTES: Final = r"[\\\"']{1,8}+"
LISTED: Final = re.compile(
    rf"({NAME}(?:"
    # {"name": "DB_PASSWORD", "value": "…"}, <add key="ApiKey" value="…"/>, - name: DB_PASSWORD\n  value: …
    rf"(?:{_QUOTES},?+\s{{0,64}}+|[ \t]*+\r?\n\s{{0,64}}+)[\\\"']{{0,8}}+value[\\\"']{{0,8}}+[ \t]*+[:=]{BLANK}*+"
    # ("cookie", "…") in a list, "--password", "…"
    rf"|{_QUOTES}(?P<comma>,)[ \t]*+(?=b?[\\\"'])"
    rf")(?!{NO_VALUE}){QUOTE}?+){VALUE}",
    re.IGNORECASE,
)
# <password>…</password>
TAGGED: Final = re.compile(rf"({NAME}(?:[ \t][^<>\n]{{0,128}}+)?+>)[^<]{{1,512}}+(?=</)", re.IGNORECASE)
# What pydantic says of a field: its name, and on the next line what was given for it.
TOLD: Final = re.compile(
    rf"({NAME}[^\n]{{0,128}}+\n{{1,2}}+  (?:(?!\[type=)[^\n]){{0,512}}+\[type=[a-z_]{{1,64}}+, input_value=)"
    r"(?:(?!, input_type=)[^\n]){1,512}+",
    re.IGNORECASE,
)
_opens: Final = re.compile(
    r"(?:[\[(][ \t]*+[\[(]|[\])],[ \t]*+[\[(]|(?<![\w\])])\()[ \t]*+b?\\{0,8}+[\"'][\w. -]*+\Z|[\"']--?[\w-]*+\Z"
).search
"""Before a name: a pair within a list, one in parentheses that are no call's, or an option of a command."""
_LONGEST: Final = 64

# The other way round: {"value": "…", "name": "DB_PASSWORD"}
VALUE_FIRST: Final = re.compile(
    rf"(value{_QUOTES}[ \t]*+:[ \t]*+{_QUOTES})[^\"'\\\n]{{1,512}}+"
    rf"(?={_QUOTES},\s{{0,64}}+{_QUOTES}(?:name|key){_QUOTES}[ \t]*+:[ \t]*+"
    rf"{_QUOTES}(?P<field>[^\"'\\\n]{{1,128}}+){_QUOTES})",
    re.IGNORECASE,
)
# The value of a field in a form (RFC 7578), behind an empty line.
FORM_FIELD: Final = re.compile(
    r"(form-data;[ \t]*+name=\\{0,8}+\"(?P<field>[^\"\\\r\n]{1,128}+)\\{0,8}+\"[^\r\n]{0,128}+"
    r"(?:[\r\n]{1,4}+Content-[^\r\n]{1,256}+){0,4}+[\r\n]{2,16}+)(?!--)[^\r\n]++",
    re.IGNORECASE,
)


def is_listed(match: re.Match[str]) -> bool:
    """Whether what stands before a match of ``LISTED`` leaves it one: two texts in a list may be anything."""
    start = match.start()
    return match["comma"] is None or _opens(match.string[max(0, start - _LONGEST) : start]) is not None


def is_field_of_secret(match: re.Match[str]) -> bool:
    """Whether the field of a match of ``FORM_FIELD`` or ``VALUE_FIRST`` holds a secret."""
    return is_secret_name(match["field"])


def is_credential(match: re.Match[str]) -> bool:
    """Whether what follows "basic" is base64 of ``user:password`` (RFC 7617), and no word."""
    encoded = match[0][match.end(1) - match.start() :][:_MOST_DECODED].rstrip("=")
    try:
        decoded = base64.b64decode(encoded + "=" * (-len(encoded) % 4))
        user, colon, _ = decoded.partition(b":")
        user.decode()
    except ValueError:
        return False
    return bool(colon) and min(decoded) >= _FIRST_PRINTABLE


_MOST_DECODED: Final = 512
_FIRST_PRINTABLE: Final = ord(" ")
