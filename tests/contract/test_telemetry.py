"""What the reference server promises of telemetry by its limits, and the mock with it."""

from __future__ import annotations

import gzip
import time

import pytest
from google.protobuf import json_format
from google.rpc import status_pb2

from ams_sdk.testing.contract.spans import INTAKE, TRACES, hex_id, request, span

PROTOBUF, JSON = "application/x-protobuf", "application/json"


def status_of(answer):
    content_type = answer.headers["content-type"]
    if content_type == PROTOBUF:
        return status_pb2.Status.FromString(answer.content)
    assert content_type == JSON
    return json_format.Parse(answer.content, status_pb2.Status())


def test_a_span_after_the_year_2262_is_rejected(account):
    trace_id = hex_id(16)
    answer = account.post(INTAKE, json=request(span(trace_id, start=2**63), span(trace_id, "kept")))
    assert answer.json()["partialSuccess"]["rejectedSpans"] == "1"
    assert [one["name"] for one in account.get(f"{TRACES}/{trace_id}").json()["spans"]] == ["kept"]


def test_what_unpacks_to_more_than_64_mib_is_413(account):
    bomb = gzip.compress(bytes(65 * 1024**2), 9)
    assert len(bomb) < 100_000
    answer = account.post(INTAKE, content=bomb, headers={"Content-Type": PROTOBUF, "Content-Encoding": "gzip"})
    assert answer.status_code == 413
    assert status_of(answer).message


@pytest.mark.parametrize(
    ("content_type", "content"),
    [(JSON, b'{"resourceSpans":[' + b"{}," * 10_000_000 + b"{}]}"), (PROTOBUF, b"\x0a\x00" * 30_000_000)],
    ids=["json", "protobuf"],
)
def test_a_bomb_of_empty_messages_is_413_with_a_status_in_kind(account, content_type, content):
    headers = {"Content-Type": content_type, "Content-Encoding": "gzip"}
    answer = account.post(INTAKE, content=gzip.compress(content, 6), headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (413, content_type)
    assert "several requests" in status_of(answer).message


def test_what_a_span_has_too_much_of_is_left_out_and_said(account):
    trace_id = hex_id(16)
    sent = span(trace_id, values={f"key{number}": number for number in range(130)})
    answer = account.post(INTAKE, json=request(sent))
    assert answer.status_code == 200
    partial = answer.json()["partialSuccess"]
    assert "rejectedSpans" not in partial
    assert partial["errorMessage"].startswith("2 attributes")
    assert len(account.get(f"{TRACES}/{trace_id}").json()["spans"][0]["attributes"]) == 128


def test_a_packed_body_over_16_mib_is_413_and_not_read_to_its_end(account):
    sent = 0

    def chunks():
        nonlocal sent
        for _ in range(200):
            sent += 1024**2
            yield bytes(1024**2)

    answer = account.post(INTAKE, content=chunks(), headers={"Content-Type": PROTOBUF})
    assert answer.status_code == 413
    assert sent < 100 * 1024**2


def test_the_list_shortens_texts_that_the_span_keeps(account):
    trace_id = hex_id(16)
    texts = {"gen_ai.agent.name": "a" * 300, "gen_ai.conversation.id": "s" * 300, "error.type": "e" * 300}
    sent = span(trace_id, "n" * 300, start=time.time_ns(), code=2, values=texts)
    assert account.post(INTAKE, json=request(sent)).status_code == 200
    listed = account.get(TRACES, params={"session": "s" * 300, "agent": "a" * 300}).json()["items"]
    assert [(one["root_name"], one["agent"], one["session"], one["error"]) for one in listed] == [
        tuple(letter * 256 for letter in "nase")
    ]
    kept = account.get(f"{TRACES}/{trace_id}").json()["spans"][0]
    assert (kept["name"], kept["attributes"]["error.type"]) == ("n" * 300, "e" * 300)
