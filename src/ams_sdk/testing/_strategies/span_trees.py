"""Traces of agents as they are recorded: whole trees of spans that hold together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, overload

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy  # noqa: TC002 -- the public types stay resolvable at run time

from ams_sdk import _semconv as names
from ams_sdk.testing._strategies.agents import agent_names
from ams_sdk.testing._strategies.bounds import check_sizes
from ams_sdk.testing._strategies.operations import Operation, Vocabulary, operations
from ams_sdk.testing._strategies.texts import MODELS, TOOL_NAMES, texts
from ams_sdk.testing._strategies.trace_context import SPAN_IDS, TRACE_IDS
from ams_sdk.testing._trace.captured_span import CapturedEvent, CapturedLink, CapturedSpan

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from hypothesis.strategies import DrawFn

    from ams_sdk.testing._strategies.operations import Kind
    from ams_sdk.testing._trace.captured_span import AttributeValue

__all__ = ["span_trees"]

_START: Final = 1_700_000_000_000_000_000
_ABOVE: Final[Mapping[Kind, frozenset[Kind]]] = {
    "workflow": frozenset({"workflow"}),
    "agent": frozenset({"workflow", "agent", "tool"}),
    "tool": frozenset({"workflow", "agent"}),
    "model": frozenset({"workflow", "agent", "tool"}),
    "other": frozenset({"workflow", "agent", "tool", "model", "other"}),
}
"""What a kind of span occurs below; what is at the top can have anything below it."""
_GAPS: Final = st.integers(0, 2_000).map(lambda milliseconds: milliseconds * 1_000_000 + 1)
_ERRORS: Final = st.tuples(st.sampled_from(["TimeoutError", "ValueError", "httpx.ConnectError"]), texts(max_size=10))
_BELOW: Final[SearchStrategy[Kind]] = st.sampled_from(("tool", "model", "agent", "other"))
_SELDOM: Final = st.sampled_from([False, False, True])
_RESOURCES: Final[SearchStrategy[Mapping[str, AttributeValue]]] = st.sampled_from(
    [{"service.name": "agents"}, {"service.name": "shop", "telemetry.sdk.language": "python"}]
)


class _Seed(NamedTuple):
    """All that is drawn for one span, in one piece: hypothesis leaves out a span by leaving out its seed.

    Attributes:
        place: which of the spans that it can be below of it is below of, counted round.
        is_beside: it begins while those before it below the same span go on.
        before: nanoseconds until it begins.
        after: nanoseconds from the last end below it to its own.
        raised: the type and the message of an exception that arises in it, if none arises below.
        passes: an exception from below passes through it.
    """

    kind: Kind
    place: int
    is_beside: bool
    before: int
    after: int
    raised: tuple[str, str] | None
    passes: bool
    retries: int
    links: tuple[CapturedLink, ...]
    operation: Operation


class _Failure(NamedTuple):
    type: str
    message: str
    arose_here: bool


def span_trees(  # noqa: PLR0913 -- what a test may want to narrow, keyword-only
    *,
    min_spans: int = 1,
    max_spans: int = 8,
    errors: bool = True,
    remote_parents: bool = True,
    content: bool = True,
    agents: SearchStrategy[str] | None = None,
    tools: SearchStrategy[str] | None = None,
    models: SearchStrategy[str] | None = None,
) -> SearchStrategy[list[CapturedSpan]]:
    """Single traces of agents, tools, models, workflows and other libraries, by the time of their start.

    Each is connected and ended, with times that nest, by OpenTelemetry's GenAI conventions, an exception recorded once
    where it arose: ``TraceView.of(spans).assert_invariants()`` holds.

    Args:
        min_spans: at least so many.
        max_spans: at most so many.
        errors: some spans fail.
        remote_parents: some traces go on from another process.
        content: spans hold messages, arguments and results.
        agents: the names of the agents.
        tools: the names of the tools.
        models: the names of the models.

    Raises:
        ConfigurationError: a size is none.
    """
    check_sizes("span_trees", 1, min_spans=min_spans, max_spans=max_spans)
    words = Vocabulary(
        agent_names() if agents is None else agents,
        TOOL_NAMES if tools is None else tools,
        MODELS if models is None else models,
        content,
    )
    return _trees(min_spans, max_spans, words, errors=errors, remote_parents=remote_parents)


@st.composite
def _trees(  # noqa: PLR0913 -- hypothesis passes them on
    draw: DrawFn, least: int, most: int, words: Vocabulary, *, errors: bool, remote_parents: bool
) -> list[CapturedSpan]:
    trace_id, resource = draw(TRACE_IDS), draw(_RESOURCES)
    first_id = draw(st.integers(1, 2**64 - 2 - most))
    is_continued = remote_parents and draw(st.booleans())
    is_workflow = draw(st.booleans())
    below = draw(st.lists(_seeds(None, words, errors=errors), min_size=least - 1, max_size=most - 1))
    top = draw(_seeds("agent", words, errors=errors))
    # The last to be drawn: hypothesis leaves out spans by leaving out what was drawn for them, and all else must stay
    # where it is.
    if is_workflow and below:
        top = top._replace(kind="workflow", operation=draw(operations("workflow", words)))
    seeds = [top, *below]
    parents = _parents(seeds)
    times = _times(seeds, parents)
    failures = _failures(seeds, parents)
    spans: list[CapturedSpan] = []
    for index, (seed, parent) in enumerate(zip(seeds, parents, strict=True)):
        (start, end), failure = times[index], failures.get(index)
        above = first_id + len(seeds) if is_continued else None
        spans.append(
            CapturedSpan(
                name=seed.operation.name,
                trace_id=trace_id,
                span_id=_hex(first_id + index),
                start_ns=start,
                end_ns=end,
                parent_id=_hex(above if parent is None else first_id + parent),
                parent_is_remote=parent is None and is_continued,
                kind=seed.operation.kind,
                status="unset" if failure is None else "error",
                status_message=failure.message or None if failure else None,
                attributes=seed.operation.attributes | ({names.ERROR_TYPE: failure.type} if failure else {}),
                events=tuple(_events(seed, start, end, failure)),
                links=seed.links,
                scope_name=seed.operation.scope,
                scope_version="1.0",
                resource=resource,
            )
        )
    return sorted(spans, key=lambda span: span.start_ns)


@overload
def _hex(span_id: int) -> str: ...
@overload
def _hex(span_id: int | None) -> str | None: ...
def _hex(span_id: int | None) -> str | None:
    return None if span_id is None else f"{span_id:016x}"


@st.composite
def _seeds(draw: DrawFn, wanted: Kind | None, words: Vocabulary, *, errors: bool) -> _Seed:
    kind = draw(_BELOW) if wanted is None else wanted
    return _Seed(
        kind=kind,
        place=draw(st.integers(0, 99)),
        is_beside=draw(st.booleans()),
        before=draw(_GAPS),
        after=draw(_GAPS),
        raised=draw(_ERRORS) if errors and draw(_SELDOM) else None,
        passes=draw(st.booleans()),
        retries=draw(st.integers(1, 5)) if draw(_SELDOM) else 0,
        links=(draw(_LINKS),) if draw(_SELDOM) else (),
        operation=draw(operations(kind, words)),  # last: another kind draws otherwise
    )


_NO_ATTRIBUTES: Final[Mapping[str, AttributeValue]] = {}
_LINKS: Final = st.builds(
    CapturedLink, TRACE_IDS, SPAN_IDS, st.fixed_dictionaries({"reason": texts(max_size=6)}) | st.just(_NO_ATTRIBUTES)
)


def _parents(seeds: Sequence[_Seed]) -> list[int | None]:
    parents: list[int | None] = [None]
    for index, seed in enumerate(seeds[1:], start=1):
        possible = [0, *(one for one in range(1, index) if seeds[one].kind in _ABOVE[seed.kind])]
        parents.append(possible[seed.place % len(possible)])
    return parents


def _times(seeds: Sequence[_Seed], parents: Sequence[int | None]) -> dict[int, tuple[int, int]]:
    """Start and end of each: a span holds those below it, which come one after the other or at the same time."""
    below: dict[int, list[int]] = {index: [] for index in range(len(seeds))}
    for index, parent in enumerate(parents):
        if parent is not None:
            below[parent].append(index)
    times: dict[int, tuple[int, int]] = {}

    def place(index: int, start: int) -> int:
        latest = cursor = start
        for child in below[index]:
            cursor = place(child, (start if seeds[child].is_beside else cursor) + seeds[child].before)
            latest = max(latest, cursor)
        end = latest + seeds[index].after
        times[index] = start, end
        return end

    place(0, _START)
    return times


def _failures(seeds: Sequence[_Seed], parents: Sequence[int | None]) -> dict[int, _Failure]:
    """Who fails: an exception arises once, and some of the spans above fail by it too until one deals with it."""
    failed: dict[int, _Failure] = {}
    passing: dict[int, _Failure | None] = {}  # for each span with a failure below it: what reaches it
    for index in reversed(range(len(seeds))):
        seed, parent = seeds[index], parents[index]
        if index in passing:
            reached = passing[index]
            if reached is not None and seed.passes:
                failed[index] = reached._replace(arose_here=False)
        elif seed.raised is not None:
            failed[index] = _Failure(*seed.raised, arose_here=True)
        if parent is not None and (index in failed or index in passing):
            passing[parent] = failed.get(index) or passing.get(parent)
    return failed


def _events(seed: _Seed, start: int, end: int, failure: _Failure | None) -> Iterator[CapturedEvent]:
    if seed.retries:
        yield CapturedEvent("retry", start, {"attempt": seed.retries})
    if failure is not None and failure.arose_here:
        said = {names.EXCEPTION_TYPE: failure.type, names.EXCEPTION_MESSAGE: failure.message}
        yield CapturedEvent(names.EXCEPTION_EVENT, end, said)
