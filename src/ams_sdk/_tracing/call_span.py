"""The span of a decorated call: arguments and result are kept as they are and become text where nobody waits for it.

A reference to a value that cannot change is as good as a copy, so rendering, redaction and encoding are left to the
worker. What may change is rendered at once.
"""

from __future__ import annotations

from time import time_ns
from typing import TYPE_CHECKING, Any, Final, cast

from opentelemetry.context import Context
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags
from opentelemetry.trace.propagation import _SPAN_KEY  # pyright: ignore[reportPrivateUsage] -- there is no public name

from ams_sdk import _semconv
from ams_sdk._capture import MAX_KEPT, MAX_TEXT, NOT_ATOMS, CutText, cut_atoms, size_of_atoms
from ams_sdk._decorators import content
from ams_sdk._decorators.failure import record_failure
from ams_sdk._decorators.streamed import Streamed
from ams_sdk._guard import guard, hold_back
from ams_sdk._tracing.current_context import attach_context, current_context, detach_context
from ams_sdk._tracing.own_context import own_context
from ams_sdk._tracing.size import SPAN, size_of
from ams_sdk._tracing.span import NOT_MADE, RecordingSpan

if TYPE_CHECKING:
    from contextvars import Token

    from ams_sdk._decorators import Definition
    from ams_sdk._decorators.definition import Captured
    from ams_sdk._decorators.run import Run
    from ams_sdk._decorators.session import Conversation

__all__ = ["NOTHING", "CallSpan", "UnsampledSpan"]

NOTHING: Final[Any] = object()
"""Stands for a result that is not recorded."""
_NO_NAMES: Final[dict[str, Any]] = {}
_MOST_NAMED: Final = 100
_TOO_LARGE: Final = SPAN + MAX_TEXT
_TRIVIAL: Final = frozenset({int, float, bool, type(None)})


class CallSpan(RecordingSpan):
    """The span of one decorated call, and the call as the decorator sees it; made by a tracer.

    Attributes:
        definition: what was called.
        run: the run that the call is made in; its own, if an agent was called.
        session: the session that the call is made in.
        trace_id: of a span whose context is made when somebody asks for it, as nobody does for most calls; such a span
            is sampled, in a trace without a state.
        span_id: the same.
        made_context: the context, if it was made or written.
    """

    definition: Definition
    token: Token[Context]
    agent_id: str | None = None
    records: bool = True
    keeps_output: bool = True
    run: Run | None = None
    session: Conversation | None = None
    trace_id: int
    span_id: int
    made_context: Any = NOT_MADE
    _parent = None
    _captures: bool = True
    _args: tuple[Any, ...] | None = None
    _kwargs: dict[str, Any] = _NO_NAMES
    _arguments: tuple[str, str] | None = None
    _result: Any = NOTHING
    _weight: int = SPAN
    _inside: Context

    @property  # where the other spans of ours have an attribute
    def _context(self) -> SpanContext:
        if self.made_context is NOT_MADE:
            self.made_context = own_context(self.trace_id, self.span_id)
        return cast("SpanContext", self.made_context)

    @_context.setter
    def _context(self, value: SpanContext) -> None:  # pyright: ignore[reportIncompatibleVariableOverride] -- as there
        self.made_context = value

    def keep_arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Keep what the call was given, as it is now."""
        skipped = self.definition.skipped
        given = args[skipped:] if skipped else args  # never ``self``: it would live longer for our sake
        size = SPAN
        for value in given:
            if type(value) is str:
                size += len(value)
            elif type(value) not in _TRIVIAL:
                size = _TOO_LARGE
        if kwargs:
            more = size_of_atoms(kwargs.values())
            size = _TOO_LARGE if more == NOT_ATOMS else size + more + sum(map(len, kwargs))
        if size < _TOO_LARGE:
            self._args = given
            self._weight = size
            if kwargs:
                self._kwargs = kwargs
        else:
            with guard(f"{self.definition.name}: recording its arguments"):
                self._keep_large(given, kwargs)

    def _keep_large(self, given: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        found = cut_atoms((*given, *kwargs.values()))
        if found is None or len(kwargs) > _MOST_NAMED:
            self._arguments = content.arguments(self.definition, given, kwargs)
            self._weight = SPAN + len(self._arguments[1])
            return
        # Of long texts the beginning is enough, and what is done to it can wait.
        cut, size = found
        self._args = tuple(cut[: len(given)])
        self._kwargs = dict(zip(kwargs, cut[len(given) :], strict=True))
        self._weight = SPAN + size + sum(map(len, kwargs))

    def keep_some(self, captured: Captured, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """The same for a decorator that says what of the content is recorded."""
        self.keeps_output = captured.output
        self._captures = captured.input or captured.output
        if captured.input:
            self.keep_arguments(args, kwargs)

    def collector(self) -> Streamed | None:
        """What takes the items that the call gives, one by one."""
        return Streamed() if self.keeps_output else None

    def suspend(self) -> None:
        """The call goes on later; until then the context from before it is current again."""
        self._inside = current_context()
        detach_context(self.token)

    def resume(self) -> None:
        """It goes on, in the context that was current when it was suspended."""
        self.token = attach_context(self._inside)
        del self._inside

    def returned(self, value: Any, /) -> None:  # noqa: ANN401 -- the user's own type
        """The call ended well. The status stays unset, as the conventions demand of libraries."""
        ended = time_ns()  # what is done from here on is not the call's time
        try:
            try:
                run = self.run
                if run is not None and run.live is self:
                    self._end_run(run)
                if self.keeps_output:
                    if type(value) is str and len(value) <= MAX_TEXT and self._given is NOT_MADE:
                        self._result = value
                        self._weight += len(value)
                    elif type(value) in _TRIVIAL and self._given is NOT_MADE:
                        self._result = value
                    elif type(value) is str and self._given is NOT_MADE:
                        self._result = CutText.of(value)
                        self._weight += MAX_KEPT
                    else:
                        self._render_result(value)
            finally:  # also if Ctrl-C comes while a result is rendered
                if self._given is NOT_MADE and self._end_time is None and self._record_end_metrics is None:
                    self._end_time = ended
                    self._hand_over()
                else:
                    self.end(ended)
        except Exception as error:
            if not hold_back(f"{self.definition.name}: ending its span", error):
                raise
        finally:
            detach_context(self.token)
            del self.token  # it holds the whole context of the call, and the span may wait in a queue

    def end(self, end_time: int | None = None) -> None:
        """End the span; if its own code does so early, what the call returns comes too late."""
        self._captures = self.keeps_output = False
        if self.run is not None and self.run.live is self:
            self._end_run(self.run)
        if not self.is_untouched:
            self._weight = size_of(self)
        super().end(end_time)

    def failed(self, error: BaseException, streamed: Streamed | None = None, /) -> None:
        """The call raised; ``streamed`` is what it had given until then."""
        ended = time_ns()
        try:
            with guard(f"{self.definition.name}: recording its error"):
                if self.run is not None and self.run.live is self:
                    self._end_run(self.run)
                if streamed is not None and self.keeps_output:
                    self._render_result(streamed)
                record_failure(self, error, ended, captures=self._captures, call=self)
            with guard(f"{self.definition.name}: ending its span"):
                self.end(ended)
        finally:
            detach_context(self.token)
            del self.token

    def arguments(self) -> tuple[str, str] | None:
        """The attribute that holds what the call was given, or None if that is not recorded."""
        if self._arguments is None and self._args is not None:
            self._arguments = content.atomic_arguments(self.definition, self._args, self._kwargs)
        return self._arguments

    def result(self) -> tuple[str, str] | None:
        """The attribute that holds what the call returned, or None if that is not recorded."""
        if self._result is NOTHING:
            return None
        kept: Any = self._result
        is_rendered: bool = type(kept) is tuple  # no atom is one
        return cast("tuple[str, str]", kept) if is_rendered else content.atomic_result(self.definition, kept)

    def _end_run(self, run: Run) -> None:
        """The span of a run says how many tokens its model calls have used."""
        run.live = None
        if run.totals is not None and self._end_time is None:
            self.set_attributes(run.totals.attributes())

    def _render_result(self, value: object) -> None:
        with guard(f"{self.definition.name}: recording its result"):
            rendered = content.result(self.definition, value)
            if self.is_untouched:
                self._result = rendered
                self._weight += len(rendered[1])
            else:
                self.set_attribute(*rendered)

    def own_attributes(self) -> dict[str, Any]:
        """The attributes that are not the same for all calls of what was called."""
        return {**self.attributes_of_run(), **self.attributes_of_call()}

    def attributes_of_run(self) -> dict[str, Any]:
        """Those that say in which session and which run the call is made; for the calls inside one, all the same."""
        said = self.attributes_of_run_alone()
        return said if self.session is None else {**self.session.attributes, **said}

    def attributes_of_run_alone(self) -> dict[str, Any]:
        """Those of the run."""
        run = self.run
        if run is None:
            return {}
        found: dict[str, Any] = {}
        if not self.definition.is_agent:
            found[_semconv.AGENT_NAME] = run.agent
        elif self.agent_id:
            found[_semconv.AMS_AGENT_ID] = self.agent_id
        found[_semconv.AMS_RUN_ID] = run.id
        return found

    def attributes_of_call(self) -> dict[str, Any]:
        """Those of this call: what it was given, what was set, what it returned."""
        found: dict[str, Any] = {}
        held = self._held
        if (given := self.arguments()) is not None:
            found[given[0]] = given[1]
        if held:
            found.update(held)
        if (result := self.result()) is not None:
            found[result[0]] = result[1]
        return found

    def _collect(self) -> dict[str, Any]:
        own = self.own_attributes()
        # What was set again is as new as the rest.
        return {**{key: text for key, text in self.definition.attributes.items() if key not in own}, **own}

    def _hand_over(self) -> None:
        origin = self._origin
        ours = origin.ours if origin.all._span_processors is origin.seen else origin.direct()
        if ours is None:
            super()._hand_over()
        elif self.made_context is NOT_MADE or self.made_context[3] & 1:  # sampled
            weight = self._weight
            if self._held is not None or self._event_list is not None or self._link_list is not None:
                weight += size_of(self)
            if ours.is_detached:
                ours.take(self, weight)
            else:  # as ``take`` does, without the call
                for pipeline in ours.pipelines:
                    pipeline.submit(self, weight)


class UnsampledSpan(NonRecordingSpan):
    """The span of a decorated call that no sampler wants, in the context so that what it calls is not sampled either.

    Hardly anybody looks at its ids, so they are made when somebody does.
    """

    records: bool = False
    _made: SpanContext | None = None
    _trace_id: int
    _inside: Context
    _token: Token[Context]

    def __init__(self) -> None:
        """Nothing yet; see ``begin``."""

    @classmethod
    def begin(cls, context: Context, trace_id: int, made: SpanContext | None = None) -> UnsampledSpan:
        """Make one current that has this trace id, or this identity."""
        span = cls()
        span._trace_id = trace_id
        if made is not None:
            span._made = made
        span._token = attach_context(Context({**context, _SPAN_KEY: span}))
        return span

    @property  # where the other spans of ours have an attribute
    def _context(self) -> SpanContext:  # type: ignore[override]  # OpenTelemetry's stores it
        if self._made is None:
            span_id = RandomIdGenerator().generate_span_id()
            flags = TraceFlags(getattr(TraceFlags, "RANDOM_TRACE_ID", 0))
            made = SpanContext(self._trace_id, span_id, is_remote=False, trace_flags=flags)
            vars(self).setdefault("_made", made)  # two threads may have looked at once
        return cast("SpanContext", self._made)

    def returned(self, _value: object, /) -> None:
        """The call ended well."""
        detach_context(self._token)

    def failed(self, _error: BaseException, _streamed: Streamed | None = None, /) -> None:
        """The call raised."""
        detach_context(self._token)

    def collector(self) -> None:
        """Nothing is recorded."""

    def suspend(self) -> None:
        """The call goes on later; until then the context from before it is current again."""
        self._inside = current_context()
        detach_context(self._token)

    def resume(self) -> None:
        """It goes on, in the context that was current when it was suspended."""
        self._token = attach_context(self._inside)
