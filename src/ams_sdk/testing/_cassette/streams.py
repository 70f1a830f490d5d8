"""Bodies that are replayed, and bodies that are recorded while their client reads them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Protocol

import anyio

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from ams_sdk.testing._cassette.exchange import RecordedResponse

__all__ = ["AsyncRecorded", "AsyncReplayed", "Bytes", "Recorded", "Recorder", "Replayed"]


class Recorder(Protocol):
    """Keeps one answer."""

    def begin(self, status: int, headers: list[tuple[str, str]], /) -> None:
        """Its head is there."""
        ...

    def add(self, data: bytes, /) -> None:
        """A piece of its body is there."""
        ...

    def broke_off(self, error: BaseException, /) -> None:
        """The network failed."""
        ...

    def end(self) -> None:
        """No more is read. May be said twice; the first counts."""
        ...


class Bytes:
    """A body that is known, for either kind of client."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def __iter__(self) -> Iterator[bytes]:
        yield self._content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._content


class Replayed:
    """The body of a recorded answer."""

    def __init__(self, answer: RecordedResponse, pause: Callable[[float], float]) -> None:
        self._answer = answer
        self._pause = pause

    def __iter__(self) -> Iterator[bytes]:
        for data, after in self._answer.pieces:
            time.sleep(self._pause(after))
            yield data

    def close(self) -> None:
        """There is nothing to close."""


class AsyncReplayed:
    """The same for asynchronous clients."""

    def __init__(self, answer: RecordedResponse, pause: Callable[[float], float]) -> None:
        self._answer = answer
        self._pause = pause

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for data, after in self._answer.pieces:
            await anyio.sleep(self._pause(after))
            yield data

    async def aclose(self) -> None:
        """There is nothing to close."""


class Recorded:
    """The body of an answer from the network, on its way to its client."""

    def __init__(self, stream: Any, recorder: Recorder) -> None:  # noqa: ANN401 -- of one of two libraries
        self._stream = stream
        self._recorder = recorder

    def __iter__(self) -> Iterator[bytes]:
        try:
            for data in self._stream:
                self._recorder.add(data)
                yield data
        except Exception as error:
            self._recorder.broke_off(error)
            raise
        self._recorder.end()

    def close(self) -> None:
        """The client reads no further."""
        self._recorder.end()
        close = getattr(self._stream, "close", None)
        if close is not None:
            close()


class AsyncRecorded:
    """The same for asynchronous clients."""

    def __init__(self, stream: Any, recorder: Recorder) -> None:  # noqa: ANN401 -- of one of two libraries
        self._stream = stream
        self._recorder = recorder

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for data in self._stream:
                self._recorder.add(data)
                yield data
        except Exception as error:
            self._recorder.broke_off(error)
            raise
        self._recorder.end()

    async def aclose(self) -> None:
        """The client reads no further."""
        self._recorder.end()
        close = getattr(self._stream, "aclose", None)
        if close is not None:
            await close()
