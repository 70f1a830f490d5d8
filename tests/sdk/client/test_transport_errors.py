import httpx
import pytest

from ams_sdk._client.transport_errors import from_exception, retry_after
from ams_sdk._errors import ConfigurationError, PlatformTimeoutError, PlatformUnreachableError, ProtocolError

ENDPOINT = "http://127.0.0.1:8787"


@pytest.mark.parametrize(
    ("raised", "expected", "says"),
    [
        (httpx.ConnectError("Connection refused"), PlatformUnreachableError, "ams dev"),
        (httpx.ConnectError(""), PlatformUnreachableError, "ConnectError"),
        (httpx.ConnectTimeout("x"), PlatformTimeoutError, "in time"),
        (httpx.ReadTimeout("x"), PlatformTimeoutError, "in time"),
        (httpx.PoolTimeout("x"), PlatformTimeoutError, "in time"),
        (httpx.ProxyError("407"), PlatformUnreachableError, "HTTPS_PROXY"),
        (httpx.ReadError("reset"), PlatformUnreachableError, "broke"),
        (httpx.RemoteProtocolError("x"), ProtocolError, "HTTP as it should"),
        (httpx.DecodingError("x"), ProtocolError, "HTTP as it should"),
        (httpx.LocalProtocolError("x"), ConfigurationError, "cannot be sent"),
        (httpx.UnsupportedProtocol("x"), ConfigurationError, "cannot be sent"),
        (httpx.InvalidURL("x"), ConfigurationError, "cannot be sent"),
    ],
)
def test_what_httpx_raises_becomes_an_error_that_names_the_endpoint(raised, expected, says):
    error = from_exception(raised, ENDPOINT)
    assert type(error) is expected
    assert ENDPOINT in str(error)
    assert says in str(error)


def test_a_header_that_cannot_be_sent_is_not_quoted():
    error = from_exception(httpx.LocalProtocolError("Illegal header value b'Bearer t0ken'"), ENDPOINT)
    assert "t0ken" not in str(error)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("7", 7.0), ("1.5", 1.5), ("-3", 0.0), ("", None), ("soon", None), ("inf", None), ("nan", None)],
)
def test_a_pause_that_is_asked_for(text, seconds):
    assert retry_after(httpx.Headers({"retry-after": text})) == seconds


def test_a_pause_until_a_date():
    assert retry_after(httpx.Headers({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"})) == 0.0
    assert retry_after(httpx.Headers({"retry-after": "Wed, 21 Oct 2099 07:28:00 GMT"})) > 1e9
