"""OTLP over HTTP: encoded spans are posted, and the answer is handed back as it is."""

from __future__ import annotations

import gzip
import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from ams_sdk import _background
from ams_sdk._client.blocking import BlockingHTTP
from ams_sdk._client.exchange import setting_up
from ams_sdk._client.transport_errors import retry_after

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

    from ams_sdk._connection import Connection

__all__ = ["Answer", "Destination", "SpanIntake"]

_GZIP_FROM: Final = 1_024
"""Bytes; below, gzip saves nothing that is worth its time."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What was said to a batch; ``retry_after`` in seconds, if a pause was asked for; ``sent`` in bytes on the wire."""

    status: int
    content: bytes
    retry_after: float | None
    sent: int
    content_type: str = ""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where spans go.

    Attributes:
        connection: the address, and the credential if there is one.
        path: of the intake, below the address.
        timeout: seconds for a connection, and for each piece of an answer.
        compresses: whether bodies of a kilobyte and more are packed with gzip.
        headers: sent with each batch.
        certificate: the file with the authorities that the server is checked against, instead of the system's.
        client_certificate: the file that this side shows.
        client_key: the file with its key.
    """

    connection: Connection
    path: str = "/v1/traces"
    timeout: float = 10.0
    compresses: bool = True
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    certificate: str | None = None
    client_certificate: str | None = None
    client_key: str | None = None

    def tls(self) -> ssl.SSLContext | None:
        """How to check the server, or None for the system's way."""
        if self.certificate is None and self.client_certificate is None:
            return None
        context = ssl.create_default_context(cafile=self.certificate)
        if self.client_certificate is not None:
            context.load_cert_chain(self.client_certificate, self.client_key)
        return context


class SpanIntake:
    """Posts ``ExportTraceServiceRequest`` messages, from one thread.

    Args:
        destination: where to.
        transport: an httpx transport to use instead of the network.

    Raises:
        ConfigurationError: the HTTP client cannot be set up.
    """

    def __init__(self, destination: Destination, transport: httpx.BaseTransport | None = None) -> None:
        self._destination = destination
        with setting_up():
            tls = destination.tls()
        self._http = BlockingHTTP(destination.connection, destination.timeout, transport, tls)
        _background.keep_quiet()

    def post(self, message: bytes) -> Answer:
        """Send one encoded message.

        Raises:
            PlatformUnreachableError: nothing answered, or not in time.
            ProtocolError: the answer broke off or is too large.
            LoginExpiredError: the login is over.
        """
        connection = self._destination.connection
        headers = {"Content-Type": "application/x-protobuf", **self._destination.headers}
        if connection.source != "none":
            headers["Authorization"] = f"Bearer {connection.credential()}"
        if self._destination.compresses and len(message) >= _GZIP_FROM:
            message = gzip.compress(message, compresslevel=1)
            headers["Content-Encoding"] = "gzip"
        reply = self._http.request("POST", self._destination.path, content=message, headers=headers)
        response = reply.response
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        return Answer(response.status_code, bytes(reply.content), retry_after(response.headers), len(message), kind)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()
