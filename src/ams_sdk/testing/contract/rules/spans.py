"""Traces: what was sent is read back, once, with what follows from it."""

from __future__ import annotations

import base64
import time
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from ams_sdk.testing.contract.race import at_once
from ams_sdk.testing.contract.rule import rule
from ams_sdk.testing.contract.spans import INTAKE, SECOND, TRACES, attributes, hex_id, request, send, span

if TYPE_CHECKING:
    from pydantic import JsonValue

    from ams_sdk.testing.contract.caller import Caller
    from ams_sdk.testing.contract.platform_under_test import PlatformUnderTest
    from ams_sdk.testing.contract.spans import JsonObject

__all__: list[str] = []

_START: Final = 1_700_000_000_123_456_789
_CONTENT: Final[dict[str, Any]] = {
    "text": "a\u0000\u00e4\U0001f600",
    "count": 2**62,
    "ratio": 0.5,
    "flag": True,
    "none": None,
    "raw": b"..",
    "many": ["a", 1, [True]],
    "nested": {"a": {"b": 1}},
}
_MODEL_CALLS: Final = ("chat", "generate_content", "text_completion", "embeddings")
_OPERATION: Final = "gen_ai.operation.name"
_AGENT: Final = "gen_ai.agent.name"


def _used(given: JsonValue, made: JsonValue, operation: str | None = None) -> dict[str, JsonValue]:
    """What a span says of the tokens that it has used."""
    named: dict[str, JsonValue] = {} if operation is None else {_OPERATION: operation}
    return named | {"gen_ai.usage.input_tokens": given, "gen_ai.usage.output_tokens": made}


def _two_spans(trace_id: str) -> list[JsonObject]:
    root = hex_id(8)
    sent = span(trace_id, "invoke_agent researcher", span_id=root, start=_START, took=1_234_567_891, code=1)
    sent["attributes"] = attributes(_CONTENT)
    sent["events"] = [{"timeUnixNano": str(_START + 1000), "name": "said", "attributes": attributes({"word": "hi"})}]
    sent["links"] = [{"traceId": "ab" * 16, "spanId": "cd" * 8, "attributes": attributes({"why": "cause"})}]
    chat = _used(10, 3, "chat") | {"gen_ai.conversation.id": "talk"}
    called = span(trace_id, "chat some-model", parent=root, start=_START + 5, took=7, code=2, values=chat)
    called["kind"] = 3
    called["status"]["message"] = "it broke"
    return [sent, called]


@rule("telemetry")
def trace_answer(platform: PlatformUnderTest) -> None:
    """A trace is read with exactly the body of golden/trace.json: its summary, and its spans with their content."""
    trace_id = hex_id(16)
    send(platform.member(), *_two_spans(trace_id))
    answer = platform.member().get(f"{TRACES}/{trace_id}")
    answer.must_have_json()
    answer.must_be_golden("trace")


@rule("telemetry")
def trace_times(platform: PlatformUnderTest) -> None:
    """Times are exact to the microsecond and durations to the nanosecond."""
    trace_id = hex_id(16)
    send(platform.member(), *_two_spans(trace_id))
    answer = platform.member().get(f"{TRACES}/{trace_id}")
    first = answer.must_have_json()["spans"][0]
    answer.must_equal("started_at", first["started_at"], "2023-11-14T22:13:20.123456Z")
    answer.must_equal("the event's time", first["events"][0]["at"], "2023-11-14T22:13:20.123457Z")
    answer.must_equal("duration_ns", first["duration_ns"], 1_234_567_891)
    answer.must_equal("raw bytes", first["attributes"]["raw"], base64.b64encode(b"..").decode())


@rule("telemetry")
def json_of_otlp(platform: PlatformUnderTest) -> None:
    """In OTLP/JSON ids are hex in any case; integers may be numbers; unknown and snake_case fields are ignored."""
    trace_id = hex_id(16)
    sent = span(trace_id.upper())
    sent |= {"startTimeUnixNano": SECOND, "endTimeUnixNano": 2 * SECOND, "kind": 3, "status": {"code": 2}}
    sent |= {"madeUp": {"a": 1}, "span_id": "ignored"}
    sent["attributes"] = [{"key": "n", "value": {"intValue": 7}}, {"key": "x", "value": {"doubleValue": "NaN"}}]
    send(platform.member(), sent)
    answer = platform.member().get(f"{TRACES}/{trace_id}")
    kept = answer.must_have_json()["spans"][0]
    wanted = {"trace_id": trace_id, "kind": "client", "status": "error", "duration_ns": SECOND}
    answer.must_equal("the span", {name: kept[name] for name in wanted}, wanted)
    answer.must_equal("its attributes", kept["attributes"], {"n": 7, "x": "NaN"})


@rule("telemetry")
def span_twice_is_one(platform: PlatformUnderTest) -> None:
    """The same (trace_id, span_id) twice, in one request or in several, is one span, and is counted once."""
    trace_id = hex_id(16)
    chat = _used(5, 0, "chat")
    spans = [span(trace_id, values=chat) for _ in range(3)]
    member = platform.member()
    send(member, *spans, spans[0])
    send(member, *spans)
    send(member, *spans, span(trace_id, "late"))
    answer = member.get(f"{TRACES}/{trace_id}")
    trace = answer.must_have_json()
    answer.must_equal("how many spans", (trace["span_count"], len(trace["spans"])), (4, 4))
    answer.must_equal("input_tokens", trace["input_tokens"], 15)


@rule("telemetry")
def export_race(platform: PlatformUnderTest) -> None:
    """The same spans sent many times at the same moment are kept once."""
    member, traces = platform.member(), [hex_id(16) for _ in range(4)]
    chat = _used(5, 0, "chat")
    spans = [span(trace_id, values=chat) for trace_id in traces for _ in range(5)]
    sent = at_once(16, lambda n: member.post(INTAKE, json=request(*spans[n:], *spans[:n])))
    for answer in sent:
        answer.must_be(200)
    for trace_id in traces:
        answer = member.get(f"{TRACES}/{trace_id}")
        trace = answer.must_have_json()
        found = (trace["span_count"], len(trace["spans"]), trace["input_tokens"])
        answer.must_equal("the counts of spans and tokens", found, (5, 5, 25))


@rule("telemetry")
def trace_of_another(platform: PlatformUnderTest) -> None:
    """Another account's trace is 404, and not in the list; one with the same id is a trace of its own."""
    mine, theirs, trace_id = platform.newcomer(), platform.member(), hex_id(16)
    send(theirs, span(trace_id, "theirs"))
    mine.get(f"{TRACES}/{trace_id}").must_be_problem(404, "not_found")
    answer = mine.get(TRACES)
    answer.must_equal("the traces of a new account", answer.must_have_json()["items"], [])
    send(mine, span(trace_id, "mine"))
    for owner, name in ((mine, "mine"), (theirs, "theirs")):
        answer = owner.get(f"{TRACES}/{trace_id}")
        answer.must_equal("root_name", answer.must_have_json()["root_name"], name)


@rule("telemetry")
def trace_unknown(platform: PlatformUnderTest) -> None:
    """A trace that there is not is 404, whatever its id is made of."""
    for trace_id in ("0" * 32, "x", "%00", "g" * 32, "a" * 33, hex_id(16)):
        platform.member().get(f"{TRACES}/{trace_id}").must_be_problem(404, "not_found")


@rule("telemetry")
def tokens_are_summed(platform: PlatformUnderTest) -> None:
    """A trace's tokens are those of its model calls; what an agent's span says of them is not added once more."""
    trace_id, root = hex_id(16), hex_id(8)
    calls = [span(trace_id, parent=root, values=_used(10, 3, name)) for name in _MODEL_CALLS]
    agent = span(trace_id, span_id=root, values=_used(10, 3, "invoke_agent"))
    others = [span(trace_id, parent=root, values=_used(10, 3))]
    others += [span(trace_id, parent=root, values=_used("9", -5, "chat"))]
    send(platform.member(), *calls, agent, *others)
    answer = platform.member().get(f"{TRACES}/{trace_id}")
    trace = answer.must_have_json()
    answer.must_equal("the tokens", (trace["input_tokens"], trace["output_tokens"]), (40, 12))


def _agents(owner: Caller, *names: str) -> dict[str, str]:
    """New agents, each name with something behind it, and their ids."""
    made = {name: owner.post("/api/agents", json={"name": name, "version": "1"}) for name in names}
    return {name: answer.must_have_json(201)["id"] for name, answer in made.items()}


@rule("telemetry")
def agent_linked(platform: PlatformUnderTest) -> None:
    """A span is linked by `ams.agent.id`, else the resource's `gen_ai.main_agent.id`, else `gen_ai.agent.name`."""
    owner = platform.member()
    one, two, three = (f"{name}-{uuid4().hex}" for name in ("one", "two", "three"))
    ids = _agents(owner, one, two, three)
    main: dict[str, JsonValue] = {"gen_ai.main_agent.id": ids[two]}
    wanted: tuple[tuple[dict[str, JsonValue], dict[str, JsonValue] | None, str | None, str | None], ...] = (
        ({"ams.agent.id": ids[one], _AGENT: three}, main, three, ids[one]),
        ({_AGENT: three}, main, three, ids[two]),
        ({_AGENT: three}, None, three, ids[three]),
        ({"ams.agent.id": ids[one]}, None, one, ids[one]),
        ({"ams.agent.id": "no id", _AGENT: three}, None, three, ids[three]),
        ({_AGENT: "unknown"}, None, "unknown", None),
        ({}, None, None, None),
    )
    for values, resource, name, agent_id in wanted:
        trace_id = hex_id(16)
        send(owner, span(trace_id, values=values), resource=resource)
        answer = owner.get(f"{TRACES}/{trace_id}")
        trace = answer.must_have_json()
        answer.must_equal("agent and agent_id", (trace["agent"], trace["agent_id"]), (name, agent_id))


@rule("telemetry")
def agent_of_another(platform: PlatformUnderTest) -> None:
    """Another account's agent is not linked to, by its id or by its name."""
    mine, theirs, trace_id = platform.member(), platform.newcomer(), hex_id(16)
    name = f"theirs-{uuid4().hex}"
    agent_id = _agents(theirs, name)[name]
    send(mine, span(trace_id, values={"ams.agent.id": agent_id, _AGENT: name}))
    answer = mine.get(f"{TRACES}/{trace_id}")
    trace = answer.must_have_json()
    answer.must_equal("agent and agent_id", (trace["agent"], trace["agent_id"]), (name, None))


@rule("telemetry")
def agent_of_trace(platform: PlatformUnderTest) -> None:
    """A trace's agent is that of its root, else of its oldest span that has one, in whatever order they come."""
    member, trace_id, root, start = platform.member(), hex_id(16), hex_id(8), time.time_ns()
    send(member, span(trace_id, parent=root, start=start + 20, values={_AGENT: "younger"}))
    send(member, span(trace_id, parent=root, start=start + 10, values={_AGENT: "older"}))
    answer = member.get(f"{TRACES}/{trace_id}")
    answer.must_equal("agent, without a root", answer.must_have_json()["agent"], "older")
    send(member, span(trace_id, span_id=root, start=start + 30, values={_AGENT: "root"}))
    answer = member.get(f"{TRACES}/{trace_id}")
    answer.must_equal("agent, with a root", answer.must_have_json()["agent"], "root")


@rule("telemetry")
def error_of_trace(platform: PlatformUnderTest) -> None:
    """A trace fails as its root does, else as its first failed span: with the `error.type`, else the exception's."""
    member, trace_id, root, start = platform.member(), hex_id(16), hex_id(8), time.time_ns()
    event = {"name": "exception", "attributes": attributes({"exception.type": "KeyError"})}
    send(member, span(trace_id, parent=root, start=start + 20, code=2, values={"error.type": "TimeoutError"}))
    _fails_as(member, trace_id, "TimeoutError", 1)
    send(member, span(trace_id, parent=root, start=start + 10, code=2) | {"events": [event]})
    _fails_as(member, trace_id, "KeyError", 2)
    send(member, span(trace_id, span_id=root, start=start))
    _fails_as(member, trace_id, None, 2)


@rule("telemetry")
def error_without_type(platform: PlatformUnderTest) -> None:
    """A failure that says no type is one all the same: `_OTHER`."""
    trace_id = hex_id(16)
    send(platform.member(), span(trace_id, code=2))
    _fails_as(platform.member(), trace_id, "_OTHER", 1)


def _fails_as(owner: Caller, trace_id: str, error: str | None, count: int) -> None:
    answer = owner.get(f"{TRACES}/{trace_id}")
    trace = answer.must_have_json()
    wanted = ("ok" if error is None else "error", error, count)
    found = (trace["status"], trace["error"], trace["error_count"])
    answer.must_equal("status, error and error_count", found, wanted)
