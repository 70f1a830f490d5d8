"""A span as exporters of OpenTelemetry's get it, without its secrets.

The span itself stays as it is, since other processors read it too: a copy is made where something is masked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util import BoundedList
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, Status

from ams_sdk import _semconv
from ams_sdk._capture import Rules, redact_attributes, redact_line, redact_name, rules
from ams_sdk._tracing.attribute_encoder import copied
from ams_sdk._tracing.call_span import CallSpan
from ams_sdk._tracing.span import RecordingSpan

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

__all__ = ["redacted_span"]

_Part = TypeVar("_Part", Event, Link)

_RENDERED: Final = frozenset(
    {
        *(_semconv.INPUT_MESSAGES, _semconv.OUTPUT_MESSAGES, _semconv.TOOL_ARGUMENTS, _semconv.TOOL_RESULT),
        *(_semconv.AMS_INPUT, _semconv.AMS_OUTPUT),
    }
)
"""What the span of a decorated call says of its content by itself; that is redacted when it is rendered."""
_resources: Final[dict[int, tuple[Resource, Rules, Resource]]] = {}
"""By identity, with what has that identity and with the rules by which it was redacted."""
_scopes: Final[dict[int, tuple[InstrumentationScope, Rules, InstrumentationScope]]] = {}
"""In the same way."""
_MOST_KNOWN: Final = 64
"""Resources, and scopes."""


def redacted_span(span: ReadableSpan) -> ReadableSpan:
    """The span in the SDK's readable form; itself, if nothing in it is masked."""
    is_plain = type(span) is CallSpan and span.is_untouched and span._held is None
    readable = span._readable_span() if isinstance(span, RecordingSpan) else span
    name, status = redact_line(readable.name), _status(readable.status)
    attributes = _attributes(readable.attributes, _RENDERED if is_plain else ())
    events, links = _each(readable.events, _event), _each(readable.links, _link)
    resource, scope = _resource(readable.resource), _scope(readable.instrumentation_scope)
    is_same = name is readable.name and status is readable.status
    is_same = is_same and resource is readable.resource and scope is readable.instrumentation_scope
    if is_same and attributes is None and events is None and links is None:
        return readable
    return ReadableSpan(
        name=name,
        context=readable.get_span_context(),
        parent=readable.parent,
        resource=resource,
        attributes=_bounded(
            dict(readable.attributes or {}) if attributes is None else attributes, readable.dropped_attributes
        ),
        events=_listed(readable.events if events is None else events, readable.dropped_events),
        links=_listed(readable.links if links is None else links, readable.dropped_links),
        kind=readable.kind,
        instrumentation_info=getattr(readable, "_instrumentation_info", None),
        status=status,
        start_time=readable.start_time,
        end_time=readable.end_time,
        instrumentation_scope=scope,
    )


def _attributes(attributes: Any, rendered: Collection[str] = ()) -> dict[str, Any] | None:  # noqa: ANN401 -- a mapping
    """The attributes, if something in them is masked."""
    if not attributes:
        return None
    plain = copied(attributes)
    others = {name: value for name, value in plain.items() if name not in rendered} if rendered else plain
    left = redact_attributes(others)
    if left is others:
        return None
    if left.keys() == others.keys():
        return {name: left.get(name, value) for name, value in plain.items()}
    return {**{name: value for name, value in plain.items() if name in rendered}, **left}


def _bounded(attributes: dict[str, Any], dropped: int) -> BoundedAttributes:
    made = BoundedAttributes()
    made._dict, made.dropped = attributes, dropped
    return made


def _listed(parts: Sequence[_Part], dropped: int) -> BoundedList[_Part]:
    made = BoundedList[_Part].from_seq(None, parts)
    made.dropped = dropped
    return made


def _each(parts: Sequence[_Part], redacted: Callable[[_Part], _Part]) -> list[_Part] | None:
    """The parts, if something in them is masked."""
    left = [redacted(part) for part in parts]
    return left if any(one is not other for one, other in zip(left, parts, strict=True)) else None


def _event(event: Event) -> Event:
    name, attributes = redact_line(event.name), _attributes(event.attributes)
    if name is event.name and attributes is None:
        return event
    left = dict(event.attributes or {}) if attributes is None else attributes
    return Event(name, _bounded(left, event.dropped_attributes), event.timestamp)


def _link(link: Link) -> Link:
    attributes = _attributes(link.attributes)
    return link if attributes is None else Link(link.context, _bounded(attributes, link.dropped_attributes))


def _status(status: Status) -> Status:
    if not status.description:
        return status
    description = redact_line(status.description)
    return status if description is status.description else Status(status.status_code, description)


def _resource(resource: Resource) -> Resource:
    known = _resources.get(id(resource))
    if known is not None and known[1] is rules.current:
        return known[2]
    attributes = _attributes(resource.attributes)
    left = resource if attributes is None else Resource(attributes, resource.schema_url)
    if len(_resources) >= _MOST_KNOWN:
        _resources.clear()
    _resources[id(resource)] = resource, rules.current, left
    return left


def _scope(scope: InstrumentationScope | None) -> InstrumentationScope | None:
    if scope is None:
        return None
    known = _scopes.get(id(scope))
    if known is not None and known[1] is rules.current:
        return known[2]
    by = rules.current
    attributes, name = _attributes(scope.attributes), redact_name(scope.name)
    version = scope.version and redact_name(scope.version)
    left = scope
    if attributes is not None or name is not scope.name or version is not scope.version:
        left = InstrumentationScope(
            name, version, scope.schema_url, scope.attributes if attributes is None else attributes
        )
    if len(_scopes) >= _MOST_KNOWN:
        _scopes.clear()
    _scopes[id(scope)] = scope, by, left
    return left
