"""``model_call``: a call of a model that nothing instruments, recorded by hand, as an inference span."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, TypeVar, cast, overload

from ams_sdk._capture.introspection import MISSING, defined
from ams_sdk._decorators.detaching import detach
from ams_sdk._guard import guard, hold_back
from ams_sdk._model_calls.attribute_value import allowed
from ams_sdk._model_calls.chunk_stream import AsyncChunkStream, ChunkStream, EitherChunkStream
from ams_sdk._model_calls.model_function import traced_model
from ams_sdk._model_calls.model_request import Capture, ModelRequest, Operation
from ams_sdk._model_calls.model_span import begin

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable, Iterable, Sequence
    from contextvars import Token
    from types import TracebackType

    from opentelemetry.context import Context

    from ams_sdk._model_calls.model_span import ModelSpan

__all__ = ["ModelCall", "model_call"]

ChunkT = TypeVar("ChunkT")
FunctionT = TypeVar("FunctionT", bound="Callable[..., Any]")


def model_call(  # noqa: PLR0913 -- what the conventions know of a request; all are keyword-only
    *,
    provider: str,
    model: str | None = None,
    operation: Operation = "chat",
    messages: object = None,
    system: object = None,
    tools: object = None,
    server_address: str | None = None,
    server_port: int | None = None,
    capture: Capture = "all",
    conversation_id: str | None = None,
    temperature: float | None = None,
    max_tokens: int | None = None,
    top_p: float | None = None,
    top_k: int | None = None,
    seed: int | None = None,
    stop_sequences: Sequence[str] | None = None,
    frequency_penalty: float | None = None,
    presence_penalty: float | None = None,
    choice_count: int | None = None,
    output_type: str | None = None,
    reasoning_level: str | None = None,
    previous_response_id: str | None = None,
) -> ModelCall:
    """Record one call of a model, in a ``with`` block, or each call of a function as its decorator.

    For clients that nothing instruments. The names and shapes are those of OpenTelemetry's GenAI conventions, the
    inference span. Of a decorated function what it returns is the answer, what it yields are chunks of one, and a
    parameter called ``messages``, ``contents``, ``prompt`` or ``input`` is what was asked.

    While the SDK is not configured this costs next to nothing and changes nothing.

    Args:
        provider: whose API it is, in the conventions' names: ``openai``, ``anthropic``, ``gcp.gemini``,
            ``aws.bedrock``, ``mistral_ai``, …, or a name of your own in lower case.
        model: which model is asked.
        operation: ``chat``, ``generate_content``, ``text_completion`` or ``embeddings``.
        messages: what the model is told: a text, or messages as any provider takes them.
        system: the system's instructions, where they are no message.
        tools: the definitions of the tools that it may call, or the functions.
        server_address: the host that is asked.
        server_port: its port.
        capture: which content of this call may be recorded; nothing is where the setting ``capture_content`` is off.
        conversation_id: the conversation that the call belongs to.
        temperature: as in the request; so are those that follow.
        max_tokens: the most tokens of the answer.
        top_p: nucleus sampling.
        top_k: sampling from the likeliest tokens; not the number of logarithms of probabilities that are sent back.
        seed: of the sampling.
        stop_sequences: texts at which the model stops.
        frequency_penalty: against tokens that are frequent.
        presence_penalty: against tokens that are there.
        choice_count: how many answers are asked for.
        output_type: ``text``, ``json``, ``image`` or ``speech``.
        reasoning_level: how much the model is to think, in the provider's words.
        previous_response_id: the response that this one follows.

    An empty provider, or an unknown operation or capture, is a ``ConfigurationError`` where a function is decorated.
    In a ``with`` block, which runs with the program, it is counted in ``stats().swallowed`` and nothing is raised.
    """
    options = {
        "server_address": server_address,
        "server_port": server_port,
        "conversation_id": conversation_id,
        "temperature": temperature,
        "max_tokens": max_tokens,
        "top_p": top_p,
        "top_k": top_k,
        "seed": seed,
        "stop_sequences": stop_sequences,
        "frequency_penalty": frequency_penalty,
        "presence_penalty": presence_penalty,
        "choice_count": choice_count,
        "output_type": output_type,
        "reasoning_level": reasoning_level,
        "previous_response_id": previous_response_id,
    }
    return ModelCall(ModelRequest(provider, model, operation, capture, options), messages, system, tools)


class ModelCall:
    """One call of a model, made by ``model_call``. Its methods record, return None and never raise.

    Used with ``with`` or ``async with``, in one block at a time, in which its span is the current one; or as a
    decorator. The span ends with the block, or with a stream that ``stream`` gave in it and that nobody had begun to
    read by then.
    """

    __slots__ = ("_open", "_request", "_said")

    def __init__(self, request: ModelRequest, messages: object, system: object, tools: object) -> None:
        self._request = request
        self._said = messages, system, tools
        self._open: tuple[ModelSpan | None, Token[Context] | None, Any] = None, None, None

    def __call__(self, function: FunctionT) -> FunctionT:
        """Decorate a function: each of its calls is a call of this model.

        Raises:
            ConfigurationError: at decoration, if this is no function, or the call cannot be what was written.
        """
        if self._request.problem is not None:
            raise self._request.problem
        messages, system, tools = self._said

        def start(given: object) -> ModelSpan | None:
            return begin(self._request, (given if messages is None else messages, system, tools))

        decorated: Any = traced_model(function, start)
        return decorated  # type: ignore[no-any-return]

    def __enter__(self) -> Self:
        if self._request.problem is not None:
            hold_back("model_call", self._request.problem)
        span = begin(self._request, self._said)
        # A block within a block of the same object is odd, and ends in the right order.
        self._open = span, None if span is None else span.attach(), self._open if self._open[0] else None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        span, token, outer = self._open
        self._open = outer or (None, None, None)
        try:
            if span is not None:
                span.left_block(error)
        finally:
            if token is not None:
                detach(token)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)

    def record(self, response: object) -> None:
        """Record the answer: its messages, finish reasons, id, model and counts of tokens.

        Args:
            response: decoded JSON, or what a client gives back, of any provider. Only what the object stores is read.
        """
        if (span := self._open[0]) is not None:
            with guard("model_call: recording a response"):
                span.answered(response)

    @overload
    def stream(self, chunks: AsyncIterable[ChunkT]) -> AsyncChunkStream[ChunkT]: ...
    @overload
    def stream(self, chunks: Iterable[ChunkT]) -> ChunkStream[ChunkT]: ...
    def stream(self, chunks: Any) -> Any:
        """The same chunks, recorded while they are read: what they come to, and how long the first one took.

        Closing it closes ``chunks``. Not reading it to the end is no error.

        Args:
            chunks: the stream that the client gave back.
        """
        span = self._open[0]
        with guard("model_call: looking at a stream"):
            kind = type(cast("object", chunks))
            if _has(kind, "__iter__"):
                return EitherChunkStream(chunks, span) if _has(kind, "__aiter__") else ChunkStream(chunks, span)
            if _has(kind, "__aiter__"):
                return AsyncChunkStream(chunks, span)
        return chunks

    def chunk(self, chunk: object) -> None:
        """Record one chunk of a stream that is read by hand: a text, or what the provider sends."""
        if (span := self._open[0]) is not None:
            with guard("model_call: recording a chunk"):
                span.chunk(chunk)

    def messages(self, value: object) -> None:
        """Record what the model is told, where that was not known when the call was made."""
        if (span := self._open[0]) is not None:
            with guard("model_call: recording messages"):
                span.asked(value, None, None)

    def output(self, value: object) -> None:
        """Record one more message of the model's: a text, or a message of any provider's shape."""
        if (span := self._open[0]) is not None:
            with guard("model_call: recording an output"):
                span.said(value)

    def usage(
        self,
        *,
        input_tokens: int | None = None,
        output_tokens: int | None = None,
        cache_read: int | None = None,
        cache_write: int | None = None,
        reasoning: int | None = None,
    ) -> None:
        """Record counts of tokens.

        Args:
            input_tokens: all that went in, those from and into a cache included.
            output_tokens: all that came out, reasoning included.
            cache_read: those of the input that a cache had.
            cache_write: those of the input that went into a cache.
            reasoning: those of the output that were reasoning.
        """
        if (span := self._open[0]) is not None:
            with guard("model_call: recording usage"):
                span.used(input_tokens, output_tokens, cache_read, cache_write, reasoning)

    def finish(self, *reasons: str) -> None:
        """Record why the model stopped, in the provider's words, one reason a choice."""
        if (span := self._open[0]) is not None:
            with guard("model_call: recording finish reasons"):
                span.stopped(reasons)

    def set(self, **attributes: object) -> None:
        """Record further attributes, ``call.set(**{"my.name": 1})``; what OpenTelemetry cannot hold is passed over."""
        if (span := self._open[0]) is not None:
            with guard("model_call: recording attributes"):
                span.learn(allowed(attributes))


def _has(kind: type, name: str) -> bool:
    found = defined(kind, name)
    return found is not MISSING and found is not None  # with None a class says that it has no such method
