"""A stream of a model's chunks that is looked at while somebody else reads it."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from ams_sdk._decorators.detaching import detach
from ams_sdk._decorators.failure import begun_here
from ams_sdk._guard import guard

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
    from contextvars import Token
    from types import TracebackType

    from opentelemetry.context import Context

    from ams_sdk._model_calls.model_span import ModelSpan

__all__ = ["AsyncChunkStream", "ChunkStream", "EitherChunkStream"]

ChunkT = TypeVar("ChunkT")


class _Reading:
    """How far a stream was read; without a span nobody asks."""

    __slots__ = ("_is_over", "_span", "was_begun")

    def __init__(self, span: ModelSpan | None) -> None:
        self._span = span
        self._is_over = span is None
        self.was_begun: bool = False
        if span is not None:
            span.unread += 1
            span.streams()

    def begin(self) -> ModelSpan | None:
        """The span, if it waits for this stream because its block is over; None if the block still runs."""
        span = self._span
        if span is None:
            return None
        if not self.was_begun and not self._is_over:
            self.was_begun = True
            span.unread -= 1
            if span.left is not None:
                span.running += 1
        return span if span.left is not None and not self._is_over else None

    def chunk(self, chunk: object) -> None:
        """Another one was read."""
        with guard("model_call: recording a chunk"):
            if self._span is not None and not self._is_over:
                self._span.chunk(chunk)

    def end(self, *, is_dropped: bool = False) -> None:
        """There are no more, or nobody wants them."""
        if self._span is not None and not self._is_over:
            self._is_over = True
            with guard("model_call: ending a stream"):
                self._span.read_up(was_begun=self.was_begun, is_dropped=is_dropped)

    def fail(self, error: BaseException) -> None:
        """Reading raised. While the block runs that is the block's to see, which may know what to do."""
        if self._span is not None and self._span.left is not None and not self._is_over:
            self._is_over = True
            self._span.end(error)
        else:
            self.end()


class ChunkStream(Generic[ChunkT]):
    """An iterator over the same chunks. Whatever else is asked of it is asked of the stream that it reads.

    Args:
        source: the client's stream.
        span: the call's, if it is traced.
    """

    def __init__(self, source: Iterable[ChunkT], span: ModelSpan | None) -> None:
        self._source = source
        self._chunks: Iterator[ChunkT] | None = None
        self._reading = _Reading(span)

    def __iter__(self) -> ChunkStream[ChunkT]:
        return self

    def __next__(self) -> ChunkT:
        call = self._reading.begin()
        token = _attach(call)
        try:
            if self._chunks is None:
                self._chunks = iter(self._source)
            chunk = next(self._chunks)
        except StopIteration:
            self._reading.end()
            raise
        except BaseException as error:
            self._reading.fail(error)
            raise
        finally:
            _detach(token)
        self._reading.chunk(chunk)
        return chunk

    def close(self) -> None:
        """Close the stream that it reads, if that can be closed."""
        try:
            close = getattr(self._source, "close", None)
            if close is not None:
                close()
        finally:
            self._reading.end()

    def __enter__(self) -> ChunkStream[ChunkT]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 -- of the client's own class
        return getattr(object.__getattribute__(self, "_source"), name)

    def __del__(self) -> None:
        self._reading.end(is_dropped=True)


class AsyncChunkStream(Generic[ChunkT]):
    """The same of an asynchronous stream.

    Args:
        source: the client's stream.
        reading: the call's span, if it is traced, or how far another one of the same stream has come.
        outer: that other one.
    """

    def __init__(
        self, source: AsyncIterable[ChunkT], reading: ModelSpan | _Reading | None, outer: object = None
    ) -> None:
        self._source = source
        self._outer = outer
        self._chunks: AsyncIterator[ChunkT] | None = None
        self._reading = reading if isinstance(reading, _Reading) else _Reading(reading)

    def __aiter__(self) -> AsyncChunkStream[ChunkT]:
        return self

    async def __anext__(self) -> ChunkT:
        call = self._reading.begin()
        token = _attach(call)
        try:
            if self._chunks is None:
                self._chunks = aiter(self._source)
            chunk = await anext(self._chunks)
        except StopAsyncIteration:
            self._reading.end()
            raise
        except BaseException as error:
            self._reading.fail(error)
            raise
        finally:
            _detach(token)
        self._reading.chunk(chunk)
        return chunk

    async def aclose(self) -> None:
        """Close the stream that it reads, if that can be closed."""
        try:
            close = getattr(self._source, "aclose", None) or getattr(self._source, "close", None)
            if close is not None:
                await close()
        finally:
            self._reading.end()

    close = aclose

    async def __aenter__(self) -> AsyncChunkStream[ChunkT]:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 -- of the client's own class
        return getattr(object.__getattribute__(self, "_source"), name)

    def __del__(self) -> None:
        self._reading.end(is_dropped=True)


class EitherChunkStream(ChunkStream[ChunkT]):
    """The same of a stream that can be read either way, as wrappers of other instrumentation can."""

    def __aiter__(self) -> AsyncChunkStream[ChunkT]:
        # With this one, which is over when nobody has it any more.
        return AsyncChunkStream(cast("AsyncIterable[ChunkT]", self._source), self._reading, self)

    def close(self) -> Any:  # noqa: ANN401 -- something to wait for, perhaps
        """Close the stream that it reads, if that can be closed."""
        try:
            close = getattr(self._source, "close", None)
            return None if close is None else close()
        finally:
            self._reading.end()

    async def __aenter__(self) -> EitherChunkStream[ChunkT]:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        closing = self.close()
        if inspect.isawaitable(closing):
            await closing


begun_here(vars(ChunkStream)["__next__"])
begun_here(vars(AsyncChunkStream)["__anext__"])


def _attach(call: ModelSpan | None) -> Token[Context] | None:
    return None if call is None else call.attach()


def _detach(token: Token[Context] | None) -> None:
    if token is not None:
        detach(token)
