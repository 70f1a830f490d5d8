"""The span: an OpenTelemetry span in full, of which only what somebody reads is ever built.

The SDK's own span makes a lock, a container that checks each attribute, and lists for events and links, before anything
happens. This one keeps plain values and makes those when they are asked for. Everything else, the rules of names,
statuses, events and exceptions among it, is inherited, and so is as new as the SDK that is installed.

Other people's processors read and write the SDK's private attributes of a span; each of them is there, and what is
written to it holds.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from copy import copy
from time import time_ns
from typing import TYPE_CHECKING, Any, Final, cast

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.trace import Span as SdkSpan
from opentelemetry.sdk.trace import SynchronousMultiSpanProcessor
from opentelemetry.sdk.util import BoundedList
from opentelemetry.trace import SpanKind, Status, StatusCode

from ams_sdk._decorators.run import RUN_OF_SPAN
from ams_sdk._decorators.token_totals import totals_of
from ams_sdk._tracing.processor import PipelineProcessor
from ams_sdk._tracing.size import size_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from opentelemetry.sdk.trace import Event, SpanLimits, SpanProcessor, Tracer
    from opentelemetry.trace import Link, SpanContext
    from opentelemetry.util.types import Attributes, AttributeValue

    from ams_sdk._decorators.run import Run

__all__ = ["NOT_MADE", "PLENTY", "SIMPLE", "Origin", "RecordingSpan"]

logger = logging.getLogger("opentelemetry.sdk.trace")  # the SDK's, whose warnings these are

SIMPLE: Final = frozenset({str, int, float, bool})
"""The types of attribute values that can be kept as they are."""
NOT_MADE: Final[Any] = object()

# One lock for all spans: it is held for some stores, and a lock for each would cost more than it ever spares.
_lock = threading.RLock()


def _fresh_lock() -> None:
    global _lock  # noqa: PLW0603 -- another thread of the parent may have held it at the moment of the fork
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_fresh_lock)


PLENTY: Final = 16
"""Attributes that are more than a decorated call has, nearly always."""


class _Unknown:
    """Stands for a processor that keeps others in a way of its own."""

    _span_processors = ()


class Origin:
    """What the spans of one tracer share.

    Attributes:
        largest: how many attributes a span may have.
        is_plain: whether values may be of any length.
        has_room: whether ``PLENTY`` of attributes are within the limits, whatever they are.
        all: what holds the processors, where that is known.
        seen: the processors that ``ours`` was read off.
        ours: our processor, if it is the only one; ask ``direct`` for it.
    """

    __slots__ = (
        *("all", "has_room", "info", "is_plain", "largest", "limits", "ours"),
        *("processor", "resource", "sampler", "scope", "seen"),
    )

    def __init__(self, tracer: Tracer) -> None:
        self.resource = tracer.resource
        self.scope = tracer._instrumentation_scope
        self.info = tracer.instrumentation_info
        self.limits = tracer._span_limits
        self.sampler = tracer.sampler
        self.processor: SpanProcessor = tracer.span_processor
        self._derive()

    def but(self, part: str, value: object) -> Origin:
        """The same with one part that is another."""
        changed = copy(self)
        setattr(changed, part, value)
        changed._derive()
        return changed

    def _derive(self) -> None:
        count = self.limits.max_span_attributes
        self.largest = sys.maxsize if count is None else count
        self.is_plain = self.limits.max_span_attribute_length is None
        self.has_room = self.is_plain and self.largest >= PLENTY
        is_stock = type(self.processor) is SynchronousMultiSpanProcessor
        self.all: Any = self.processor if is_stock else _Unknown
        self.seen: object = None
        self.ours: PipelineProcessor | None = None

    def direct(self) -> PipelineProcessor | None:
        """Our processor, if nobody else listens: then nothing has to be built for others to read."""
        # Others take the tuple apart and put a new one in its place; so its identity tells whether it has changed.
        if self.all._span_processors is not self.seen:
            with _lock:  # or the answers of two threads may be mixed, and hold for ever
                processors: Any = self.all._span_processors
                is_alone = processors.__class__ is tuple and len(processors) == 1
                self.ours = processors[0] if is_alone and processors[0].__class__ is PipelineProcessor else None
                self.seen = processors
        return self.ours


class _FromOrigin:
    """A part that a span has from its origin; given another one, it has an origin of its own."""

    def __init__(self, part: str) -> None:
        self._part = part

    def __get__(self, span: RecordingSpan | None, _kind: type) -> Any:  # noqa: ANN401 -- each part has its own type
        return self if span is None else getattr(span._origin, self._part)

    def __set__(self, span: RecordingSpan, value: object) -> None:
        with _lock:
            _ = span._attributes, span._events, span._links  # made by the limits that the span began with
            span._origin = span._origin.but(self._part, value)


class RecordingSpan(SdkSpan):
    """A span that is recorded; made by a tracer, which stores the first six of these.

    Attributes:
        _held: the attributes, as long as they are plain values and nobody asked for ``_attributes``.
    """

    _name: str
    _context: SpanContext
    _parent: SpanContext | None
    _start_time: int | None
    _origin: Origin
    _held: dict[str, Any] | None = None

    _end_time: int | None = None
    _status: Status = Status(StatusCode.UNSET)
    _record_exception: bool = True
    _set_status_on_exception: bool = True
    _record_end_metrics: Callable[[], None] | None = None
    _trace_config = None
    _kind = SpanKind.INTERNAL
    _given: Any = NOT_MADE
    _event_list: Any = None
    _link_list: Any = None
    _resource = _FromOrigin("resource")
    _instrumentation_scope = _FromOrigin("scope")
    _instrumentation_info = _FromOrigin("info")
    _limits = _FromOrigin("limits")
    _sampler = _FromOrigin("sampler")
    _span_processor = _FromOrigin("processor")

    @property
    def is_untouched(self) -> bool:
        """Whether nobody has asked for the containers, so that the plain values are all there is."""
        return self._given is NOT_MADE

    @property
    def _attributes(self) -> Any:  # noqa: ANN401 -- whatever was written here
        if self._given is NOT_MADE:
            with _lock:
                if self._given is NOT_MADE:
                    limits = self._origin.limits
                    self._given = bounded(limits, self._collect(), immutable=self._end_time is not None)
                    # In this order: whoever finds nothing given afterwards has read all that was held.
                    self._held = None
        return self._given

    @_attributes.setter
    def _attributes(self, value: object) -> None:
        self._given = value
        self._held = None

    @property
    def _events(self) -> Any:  # noqa: ANN401 -- whatever was written here
        if self._event_list is None:
            with _lock:
                if self._event_list is None:
                    self._event_list = BoundedList[Any](self._limits.max_events)
        return self._event_list

    @_events.setter
    def _events(self, value: Sequence[Event]) -> None:
        self._event_list = value

    @property
    def _links(self) -> Any:  # noqa: ANN401 -- whatever was written here
        if self._link_list is None:
            with _lock:
                if self._link_list is None:
                    self._link_list = BoundedList[Any](self._limits.max_links)
        return self._link_list

    @_links.setter
    def _links(self, value: Sequence[Link]) -> None:
        self._link_list = value

    @property
    def _lock(self) -> Any:  # type: ignore[override]  # noqa: ANN401 -- the SDK's is made for each span
        return _lock

    def _collect(self) -> dict[str, Any]:
        """The attributes as they are before anybody looks."""
        return self._held or {}

    def begin_in(self, run: Run, parent: SpanContext | None) -> None:
        """The span is made inside of a run, which counts the tokens that it will tell of."""
        setattr(self, RUN_OF_SPAN, run)
        totals_of(run).begun(self._context.span_id, 0 if parent is None else parent.span_id)

    def says_genai(self) -> bool:
        """Whether one of its attributes is a name of the GenAI conventions."""
        return any(
            name.startswith("gen_ai.") for name in (self._held if self._given is NOT_MADE else self._given) or ()
        )

    def take_links(self, links: Sequence[Link]) -> None:
        """Keep the valid ones, as the SDK's constructor does."""
        self._link_list = self._new_links(links)

    def set_attribute(self, key: str, value: AttributeValue) -> None:
        """Set one attribute; the newest is the last, and over the limit the oldest goes."""
        if self._end_time is not None:
            logger.warning("Setting attribute on ended span.")
            return
        if self._given is NOT_MADE and type(key) is str and key and self._origin.is_plain:
            kind = type(value)
            if kind is list or kind is tuple:
                items = tuple(cast("Sequence[object]", value))  # a later change of the list must not show
                kinds = set(map(type, items))
                kind = str if len(kinds) <= 1 and kinds <= SIMPLE else kind
                value = cast("AttributeValue", items)
            if kind in SIMPLE and self._hold(key, value):
                return
        try:  # without the lock: a value may run code of its own
            self._attributes[key] = value
        except TypeError:
            if self._end_time is None:
                raise
            logger.warning("Setting attribute on ended span.")

    def set_attributes(self, attributes: Mapping[str, AttributeValue]) -> None:
        """Set several."""
        if self._end_time is not None:
            logger.warning("Setting attribute on ended span.")
        elif not (self._given is NOT_MADE and are_simple(attributes)) and hasattr(self._attributes, "_set_items"):
            self._attributes._set_items(attributes)
        else:
            for key, value in attributes.items():
                self.set_attribute(key, value)

    def end(self, end_time: int | None = None) -> None:
        """End the span and hand it to whoever listens; a second time does nothing but warn."""
        with _lock:
            is_first = self._end_time is None
            if is_first:
                self._end_time = time_ns() if end_time is None else end_time
                if isinstance(self._given, BoundedAttributes):
                    self._given._immutable = True
        if not is_first:  # and no log handler runs under the lock, which is all spans'
            logger.warning("Calling end() on an ended span.")
            return
        if self._record_end_metrics is not None:
            self._record_end_metrics()
        run: Run | None = getattr(self, RUN_OF_SPAN, None)
        if run is not None and run.totals is not None:
            held = self._held if self._given is NOT_MADE else self._given
            run.totals.ended(self._context.span_id, held or {})
        self._hand_over()

    def _hand_over(self) -> None:
        direct = self._origin.direct()
        if direct is not None:
            if self._context.trace_flags.sampled:
                direct.take(self, size_of(self))
            return
        processor = self._span_processor
        if hasattr(processor, "_on_ending"):
            processor._on_ending(self)
        processor.on_end(self._readable_span())

    def _hold(self, key: str, value: AttributeValue) -> bool:
        lock = _lock
        lock.acquire()  # a with statement costs twice as much
        try:
            if self._given is not NOT_MADE or self._end_time is not None:
                return False
            held = self._held
            if held is None:
                self._held = held = {}
            if key in held:
                del held[key]
            elif len(held) >= self._origin.largest:
                return False
            held[key] = value
            return True
        finally:
            lock.release()


def are_simple(attributes: Mapping[str, object]) -> bool:
    """Whether the attributes can be kept as they are: usable names, plain values."""
    return (
        SIMPLE.issuperset(map(type, attributes.values()))
        and all(type(key) is str for key in attributes)
        and "" not in attributes
    )


def bounded(limits: SpanLimits, attributes: dict[str, Any], *, immutable: bool) -> BoundedAttributes:
    """The SDK's container around attributes that are known to be plain, and that it now owns."""
    longest = limits.max_span_attribute_length
    if longest is not None:
        attributes = {key: text[:longest] if type(text) is str else text for key, text in attributes.items()}
    made = BoundedAttributes(
        maxlen=limits.max_span_attributes, immutable=immutable, max_value_len=limits.max_span_attribute_length
    )
    excess = len(attributes) - made.maxlen if made.maxlen is not None else 0
    if excess > 0:
        made.dropped = excess
        attributes = dict(list(attributes.items())[excess:])
    made._dict = attributes
    return made


def checked(limits: SpanLimits, attributes: Attributes) -> BoundedAttributes:
    """The SDK's container around attributes of any kind."""
    return BoundedAttributes(
        limits.max_span_attributes, attributes, immutable=False, max_value_len=limits.max_span_attribute_length
    )
