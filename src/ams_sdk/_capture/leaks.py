"""Whether a secret is in some bytes, however it was written there: for tests that nothing leaves with one in it."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["SHORTEST_SECRET", "leak_of", "spellings"]

SHORTEST_SECRET: Final = 4
"""Bytes; anything shorter is found everywhere, if only by chance in base64."""
_LINE_END: Final = re.compile(rb"\s+|\\+[rn]")
_ESCAPES: Final = 3
"""Times that JSON in JSON is looked for."""


def leak_of(data: str | bytes, secret: str | bytes) -> str | None:
    """How a secret is written in some data, or None if it is not there.

    Looked for: as it is, with the escapes of JSON (JSON in JSON as well) and of Python's ``repr``, in base64 and
    base64url at any alignment and in lines, percent-encoded (RFC 3986, HTML forms), in hexadecimal digits, and in
    UTF-16.

    Args:
        data: where it must not be; what is compressed has to be unpacked first.
        secret: four bytes or more.

    Returns:
        ``plain``, ``json``, ``repr``, ``base64``, ``url``, ``hex`` or ``utf-16``.

    Raises:
        ValueError: the secret is too short to be told from chance.
    """
    content = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else bytes(data)
    folded, joined = content.lower(), _LINE_END.sub(b"", content)
    for name, spelling in spellings(secret):
        # Of percent-encoding and hexadecimal digits, case does not matter. Base64 may be written in lines.
        if (
            spelling in content
            or (name in {"url", "hex"} and spelling.lower() in folded)
            or (name == "base64" and spelling in joined)
        ):
            return name
    return None


def spellings(secret: str | bytes) -> Iterator[tuple[str, bytes]]:
    """Every way to write a secret, with its name.

    Raises:
        ValueError: the secret is too short to be told from chance.
    """
    raw = secret.encode("utf-8", "surrogatepass") if isinstance(secret, str) else bytes(secret)
    if len(raw) < SHORTEST_SECRET:
        raise ValueError(f"a secret to look for has {SHORTEST_SECRET} bytes or more, not {len(raw)}")
    text = raw.decode("utf-8", "replace")
    yield "plain", raw
    for keeps in (True, False):
        escaped = text
        for _ in range(_ESCAPES):
            escaped = json.dumps(escaped, ensure_ascii=keeps)[1:-1]
            yield "json", escaped.encode("utf-8", "replace")
            yield "json", escaped.replace("/", r"\/").encode("utf-8", "replace")
    yield "repr", repr(text)[1:-1].encode("utf-8", "replace")
    yield "repr", repr(raw)[2:-1].encode()
    yield from (("base64", spelling) for spelling in _in_base64(raw))
    yield "url", quote(raw, safe="").encode()
    yield "url", quote(raw).encode()
    yield "url", quote_plus(raw).encode()
    yield "hex", raw.hex().encode()
    yield from (("utf-16", text.encode(form, "replace")) for form in ("utf-16-le", "utf-16-be"))


def _in_base64(raw: bytes) -> Iterator[bytes]:
    # Three bytes are four characters. What stands before the secret shifts it, and the characters at both ends hold
    # bits of its neighbours.
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + raw)
        known = re.sub(rb"=+\Z", b"", encoded)[(0, 2, 3)[shift] :]
        if (shift + len(raw)) % 3:
            known = known[:-1]
        if len(known) >= SHORTEST_SECRET:
            yield known
            yield known.translate(_URL_SAFE)


_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")
