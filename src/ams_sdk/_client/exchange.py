"""What both clients do around the wire: dress a call, bound its answer, read it."""

from __future__ import annotations

import contextlib
import math
import ssl
import sys
from typing import TYPE_CHECKING, Any, Final, TypedDict

import httpx

from ams_sdk._client.transport_errors import from_exception
from ams_sdk._errors import ConfigurationError, ProtocolError
from ams_sdk._version import __version__

if TYPE_CHECKING:
    from collections.abc import Generator

    from ams_sdk._client.calls import Call
    from ams_sdk._connection import Connection

__all__ = ["LARGEST_REPLY", "Reply", "headers_of", "options", "receiving", "setting_up"]

LARGEST_REPLY: Final = 64 * 1024 * 1024
"""Bytes of a reply, unpacked, after which it is no longer read."""

_ENCODINGS: Final = frozenset({"identity", "gzip"})

USER_AGENT: Final = f"ams-sdk/{__version__} python/{sys.version_info.major}.{sys.version_info.minor}"


class Options(TypedDict):
    """The arguments that ``httpx.Client`` and ``httpx.AsyncClient`` share."""

    base_url: str
    timeout: float
    follow_redirects: bool
    trust_env: bool
    verify: ssl.SSLContext | bool
    headers: dict[str, str]


class Reply:
    """A reply as it comes in, chunk by chunk.

    Args:
        response: its status and headers.
        endpoint: who sends it, for messages.

    Raises:
        ProtocolError: it is packed in a way that was not asked for.
    """

    def __init__(self, response: httpx.Response, endpoint: str) -> None:
        # httpx unpacks any nesting of encodings in one step: a few bytes could fill the memory before they are counted.
        if response.headers.get("content-encoding", "identity").lower() not in _ENCODINGS:
            raise ProtocolError(f"{endpoint} packs its answer in a way that was not asked for. Is a proxy in between?")
        self.response = response
        self.endpoint = endpoint
        self.content: bytearray = bytearray()

    def add(self, chunk: bytes) -> None:
        """Take the next chunk.

        Raises:
            ProtocolError: the reply is larger than any that the contract knows.
        """
        self.content += chunk
        if len(self.content) > LARGEST_REPLY:
            raise ProtocolError(
                f"{self.endpoint} sends more than {LARGEST_REPLY // 2**20} MiB; the reply was not read to its end. "
                "Ask for less, or check that this is the address of an AMS platform (AMS_ENDPOINT)."
            )


def options(connection: Connection, timeout: float, tls: ssl.SSLContext | None = None) -> Options:
    """Return how httpx is set up for this connection.

    Raises:
        ConfigurationError: the timeout is no number of seconds, or a certificate file cannot be read.
    """
    if not (math.isfinite(timeout) and timeout > 0):
        raise ConfigurationError("timeout cannot be used: write a number of seconds above 0.")
    loopback = connection.is_loopback()
    plain = loopback and connection.endpoint.startswith("http://")
    return {
        "base_url": connection.endpoint,
        "timeout": timeout,
        "follow_redirects": False,
        # What the environment says about proxies is for other machines: a call to this one must not leave it.
        "trust_env": not loopback,
        # SSL_CERT_FILE stays honoured, which trust_env would turn off too. Where no TLS can happen, a context that
        # trusts nobody spares the tens of milliseconds that reading all the certificates takes.
        "verify": tls or (ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if plain else httpx.create_ssl_context()),
        "headers": {"User-Agent": USER_AGENT, "Accept": "application/json", "Accept-Encoding": "gzip"},
    }


@contextlib.contextmanager
def setting_up() -> Generator[None]:
    """Say what is wrong when httpx cannot be set up: a proxy variable that it cannot use, or a certificate file."""
    try:
        yield
    except ConfigurationError:
        raise
    except (ImportError, ValueError, OSError, httpx.InvalidURL) as error:
        # A proxy's address that cannot be read may hold a password, and those errors quote it.
        reason = error if isinstance(error, (ImportError, OSError)) else "the address of a proxy cannot be used"
        raise ConfigurationError(
            f"The HTTP client cannot be set up: {reason}. Check HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and SSL_CERT_FILE."
        ) from error


def headers_of(call: Call[Any], connection: Connection) -> dict[str, str]:
    """Return the headers of one call.

    Raises:
        NotLoggedInError: it needs a credential and there is none.
        LoginExpiredError: there is only one whose time is over.
    """
    headers = {} if call.body is None else {"Content-Type": "application/json"}
    if call.needs_credential:
        headers["Authorization"] = f"Bearer {connection.credential()}"
    return headers


@contextlib.contextmanager
def receiving(endpoint: str) -> Generator[None]:
    """Turn what httpx raises into an error of the SDK."""
    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise from_exception(error, endpoint) from error
