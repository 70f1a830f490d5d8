"""The tracer: what starts spans, for the application, for instrumented libraries and for decorated calls."""

from __future__ import annotations

from random import getrandbits
from time import time_ns
from typing import TYPE_CHECKING, Any, Final, cast

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import Tracer as SdkTracer
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind
from opentelemetry.trace.propagation import _SPAN_KEY  # pyright: ignore[reportPrivateUsage] -- there is no public name
from opentelemetry.trace.span import DEFAULT_TRACE_STATE

from ams_sdk import _semconv
from ams_sdk._decorators.definition import EVERYTHING
from ams_sdk._decorators.run import RUN_KEY, Run
from ams_sdk._decorators.session import SESSION_KEY
from ams_sdk._guard import guard
from ams_sdk._tracing.call_span import CallSpan, UnsampledSpan
from ams_sdk._tracing.current_context import attach_context, current_context
from ams_sdk._tracing.current_span import CurrentSpan
from ams_sdk._tracing.decision import DROPPED, FLAGS, LOW_BITS, RANDOM, Foresight, decide
from ams_sdk._tracing.own_context import IS_PLAIN_TUPLE, SAMPLED, own_context
from ams_sdk._tracing.span import Origin, RecordingSpan, are_simple, checked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.trace import Link, Span, Tracer
    from opentelemetry.util.types import Attributes

    from ams_sdk._decorators import Definition
    from ams_sdk._decorators.session import Conversation
    from ams_sdk._tracing.provider import OwnProvider

__all__ = ["OwnTracer", "parent_in"]

_PARTS: Final = frozenset(
    {
        *("sampler", "resource", "span_processor", "id_generator", "_tracer_metrics"),
        *("_span_limits", "_instrumentation_scope", "instrumentation_info", "_tracer_config"),
    }
)
_OURS: Final = frozenset({RecordingSpan, CallSpan})
_SUPPRESSED: Final = otel_context._SUPPRESS_INSTRUMENTATION_KEY
_new: Final[Any] = object.__new__
_INTERNAL: Final = SpanKind.INTERNAL

_SAMPLED: Final = {flags: FLAGS[flags] for flags in (1, RANDOM | 1)}


def parent_in(context: Context) -> SpanContext | None:
    """The context of the span that is current there, or None if there is none.

    Raises:
        TypeError: somebody's span gives something else for its context.
    """
    span: Any = context.get(_SPAN_KEY)
    if type(span) in _OURS:  # not isinstance, which believes a proxy that only says that it is one
        own: SpanContext = span._context
        return own
    if not isinstance(span, trace.Span):
        return None
    found: object = span.get_span_context()
    if not isinstance(found, SpanContext | None):
        raise TypeError("parent_span_context must be a SpanContext or None.")
    return found


def valid_parent_in(context: Context) -> SpanContext | None:
    """The same, or None if its ids are not valid."""
    parent = parent_in(context)
    return parent if parent is not None and parent.is_valid else None


class OwnTracer(SdkTracer):
    """A tracer of our provider; made by the SDK's own ``get_tracer`` and turned into this.

    While the provider is lent to the whole process, spans are started with whoever serves then: a library takes its
    tracer when it is imported and keeps it for ever, and would miss a provider that comes later.
    """

    _provider: OwnProvider
    _origin: Origin
    _foresight: Foresight
    _fast: Foresight | None
    drops_roots: bool
    """Whether no trace that begins here is sampled, so that there is nothing to tell the calls below."""
    _metrics: Any
    _scope: tuple[Any, ...]
    _other: tuple[object, Tracer] = None, trace.NoOpTracer()

    @classmethod
    def from_sdk(cls, tracer: Any, provider: OwnProvider, scope: tuple[Any, ...]) -> OwnTracer:  # noqa: ANN401 -- its class is changed
        """Turn a tracer of the SDK, with all that it was made of, into one of ours.

        Args:
            tracer: the SDK's.
            provider: its provider.
            scope: what ``get_tracer`` was asked for.
        """
        tracer._provider = provider
        tracer._scope = scope
        cls._renew(tracer)
        tracer.__class__ = cls  # last: another thread may have been given it already
        made: OwnTracer = tracer
        return made

    def __setattr__(self, name: str, value: object) -> None:
        super().__setattr__(name, value)
        if name in _PARTS:  # any part of a tracer may be assigned, and counts for the next span
            self._renew()

    def _renew(self) -> None:
        self._origin = Origin(self)
        metrics: Any = getattr(self, "_tracer_metrics", None)
        self._metrics = None if type(metrics).__name__ == "NoOpTracerMetrics" else metrics
        self._foresight = Foresight(self.sampler)
        foresees = self._foresight.is_complete and type(self.id_generator) is RandomIdGenerator
        is_plain = self._metrics is None and not _is_off(self) and IS_PLAIN_TUPLE
        self._fast = fast = self._foresight if foresees and is_plain else None
        self.drops_roots = fast is not None and not fast.root and not fast.below_unsampled

    def start_as_current_span(self, name: str, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 -- the SDK's signature, see CurrentSpan
        """A span that is current in a ``with`` block, or, as a decorator, during each call."""
        return CurrentSpan(self, name, *args, **kwargs)

    def start_span(  # noqa: PLR0913, PLR0917 -- OpenTelemetry's signature
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes = None,
        links: Sequence[Link] | None = (),
        start_time: int | None = None,
        record_exception: bool = True,  # noqa: FBT001, FBT002 -- the same
        set_status_on_exception: bool = True,  # noqa: FBT001, FBT002 -- the same
    ) -> Span:
        """Start a span; its parent is the span of the context, the current one if none is given."""
        if self._provider.is_lent and trace._TRACER_PROVIDER is not self._provider:
            return self._serving().start_span(
                name, context, kind, attributes, links, start_time, record_exception, set_status_on_exception
            )
        context_now = current_context() if context is None else context
        parent = parent_in(context_now)
        if _is_off(self):
            return NonRecordingSpan(parent or trace.INVALID_SPAN_CONTEXT)
        if parent is not None and not parent.is_valid:
            parent = None
        links = links or ()
        # Somebody's proxy is read anew: it may have parts of its own.
        is_own = type(self) is OwnTracer
        foresight = self._foresight if is_own else Foresight(self.sampler)
        made, given, counted = decide(self, foresight, context, parent, name, kind, attributes, links)
        if given is DROPPED:
            return NonRecordingSpan(made)
        span = _made(self._origin if is_own else Origin(self), name, made, parent, kind, given)
        if links:
            span.take_links(links)
        if counted:
            span._record_end_metrics = counted
        _place(span, context_now, parent)
        if not (record_exception and set_status_on_exception):
            span._record_exception = record_exception
            span._set_status_on_exception = set_status_on_exception
        span._start_time = time_ns() if start_time is None else start_time
        if span._origin.direct() is None:
            span._origin.processor.on_start(span, parent_context=context)
        return span

    def start_call(  # noqa: C901, PLR0912, PLR0915 -- every call of a function would cost as much as a tenth of this
        self,
        definition: Definition,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        agent_id: str | None,
        captures: bool,  # noqa: FBT001 -- called once for every decorated call
    ) -> CallSpan | UnsampledSpan | None:
        """Start the span of a decorated call and make it current; None if the call is not to be traced.

        The two ways that nearly all calls take are written out: this costs more than what many a tool does.
        """
        context = current_context()
        above: Any = context.get(_SPAN_KEY)
        if context.get(_SUPPRESSED):
            return None  # what the SDK itself or another instrumentation does on its own account
        parent: Any = None
        if type(above) in _OURS:
            parent = above._context
        elif above is not None:
            parent = valid_parent_in(context)
        fast = self._fast
        made: SpanContext | None = None
        added: Any = None
        counted: Any = None
        if fast is not None and parent is None:
            trace_id = getrandbits(128) or 1
            if not fast.keeps_roots and trace_id & LOW_BITS >= fast.root:
                # Where nothing at all is sampled there is nothing to tell the calls below.
                return None if self.drops_roots else UnsampledSpan.begin(context, trace_id)
        elif fast is not None and fast.follows_parents and parent[3] in _SAMPLED and not parent[2]:
            trace_id = parent[0]
            if parent[3] != SAMPLED or parent[4] is not DEFAULT_TRACE_STATE:
                made = own_context(trace_id, getrandbits(64) or 1, parent[3], parent[4])
        else:
            if _is_off(self) or (fast is not None and fast.follows_parents and type(above) is UnsampledSpan):
                return None
            if parent is not None and not parent[5]:  # from somebody's id generator
                parent = None
            made, added, counted = self._decide_on_call(definition, context, parent, agent_id)
            if added is DROPPED:
                return UnsampledSpan.begin(context, made[0], made)
            trace_id = made[0]
        span: CallSpan = _new(CallSpan)
        if made is None:
            span.trace_id = trace_id
            span.span_id = getrandbits(64) or 1
        else:
            span.made_context = made
        span._origin = origin = self._origin
        span.definition = definition
        span._name = definition.span_name
        if definition.kind is not _INTERNAL:
            span._kind = definition.kind
        if parent is not None:
            span._parent = parent
        if counted:
            span._record_end_metrics = counted
        conversation: Any = context.get(SESSION_KEY)
        if conversation is not None:
            span.session = conversation
        if definition.is_agent:
            span.run = run = Run(definition.name, span._context, span)
            span.agent_id = agent_id
            inside = Context({**context, _SPAN_KEY: span, RUN_KEY: run})
        else:
            outer: Any = context.get(RUN_KEY)
            if outer is not None:
                span.run = outer
            inside = Context({**context, _SPAN_KEY: span})
        if added:
            span.set_attributes(added)
        span._start_time = time_ns()
        try:
            if not captures:
                span._captures = span.keeps_output = False
            elif definition.captured is EVERYTHING:
                span.keep_arguments(args, kwargs)
            else:
                span.keep_some(definition.captured, args, kwargs)
            if (origin.ours if origin.all._span_processors is origin.seen else origin.direct()) is None:
                with guard(f"{definition.name}: telling processors of its span"):
                    origin.processor.on_start(span, parent_context=context)
        except BaseException:  # Ctrl-C while an argument is rendered: nobody else knows of this span
            span.end()
            raise
        span.token = attach_context(inside)
        return span

    def _decide_on_call(
        self, definition: Definition, context: Context, parent: SpanContext | None, agent_id: str | None
    ) -> tuple[SpanContext, Any, Any]:
        """As ``decide``; of the attributes only what the sampler adds to those that the call has anyway."""
        known: Any = None
        if self._fast is None or (parent is not None and parent.is_remote):  # the sampler may be asked
            known = _known(definition, context, agent_id)
        made, given, counted = decide(
            self, self._foresight, context, parent, definition.span_name, definition.kind, known, ()
        )
        if given is DROPPED or not given:
            return made, given, counted
        return made, {key: value for key, value in given.items() if known.get(key, DROPPED) is not value}, counted

    def _serving(self) -> Tracer:
        """The tracer, for the same library, of the provider that serves now in place of ours."""
        provider = trace.get_tracer_provider()
        seen, tracer = self._other
        if provider is not seen:
            # A proxy would look for a provider at each span, and there is none.
            is_real = not isinstance(provider, trace.ProxyTracerProvider)
            tracer = provider.get_tracer(*self._scope) if is_real else trace.NoOpTracer()
            self._other = provider, tracer
        return tracer


def _is_off(tracer: Any) -> bool:  # noqa: ANN401 -- in an older OpenTelemetry no tracer can be turned off
    config: Any = getattr(tracer, "_tracer_config", None)
    return config is not None and not config.is_enabled


def _place(span: RecordingSpan, context: Context, parent: SpanContext | None) -> None:
    """Tell a span of the run and the session that it is made in."""
    run, conversation = context.get(RUN_KEY), context.get(SESSION_KEY)
    if run is not None:
        span.begin_in(cast("Run", run), parent)
    if conversation is not None and span.says_genai():
        span.set_attribute(_semconv.CONVERSATION_ID, cast("Conversation", conversation).id)


def _known(definition: Definition, context: Context, agent_id: str | None) -> dict[str, Any]:
    """The attributes that a decorated call's span begins with: what a sampler is asked about."""
    known = dict(definition.attributes)
    run, session = context.get(RUN_KEY), context.get(SESSION_KEY)
    if session is not None:
        known.update(cast("Conversation", session).attributes)
    if definition.is_agent:
        if agent_id:
            known[_semconv.AMS_AGENT_ID] = agent_id
    elif isinstance(run, Run):
        known[_semconv.AGENT_NAME], known[_semconv.AMS_RUN_ID] = run.agent, run.id
    return known


def _made(  # noqa: PLR0913, PLR0917 -- what a span has from the start
    origin: Origin,
    name: str,
    context: SpanContext,
    parent: SpanContext | None,
    kind: SpanKind,
    attributes: Attributes,
) -> RecordingSpan:
    span: RecordingSpan = _new(RecordingSpan)
    span._name = name
    span._context = context
    span._parent = parent
    span._kind = kind
    span._origin = origin
    if not attributes:
        span._held = {}
    elif origin.is_plain and len(attributes) <= origin.largest and are_simple(attributes):
        span._held = dict(attributes)
    else:
        span._attributes = checked(origin.limits, attributes)
    return span
