"""What counts as a secret: names of fields, and shapes in free text.

Every pattern is anchored on a literal and repeats one character class, so that a scan takes time linear in the text.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["REDACTED", "is_secret_name", "redact_text"]

REDACTED: Final = "[redacted]"

# Compared with separators and case removed: "X-Api-Key", "apiKey" and "api_key" are one name.
_SECRET_NAMES: Final = frozenset(
    {"auth", "authorization", "cookie", "cookies", "jwt", "pin", "proxyauthorization", "pwd", "setcookie"}
)
_SECRET_ENDINGS: Final = (
    "accesskey",
    "apikey",
    "bearer",
    "credential",
    "credentials",
    "passphrase",
    "passwd",
    "password",
    "privatekey",
    "secret",
    "secretkey",
    "token",
)
_SEPARATORS: Final = str.maketrans("", "", "_-. ")

_SHAPES: Final = (
    # a PEM private key, whole or cut
    re.compile(r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[A-Za-z0-9+/=\s]*(?:-----END [A-Z ]{0,30}PRIVATE KEY-----)?"),
    # RFC 6750 and RFC 7617 credentials
    re.compile(r"(?i)(?<=\bbearer )[A-Za-z0-9._~+/=-]{8,}|(?<=\bbasic )[A-Za-z0-9+/=]{8,}"),
    # JSON Web Tokens: base64url of '{"'
    re.compile(r"\beyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){1,4}"),
    # keys that carry their issuer's prefix: this platform, OpenAI, Anthropic, Stripe, GitHub, GitLab, Slack, Hugging
    # Face; AWS; Google
    re.compile(
        r"\b(?:ams_|sk-|sk_live_|sk_test_|rk_live_|gh[pousr]_|github_pat_|glpat-|xox[abprs]-|hf_)[A-Za-z0-9_-]{16,}"
        r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bAIza[A-Za-z0-9_-]{35}"
    ),
    # the password in a URL's user information (RFC 3986, 3.2.1)
    re.compile(r"(?<=://)[^\s:/@]{0,256}:[^\s/@]{1,256}(?=@)"),
    # name=value and "name": "value" in text
    re.compile(
        r"(?i)(?<![A-Za-z])((?:password|passwd|passphrase|secret|api[_-]?key|access[_-]?token|client[_-]?secret)[\"']?\s?[=:]\s?[\"']?)"
        r"[^\s\"',;&}\])]{1,512}"
    ),
)


def is_secret_name(name: str) -> bool:
    """Whether a field or an argument of this name holds a secret. Counts of tokens are not secrets, a token is."""
    plain = name[:256].translate(_SEPARATORS).lower()
    return plain in _SECRET_NAMES or plain.endswith(_SECRET_ENDINGS)


def redact_text(text: str) -> str:
    """The text with whatever looks like a secret replaced by ``[redacted]``."""
    for shape in _SHAPES:
        text = shape.sub(_masked, text)
    return text


def _masked(match: re.Match[str]) -> str:
    kept = match.group(1) if match.re.groups else ""
    return f"{kept}{REDACTED}"
