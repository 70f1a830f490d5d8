"""A request and its answer, as they stand in a cassette."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlsplit, urlunsplit

from ams_sdk._capture import is_secret_name
from ams_sdk.testing._cassette.body import TimedBytes, read_body, read_stream, written_body, written_stream

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

__all__ = ["Exchange", "RecordedRequest", "RecordedResponse", "kept", "placed", "text_of"]

KEPT_OF_REQUESTS: Final = frozenset({"anthropic-beta", "anthropic-version", "content-type", "openai-beta"})
KEPT_OF_RESPONSES: Final = frozenset(
    {"content-type", "location", "request-id", "retry-after", "x-request-id", "x-should-retry"}
)
"""Headers that say what was asked and how to go on. Of all others some are secret, and none is needed."""
_BOUNDARY: Final = re.compile(r'^multipart/.*boundary="?([^";]+)')
_FIXED_BOUNDARY: Final = "boundary"
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


def kept(headers: Sequence[tuple[str, str]], names: Collection[str]) -> dict[str, str]:
    """The headers that a cassette holds, in lower case."""
    found = {name.lower(): value for name, value in headers if name.lower() in names}
    return {name: placed(value) if name == "location" else value for name, value in found.items()}


def placed(url: str) -> str:
    """An address as cassettes have it: without parameters that hold a secret, and without the port of this machine."""
    parts = urlsplit(url)
    parts = parts._replace(query="&".join(one for one in parts.query.split("&") if not _is_secret(one)))
    if parts.hostname not in _LOOPBACK:
        return urlunsplit(parts)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return urlunsplit(parts._replace(netloc=host))


def _is_secret(parameter: str) -> bool:
    name, _, value = parameter.partition("=")
    return bool(value) and (name == "key" or is_secret_name(name))


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """What was asked."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def document(self) -> dict[str, Any]:
        """As it stands in the file."""
        return {"method": self.method, "url": self.url, "headers": dict(self.headers), **self.body}

    @classmethod
    def of(cls, method: str, url: str, headers: Mapping[str, str], body: bytes) -> RecordedRequest:
        """The request of a client; the boundary of a form, which is another one each time, has a name of its own."""
        kind = headers.get("content-type", "")
        drawn = _BOUNDARY.search(kind)
        if drawn is not None:
            body = body.replace(drawn[1].encode(), _FIXED_BOUNDARY.encode())
            headers = {**headers, "content-type": kind.replace(drawn[1], _FIXED_BOUNDARY)}
        return cls(method, placed(url), headers, written_body(body))

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> RecordedRequest:
        """From the file.

        Raises:
            TypeError: it says no method or no address.
        """
        if not isinstance(document.get("method"), str) or not isinstance(document.get("url"), str):
            raise TypeError("a request needs a method and a url")
        return cls(document["method"], document["url"], document.get("headers", {}), _body_of(document))


@dataclass(frozen=True, slots=True)
class RecordedResponse:
    """What was answered.

    Attributes:
        after: seconds from the request to the head of the answer.
        pieces: the body; more than one where it was a stream.
        is_streamed: whether the file says it in pieces.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    after: float = 0.0
    pieces: Sequence[TimedBytes] = ()
    is_streamed: bool = False

    def document(self) -> dict[str, Any]:
        """As it stands in the file."""
        head = {"status": self.status, "headers": dict(self.headers), "after": round(self.after, 4)}
        if self.is_streamed:
            return head | {"stream": written_stream(self.pieces, self.headers.get("content-type", ""))}
        return head | written_body(b"".join(piece.data for piece in self.pieces))

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> RecordedResponse:
        """From the file.

        Raises:
            TypeError: it says no status.
            ValueError: it has a body that cannot be read.
        """
        if not isinstance(document.get("status"), int):
            raise TypeError("a response needs a status")
        streamed = "stream" in document
        pieces = read_stream(document["stream"]) if streamed else [TimedBytes(read_body(document), 0.0)]
        after = float(document.get("after", 0.0))
        return cls(document["status"], document.get("headers", {}), after, pieces, streamed)


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and its answer."""

    request: RecordedRequest
    response: RecordedResponse

    def document(self) -> dict[str, Any]:
        """As it stands in the file."""
        return {"request": self.request.document(), "response": self.response.document()}

    @classmethod
    def read(cls, document: object) -> Exchange:
        """From the file.

        Raises:
            TypeError: it is no exchange.
            ValueError: it has a body that cannot be read.
        """
        if not isinstance(document, dict):
            raise TypeError("an exchange is an object")
        parts = cast("dict[str, Any]", document)
        if not isinstance(parts.get("request"), dict) or not isinstance(parts.get("response"), dict):
            raise TypeError("an exchange has a request and a response")
        return cls(RecordedRequest.read(parts["request"]), RecordedResponse.read(parts["response"]))


def _body_of(document: Mapping[str, Any]) -> dict[str, Any]:
    return {name: document[name] for name in ("json", "text", "base64") if name in document}


def text_of(request: RecordedRequest) -> str:
    """A request over several lines, for people."""
    return json.dumps(request.document(), indent=2, ensure_ascii=False, sort_keys=True)
