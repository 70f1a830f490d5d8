"""One answer of the network, kept while its client reads it."""

from __future__ import annotations

import time
import zlib
from typing import TYPE_CHECKING, Final

from ams_sdk.testing._cassette.body import TimedBytes
from ams_sdk.testing._cassette.exchange import Exchange, RecordedResponse, kept

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from ams_sdk.testing._cassette.exchange import RecordedRequest

__all__ = ["Recording"]

_ZLIB_WINDOW: Final = {"gzip": 31, "x-gzip": 31, "deflate": 15}


class Recording:
    """Becomes an exchange when the client has read the answer.

    Args:
        request: what was asked.
        names: the headers of the answer that are kept.
        done: gets the exchange, or what broke it off.
    """

    def __init__(
        self, request: RecordedRequest, names: Collection[str], done: Callable[[Exchange | BaseException], None]
    ) -> None:
        self._request = request
        self._names = names
        self._done = done
        self._status = 0
        self._headers: list[tuple[str, str]] = []
        self._after = 0.0
        self._latest = time.monotonic()
        self._pieces: list[TimedBytes] = []
        self._has_ended = False

    def begin(self, status: int, headers: list[tuple[str, str]]) -> None:
        """The head of the answer is there."""
        self._status, self._headers = status, headers
        self._after = self._elapsed()

    def add(self, data: bytes) -> None:
        """A piece of its body is there."""
        self._pieces.append(TimedBytes(data, self._elapsed()))

    def broke_off(self, error: BaseException) -> None:
        """The network gave no whole answer, which no cassette can replay."""
        if not self._has_ended:
            self._has_ended = True
            self._done(error)

    def end(self) -> None:
        """The client reads no further; what it has not read is not needed to replay the test."""
        if self._has_ended or not self._status:
            return
        self._has_ended = True
        named = {name.lower(): value for name, value in self._headers}
        encoding = named.get("content-encoding", "identity").lower()
        headers = kept(self._headers, self._names)
        pieces = _unpacked(self._pieces, encoding)
        if pieces is None:  # replayed as it came
            pieces = self._pieces
            headers["content-encoding"] = encoding
        # A body of a known length comes in pieces too, as the network cuts it; only of a stream they mean something.
        is_streamed = "content-length" not in named and len(pieces) > 0 and _is_stream(named)
        self._done(Exchange(self._request, RecordedResponse(self._status, headers, self._after, pieces, is_streamed)))

    def _elapsed(self) -> float:
        now = time.monotonic()
        elapsed, self._latest = now - self._latest, now
        return elapsed


def _is_stream(headers: dict[str, str]) -> bool:
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind in {"text/event-stream", "application/x-ndjson", "application/vnd.amazon.eventstream"}


def _unpacked(pieces: list[TimedBytes], encoding: str) -> list[TimedBytes] | None:
    """The pieces as they were before they were packed; None if that is not known here."""
    if encoding == "identity":
        return pieces
    if encoding not in _ZLIB_WINDOW:
        return None
    unpacker = zlib.decompressobj(wbits=_ZLIB_WINDOW[encoding])
    try:
        return [TimedBytes(unpacker.decompress(data), after) for data, after in pieces]
    except zlib.error:
        return None
