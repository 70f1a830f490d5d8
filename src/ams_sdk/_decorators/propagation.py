"""``inject`` and ``extract``: a run goes on in another process, over HTTP, a queue or whatever carries texts.

The trace goes as W3C Trace Context says, so any OpenTelemetry continues it. The session and the run go as W3C Baggage,
under names of this project; they are not in OpenTelemetry's own baggage, which HTTP clients send to everybody.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from opentelemetry import baggage, trace
from opentelemetry import context as otel_context
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.trace import SpanContext
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from ams_sdk import _semconv
from ams_sdk._capture import render_text
from ams_sdk._decorators.detaching import detach
from ams_sdk._decorators.run import RUN_KEY, Run
from ams_sdk._decorators.session import MAX_ID, SESSION_KEY, Conversation, current_conversation
from ams_sdk._guard import guard

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, MutableMapping
    from contextvars import Token
    from types import TracebackType

    from opentelemetry.context import Context

__all__ = ["Continuation", "extract", "inject"]

_CarrierT = TypeVar("_CarrierT", bound="MutableMapping[str, str]")
_TRACE: Final = TraceContextTextMapPropagator()
_BAGGAGE: Final = W3CBaggagePropagator()
_HEADERS: Final = ("traceparent", "tracestate", "baggage")
_RUN: Final = re.compile(r"([0-9a-f]{32})-([0-9a-f]{16})")
_AGENT: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_SAMPLED: Final = trace.TraceFlags(trace.TraceFlags.SAMPLED)
_OURS: Final = frozenset({_semconv.CONVERSATION_ID, _semconv.AMS_RUN_ID, _semconv.AGENT_NAME})
_MOST_HEADERS: Final = 1_000
_KEY: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_VALUE: Final = r"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*"
_BAGGAGE_MEMBER: Final = re.compile(
    rf"[ \t]*{_KEY}[ \t]*=[ \t]*{_VALUE}[ \t]*(?:;[ \t]*{_KEY}[ \t]*(?:=[ \t]*{_VALUE}[ \t]*)?)*"
)
"""A member of a list (W3C Baggage, section 3.3)."""
_MAX_BAGGAGE: Final = 8_192
_MAX_MEMBER: Final = 4_096
_MOST_MEMBERS: Final = 180
"""What OpenTelemetry takes at the most."""


def inject(carrier: _CarrierT) -> _CarrierT:
    """Put the current trace, session and run into a carrier, for ``extract`` in another process.

    Writes ``traceparent``, ``tracestate`` (W3C Trace Context) and ``baggage`` (W3C Baggage: the id of the session, the
    run, and what the program put into OpenTelemetry's baggage). Use it for your own services; the user, tags and
    metadata of a session are not sent.

    Args:
        carrier: headers, or another mapping of texts. With nothing to say it stays as it is.

    Returns:
        The carrier.
    """
    with guard("injecting the trace"):
        context = otel_context.get_current()
        _TRACE.inject(carrier, context)
        if (conversation := current_conversation(context)) is not None:
            context = baggage.set_baggage(_semconv.CONVERSATION_ID, conversation.id, context)
        run = context.get(RUN_KEY)
        if isinstance(run, Run) and run:
            context = baggage.set_baggage(_semconv.AMS_RUN_ID, run.id, context)
            context = baggage.set_baggage(_semconv.AGENT_NAME, run.agent, context)
        _BAGGAGE.inject(carrier, context)
    return carrier


def extract(carrier: Mapping[str, str] | Iterable[tuple[str | bytes, str | bytes]]) -> Continuation:
    """Continue what another process has put into a carrier: ``with ams_sdk.extract(request.headers):``.

    Inside of the block the trace, the session and the run are the caller's. Where a span of the same trace is current
    already, one that a web framework's instrumentation has made, it stays the parent. With nothing in the carrier, or
    nothing that can be read, nothing changes. Headers are whatever a client wrote: do not take them from strangers if
    your traces matter.

    Args:
        carrier: headers in any case, as a mapping or as pairs (ASGI's bytes too), or the environ of WSGI.
    """
    return Continuation(carrier)


class Continuation:
    """What ``extract`` answers with; used with ``with`` or ``async with``, once."""

    __slots__ = ("_carrier", "_token")

    def __init__(self, carrier: object) -> None:
        self._carrier = carrier
        self._token: Token[Context] | None = None

    def __enter__(self) -> None:
        context = None
        with guard("extracting a trace"):
            context = _continued(_lower(self._carrier))
        if context is not None:
            self._token = otel_context.attach(context)

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _: TracebackType | None
    ) -> None:
        token, self._token = self._token, None
        if token is not None:
            detach(token)

    async def __aenter__(self) -> None:
        """The same."""
        self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, _trace)


def _continued(headers: dict[str, str]) -> Context | None:
    if not headers:
        return None
    context = otel_context.get_current()
    remote = trace.get_current_span(_TRACE.extract(headers, otel_context.Context())).get_span_context()
    here = trace.get_current_span(context).get_span_context()
    if remote.is_valid and remote.trace_id != here.trace_id:
        context = _TRACE.extract(headers, context)
    said = baggage.get_all(_BAGGAGE.extract(headers, otel_context.Context()))
    for name, value in said.items():
        if name not in _OURS:
            context = baggage.set_baggage(name, value, context)
    identity = said.get(_semconv.CONVERSATION_ID)
    if isinstance(identity, str) and 1 <= len(identity) <= MAX_ID:
        context = otel_context.set_value(SESSION_KEY, Conversation(render_text(identity), {}), context)
    run = _run_of(said)
    return context if run is None else otel_context.set_value(RUN_KEY, run, context)


def _run_of(said: Mapping[str, object]) -> Run | None:
    identity, agent = _RUN.fullmatch(str(said.get(_semconv.AMS_RUN_ID))), str(said.get(_semconv.AGENT_NAME))
    if identity is None or not _AGENT.fullmatch(agent):
        return None
    span = SpanContext(int(identity[1], 16), int(identity[2], 16), is_remote=True, trace_flags=_SAMPLED)
    return Run(agent, span) if span.is_valid else None


def _lower(carrier: Any) -> dict[str, str]:  # noqa: ANN401 -- whatever holds headers
    """The headers that are read, by their names in lower case."""
    items: Any = getattr(carrier, "items", None)  # the standard library's headers have it, and are no mappings
    entries = cast("Iterable[tuple[Any, Any]]", items() if callable(items) else carrier)
    found: dict[str, list[str]] = {}
    for number, (name, value) in enumerate(entries):
        if number >= _MOST_HEADERS:
            break
        key = _text(name).lower().removeprefix("http_")  # as WSGI has them
        if key in _HEADERS:
            found.setdefault(key, []).append(_text(value))
    if len(set(found.get("traceparent", ()))) > 1:  # nobody can say which is right (W3C Trace Context, 3.2)
        del found["traceparent"]
    if "baggage" in found:
        found["baggage"] = _readable_members(found["baggage"])
    return {name: ",".join(dict.fromkeys(values)) for name, values in found.items()}


def _readable_members(values: list[str]) -> list[str]:
    """The members of lists that OpenTelemetry can read, which writes others, as they came, into the program's log."""
    left = _MAX_BAGGAGE
    members: list[str] = []
    for member in (one for value in values if len(value) <= _MAX_BAGGAGE for one in value.split(",")):
        if len(member) <= _MAX_MEMBER and _BAGGAGE_MEMBER.fullmatch(member):
            left -= len(member) + 1
            if left < 0 or len(members) >= _MOST_MEMBERS:
                break
            members.append(member)
    return members


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value
