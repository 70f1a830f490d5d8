"""What is on the platform as far as the machine has put it there: the model that its answers are compared with."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from ams_sdk import _semconv

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ams_sdk.testing._trace.captured_span import CapturedSpan

__all__ = ["Credential", "KnownAccount", "KnownTrace"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MODEL_OPERATIONS: Final = _semconv.INFERENCE_OPERATIONS | {_semconv.OPERATION_EMBEDDINGS}


@dataclass(eq=False)
class KnownAccount:
    """An account and what is its own.

    Attributes:
        email: its address.
        password: what it logs in with.
        profile: as registration answered.
        login: a token that is never logged out.
        keys: as they are listed, the oldest first, without ``last_used_at``.
        agents: as the last registration of each answered, by name.
        traces: by their ids.
    """

    email: str
    password: str = field(repr=False)
    profile: dict[str, Any] = field(repr=False)
    keys: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]], repr=False)
    agents: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]], repr=False)
    traces: dict[str, KnownTrace] = field(default_factory=dict[str, "KnownTrace"], repr=False)
    login: Credential = field(init=False, repr=False)


@dataclass(eq=False)
class Credential:
    """A token or an API key.

    Attributes:
        account: whose.
        text: the bearer.
        key_id: of an API key; None for a token.
        is_good: it was not logged out and not deleted.
        is_used: somebody has shown it.
    """

    account: KnownAccount
    text: str = field(repr=False)
    key_id: str | None = None
    is_good: bool = True
    is_used: bool = False


@dataclass(eq=False)
class KnownTrace:
    """The spans of a trace by their ids; the same id twice is one span, and the first counts."""

    spans: dict[str, CapturedSpan] = field(default_factory=dict[str, "CapturedSpan"])

    def take_in(self, spans: Iterable[CapturedSpan]) -> None:
        """Count what was sent."""
        for span in spans:
            self.spans.setdefault(span.span_id, span)

    def summary(self) -> dict[str, Any]:
        """What the list says of it, as far as its spans alone decide that."""
        spans = [*self.spans.values()]
        start = min(span.start_ns for span in spans)
        calls = [span.attributes for span in spans if span.operation in _MODEL_OPERATIONS]
        said: dict[str, Any] = {
            "started_at": _EPOCH + timedelta(microseconds=start // 1000),
            "duration_ns": max(span.end_ns or span.start_ns for span in spans) - start,
            "span_count": len(spans),
            "error_count": sum(span.status == "error" for span in spans),
            "input_tokens": sum(int(str(call.get(_semconv.USAGE_INPUT_TOKENS, 0))) for call in calls),
            "output_tokens": sum(int(str(call.get(_semconv.USAGE_OUTPUT_TOKENS, 0))) for call in calls),
        }
        roots = [span for span in spans if span.parent_id is None]
        if len(roots) == 1:
            said |= {"root_name": roots[0].name, "status": "error" if roots[0].status == "error" else "ok"}
        return said

    def read_out(self) -> list[dict[str, Any]]:
        """Its spans, oldest start first."""
        ordered = sorted(self.spans.values(), key=lambda span: (span.start_ns, span.span_id))
        return [_read_out(span) for span in ordered]


def _read_out(span: CapturedSpan) -> dict[str, Any]:
    return {
        "trace_id": span.trace_id,
        "span_id": span.span_id,
        "parent_span_id": span.parent_id,
        "name": span.name,
        "kind": span.kind,
        "status": span.status,
        "status_message": span.status_message,
        "duration_ns": (span.end_ns or span.start_ns) - span.start_ns,
        "attributes": _plain(span.attributes),
        "events": [{"name": event.name, "attributes": _plain(event.attributes)} for event in span.events],
        "links": [
            {"trace_id": link.trace_id, "span_id": link.span_id, "attributes": _plain(link.attributes)}
            for link in span.links
        ],
        "scope_name": span.scope_name,
        "scope_version": span.scope_version,
        "resource": _plain(span.resource),
    }


def _plain(attributes: object) -> Any:  # noqa: ANN401 -- any JSON value
    return json.loads(json.dumps(attributes))
