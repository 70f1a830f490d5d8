"""Below every client of httpx and httpx2 stands a pool of connections; while a cassette is in, it stands there too.

Below, and not at the client's transport, since instrumentation is at the transport: a replayed call is traced like one
that was recorded.
"""

from __future__ import annotations

import importlib
import importlib.util
import time
from typing import TYPE_CHECKING, Any, Final, Protocol

import anyio

from ams_sdk.testing._cassette.streams import AsyncRecorded, AsyncReplayed, Bytes, Recorded, Replayed

if TYPE_CHECKING:
    from ams_sdk.testing._cassette.exchange import RecordedResponse
    from ams_sdk.testing._cassette.streams import Recorder

__all__ = ["Interception", "Listener", "Sent"]

_LIBRARIES: Final = ("httpcore", "httpcore2")


class Sent:
    """A request on its way to the network.

    Args:
        request: of httpcore.
        body: all of it.
    """

    def __init__(self, request: Any, body: bytes) -> None:  # noqa: ANN401 -- of one of two libraries
        self.request: Any = request
        self.body: bytes = body

    @property
    def method(self) -> str:
        """The HTTP method."""
        return str(self.request.method.decode("latin-1"))

    @property
    def url(self) -> str:
        """The whole address."""
        url = self.request.url
        scheme, host = url.scheme.decode("ascii"), url.host.decode("ascii")
        host = f"[{host}]" if ":" in host else host
        usual = {"http": 80, "https": 443}.get(scheme)
        port = f":{url.port}" if url.port not in {None, usual} else ""
        return f"{scheme}://{host}{port}{url.target.decode('latin-1')}"

    @property
    def headers(self) -> list[tuple[str, str]]:
        """Names and values."""
        return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in self.request.headers]


class Listener(Protocol):
    """Decides about each request."""

    def answer(self, sent: Sent, /) -> RecordedResponse | None:
        """What answers; None lets it out."""
        ...

    def recorder(self, sent: Sent, /) -> Recorder | None:
        """What keeps the answer of the network; None for traffic that is none of the cassette's."""
        ...

    def pause(self, seconds: float, /) -> float:
        """How long to wait where the recording has waited so long."""
        ...


class Interception:
    """Stands below the clients from ``start()`` to ``stop()``.

    Args:
        listener: decides.
    """

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._patched: list[tuple[type, str, Any]] = []

    def start(self) -> None:
        """Stand between clients and network."""
        for library in _LIBRARIES:
            if importlib.util.find_spec(library) is None:
                continue
            module: Any = importlib.import_module(library)
            self._patch(module.ConnectionPool, "handle_request", _blocking(module, self._listener))
            self._patch(module.AsyncConnectionPool, "handle_async_request", _asynchronous(module, self._listener))

    def stop(self) -> None:
        """Leave the libraries as they were found."""
        while self._patched:
            owner, name, original = self._patched.pop()
            setattr(owner, name, original)

    def _patch(self, owner: type, name: str, make: Any) -> None:  # noqa: ANN401 -- from the original to what replaces it
        original = owner.__dict__[name]
        self._patched.append((owner, name, original))
        setattr(owner, name, make(original))


def _blocking(module: Any, listener: Listener) -> Any:  # noqa: ANN401 -- one of two libraries
    def make(original: Any) -> Any:  # noqa: ANN401 -- the method
        def handle_request(pool: Any, request: Any) -> Any:  # noqa: ANN401 -- the same
            sent = Sent(request, b"".join(request.stream))
            request.stream = Bytes(sent.body)
            answer = listener.answer(sent)
            if answer is not None:
                time.sleep(listener.pause(answer.after))
                return module.Response(answer.status, headers=_head(answer), content=Replayed(answer, listener.pause))
            recorder = listener.recorder(sent)
            try:
                response = original(pool, request)
            except Exception as error:
                if recorder is not None:
                    recorder.broke_off(error)
                raise
            if recorder is not None:
                recorder.begin(response.status, _texts(response.headers))
                response.stream = Recorded(response.stream, recorder)
            return response

        return handle_request

    return make


def _asynchronous(module: Any, listener: Listener) -> Any:  # noqa: ANN401 -- one of two libraries
    def make(original: Any) -> Any:  # noqa: ANN401 -- the method
        async def handle_async_request(pool: Any, request: Any) -> Any:  # noqa: ANN401 -- the same
            sent = Sent(request, b"".join([part async for part in request.stream]))
            request.stream = Bytes(sent.body)
            answer = listener.answer(sent)
            if answer is not None:
                await anyio.sleep(listener.pause(answer.after))
                return module.Response(
                    answer.status, headers=_head(answer), content=AsyncReplayed(answer, listener.pause)
                )
            recorder = listener.recorder(sent)
            try:
                response = await original(pool, request)
            except Exception as error:
                if recorder is not None:
                    recorder.broke_off(error)
                raise
            if recorder is not None:
                recorder.begin(response.status, _texts(response.headers))
                response.stream = AsyncRecorded(response.stream, recorder)
            return response

        return handle_async_request

    return make


def _texts(headers: Any) -> list[tuple[str, str]]:  # noqa: ANN401 -- of one of two libraries
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]


def _head(answer: RecordedResponse) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers.items()]
