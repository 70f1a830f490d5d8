from __future__ import annotations

import base64
import gzip
import json
import os
import time
import zlib
from concurrent.futures import ThreadPoolExecutor

import pytest
from google.protobuf import json_format
from google.rpc import error_details_pb2, status_pb2
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

INTAKE, TRACES = "/v1/traces", "/api/traces"
PROTOBUF, JSON = "application/x-protobuf", "application/json"
SECOND = 1_000_000_000


def hex_id(size):
    return os.urandom(size).hex()


def any_value(item):
    if isinstance(item, list):
        return {"arrayValue": {"values": [any_value(inner) for inner in item]}}
    if isinstance(item, dict):
        return {"kvlistValue": {"values": attributes(item)}}
    if item is None:
        return {}
    names = {bool: "boolValue", int: "intValue", float: "doubleValue", bytes: "bytesValue", str: "stringValue"}
    said = {int: str, bytes: lambda raw: base64.b64encode(raw).decode()}.get(type(item), lambda plain: plain)(item)
    return {names[type(item)]: said}


def attributes(values):
    return [{"key": key, "value": any_value(item)} for key, item in values.items()]


def span(trace_id, name="run", *, span_id=None, parent=None, start=None, **values):
    start = time.time_ns() if start is None else start
    took, code = values.pop("took", SECOND), values.pop("code", 0)
    said = {
        "traceId": trace_id,
        "spanId": span_id or hex_id(8),
        "name": name,
        "kind": 1,
        "startTimeUnixNano": str(start),
        "endTimeUnixNano": str(start + took),
        "status": {"code": code} if code else {},
        "attributes": attributes({key.replace("__", "."): value for key, value in values.items()}),
    }
    return said | ({"parentSpanId": parent} if parent else {})


def request(*spans, resource=None):
    scope_spans = [{"scope": {"name": "tests", "version": "1"}, "spans": list(spans)}]
    resource = {"attributes": attributes(resource or {"service.name": "tests"})}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": scope_spans}]}


def send(account, *spans, resource=None):
    answer = account.post(INTAKE, json=request(*spans, resource=resource))
    assert (answer.status_code, answer.json()) == (200, {}), answer.text


def as_protobuf(body):
    text = json.dumps(body)
    message = json_format.Parse(text, ExportTraceServiceRequest())
    for one, said in zip(
        message.resource_spans[0].scope_spans[0].spans, body["resourceSpans"][0]["scopeSpans"][0]["spans"], strict=True
    ):
        one.trace_id, one.span_id = bytes.fromhex(said["traceId"]), bytes.fromhex(said["spanId"])
        one.parent_span_id = bytes.fromhex(said.get("parentSpanId", ""))
    return message.SerializeToString()


def read(account, trace_id):
    answer = account.get(f"{TRACES}/{trace_id}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_trace_is_read_back_as_it_was_sent(account):
    trace_id, root, start = hex_id(16), hex_id(8), 1_700_000_000_123_456_789
    content = {
        "text": "a\u0000\u00e4\U0001f600",
        "count": 2**62,
        "ratio": 0.5,
        "flag": True,
        "many": ["a", 1, [True]],
        "nested": {"a": {"b": 1}},
        "raw": b"..",
        "none": None,
    }
    name = "invoke_agent researcher"
    sent = span(trace_id, name, span_id=root, start=start, took=1_234_567_891, code=1, **content)
    sent["events"] = [{"timeUnixNano": str(start + 1000), "name": "said", "attributes": attributes({"word": "hello"})}]
    sent["links"] = [{"traceId": "ab" * 16, "spanId": "cd" * 8, "attributes": attributes({"why": "cause"})}]
    send(
        account,
        sent,
        span(trace_id, "execute_tool search", parent=root, start=start + 5),
        resource={"service.name": "s"},
    )
    trace = read(account, trace_id)
    first, second = trace["spans"]
    assert first == {
        "trace_id": trace_id,
        "span_id": root,
        "parent_span_id": None,
        "name": "invoke_agent researcher",
        "kind": "internal",
        "status": "ok",
        "status_message": None,
        "started_at": "2023-11-14T22:13:20.123456Z",
        "duration_ns": 1_234_567_891,
        "attributes": content | {"raw": base64.b64encode(b"..").decode()},
        "events": [{"name": "said", "at": "2023-11-14T22:13:20.123457Z", "attributes": {"word": "hello"}}],
        "links": [{"trace_id": "ab" * 16, "span_id": "cd" * 8, "attributes": {"why": "cause"}}],
        "scope_name": "tests",
        "scope_version": "1",
        "resource": {"service.name": "s"},
    }
    assert (second["name"], second["parent_span_id"]) == ("execute_tool search", root)
    assert (trace["root_name"], trace["span_count"], trace["duration_ns"]) == (
        "invoke_agent researcher",
        2,
        1_234_567_891,
    )


@pytest.mark.parametrize("encoding", ["identity", "gzip", "deflate"])
@pytest.mark.parametrize("content_type", [PROTOBUF, JSON])
def test_both_encodings_are_taken_packed_and_unpacked_and_answered_in_kind(account, content_type, encoding):
    trace_id = hex_id(16)
    body = request(span(trace_id, "run", parent=hex_id(8), question="why"))
    content = as_protobuf(body) if content_type == PROTOBUF else json.dumps(body).encode()
    pack = {"identity": bytes, "gzip": gzip.compress, "deflate": zlib.compress}[encoding]
    answer = account.post(
        INTAKE, content=pack(content), headers={"Content-Type": content_type, "Content-Encoding": encoding}
    )
    assert (answer.status_code, answer.headers["content-type"]) == (200, content_type)
    assert answer.content == (b"" if content_type == PROTOBUF else b"{}")
    assert read(account, trace_id)["spans"][0]["attributes"] == {"question": "why"}


def test_json_follows_the_rules_of_otlp(account):
    trace_id = hex_id(16)
    sent = span(trace_id.upper(), "run")
    sent |= {
        "startTimeUnixNano": SECOND,
        "endTimeUnixNano": 2 * SECOND,
        "kind": 3,
        "madeUp": {"a": 1},
        "span_id": "ignored",
        "status": {"code": 2},
    }
    sent["attributes"] = [{"key": "n", "value": {"intValue": 7}}, {"key": "x", "value": {"doubleValue": "NaN"}}]
    send(account, sent)
    kept = read(account, trace_id)["spans"][0]
    assert (kept["trace_id"], kept["kind"], kept["status"], kept["duration_ns"]) == (
        trace_id,
        "client",
        "error",
        SECOND,
    )
    assert kept["attributes"] == {"n": 7, "x": "NaN"}


@pytest.mark.parametrize(
    ("content_type", "content"), [(PROTOBUF, b""), (JSON, b"{}"), (JSON, b'{"resourceSpans": []}')]
)
def test_an_empty_request_succeeds(account, content_type, content):
    assert account.post(INTAKE, content=content, headers={"Content-Type": content_type}).status_code == 200


def test_the_same_span_twice_is_one_span(account):
    trace_id = hex_id(16)
    spans = [span(trace_id, gen_ai__operation__name="chat", gen_ai__usage__input_tokens=5) for _ in range(3)]
    send(account, *spans, spans[0])
    send(account, *spans)
    send(account, *spans, span(trace_id, "late"))
    trace = read(account, trace_id)
    assert (trace["span_count"], len(trace["spans"]), trace["input_tokens"]) == (4, 4, 15)


def test_the_same_spans_at_once_are_kept_once(account):
    traces = [hex_id(16) for _ in range(4)]
    spans = [
        span(trace_id, gen_ai__operation__name="chat", gen_ai__usage__input_tokens=5)
        for trace_id in traces
        for _ in range(5)
    ]

    def once(number):
        shuffled = spans[number:] + spans[:number]
        return account.post(INTAKE, json=request(*shuffled)).status_code

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(once, range(16))) == {200}
    for trace_id in traces:
        trace = read(account, trace_id)
        assert (trace["span_count"], len(trace["spans"]), trace["input_tokens"]) == (5, 5, 25)


@pytest.mark.parametrize("content_type", [PROTOBUF, JSON])
def test_spans_with_invalid_ids_are_rejected_and_the_others_kept(account, content_type):
    trace_id = hex_id(16)
    broken = [
        span("00" * 16),
        span("ab" * 15),
        span(""),
        span(trace_id, span_id="00" * 8),
        span(trace_id, span_id="ab" * 7),
        span(trace_id, parent="ab" * 9),
        span(trace_id, start=2**63),
    ]
    body = request(*broken, span(trace_id, "kept"))
    content = as_protobuf(body) if content_type == PROTOBUF else json.dumps(body).encode()
    answer = account.post(INTAKE, content=content, headers={"Content-Type": content_type})
    assert answer.status_code == 200
    if content_type == PROTOBUF:
        partial = ExportTraceServiceResponse.FromString(answer.content).partial_success
        assert (partial.rejected_spans, bool(partial.error_message)) == (7, True)
    else:
        assert answer.json()["partialSuccess"]["rejectedSpans"] == "7"
    assert [kept["name"] for kept in read(account, trace_id)["spans"]] == ["kept"]


def test_an_id_that_is_not_hex_is_rejected(account):
    answer = account.post(INTAKE, json=request(span("z" * 32), span(hex_id(16), span_id="nothex")))
    assert answer.json()["partialSuccess"]["rejectedSpans"] == "2"


def status_of(answer):
    content_type = answer.headers["content-type"]
    if content_type == PROTOBUF:
        return status_pb2.Status.FromString(answer.content)
    assert content_type == JSON
    return json_format.Parse(answer.content, status_pb2.Status())


@pytest.mark.parametrize("content_type", [PROTOBUF, JSON])
@pytest.mark.parametrize(
    "content",
    [
        b"\xff",
        b"{",
        b"[]",
        b"[" * 100_000,
        b'{"resourceSpans": 7}',
        b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":7}]}]}]}',
        b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"startTimeUnixNano":"x"}]}]}]}',
        b'"\\ud800"',
    ],
)
def test_a_body_that_is_no_request_is_400_with_a_status_in_kind(account, content_type, content):
    answer = account.post(INTAKE, content=content, headers={"Content-Type": content_type})
    assert answer.status_code == 400
    assert answer.headers["content-type"] == content_type
    status = status_of(answer)
    assert status.code == 3
    details = error_details_pb2.BadRequest()
    assert status.details[0].Unpack(details)
    assert details.field_violations[0].description == status.message


@pytest.mark.parametrize(
    "content", [b"", b"no gzip", gzip.compress(b"{}", mtime=0)[:-3], gzip.compress(b"{}", mtime=0) + b"more"]
)
def test_a_body_that_is_not_packed_as_it_says_is_400(account, content):
    headers = {"Content-Type": JSON, "Content-Encoding": "gzip"}
    assert account.post(INTAKE, content=content, headers=headers).status_code == 400


def test_another_content_type_or_encoding_is_415(account):
    for headers in ({"Content-Type": "text/plain"}, {}, {"Content-Type": JSON, "Content-Encoding": "br"}):
        answer = account.post(INTAKE, content=b"{}", headers=headers)
        assert answer.status_code == 415
        assert status_of(answer).message


def test_a_gzip_bomb_is_413(account):
    bomb = gzip.compress(bytes(65 * 1024**2), 9)
    assert len(bomb) < 100_000
    answer = account.post(INTAKE, content=bomb, headers={"Content-Type": PROTOBUF, "Content-Encoding": "gzip"})
    assert answer.status_code == 413
    assert status_of(answer).message


@pytest.mark.parametrize(
    ("content_type", "content"),
    [(JSON, b'{"resourceSpans":[' + b"{}," * 10_000_000 + b"{}]}"), (PROTOBUF, b"\x0a\x00" * 30_000_000)],
)
def test_a_bomb_of_empty_messages_is_413_with_a_status_in_kind(account, content_type, content):
    headers = {"Content-Type": content_type, "Content-Encoding": "gzip"}
    answer = account.post(INTAKE, content=gzip.compress(content, 6), headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (413, content_type)
    assert "several requests" in status_of(answer).message


def test_what_a_span_has_too_much_of_is_left_out_and_said(account):
    trace_id = hex_id(16)
    sent = span(trace_id, **{f"key{number}": number for number in range(130)})
    answer = account.post(INTAKE, json=request(sent))
    assert answer.status_code == 200
    partial = answer.json()["partialSuccess"]
    assert "rejectedSpans" not in partial
    assert partial["errorMessage"].startswith("2 attributes")
    assert len(read(account, trace_id)["spans"][0]["attributes"]) == 128


def test_a_packed_body_over_the_limit_is_413_and_not_read_to_its_end(account):
    sent = 0

    def chunks():
        nonlocal sent
        for _ in range(200):
            sent += 1024**2
            yield bytes(1024**2)

    answer = account.post(INTAKE, content=chunks(), headers={"Content-Type": PROTOBUF})
    assert answer.status_code == 413
    assert sent < 100 * 1024**2


@pytest.mark.parametrize("content_type", [PROTOBUF, JSON])
def test_without_a_credential_the_answer_is_a_status_in_kind(client, content_type):
    answer = client.post(INTAKE, content=b"", headers={"Content-Type": content_type})
    assert (answer.status_code, answer.headers["content-type"]) == (401, content_type)
    assert answer.headers["www-authenticate"] == 'Bearer realm="ams"'
    assert status_of(answer).code == 16


def test_a_wrong_path_or_method_is_a_status_too(account):
    assert account.post("/v1/nope", json={}).status_code == 404
    answer = account.get(INTAKE)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert status_of(answer).code == 12


def test_traces_of_another_account_do_not_exist(new_account):
    mine, theirs, trace_id = new_account(), new_account(), hex_id(16)
    send(theirs, span(trace_id, "theirs"))
    assert mine.get(f"{TRACES}/{trace_id}").status_code == 404
    assert mine.get(TRACES).json()["items"] == []
    send(mine, span(trace_id, "mine"))
    assert read(mine, trace_id)["root_name"] == "mine"
    assert read(theirs, trace_id)["root_name"] == "theirs"


@pytest.mark.parametrize("trace_id", ["0" * 32, "x", "%00", "g" * 32, "a" * 33])
def test_an_unknown_trace_is_404(account, trace_id):
    assert account.get(f"{TRACES}/{trace_id}").status_code == 404


def test_tokens_are_summed_over_model_calls_and_not_doubled_by_their_agent(account):
    trace_id, root = hex_id(16), hex_id(8)
    tokens = {"gen_ai__usage__input_tokens": 10, "gen_ai__usage__output_tokens": 3}
    calls = [
        span(trace_id, parent=root, gen_ai__operation__name=name, **tokens)
        for name in ("chat", "generate_content", "text_completion", "embeddings")
    ]
    others = [
        span(trace_id, span_id=root, gen_ai__operation__name="invoke_agent", **tokens),
        span(trace_id, parent=root, **tokens),
    ]
    nonsense = span(
        trace_id,
        parent=root,
        gen_ai__operation__name="chat",
        gen_ai__usage__input_tokens="9",
        gen_ai__usage__output_tokens=-5,
    )
    send(account, *calls, *others, nonsense)
    trace = read(account, trace_id)
    assert (trace["input_tokens"], trace["output_tokens"]) == (40, 12)


def test_a_span_is_linked_to_its_agent(account):
    one, two, three = (
        account.post("/api/agents", json={"name": name, "version": "1"}).json() for name in ("one", "two", "three")
    )

    def linked(resource=None, **values):
        trace_id = hex_id(16)
        send(account, span(trace_id, **values), resource=resource)
        trace = read(account, trace_id)
        return trace["agent"], trace["agent_id"]

    main = {"gen_ai.main_agent.id": two["id"]}
    assert linked(ams__agent__id=one["id"], gen_ai__agent__name="three", resource=main) == ("three", one["id"])
    assert linked(gen_ai__agent__name="three", resource=main) == ("three", two["id"])
    assert linked(gen_ai__agent__name="three") == ("three", three["id"])
    assert linked(ams__agent__id=one["id"]) == ("one", one["id"])
    assert linked(ams__agent__id="no id", gen_ai__agent__name="three") == ("three", three["id"])
    assert linked(gen_ai__agent__name="unknown") == ("unknown", None)
    assert linked() == (None, None)


def test_an_agent_of_another_account_is_not_linked(new_account):
    mine, theirs, trace_id = new_account(), new_account(), hex_id(16)
    agent = theirs.post("/api/agents", json={"name": "theirs", "version": "1"}).json()
    send(mine, span(trace_id, ams__agent__id=agent["id"], gen_ai__agent__name="theirs"))
    trace = read(mine, trace_id)
    assert (trace["agent"], trace["agent_id"]) == ("theirs", None)


def test_the_agent_of_a_trace_is_that_of_its_root_else_of_its_oldest_agent_span(account):
    trace_id, root, start = hex_id(16), hex_id(8), time.time_ns()
    send(account, span(trace_id, parent=root, start=start + 20, gen_ai__agent__name="younger"))
    assert read(account, trace_id)["agent"] == "younger"
    send(account, span(trace_id, parent=root, start=start + 10, gen_ai__agent__name="older"))
    assert read(account, trace_id)["agent"] == "older"
    send(account, span(trace_id, span_id=root, start=start + 30, gen_ai__agent__name="root"))
    assert read(account, trace_id)["agent"] == "root"


def test_the_error_of_a_trace_is_that_of_its_root_else_of_its_first_failed_span(account):
    trace_id, root, start = hex_id(16), hex_id(8), time.time_ns()
    event = {"name": "exception", "attributes": attributes({"exception.type": "KeyError"})}
    send(account, span(trace_id, parent=root, start=start + 20, code=2, error__type="TimeoutError"))
    assert read(account, trace_id)["error"] == "TimeoutError"
    send(account, span(trace_id, parent=root, start=start + 10, code=2) | {"events": [event]})
    assert read(account, trace_id)["error"] == "KeyError"
    send(account, span(trace_id, parent=root, start=start + 15, code=2))
    assert (read(account, trace_id)["status"], read(account, trace_id)["error_count"]) == ("error", 3)
    send(account, span(trace_id, span_id=root, start=start))
    trace = read(account, trace_id)
    assert (trace["status"], trace["error"], trace["error_count"]) == ("ok", None, 3)


def test_a_failure_without_a_type_is_still_one(account):
    trace_id = hex_id(16)
    send(account, span(trace_id, code=2))
    trace = read(account, trace_id)
    assert (trace["status"], trace["error"]) == ("error", "_OTHER")


def test_the_list_shows_the_newest_first_in_pages_without_gaps_or_repeats(account):
    start = time.time_ns()
    ids = [hex_id(16) for _ in range(7)]
    # Two traces share each start, so that the order within one start matters.
    send(account, *(span(trace_id, start=start + number // 2 * SECOND) for number, trace_id in enumerate(ids)))
    seen, cursor = [], None
    while True:
        page = account.get(TRACES, params={"limit": 2} | ({"cursor": cursor} if cursor else {})).json()
        seen += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert (len(seen), {trace["trace_id"] for trace in seen}) == (7, set(ids))
    assert [trace["started_at"] for trace in seen] == sorted((trace["started_at"] for trace in seen), reverse=True)
    summary = read(account, seen[0]["trace_id"])
    del summary["spans"]
    assert seen[0] == summary


def test_the_list_is_filtered(account):
    agent = account.post("/api/agents", json={"name": "solver", "version": "1"}).json()
    base = 1_700_000_000 * SECOND
    good, bad, long = hex_id(16), hex_id(16), hex_id(16)
    send(account, span(good, "run good_one", start=base, gen_ai__agent__name="solver", gen_ai__conversation__id="talk"))
    send(account, span(bad, "run bad", start=base + 60 * SECOND, code=2))
    send(account, span(long, "run long", start=base + 120 * SECOND, took=90 * SECOND))

    def found(**query):
        answer = account.get(TRACES, params=query)
        assert answer.status_code == 200, answer.text
        return {trace["trace_id"] for trace in answer.json()["items"]}

    assert found() == {good, bad, long}
    assert found(agent="solver") == found(agent=agent["id"]) == found(session="talk") == {good}
    assert found(status="error") == {bad}
    assert found(status="ok") == {good, long}
    assert found(since="2023-11-14T22:14:20Z") == {bad, long}
    assert found(until="2023-11-14T22:14:20Z") == {good}
    assert found(since="0001-01-01T00:00:00Z", until="9999-12-31T00:00:00Z") == {good, bad, long}
    assert found(min_duration="1.5") == {long}
    assert found(q="GOOD_") == found(q=good[:20]) == {good}
    assert found(q="%") == set()
    assert found(agent="solver", status="error") == set()


def test_the_list_shortens_texts_that_the_span_keeps(account):
    trace_id = hex_id(16)
    texts = {"gen_ai__agent__name": "a" * 300, "gen_ai__conversation__id": "s" * 300, "error__type": "e" * 300}
    send(account, span(trace_id, "n" * 300, code=2, **texts))
    listed = account.get(TRACES, params={"session": "s" * 300, "agent": "a" * 300}).json()["items"]
    assert [(one["root_name"], one["agent"], one["session"], one["error"]) for one in listed] == [
        tuple(letter * 256 for letter in "nase")
    ]
    kept = read(account, trace_id)["spans"][0]
    assert (kept["name"], kept["attributes"]["error.type"]) == ("n" * 300, "e" * 300)


@pytest.mark.parametrize(
    "query",
    ["since=yesterday", "since=0", "until=0.5", "since=2026-01-01T00:00:00", "min_duration=-1", "min_duration=inf"],
)
def test_a_filter_that_breaks_its_rule_is_refused(account, query):
    answer = account.get(f"{TRACES}?{query}")
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [query.split("=")[0]]
