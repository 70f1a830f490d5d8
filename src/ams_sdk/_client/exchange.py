"""What both clients do around the wire: dress a call, bound its answer, read it."""

from __future__ import annotations

import contextlib
import math
import ssl
import sys
from typing import TYPE_CHECKING, Any, Final, TypedDict, TypeVar

import httpx
from opentelemetry import context
from opentelemetry.context import (
    _SUPPRESS_HTTP_INSTRUMENTATION_KEY,  # pyright: ignore[reportPrivateUsage] -- there is no public name for it
    _SUPPRESS_INSTRUMENTATION_KEY,  # pyright: ignore[reportPrivateUsage] -- the same
)

from ams_sdk._client import problems
from ams_sdk._errors import ConfigurationError, ProtocolError
from ams_sdk._version import __version__

if TYPE_CHECKING:
    from collections.abc import Generator

    from ams_sdk._client.calls import Call
    from ams_sdk._client.connection import Connection

__all__ = ["LARGEST_REPLY", "Reply", "headers_of", "options", "receiving", "result_of", "setting_up", "untraced"]

LARGEST_REPLY: Final = 64 * 1024 * 1024
"""Bytes of a reply, unpacked, after which it is no longer read."""

_ENCODINGS: Final = frozenset({"identity", "gzip"})

USER_AGENT: Final = f"ams-sdk/{__version__} python/{sys.version_info.major}.{sys.version_info.minor}"

T = TypeVar("T")


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


def options(connection: Connection, timeout: float) -> Options:
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
        "verify": ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if plain else httpx.create_ssl_context(),
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
def untraced() -> Generator[None]:
    """Keep OpenTelemetry's instrumentation of HTTP clients away from what the SDK itself sends."""
    quiet = context.set_value(_SUPPRESS_INSTRUMENTATION_KEY, True)  # noqa: FBT003 -- a value, not a flag
    token = context.attach(context.set_value(_SUPPRESS_HTTP_INSTRUMENTATION_KEY, True, quiet))  # noqa: FBT003 -- the same
    try:
        yield
    finally:
        context.detach(token)


@contextlib.contextmanager
def receiving(endpoint: str) -> Generator[None]:
    """Turn what httpx raises into an error of the SDK."""
    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise problems.from_exception(error, endpoint) from error


def result_of(call: Call[T], reply: Reply) -> T:
    """Return what a call is after, from its complete reply.

    Raises:
        APIError: the platform refused.
        ProtocolError: the reply is not what the contract says.
    """
    response, content = reply.response, bytes(reply.content)
    if not response.is_success:
        raise problems.from_refusal(response.status_code, response.headers, content, reply.endpoint)
    try:
        return call.parse(content)
    except ValueError as error:
        # Without its cause: pydantic's message quotes what it read, a token perhaps.
        raise problems.from_wrong_shape(error, response.headers, content, reply.endpoint) from None
