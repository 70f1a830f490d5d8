"""From what the transport says to the errors of the SDK: no exception of httpx leaves the clients.

What sends spans needs no more than this, and so none of the shapes of the wire and what stands behind them.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import httpx

from ams_sdk._errors import ConfigurationError, PlatformTimeoutError, PlatformUnreachableError, ProtocolError

if TYPE_CHECKING:
    from ams_sdk._errors import AMSError

__all__ = ["from_exception", "retry_after"]


def from_exception(error: Exception, endpoint: str) -> AMSError:
    """Turn what httpx raised while it talked to ``endpoint`` into an error."""
    reason = str(error) or type(error).__name__
    match error:
        case httpx.TimeoutException():
            return PlatformTimeoutError(
                f"{endpoint} did not answer in time. Try again, or give the client a longer timeout."
            )
        case httpx.ConnectError():
            return PlatformUnreachableError(
                f"Nothing answers at {endpoint} ({reason}). Check the address (AMS_ENDPOINT), "
                "or start a platform here with: ams dev"
            )
        case httpx.ProxyError():
            return PlatformUnreachableError(
                f"The proxy on the way to {endpoint} refused ({reason}). Check HTTPS_PROXY, HTTP_PROXY and NO_PROXY."
            )
        case httpx.NetworkError():
            return PlatformUnreachableError(f"The connection to {endpoint} broke ({reason}). Try again.")
        case httpx.RemoteProtocolError() | httpx.DecodingError():
            return ProtocolError(
                f"{endpoint} broke off, or does not speak HTTP as it should ({reason}). "
                "Is this the address of an AMS platform (AMS_ENDPOINT)?"
            )
        case _:
            # Without the reason: it may quote a header, and with it the credential.
            return ConfigurationError(
                f"The call to {endpoint} cannot be sent ({type(error).__name__}). Check the endpoint and the key."
            )


def retry_after(headers: httpx.Headers) -> float | None:
    """Seconds of ``Retry-After``, a number or a date (RFC 9110, section 10.2.3); None if it is neither."""
    text = headers.get("retry-after", "").strip()
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError):
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None
