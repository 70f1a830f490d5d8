"""The list of traces: newest first, in pages, filtered."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from ams_sdk.testing.contract.rule import rule
from ams_sdk.testing.contract.spans import SECOND, TRACES, hex_id, read, send, span

if TYPE_CHECKING:
    from ams_sdk.testing.contract.platform_under_test import PlatformUnderTest

__all__: list[str] = []

_BASE: Final = 1_700_000_000 * SECOND
_BROKEN: Final = (
    *("since=yesterday", "since=0", "until=0.5", "since=2026-01-01T00:00:00"),
    *("min_duration=-1", "min_duration=inf"),
)


@rule("telemetry")
def list_answer(platform: PlatformUnderTest) -> None:
    """The list has exactly the body of golden/trace_list.json; an entry is the trace without its spans."""
    owner, trace_id = platform.newcomer(), hex_id(16)
    values = {"gen_ai.agent.name": "solver", "gen_ai.conversation.id": "talk", "error.type": "TimeoutError"}
    send(owner, span(trace_id, "run solver", start=_BASE, code=2, values=values))
    answer = owner.get(TRACES)
    page = answer.must_have_json()
    answer.must_be_golden("trace_list")
    summary = {name: value for name, value in read(owner, trace_id).items() if name != "spans"}
    answer.must_equal("the entry", page["items"][0], summary)


@rule("telemetry")
def list_newest_first(platform: PlatformUnderTest) -> None:
    """Traces are listed newest first, by when they started and not by when they came."""
    owner, start = platform.newcomer(), time.time_ns()
    for offset in (1, 3, 2):
        send(owner, span(hex_id(16), f"run {offset}", start=start + offset * SECOND))
    answer = owner.get(TRACES)
    names = [trace["root_name"] for trace in answer.must_have_json()["items"]]
    answer.must_equal("the names", names, ["run 3", "run 2", "run 1"])


@rule("telemetry")
def list_pages(platform: PlatformUnderTest) -> None:
    """The list comes in pages of `limit`, without gaps or repeats, where traces have started at one moment too."""
    owner, start = platform.newcomer(), time.time_ns()
    ids = [hex_id(16) for _ in range(7)]
    send(owner, *(span(trace_id, start=start + number // 2 * SECOND) for number, trace_id in enumerate(ids)))
    pages = list(owner.pages(TRACES, limit=2))
    answer = owner.get(TRACES, params={"limit": 2})
    answer.must_equal("the sizes of the pages of 2", [len(page) for page in pages], [2, 2, 2, 1])
    answer.must_equal("the ids in them", sorted(trace["trace_id"] for page in pages for trace in page), sorted(ids))


@rule("telemetry")
def list_filters(platform: PlatformUnderTest) -> None:
    """The list is filtered by agent (name or id), status, session, since, until, min_duration (seconds) and q."""
    owner = platform.newcomer()
    agent = owner.post("/api/agents", json={"name": "solver", "version": "1"}).must_have_json(201)
    good, bad, long = hex_id(16), hex_id(16), hex_id(16)
    values = {"gen_ai.agent.name": "solver", "gen_ai.conversation.id": "talk"}
    send(owner, span(good, "run good_one", start=_BASE, values=values))
    send(owner, span(bad, "run bad", start=_BASE + 60 * SECOND, code=2))
    send(owner, span(long, "run long", start=_BASE + 120 * SECOND, took=90 * SECOND))
    wanted: tuple[tuple[dict[str, str], set[str]], ...] = (
        *(({}, {good, bad, long}), ({"agent": "solver"}, {good}), ({"agent": agent["id"]}, {good})),
        *(({"session": "talk"}, {good}), ({"status": "error"}, {bad}), ({"status": "ok"}, {good, long})),
        *(({"since": "2023-11-14T22:14:20Z"}, {bad, long}), ({"until": "2023-11-14T22:14:20Z"}, {good})),
        ({"since": "0001-01-01T00:00:00Z", "until": "9999-12-31T00:00:00Z"}, {good, bad, long}),
        *(({"min_duration": "1.5"}, {long}), ({"q": "GOOD_"}, {good}), ({"q": good[:20]}, {good}), ({"q": "%"}, set())),
        ({"agent": "solver", "status": "error"}, set()),
    )
    for query, ids in wanted:
        answer = owner.get(TRACES, params=query)
        found = {trace["trace_id"] for trace in answer.must_have_json()["items"]}
        answer.must_equal("the ids", found, ids)


@rule("telemetry")
def filter_refused(platform: PlatformUnderTest) -> None:
    """A time without a zone, a number for a time, and a duration that is none are 422, named."""
    for query in _BROKEN:
        platform.member().get(f"{TRACES}?{query}").must_refuse(query.partition("=")[0])
