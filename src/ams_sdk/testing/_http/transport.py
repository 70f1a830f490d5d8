"""An application as an httpx transport, for clients of either kind: no socket, no thread, the same errors."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Final, cast

import anyio
import httpx

from ams_sdk.testing._http.messages import Request, parts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from ams_sdk.testing._http.messages import Application, Chunk, Response

__all__ = ["InProcessTransport"]

_NO_ANSWER: Final = "Server disconnected without sending a response."
_CUT_BODY: Final = "peer closed connection without sending complete message body"
_BODILESS: Final = frozenset({204, 304})


class InProcessTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """For ``httpx.Client(transport=…)`` and ``httpx.AsyncClient(transport=…)``.

    A delay is waited for, in the asynchronous client without holding up its event loop. What would exceed the client's
    read timeout raises ``httpx.ReadTimeout`` at once instead of after it.

    Args:
        application: what answers.
        served_at: the address of the same application on a port, while it has one. A process that was forked from this
            one has only a copy of the application, of which nobody learns; there the port is asked.
    """

    def __init__(self, application: Application, served_at: Callable[[], str | None] = lambda: None) -> None:
        self._application = application
        self._served_at = served_at
        self._process = os.getpid()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request of ``httpx.Client``.

        Raises:
            httpx.RemoteProtocolError: the answer breaks off before its body.
            httpx.ReadTimeout: it takes longer than the client waits.
        """
        port = self._port()
        if port is not None:
            with _network() as network:
                return _read(network.handle_request(_moved(request, port)))
        head, limit = _head(request, self._application)
        body = bytearray()
        if limit is not None:
            for part in cast("httpx.SyncByteStream", request.stream):
                body += part
                if len(body) > limit:
                    break
        response = self._application.answer(_whole(head, body, limit))
        _refuse_slow(response.delay, request, hangs=response.ending == "hang")
        time.sleep(response.delay)
        return _begun(response, request, _Body(response, request))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request of ``httpx.AsyncClient``.

        Raises:
            httpx.RemoteProtocolError: the answer breaks off before its body.
            httpx.ReadTimeout: it takes longer than the client waits.
        """
        port = self._port()
        if port is not None:
            async with _async_network() as network:
                return await _aread(await network.handle_async_request(_moved(request, port)))
        head, limit = _head(request, self._application)
        body = bytearray()
        if limit is not None:
            async for part in cast("httpx.AsyncByteStream", request.stream):
                body += part
                if len(body) > limit:
                    break
        response = self._application.answer(_whole(head, body, limit))
        _refuse_slow(response.delay, request, hangs=response.ending == "hang")
        await anyio.sleep(response.delay)
        return _begun(response, request, _AsyncBody(response, request))

    def _port(self) -> str | None:
        return None if os.getpid() == self._process else self._served_at()


class _Body(httpx.SyncByteStream):
    """A body on its way to ``httpx.Client``."""

    def __init__(self, response: Response, request: httpx.Request) -> None:
        self._response = response
        self._request = request
        self._parts = parts(response)

    def __iter__(self) -> Iterator[bytes]:
        if self._request.method == "HEAD":
            return
        for data, after in self._parts:
            _refuse_slow(after, self._request)
            time.sleep(after)
            yield data
        _check_end(self._response, self._request)

    def close(self) -> None:
        """Nobody reads on."""
        _close(self._parts)


class _AsyncBody(httpx.AsyncByteStream):
    """A body on its way to ``httpx.AsyncClient``."""

    def __init__(self, response: Response, request: httpx.Request) -> None:
        self._response = response
        self._request = request
        self._parts = parts(response)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self._request.method == "HEAD":
            return
        for data, after in self._parts:
            _refuse_slow(after, self._request)
            await anyio.sleep(after)
            yield data
        _check_end(self._response, self._request)

    async def aclose(self) -> None:
        """Nobody reads on."""
        _close(self._parts)


def _network() -> httpx.HTTPTransport:
    # One for each request: a connection that is kept would be shared by the next fork. It speaks plain HTTP, and
    # certificates that are not read cost nothing.
    return httpx.HTTPTransport(verify=False, trust_env=False)


def _async_network() -> httpx.AsyncHTTPTransport:
    return httpx.AsyncHTTPTransport(verify=False, trust_env=False)


def _moved(request: httpx.Request, port: str) -> httpx.Request:
    """The same request, sent to another address; whom it is for, its header says as before."""
    url = httpx.URL(port).copy_with(raw_path=request.url.raw_path)
    return httpx.Request(
        request.method, url, headers=request.headers, stream=request.stream, extensions=request.extensions
    )


def _read(response: httpx.Response) -> httpx.Response:
    """An answer that is independent of its connection."""
    body = httpx.ByteStream(b"".join(response.iter_raw()))
    return httpx.Response(response.status_code, headers=response.headers, stream=body, extensions=response.extensions)


async def _aread(response: httpx.Response) -> httpx.Response:
    body = httpx.ByteStream(b"".join([part async for part in response.aiter_raw()]))
    return httpx.Response(response.status_code, headers=response.headers, stream=body, extensions=response.extensions)


def _head(request: httpx.Request, application: Application) -> tuple[Request, int | None]:
    """The request without its body, and how much of that is to be read; None if it is announced to be longer."""
    headers = tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in request.headers.raw)
    head = Request(request.method, request.url.raw_path.decode("ascii"), headers)
    limit = application.body_limit(head)
    announced = head.header("content-length")
    return head, None if announced is not None and int(announced) > limit else limit


def _whole(head: Request, body: bytearray, limit: int | None) -> Request:
    is_cut = limit is None or len(body) > limit
    return Request(head.method, head.target, head.headers, bytes(body[:limit]), is_cut)


def _refuse_slow(seconds: float, request: httpx.Request, *, hangs: bool = False) -> None:
    allowed = request.extensions.get("timeout", {}).get("read")
    if hangs and allowed is None:
        raise httpx.ReadTimeout("No answer would ever come, and this client would wait for ever.", request=request)
    if hangs or (allowed is not None and seconds >= allowed):
        raise httpx.ReadTimeout("The read operation timed out", request=request)


def _begun(
    response: Response, request: httpx.Request, body: httpx.SyncByteStream | httpx.AsyncByteStream
) -> httpx.Response:
    if response.ending in {"no_answer", "mid_headers"}:
        raise httpx.RemoteProtocolError(_NO_ANSWER, request=request)
    headers = list(response.headers)
    if not isinstance(response.body, bytes):
        headers.append(("transfer-encoding", "chunked"))
    elif response.body or response.status not in _BODILESS:
        headers.append(("content-length", str(len(response.body))))
    return httpx.Response(response.status, headers=headers, stream=body, extensions={"http_version": b"HTTP/1.1"})


def _check_end(response: Response, request: httpx.Request) -> None:
    if response.ending == "mid_body":
        raise httpx.RemoteProtocolError(_CUT_BODY, request=request)


def _close(chunks: Iterator[Chunk]) -> None:
    # The generator that makes a stream learns in this way that nobody reads it any more.
    close = getattr(chunks, "close", None)
    if close is not None:
        close()
