"""What a cassette holds of a body gives the same body again."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ams_sdk.testing._cassette.body import TimedBytes, read_body, read_stream, written_body, written_stream

EVENTS = "text/event-stream"
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
lines = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]))
events = st.builds(
    lambda name, number, data: {"name": name, "number": number, "data": data},
    st.none() | lines.filter(str.strip),
    st.none() | st.integers(0, 99),
    values | lines,
)


def on_the_wire(event, newline):
    data = event["data"] if isinstance(event["data"], str) else json.dumps(event["data"])
    parts = []
    if event["number"] is not None:
        parts.append(f"id: {event['number']}")
    if event["name"] is not None:
        parts.append(f"event: {event['name']}")
    return newline.join([*parts, f"data: {data}", "", ""]).encode()


def cut(body, places):
    places = sorted({place % (len(body) + 1) for place in places})
    bounds = [0, *places, len(body)]
    return [TimedBytes(body[first:last], 0.25) for first, last in pairwise(bounds)]


def meant(body):
    """What a client reads from a stream: of each event its fields, JSON decoded."""
    found = []
    for block in body.decode().replace("\r\n", "\n").split("\n\n"):
        if block:
            fields = dict(line.split(": ", 1) for line in block.split("\n"))
            with suppress(ValueError):
                fields["data"] = json.loads(fields["data"])
            found.append(fields)
    return found


@given(st.binary() | st.text().map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_come_again_as_they_were_or_as_the_same_json(body):
    document = json.loads(json.dumps(written_body(body)))
    again = read_body(document)
    assert json.loads(again) == json.loads(body) if "json" in document else again == body


@given(st.lists(values) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), values))
def test_json_stands_as_json_if_it_is_an_object_or_a_list(value):
    expected = {"json": value} if not re.search(r"\\ud[89a-f]", json.dumps(value)) else {"text": json.dumps(value)}
    found = written_body(json.dumps(value).encode())
    assert found in (expected, {"json": value})
    json.dumps(found, ensure_ascii=False).encode()


@pytest.mark.parametrize("text", ["3.10\n", "1e400", "null", '"a"', "[1e400]", '{"a": "\\ud83d"}', "NaN"])
def test_what_json_would_not_give_again_stands_as_text(text):
    assert written_body(text.encode()) == {"text": text}
    (event,) = written_stream([TimedBytes(f"data: {text.strip()}\n\n".encode(), 0.0)], EVENTS)
    assert event["data"] == text.strip()


@given(st.lists(events, min_size=1), st.sampled_from(["\n", "\r\n"]), st.lists(st.integers(0, 10**6), max_size=6))
def test_events_are_the_same_however_the_network_has_cut_them(sent, newline, places):
    body = b"".join(on_the_wire(event, newline) for event in sent)
    pieces = cut(body, places)
    document = written_stream(pieces, f"{EVENTS}; charset=utf-8")
    again = read_stream(json.loads(json.dumps(document)))
    assert len(again) == len(sent)
    assert meant(b"".join(piece.data for piece in again)) == meant(body)
    assert sum(piece.after for piece in again) <= sum(piece.after for piece in pieces) + 1e-9


@given(st.binary(min_size=1), st.lists(st.integers(0, 10**6), max_size=6))
def test_what_is_no_event_stream_keeps_its_pieces(body, places):
    pieces = cut(body, places)
    document = json.loads(json.dumps(written_stream(pieces, "application/x-ndjson")))
    assert read_stream(document) == pieces


@pytest.mark.parametrize(
    "body",
    [
        b"data: cut off",
        b": a comment\n\n",
        b"event: without data\n\n",
        b"data: \xff\n\n",
        b"event: a\nevent: b\ndata: c\n\n",
        b"retry: 3\n\n",
    ],
)
def test_a_stream_that_events_would_not_give_again_is_kept_as_it_came(body):
    document = written_stream([TimedBytes(body, 0.1)], EVENTS)
    assert b"".join(piece.data for piece in read_stream(document)) == body
