"""A cassette goes into a repository: what looks like a secret must not get into it."""

from __future__ import annotations

import base64
import contextlib
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import parse_qsl, urlsplit

from ams_sdk._capture import holds_secret, is_secret_name, redact_text
from ams_sdk._capture.leaks import leak_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["CREDENTIALS", "credentials_of", "secrets_in"]

CREDENTIALS: Final = frozenset(
    {"authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie", "proxy-authorization"}
)
"""Headers, in lower case; others count by their names."""
SHORTEST_CREDENTIAL: Final = 6
"""Characters; anything shorter is found everywhere."""


def credentials_of(headers: Iterable[tuple[str, str]], url: str) -> list[str]:
    """The credentials of a request, in each form in which they could come back.

    Args:
        headers: names and values.
        url: its address; parameters that are secret by their name count.
    """
    found: list[str] = []
    for name, value in headers:
        if name.lower() in CREDENTIALS or is_secret_name(name):
            _, _, bare = value.strip().partition(" ")
            found += [value, bare or value]
            if value.lower().startswith("basic "):
                with contextlib.suppress(ValueError):
                    found += base64.b64decode(bare).decode("latin-1").split(":", 1)[1:]
            if name.lower() == "cookie":
                found += [one.partition("=")[2] for one in value.split(";")]
    parameters = parse_qsl(urlsplit(url).query)
    found += [value for name, value in parameters if name == "key" or is_secret_name(name)]
    return [one for one in dict.fromkeys(map(str.strip, found)) if len(one) >= SHORTEST_CREDENTIAL]


def secrets_in(document: object, sent: Sequence[str]) -> list[str]:
    """Where a document holds what looks like a secret, or a credential that was sent; never what it is.

    Args:
        document: JSON values.
        sent: the credentials of the requests that were recorded.
    """
    found: list[str] = []
    for place, name, text in _texts(document, "", ""):
        if any(leak_of(text, secret) for secret in sent):
            found.append(f"{place}: the credential that was sent, or a spelling of it")
        elif holds_secret(name, text):
            found.append(f"{place}: {name!r} is the name of a secret")
        elif redact_text(text) != text:
            found.append(f"{place}: it has the shape of a secret")
    return found


def _texts(value: Any, place: str, name: str) -> Iterator[tuple[str, str, str]]:  # noqa: ANN401 -- JSON
    if isinstance(value, str):
        yield place, name, value
    elif isinstance(value, dict):
        for key, inner in cast("dict[str, Any]", value).items():
            yield f"{place}.{key}" if place else key, "", key
            yield from _texts(inner, f"{place}.{key}" if place else key, key)
    elif isinstance(value, list):
        for number, inner in enumerate(cast("Sequence[Any]", value)):
            yield from _texts(inner, f"{place}[{number}]", name)
