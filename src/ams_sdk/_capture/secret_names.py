"""Which names hold secrets: the one list, for the fields of a value and for ``name=value`` in text.

Every name is found by one of a few roots ("pass", "key", ...), which plain string search finds fast, and is confirmed
by a pattern that starts at the root. Case never matters, and ``_ - .`` and a blank separate words as nothing at all
does: "X-Api-Key", "apiKey" and "api_key" are one name.

Not in the list, on purpose:

- ``session_id``: in web code it may be a credential, but for an agent it names the conversation, and masking it would
  take away what joins a conversation's runs. Cookies, where web sessions live, are masked whole, and so are
  ``session_token``, ``session_key``, ``JSESSIONID`` and ``PHPSESSID``, which never name a conversation.
- ``eos_token``, ``next_page_token``: of a vocabulary, or where a list goes on.
- ``tokens``, ``max_tokens``, ``token_count``: counts. The plural is a secret only after a word such as "access".
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

__all__ = ["NAME", "ROOTS", "holds_secret", "is_secret_name"]

ROOTS: Final = (
    *("auth", "bearer", "cookie", "credential", "jwt", "key", "pass", "pin", "pwd", "secret", "sessid", "sessionid"),
    "token",
)
"""In lower case. Every name of a secret holds one of them, and ``NAME`` matches at its start."""

_KEYS: Final = (
    *(
        "access",
        "account",
        "api",
        "auth",
        "decryption",
        "deploy",
        "encryption",
        "functions",
        "hmac",
        "license",
        "master",
    ),
    *("private", "secret", "session", "signing", "ssh", "storage", "subscription", "webhook"),
    # issuers, as in "openai_key"
    *("anthropic", "azure", "gemini", "groq", "mistral", "openai", "stripe"),
)
_TOKENS: Final = ("access", "api", "auth", "bearer", "refresh", "session")
_NO_SECRET_TOKENS: Final = (
    # of a language model's vocabulary, and where a list goes on
    *("bos", "cls", "eos", "mask", "pad", "sep", "special", "stop", "unk"),
    *("completion", "continuation", "first", "input", "next", "output", "page", "pagination", "prompt"),
)
_SEPARATOR: Final = r"[_\-. ]"
_LONGEST: Final = 64


def _after(words: tuple[str, ...], root: str) -> str:
    """Right behind the root: one of these words stands before it."""
    behind = (f"(?<={word}{between}{root})" for word in words for between in ("", _SEPARATOR))
    return f"(?:{'|'.join(behind)})"


def _not_after(words: tuple[str, ...], root: str) -> str:
    behind = (f"(?<!{word}{between}{root})" for word in words for between in ("", _SEPARATOR))
    return "".join(behind)


# "spin" and "oauth" do not count, "user_pin" and "userPin" do.
_WHOLE_WORD: Final = r"(?:(?<![A-Za-z])|(?-i:(?<=[a-z])(?=[A-Z])))"

NAME: Final = (
    rf"(?:pass{_SEPARATOR}?(?:word|wd|phrase|code)s?|(?<=[_\-.])pass|secrets?|credentials?|bearer|jwt|pwd"
    rf"|token{_not_after(_NO_SECRET_TOKENS, 'token')}|tokens{_after(_TOKENS, 'tokens')}"
    rf"|key{_after(_KEYS, 'key')}s?|(?:(?<=php)sessid|(?<=j)sessionid)"
    rf"|{_WHOLE_WORD}(?:auth(?:orization)?+|cookies?+|pin))"
    rf"(?:{_SEPARATOR}?(?:confirmation|hash|header|string|value))?+(?:{_SEPARATOR}?[0-9]{{1,4}})?+"
)
"""A pattern to compile with ``re.IGNORECASE`` and to match where a root was found."""

_BEHIND: Final = "_-. :\t\n\\\"'`*])"
"""What may stand behind a name, as in ``user[password]``."""
_NAME_AT_THE_END: Final = re.compile(rf"{NAME}\Z", re.IGNORECASE)


def is_secret_name(name: str) -> bool:
    """Whether a field or an argument of this name holds a secret. Counts of tokens are not secrets, a token is."""
    return _ends_as_secret(name[-_LONGEST:])


def holds_secret(name: str, value: object) -> bool:
    """Whether a value of this name is a secret: that there is one, or none, is no secret itself."""
    return value is not None and type(value) is not bool and is_secret_name(name)


@lru_cache(maxsize=1_024)  # the same few names come back at every call
def _ends_as_secret(end: str) -> bool:
    return _NAME_AT_THE_END.search(end.rstrip(_BEHIND)) is not None
