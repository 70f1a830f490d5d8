"""Which names hold secrets: the one list, for the fields of a value and for ``name=value`` in text.

Every name is found by one of a few roots ("pass", "key", ...), which plain string search finds fast, and is confirmed
by a pattern that starts at the root. Case never matters, and ``_ - .`` and a blank separate words as nothing at all
does: "X-Api-Key", "apiKey" and "api_key" are one name.

Not in the list, on purpose:

- ``session_id``: in web code it may be a credential, but for an agent it names the conversation, and masking it would
  take away what joins a conversation's runs. Cookies, where web sessions live, are masked whole, and so are
  ``session_token``, ``session_key``, ``JSESSIONID``, ``PHPSESSID`` and ``sessionid``, in lower case and in one word, as
  Django calls its cookie; none of these names a conversation.
- ``eos_token``, ``next_page_token``: of a vocabulary, or where a list goes on.
- ``password_policy``, ``api_key_id``: about a secret. Only words that leave it one may follow: another one of it
  ("confirm", "old"), where it is of use ("prod"), how it is written ("pem", "base64").
- ``pass`` in prose and with a number: "tests pass: 12".
- ``tokens``, ``max_tokens``, ``token_count``: counts. The plural is a secret only after a word such as "access".
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["NAME", "ROOTS", "VALUES", "hides_value", "holds_secret", "is_secret_name"]

ROOTS: Final = (
    *("auth", "bearer", "cookie", "cred", "jwt", "key", "pass", "pin", "pwd", "secret", "sessid", "sessionid"),
    "token",
)
"""In lower case. Every name of a secret holds one of them, and ``NAME`` matches at its start."""

_KEYS: Final = (
    *(
        "access",
        "account",
        "api",
        "app",
        "application",
        "auth",
        "client",
        "consumer",
        "decryption",
        "deploy",
        "encryption",
        "functions",
        "hmac",
        "license",
        "master",
    ),
    *("private", "secret", "service_role", "servicerole", "session", "signing", "ssh", "storage", "subscription"),
    "webhook",
    # issuers, as in "openai_key"
    *("anthropic", "aws", "azure", "cohere", "deepseek", "gemini", "google", "groq", "huggingface", "langfuse"),
    *("langsmith", "mistral", "openai", "openrouter", "perplexity", "pinecone", "replicate", "sendgrid", "serpapi"),
    *("stripe", "tavily", "together", "twilio", "voyage", "xai"),
)
_PASSES: Final = ("admin", "db", "ftp", "http", "login", "mail", "my", "pg", "proxy", "redis", "root", "smtp", "user")
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

# "pass" alone: as a whole name, or where it is given a value that is no count.
_PASS: Final = (
    rf"pass{_SEPARATOR}?(?:word|wd|phrase|code)s?|(?<=[_\-.])pass"
    rf"|pass{_after(_PASSES, 'pass')}"
)
_ALONE: Final = (
    r"(?<![A-Za-z])pass_?+(?:\Z"
    r"|(?=[\\\"']{1,8}+[ \t]*+[:=,](?![ \t]*+[0-9]{1,6}+[\s,}\]]))|(?=[ \t]*+=(?!=)(?![ \t]*+[0-9]{1,6}+\b))"
    r"|(?-i:(?<=(?<!\S )pass)(?=:[ \t]++\S)))"
)
# A word behind one of them says that there is another one, or in what form; others may say what is about it.
_FORM: Final = (
    rf"(?:{_SEPARATOR}?(?:confirmation|hash|header|string|value)|(?=[_\-.a-z])[_\-.]?(?:again|b64|base64|confirm|current"
    r"|dev(?:elopment)?+|enc(?:rypted)?+|live|local|new|old|pem|prev(?:ious)?+|primary|prod(?:uction)?+|repeat(?:ed)?+"
    r"|retype|sandbox|secondary|stag(?:e|ing)|test|uat|verify)(?![a-z]{2}))"
)

NAME: Final = (
    rf"(?:(?:{_PASS}|secrets?(?:[_\-.]?id(?![a-z]))?+|cred(?:ential)?s|credential|bearer|jwt|pwd"
    rf"|token{_not_after(_NO_SECRET_TOKENS, 'token')}|tokens{_after(_TOKENS, 'tokens')}"
    rf"|key{_after(_KEYS, 'key')}s?(?:[_\-.]?base)?+"
    rf"|(?:(?<=php)sessid|(?<=j)sessionid|(?-i:(?<![A-Za-z0-9])sessionid))"
    rf"|(?=[acp]){_WHOLE_WORD}(?:auth(?:orization)?+(?:[_\-.]?code)?+|pin(?:[_\-.]code|(?-i:Code))?+"
    # "cookies: add sugar" is a recipe
    rf"|cookies?+(?!:[ \t]++[a-z]++(?![\w=-]))))"
    rf"{_FORM}{{0,3}}+(?:{_SEPARATOR}?[0-9]{{1,4}})?+|{_ALONE})"
)
"""A pattern to compile with ``re.IGNORECASE`` and to match where a root was found."""

_BEHIND: Final = "_-. :\t\n\\\"'`*])"
"""What may stand behind a name, as in ``user[password]``."""


def hides_value(names: Mapping[Any, object]) -> str | None:
    """What the entry is called that a name next to it gives away; None if there is none.

    As in lists of variables, headers and cookies: ``{"name": "DB_PASSWORD", "value": "…"}``.
    """
    for value in VALUES:
        if value in names:
            for key in _CALLED:
                name = names.get(key)
                if isinstance(name, str) and holds_secret(name, names[value]):
                    return value
    return None


VALUES: Final = frozenset({"value", "Value"})
"""What a value is called that has its name next to it."""
_CALLED: Final = ("name", "key", "Name", "Key")
_NUMBERS: Final = frozenset({int, float})
_NAME_AT_THE_END: Final = re.compile(rf"{NAME}\Z", re.IGNORECASE)


def is_secret_name(name: str) -> bool:
    """Whether a field or an argument of this name holds a secret. Counts of tokens are not secrets, a token is."""
    return _ends_as_secret(name[-_LONGEST:])


def holds_secret(name: str, value: object) -> bool:
    """Whether a value of this name is a secret: that there is one, or none, is no secret itself."""
    if value is None or type(value) is bool or not is_secret_name(name):
        # As ``urlsplit`` gives it, with the password in it.
        return name == "netloc" and type(value) is str and ":" in value.rpartition("@")[0]
    return type(value) not in _NUMBERS or name[-_LONGEST:].rstrip(_BEHIND).lower() != "pass"


@lru_cache(maxsize=1_024)  # the same few names come back at every call
def _ends_as_secret(end: str) -> bool:
    return _NAME_AT_THE_END.search(end.rstrip(_BEHIND)) is not None
