"""One call of a model whose span is open: what is learned of it is kept and written when it ends.

A span ends with its ``with`` block, or later: with the stream that the block handed out and nobody has read yet.
"""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

from opentelemetry import context as otel_context
from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context

from ams_sdk import _semconv
from ams_sdk._capture import render, render_text
from ams_sdk._decorators.detaching import detach
from ams_sdk._decorators.failure import begun_here, record_failure
from ams_sdk._decorators.run import current_run
from ams_sdk._decorators.runtime import ask, state
from ams_sdk._decorators.session import current_conversation
from ams_sdk._guard import guard
from ams_sdk._model_calls import official_inference
from ams_sdk._model_calls.attribute_value import masked
from ams_sdk._model_calls.messages import Room, messages_of, render_messages, render_parts, system_parts
from ams_sdk._model_calls.model_response import response_of
from ams_sdk._model_calls.provider_error import provider_error_code
from ams_sdk._model_calls.response_chunk import add_chunk
from ams_sdk._model_calls.response_draft import ResponseDraft
from ams_sdk._model_calls.shape import count
from ams_sdk._model_calls.tool_definition import tool_definitions

if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextvars import Token
    from types import FrameType

    from opentelemetry.context import Context
    from opentelemetry.trace import Span
    from opentelemetry.util.types import AttributeValue

    from ams_sdk._decorators.runtime import Runtime
    from ams_sdk._model_calls.messages import Message
    from ams_sdk._model_calls.model_request import ModelRequest
    from ams_sdk._model_calls.model_response import ModelResponse

__all__ = ["ModelSpan", "begin"]

_MAX_OUTPUTS: Final = 100
_USAGE: Final = (
    _semconv.USAGE_INPUT_TOKENS,
    _semconv.USAGE_OUTPUT_TOKENS,
    _semconv.USAGE_CACHE_READ_TOKENS,
    _semconv.USAGE_CACHE_WRITE_TOKENS,
    _semconv.USAGE_REASONING_TOKENS,
)


def begin(request: ModelRequest, said: tuple[object, object, object]) -> ModelSpan | None:
    """Start the span of a call, or answer None if the call is not to be traced.

    Args:
        request: what is asked.
        said: messages, system instructions and tools, to be recorded if content is.
    """
    lent = state.runtime if state.decided else ask()
    if lent is None:
        return None
    with guard("model_call: starting its span"):
        return _begun(lent, request, said)
    return None


def _begun(lent: Runtime, request: ModelRequest, said: tuple[object, object, object]) -> ModelSpan | None:
    context = otel_context.get_current()
    if otel_context.get_value(otel_context._SUPPRESS_INSTRUMENTATION_KEY, context):  # noqa: SLF001 -- it has no public name
        return None
    attributes = request.attributes()
    conversation = current_conversation(context)
    if conversation is not None:
        attributes = {**conversation.attributes, **attributes}
    if run := current_run(context):
        attributes[_semconv.AMS_RUN_ID] = run.id
    span = lent.tracer().start_span(request.span_name(), context, SpanKind.CLIENT, attributes)
    try:
        context, below = official_inference.with_inference(set_span_in_context(span, context), request.operation)
        call = ModelSpan(span, request, context, below, captures=lent.captures)
        with guard("model_call: recording what was asked"):
            call.asked(*said)
    except BaseException:  # Ctrl-C while a message is rendered: nobody else knows of this span
        span.end()
        raise
    return call


class ModelSpan:
    """An open span. Raises nothing of the SDK's; its methods are called by ``ModelCall``, within a guard."""

    __slots__ = (
        *("_inside", "_token"),
        *("_draft", "_below", "_captures", "_facts", "_first_chunk", "_is_ended", "_outputs", "_request", "_room"),
        *(
            "_span",
            "_started",
            "context",
            "error_code",
            "left",
            "read_at",
            "records",
            "running",
            "start_time",
            "unread",
        ),
    )

    def __init__(self, span: Span, request: ModelRequest, context: Context, below: object, *, captures: bool) -> None:
        self._span: Span = span
        self._request: ModelRequest = request
        self._below: object = below
        self._captures: bool = captures and span.is_recording()
        self._facts: dict[str, AttributeValue] = {}
        self._outputs: list[str] = []
        self._room: Room | None = None
        self._draft: ResponseDraft | None = None
        self._first_chunk: float | None = None
        self._is_ended: bool = False
        self._started: float = time.perf_counter()
        self._token: Token[Context] | None = None
        self.context: Context = context
        self._inside: Context = context
        self.error_code: str | None = None
        self.records: bool = span.is_recording()
        self.start_time: int | None = getattr(span, "start_time", None)
        # Of streams that the block handed out: how many nobody has begun to read; how many are read after the block.
        self.unread: int = 0
        self.running: int = 0
        self.left: int | None = None  # when, in nanoseconds since the epoch
        self.read_at: int = 0  # when a chunk came last

    def attach(self) -> Token[Context]:
        """Make the span current."""
        return otel_context.attach(self.context)

    def asked(self, messages: object, system: object, tools: object) -> None:
        """Record what the model is told."""
        if not self._captures or not self._request.captures_input:
            return

        if messages is not None and self._request.operation == _semconv.OPERATION_EMBEDDINGS:
            self._facts[_semconv.AMS_INPUT] = render(messages)  # texts, not messages
        elif found := messages_of(messages):
            self._facts[_semconv.INPUT_MESSAGES] = render_messages(found)
        if instructions := system_parts(system):
            self._facts[_semconv.SYSTEM_INSTRUCTIONS] = render_parts(instructions)
        if definitions := tool_definitions(tools):
            self._facts[_semconv.TOOL_DEFINITIONS] = render_parts(definitions)

    def answered(self, response: object) -> None:
        """Record a whole response; of several the last one counts."""
        if self.records:
            self._outputs, self._room = [], None
            self._learn(response_of(response))

    def said(self, message: object) -> None:
        """Record one more message of the model's."""
        if self._captures and self._request.captures_output:
            self._say(messages_of(message, "assistant"))

    def chunk(self, chunk: object) -> None:
        """Record one chunk of a stream."""
        if not self.records or self._is_ended:
            return
        self.read_at = time.time_ns()
        if self._first_chunk is None:
            self._first_chunk = time.perf_counter() - self._started

        if self._draft is None:
            self._draft = ResponseDraft(keeps=self._captures and self._request.captures_output)
        add_chunk(self._draft, chunk)

    def streams(self) -> None:
        """Record that the answer comes in chunks."""
        self._facts[_semconv.REQUEST_STREAM] = True

    def used(self, *counts: object) -> None:
        """Record counts of tokens, in the order of ``_USAGE``."""
        for name, counted in zip(_USAGE, counts, strict=True):
            if (known := count(counted)) is not None:
                self._facts[name] = known

    def stopped(self, reasons: Iterable[object]) -> None:
        """Record why the model stopped."""
        if shown := tuple(reason for one in reasons if (reason := masked(one))):
            self._facts[_semconv.RESPONSE_FINISH_REASONS] = shown

    def learn(self, facts: dict[str, Any]) -> None:
        """Record attributes as they are."""
        self._facts.update(facts)

    def enter(self) -> None:
        """Make the span current, of a call of a function; see ``runtime.Call`` for what follows."""
        self._token = self.attach()

    def collector(self) -> ModelSpan:
        """What takes the chunks of an answer."""
        return self

    def add(self, chunk: object) -> None:
        """A generator has given this chunk."""
        with guard("model_call: recording a chunk"):
            self.chunk(chunk)

    def suspend(self) -> None:
        """The call goes on later; until then the context from before it is current again."""
        self._inside = otel_context.get_current()
        self._leave()

    def resume(self) -> None:
        """It goes on, in the context that was current when it was suspended."""
        self._token = otel_context.attach(self._inside)

    def returned(self, value: object) -> None:
        """A function returned this as the answer, or has come to the end of its chunks."""
        try:
            with guard("model_call: recording a result"):
                if value is not None and value is not self:
                    self.answered(value)
        finally:
            self.end(None)
            self._leave()

    def failed(self, error: BaseException, _collected: object = None) -> None:
        """A function raised."""
        try:
            self.end(error)
        finally:
            self._leave()

    def _leave(self) -> None:
        if self._token is not None:
            detach(self._token)
            self._token = None

    def left_block(self, error: BaseException | None) -> None:
        """The ``with`` block is over."""
        if error is None and self.unread > 0:
            self.left = time.time_ns()
            return
        if error is not None and self.records:
            with guard("model_call: marking the way of an error"):
                frame = model_call_of(self)
                line = frame.f_code.co_firstlineno
                error.__traceback__ = TracebackType(error.__traceback__, frame, frame.f_lasti, line)
        self.end(error)

    def read_up(self, *, was_begun: bool, is_dropped: bool) -> None:
        """A stream is over, or nobody can read it any more."""
        if not was_begun:
            self.unread -= 1
        elif self.left is not None:
            self.running -= 1
        if self.left is not None and self.unread <= 0 and self.running <= 0:
            # When it was dropped says when the garbage was collected, and nothing of the call.
            self.end(None, max(self.left, self.read_at) if is_dropped else None)

    def end(self, error: BaseException | None, ended: int | None = None) -> None:
        """End the span, with the error that ended the call if there was one, now or at this time."""
        ended = ended or time.time_ns()
        if self._is_ended:
            return
        self._is_ended = True
        try:
            with guard("model_call: recording what became of it"):
                self._finish()
            with guard("model_call: recording its error"):
                if error is not None:
                    self._fail(error, ended)
                elif self.error_code is not None:
                    self._span.set_attribute(_semconv.ERROR_TYPE, self.error_code)
                    self._span.set_status(Status(StatusCode.ERROR))
        finally:
            with guard("model_call: ending its span"):
                self._span.end(ended)

    def _finish(self) -> None:
        if not self.records:
            return
        if self._draft is not None:
            known = dict(self._facts)
            self._learn(self._draft.response())
            self._facts.update(known)  # what the program said itself is surer than what chunks came to
        if self._first_chunk is not None:
            self._facts[_semconv.RESPONSE_TIME_TO_FIRST_CHUNK] = self._first_chunk
            self.streams()
        if self._outputs:
            self._facts[_semconv.OUTPUT_MESSAGES] = f"[{','.join(self._outputs)}]"
        if self._below is not None:
            self._facts = {**official_inference.learned(self._below), **self._facts}
        self._span.set_attributes(self._facts)

    def _fail(self, error: BaseException, ended: int) -> None:
        # As with the decorators: where none of the content is recorded, the message is not either.
        captures = self._captures and (self._request.captures_input or self._request.captures_output)
        record_failure(self._span, error, ended, captures=captures, call=self)
        if (code := provider_error_code(error)) is not None:
            self._span.set_attribute(_semconv.ERROR_TYPE, render_text(code))

    def _learn(self, response: ModelResponse) -> None:
        facts: dict[str, AttributeValue | None] = {
            _semconv.RESPONSE_ID: response.id and render_text(response.id),
            _semconv.RESPONSE_MODEL: response.model and render_text(response.model),
            _semconv.EMBEDDINGS_DIMENSION_COUNT: response.dimensions,
            **response.usage,
        }
        if any(response.reasons):
            facts[_semconv.RESPONSE_FINISH_REASONS] = tuple(render_text(one or "error") for one in response.reasons)
        self._facts.update({name: fact for name, fact in facts.items() if fact is not None})
        self.error_code = response.error or self.error_code
        if self._captures and self._request.captures_output and not self._outputs:
            self._say(response.messages)

    def _say(self, messages: list[Message]) -> None:
        room = self._room = self._room or Room()
        self._outputs += map(room.message, messages[: _MAX_OUTPUTS - len(self._outputs)])


def model_call_of(call: ModelSpan) -> FrameType:  # noqa: ARG001 -- looked for in the frame, see failure.py
    """A frame that stands for a ``with`` block in a traceback: a block has none of its own.

    By it calls above see that the error was recorded here.
    """
    return sys._getframe()  # noqa: SLF001 -- it has no public name


begun_here(model_call_of)
