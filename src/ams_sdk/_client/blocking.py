"""One endpoint over HTTP, for callers that block; the only place that makes an ``httpx.Client``."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Final

import httpx

from ams_sdk._background import untraced
from ams_sdk._client import exchange
from ams_sdk._client.stand_in import stand_in
from ams_sdk._errors import PlatformTimeoutError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

    from ams_sdk._connection import Connection

__all__ = ["BlockingHTTP"]

_LONGEST_ANSWER: Final = 60.0
"""Seconds for the body of an answer as a whole: the timeout of each piece says nothing about one that trickles."""


_of_parents: Final[list[object]] = []
"""Clients of the process that this one was forked from: neither used, nor closed, nor collected here."""


class BlockingHTTP:
    """Sends requests and reads their answers; may serve many threads, and the children of a fork.

    Args:
        connection: the endpoint.
        timeout: seconds for a connection, and for each piece of an answer.
        transport: an httpx transport to use instead of the network.
        tls: how to check the server; the system's way if not given.

    Raises:
        ConfigurationError: the HTTP client cannot be set up.
    """

    def __init__(
        self,
        connection: Connection,
        timeout: float,
        transport: httpx.BaseTransport | None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._connection = connection
        self._timeout = timeout
        self._transport = transport
        self._tls = tls
        self._latest: tuple[str, httpx.URL] | None = None
        self._open()

    def request(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        params: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> exchange.Reply:
        """Send one request and read its whole answer, whatever its status.

        Raises:
            PlatformUnreachableError: nothing answered, or not in time.
            ProtocolError: the answer broke off or is too large.
        """
        if os.getpid() != self._owner:
            self._reopen()
        endpoint = self._connection.endpoint
        with (
            untraced(),
            exchange.receiving(endpoint),
            self._http.stream(method, self._url(path), params=params, content=content, headers=headers) as response,
        ):
            reply = exchange.Reply(response, endpoint)
            deadline = time.monotonic() + _LONGEST_ANSWER
            for chunk in response.iter_bytes():
                reply.add(chunk)
                if time.monotonic() > deadline:
                    raise PlatformTimeoutError(f"{endpoint} did not finish its answer within {_LONGEST_ANSWER:g} s.")
        return reply

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _url(self, path: str) -> httpx.URL:
        # To join the two takes httpx a third of the time for a whole request, and spans all go to one path.
        latest = self._latest
        if latest is None or latest[0] != path:
            self._latest = latest = path, httpx.URL(self._connection.endpoint + path)
        return latest[1]

    def _open(self) -> None:
        with exchange.setting_up():
            options = exchange.options(self._connection, self._timeout, self._tls)
            self._http = httpx.Client(transport=self._transport or stand_in.for_blocking(self._connection), **options)
        self._owner = os.getpid()
        self._lock = threading.Lock()

    def _reopen(self) -> None:
        # Connections must not be shared with the process that this one was forked from: each would read the other's
        # answers. They are left open here, since closing them would end them there.
        with self._lock:
            if os.getpid() != self._owner:
                _of_parents.append(self._http)
                self._open()
