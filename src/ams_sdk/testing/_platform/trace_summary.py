"""A trace in one line, kept up span by span, so that a list of traces need not read their spans.

Spans arrive in any order and over several requests. Each fact is taken from the oldest span that has it, and its age is
kept beside it; a root is older than any span that has a parent. Of several that are equally old, the fact that sorts
first is taken, and a failure before a success. So the result does not depend on the order of arrival.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ams_sdk import _semconv

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from ams_sdk.testing._platform.otlp import SpanRecord

__all__ = ["LinkedAgent", "Summary", "agent_name", "shortened"]

_MODEL_OPERATIONS: Final = _semconv.INFERENCE_OPERATIONS | {_semconv.OPERATION_EMBEDDINGS}
_OTHER_ERROR: Final = "_OTHER"
_ROOT_AGE: Final = -(2**63)
_MOST_TOKENS: Final = 2**40  # of one call; more is nonsense, and sums must fit a database's integer
_MOST_CHARACTERS: Final = 256  # of a text in a list; the span keeps the whole


@dataclass(frozen=True, slots=True)
class LinkedAgent:
    """An agent of the registry that a span belongs to."""

    id: UUID
    name: str


@dataclass(slots=True)
class Summary:
    """The columns of a trace that follow from its spans."""

    started_ns: int = 0
    ended_ns: int = 0
    duration_ns: int = 0
    span_count: int = 0
    error_count: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    root_name: str | None = None
    root_at: int | None = None
    agent: str | None = None
    agent_id: UUID | None = None
    agent_at: int | None = None
    session: str | None = None
    session_at: int | None = None
    error: str | None = None
    error_at: int | None = None

    def add(self, span: SpanRecord, linked: LinkedAgent | None) -> None:
        """Count a span that was not counted before, and take what it knows better."""
        is_first = self.span_count == 0
        self.started_ns = span.started_ns if is_first else min(self.started_ns, span.started_ns)
        self.ended_ns = max(self.ended_ns, span.ended_ns)
        self.duration_ns = self.ended_ns - self.started_ns
        self.span_count += 1
        if span.attributes.get(_semconv.OPERATION_NAME) in _MODEL_OPERATIONS:
            self.input_tokens += _tokens(span.attributes.get(_semconv.USAGE_INPUT_TOKENS))
            self.output_tokens += _tokens(span.attributes.get(_semconv.USAGE_OUTPUT_TOKENS))
        is_root = span.parent_span_id is None
        age = span.started_ns + _ROOT_AGE if is_root else span.started_ns
        if is_root:
            self._take_root(shortened(span.name), age)
        self._take_agent(span, linked, age)
        self._take_session(shortened(_text(span.attributes.get(_semconv.CONVERSATION_ID))), age)
        self._take_error(span, age, is_root=is_root)

    def _take_root(self, name: str | None, age: int) -> None:
        if _precedes(age, [name], self.root_at, [self.root_name]):
            self.root_name, self.root_at = name, age

    def _take_agent(self, span: SpanRecord, linked: LinkedAgent | None, age: int) -> None:
        name = shortened(agent_name(span) or (linked.name if linked else None))
        agent_id = linked.id if linked else None
        if name is not None and _precedes(age, [name, agent_id], self.agent_at, [self.agent, self.agent_id]):
            self.agent, self.agent_id, self.agent_at = name, agent_id, age

    def _take_session(self, session: str | None, age: int) -> None:
        if session is not None and _precedes(age, [session], self.session_at, [self.session]):
            self.session, self.session_at = session, age

    def _take_error(self, span: SpanRecord, age: int, *, is_root: bool) -> None:
        error = shortened(_error_type(span)) if span.status == "error" else None
        self.error_count += error is not None
        # A root that went well settles it too: what failed below was dealt with.
        if (is_root or error is not None) and _precedes(age, [error], self.error_at, [self.error]):
            self.error, self.error_at = error, age


def agent_name(span: SpanRecord) -> str | None:
    """The agent that the span says it belongs to."""
    return _text(span.attributes.get(_semconv.AGENT_NAME))


def shortened(text: str | None) -> str | None:
    """As much of a text as a summary holds."""
    return None if text is None else text[:_MOST_CHARACTERS]


def _precedes(
    age: int, facts: Sequence[str | UUID | None], known_age: int | None, known_facts: Sequence[str | UUID | None]
) -> bool:
    if known_age is None or age != known_age:
        return known_age is None or age < known_age
    return _order(facts) < _order(known_facts)


def _order(facts: Sequence[str | UUID | None]) -> list[tuple[bool, str]]:
    return [(fact is None, str(fact)) for fact in facts]


def _text(value: Any) -> str | None:  # noqa: ANN401 -- an attribute's value
    # No database keeps NUL in text.
    return value.replace("\0", "\ufffd") if isinstance(value, str) and value else None


def _tokens(value: Any) -> int:  # noqa: ANN401 -- the same
    return min(max(value, 0), _MOST_TOKENS) if isinstance(value, int) else 0


def _error_type(span: SpanRecord) -> str:
    exceptions = (event["attributes"] for event in span.events if event["name"] == _semconv.EXCEPTION_EVENT)
    candidates = (span.attributes.get(_semconv.ERROR_TYPE), *(e.get(_semconv.EXCEPTION_TYPE) for e in exceptions))
    return next((name for candidate in candidates if (name := _text(candidate))), _OTHER_ERROR)
