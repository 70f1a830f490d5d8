from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from ams_reference_server.telemetry.body_parts import json_exceeds, protobuf_exceeds

VALUES = st.recursive(
    st.builds(AnyValue, string_value=st.text(max_size=200))
    | st.builds(AnyValue, int_value=st.integers(-(2**63), 2**63 - 1))
    | st.builds(AnyValue, double_value=st.floats())
    | st.just(AnyValue()),
    lambda inner: (
        st.builds(AnyValue, array_value=st.builds(ArrayValue, values=st.lists(inner, max_size=3)))
        | st.builds(
            AnyValue,
            kvlist_value=st.builds(
                KeyValueList, values=st.lists(st.builds(KeyValue, key=st.text(), value=inner), max_size=3)
            ),
        )
    ),
    max_leaves=5,
)
ATTRIBUTES = st.lists(st.builds(KeyValue, key=st.text(max_size=200), value=VALUES), max_size=3)
SPANS = st.builds(
    Span,
    trace_id=st.binary(max_size=16),
    name=st.text(),
    kind=st.integers(0, 5),
    flags=st.integers(0, 2**32 - 1),
    start_time_unix_nano=st.integers(0, 2**64 - 1),
    attributes=ATTRIBUTES,
    events=st.lists(st.builds(Span.Event, name=st.text(), attributes=ATTRIBUTES), max_size=3),
    links=st.lists(st.builds(Span.Link, span_id=st.binary(max_size=8), attributes=ATTRIBUTES), max_size=3),
)


def request(*spans):
    message = ExportTraceServiceRequest()
    scope_spans = message.resource_spans.add().scope_spans.add()
    scope_spans.scope.name = "tests"
    scope_spans.spans.extend(spans)
    return message


def fields_of(message):
    """What the walk counts, by the real parser: every field that is present, with those inside."""
    count = 0
    for field, value in message.ListFields():
        items = value if isinstance(value, list) or hasattr(value, "add") else [value]
        for item in items:
            count += 1 + (fields_of(item) if field.message_type is not None else 0)
    return count


@given(st.lists(SPANS, max_size=3))
def test_fields_are_counted_as_the_real_parser_finds_them(spans):
    message = request(*spans)
    body, count = message.SerializeToString(), fields_of(message)
    assert not protobuf_exceeds(body, count)
    assert protobuf_exceeds(body, count - 1)


@given(st.binary(max_size=300), st.integers(0, 300))
def test_any_bytes_are_counted(body, most):
    assert not protobuf_exceeds(body, len(body))
    assert isinstance(protobuf_exceeds(body, most), bool)


@given(st.lists(SPANS, min_size=1, max_size=2), st.integers(0, 2000))
def test_what_is_cut_off_is_left_to_the_parser(spans, length):
    message = request(*spans)
    body = message.SerializeToString()[:length]
    assert not protobuf_exceeds(body, fields_of(message))


@pytest.mark.parametrize("ahead", [b"", b"\x0b\x0a\x01\xff\x0c", b"\x78\x01", b"\x0a\x80\x00", b"\x79" + bytes(8)])
@pytest.mark.parametrize("path", [(), (0x0A,), (0x0A, 0x12), (0x0A, 0x12, 0x12), (0x0A, 0x12, 0x12, 0x4A, 0x12, 0x2A)])
def test_empty_messages_are_found_wherever_they_are(ahead, path):
    # Before them stands what is in no request, and what the parser passes over: a group, unknown fields, long numbers.
    body = b"\x0a\x00" * 4000
    for tag in reversed(path):
        body = bytes([tag, len(body) & 0x7F | 0x80, len(body) >> 7 & 0x7F | 0x80, len(body) >> 14]) + body
    body = ahead + body
    if 0x2A not in path:
        ExportTraceServiceRequest.FromString(body)
    assert protobuf_exceeds(body, 1000)
    assert not protobuf_exceeds(body, 5000)


@pytest.mark.parametrize(
    "broken",
    [b"\x0c", b"\x0f", b"\x08" + b"\xff" * 11, b"\x08" + b"\x80" * 20, b"\x0a\x7f", b"\x09\x00", b"\x0a\x02\x0a\x05"],
)
def test_what_follows_a_broken_field_is_not_counted(broken):
    assert not protobuf_exceeds(broken + b"\x0a\x00" * 5, 10)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.sampled_from('{[,]}"\\:a\u00e4\n')),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.sampled_from('{[,]}"\\')), inner),
    max_leaves=20,
)


def parts_of(value):
    if not isinstance(value, list | dict):
        return 0
    inner = list(value.values()) if isinstance(value, dict) else value
    return 1 + max(0, len(inner) - 1) + sum(parts_of(item) for item in inner)


@given(JSON_VALUES, st.booleans())
def test_json_is_counted_outside_of_its_texts(value, ascii_only):
    body, count = json.dumps(value, ensure_ascii=ascii_only).encode(), parts_of(value)
    assert not json_exceeds(body, count)
    assert json_exceeds(body, count - 1)


def test_a_text_without_an_end_is_read_once():
    # Taken up again at each of its quotes it would take hours.
    assert not json_exceeds(b'"' + b'\\",' * 1_000_000, 10)
