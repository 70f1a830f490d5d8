"""OTLP/HTTP to the platform: encoded spans are posted, and the answer is handed back as it is."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ams_sdk._client import background, problems
from ams_sdk._client.blocking import BlockingHTTP

if TYPE_CHECKING:
    import httpx

    from ams_sdk._client.connection import Connection

__all__ = ["Answer", "SpanIntake"]

_PATH: Final = "/v1/traces"
_GZIP_FROM: Final = 1_024
"""Bytes; below, gzip saves nothing that is worth its time."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the platform said to a batch; ``retry_after`` in seconds, if it asked for a pause."""

    status: int
    content: bytes
    retry_after: float | None


class SpanIntake:
    """Posts ``ExportTraceServiceRequest`` messages, from one thread.

    Args:
        connection: where to, and with which credential.
        timeout: seconds for a connection, and for each piece of an answer.
        transport: an httpx transport to use instead of the network.

    Raises:
        ConfigurationError: the HTTP client cannot be set up.
    """

    def __init__(self, connection: Connection, timeout: float, transport: httpx.BaseTransport | None = None) -> None:
        self._connection = connection
        self._http = BlockingHTTP(connection, timeout, transport)
        background.keep_quiet()

    def post(self, message: bytes) -> Answer:
        """Send one encoded message.

        Raises:
            PlatformUnreachableError: nothing answered, or not in time.
            ProtocolError: the answer broke off or is too large.
            NotLoggedInError: there is no credential.
            LoginExpiredError: the login is over.
        """
        headers = {"Content-Type": "application/x-protobuf", "Authorization": f"Bearer {self._connection.credential()}"}
        if len(message) >= _GZIP_FROM:
            message = gzip.compress(message, compresslevel=1)
            headers["Content-Encoding"] = "gzip"
        reply = self._http.request("POST", _PATH, content=message, headers=headers)
        response = reply.response
        return Answer(response.status_code, bytes(reply.content), problems.retry_after(response.headers))

    def close(self) -> None:
        """Close the connections."""
        self._http.close()
