from __future__ import annotations

import gzip
import json
import math
import os
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from ams_reference_server.errors import BodyTooLargeError, ExcessiveBodyError, MalformedError, UnsupportedMediaTypeError
from ams_reference_server.telemetry.otlp import JSON, PROTOBUF, Batch, answer, decode, unpack


def request(*spans):
    message = ExportTraceServiceRequest()
    message.resource_spans.add().scope_spans.add().spans.extend(spans)
    return message.SerializeToString()


def span(**fields):
    return Span(**{"trace_id": b"t" * 16, "span_id": b"s" * 8, "name": "run"} | fields)


def only(body, media_type=PROTOBUF):
    batch = decode(body, media_type)
    assert (len(batch.spans), batch.rejected) == (1, 0)
    return batch.spans[0]


@given(st.binary(max_size=300), st.sampled_from([PROTOBUF, JSON]))
def test_any_bytes_are_a_batch_or_are_refused(body, media_type):
    try:
        batch = decode(body, media_type)
    except MalformedError as error:
        batch = error
    assert isinstance(batch, Batch | MalformedError)


@given(st.binary(max_size=2000), st.sampled_from(["", "identity", "gzip", "deflate"]))
def test_what_was_packed_is_unpacked(body, encoding):
    pack = {"gzip": gzip.compress, "deflate": zlib.compress}.get(encoding, bytes)
    assert unpack(pack(body), encoding, 2000) == body


@pytest.mark.parametrize("encoding", ["identity", "gzip", "deflate"])
def test_unpacking_stops_at_the_limit(encoding):
    pack = {"gzip": gzip.compress, "deflate": zlib.compress}.get(encoding, bytes)
    assert len(unpack(pack(bytes(1000)), encoding, 1000)) == 1000
    with pytest.raises(BodyTooLargeError, match="unpacked body is larger than 1000 bytes"):
        unpack(pack(bytes(1001)), encoding, 1000)


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (b"", "gzip"),
        (b"x", "gzip"),
        (b"x" * 100, "deflate"),
        (gzip.compress(b"a" * 100, mtime=0)[:-1], "gzip"),
        (gzip.compress(b"a", mtime=0) + gzip.compress(b"b", mtime=0), "gzip"),
        (zlib.compress(b"a"), "gzip"),
    ],
)
def test_what_is_not_packed_as_it_says_is_malformed(body, encoding):
    with pytest.raises(MalformedError):
        unpack(body, encoding, 1000)


def test_an_unknown_encoding_is_refused():
    with pytest.raises(UnsupportedMediaTypeError):
        unpack(b"", "zstd", 1000)


def test_every_kind_of_value_becomes_json():
    values = {
        "text": AnyValue(string_value="a\0\u00e4"),
        "yes": AnyValue(bool_value=True),
        "int": AnyValue(int_value=-(2**63)),
        "double": AnyValue(double_value=0.5),
        "nan": AnyValue(double_value=math.nan),
        "infinity": AnyValue(double_value=math.inf),
        "minus": AnyValue(double_value=-math.inf),
        "bytes": AnyValue(bytes_value=b"\0\1"),
        "array": AnyValue(array_value=ArrayValue(values=[AnyValue(int_value=1), AnyValue()])),
        "map": AnyValue(kvlist_value=KeyValueList(values=[KeyValue(key="a", value=AnyValue(string_value="b"))])),
        "none": AnyValue(),
    }
    record = only(request(span(attributes=[KeyValue(key=key, value=value) for key, value in values.items()])))
    assert record.attributes == {
        "text": "a\0\u00e4",
        "yes": True,
        "int": -(2**63),
        "double": 0.5,
        "nan": "NaN",
        "infinity": "Infinity",
        "minus": "-Infinity",
        "bytes": "AAE=",
        "array": [1, None],
        "map": {"a": "b"},
        "none": None,
    }
    json.dumps(record.attributes, allow_nan=False)


def test_texts_of_their_own_columns_hold_no_nul():
    record = only(request(span(name="a\0b", status=Status(message="c\0d", code=Status.STATUS_CODE_ERROR))))
    assert (record.name, record.status, record.status_message) == ("a\ufffdb", "error", "c\ufffdd")


@pytest.mark.parametrize(
    ("number", "kind"), [(0, "internal"), (1, "internal"), (2, "server"), (5, "consumer"), (99, "internal")]
)
def test_a_kind_that_is_not_known_is_internal(number, kind):
    assert only(request(span(kind=number))).kind == kind


def test_a_clock_that_was_set_back_gives_no_negative_duration():
    record = only(request(span(start_time_unix_nano=10, end_time_unix_nano=5)))
    assert (record.started_ns, record.ended_ns) == (10, 10)


def test_a_parent_of_zeros_is_none():
    assert only(request(span(parent_span_id=bytes(8)))).parent_span_id is None
    assert only(request(span(parent_span_id=b"p" * 8))).parent_span_id == (b"p" * 8).hex()


@pytest.mark.parametrize(
    "fields",
    [
        {"trace_id": b""},
        {"trace_id": bytes(16)},
        {"trace_id": b"t" * 17},
        {"span_id": b""},
        {"span_id": bytes(8)},
        {"parent_span_id": b"p"},
        {"start_time_unix_nano": 2**63},
        {"end_time_unix_nano": 2**64 - 1},
        {"events": [Span.Event(time_unix_nano=2**63)]},
    ],
)
def test_a_span_that_cannot_be_kept_is_counted_and_the_others_are_kept(fields):
    batch = decode(request(span(**fields), span()), PROTOBUF)
    assert (len(batch.spans), batch.rejected) == (1, 1)
    response = ExportTraceServiceResponse.FromString(answer(batch, PROTOBUF))
    assert response.partial_success.rejected_spans == 1
    assert response.partial_success.error_message
    assert json.loads(answer(batch, JSON))["partialSuccess"]["rejectedSpans"] == "1"


def test_all_kept_is_an_empty_answer():
    assert answer(Batch(), PROTOBUF) == b""
    assert json.loads(answer(Batch(), JSON)) == {}


def test_json_and_protobuf_say_the_same():
    trace_id, span_id = os.urandom(16), os.urandom(8)
    said = {
        "traceId": trace_id.hex().upper(),
        "spanId": span_id.hex(),
        "name": "run",
        "kind": 3,
        "trace_state": "ignored",
    }
    said |= {"links": [{"traceId": "ab" * 16, "spanId": "cd" * 8}], "startTimeUnixNano": 7, "unknown": {"a_b": [1]}}
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [said]}]}]}).encode()
    link = Span.Link(trace_id=b"\xab" * 16, span_id=b"\xcd" * 8)
    same = span(trace_id=trace_id, span_id=span_id, kind=3, links=[link], start_time_unix_nano=7)
    assert only(body, JSON) == only(request(same))


def nested(tags, inner):
    for tag in tags:
        # A field's tag, the length of what is inside as a varint of two bytes, and what is inside.
        inner = bytes([tag, len(inner) & 0x7F | 0x80, len(inner) >> 7]) + inner
    return inner


def test_deep_values_are_refused_and_not_followed():
    def with_value(levels):
        # An attribute's value that is a list in a list in a list …
        attribute = nested([0x0A, 0x2A] * levels + [0x12, 0x4A], b"")
        ids = b"\x0a\x10" + b"t" * 16 + b"\x12\x08" + b"s" * 8
        return nested([0x12, 0x12, 0x0A], ids + attribute)

    assert only(with_value(3)).attributes == {"": [[[None]]]}
    with pytest.raises(MalformedError):
        decode(with_value(100), PROTOBUF)


def long(tag, inner):
    """A field of up to 256 MiB."""
    size = bytes(len(inner) >> 7 * place & 0x7F | 0x80 for place in range(3))
    return bytes([tag]) + size + bytes([len(inner) >> 21]) + inner


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (b'{"resourceSpans":[' + b"{}," * 1_000_000 + b"{}]}", JSON),
        (b'{"resourceSpans":[],"unknown":[' + b"[]," * 1_000_000 + b"[]]}", JSON),
        (b'{"resourceSpans":[],"unknown":[' + b"7," * 1_100_000 + b"7]}", JSON),
        (b"\x0a\x00" * 1_100_000, PROTOBUF),
        (long(0x0A, long(0x12, long(0x12, b"\x5a\x00" * 1_100_000))), PROTOBUF),
    ],
)
def test_a_body_of_too_many_parts_is_refused_before_it_is_read(body, media_type):
    with pytest.raises(ExcessiveBodyError, match=r"more than 1000000 .* several requests"):
        decode(body, media_type)


def test_a_long_text_of_commas_is_no_list():
    text = "{[,]}" * 500_000
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "", "name": text}]}]}]}).encode()
    assert decode(body, JSON).rejected == 1


def test_of_each_list_the_first_128_are_kept_and_the_sender_is_told():
    def attributes(count):
        return [KeyValue(key=f"k{number}", value=AnyValue(int_value=number)) for number in range(count)]

    events = [Span.Event(name=f"e{number}", attributes=attributes(130 if number == 0 else 1)) for number in range(133)]
    links = [Span.Link(trace_id=b"l" * 16, attributes=attributes(132 if number == 0 else 1)) for number in range(137)]
    message = ExportTraceServiceRequest.FromString(
        request(span(attributes=attributes(129), events=events, links=links), span())
    )
    message.resource_spans[0].resource.attributes.extend(attributes(145))
    batch = decode(message.SerializeToString(), PROTOBUF)
    record = batch.spans[0]
    kept = (record.attributes, record.events, record.links, record.resource)
    assert [len(items) for items in (*kept, record.events[0]["attributes"], record.links[0]["attributes"])] == [128] * 6
    assert (list(record.attributes)[-1], record.events[-1]["name"]) == ("k127", "e127")
    assert (len(batch.spans), batch.rejected, batch.left_out) == (2, 0, 1 + 5 + 9 + 17 + 2 + 4)
    partial = ExportTraceServiceResponse.FromString(answer(batch, PROTOBUF)).partial_success
    assert (partial.rejected_spans, partial.error_message.split()[0]) == (0, "38")
    assert "first 128" in partial.error_message


def test_exactly_128_are_all_kept():
    batch = decode(request(span(events=[Span.Event()] * 128)), PROTOBUF)
    assert (len(batch.spans[0].events), answer(batch, PROTOBUF)) == (128, b"")


@pytest.mark.parametrize("blank", [" ", "\n", "\t"])
def test_an_id_with_blanks_in_it_is_rejected(blank):
    said = {"traceId": blank.join(["ab" * 8] * 2), "spanId": "cd" * 8}
    batch = decode(json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [said]}]}]}).encode(), JSON)
    assert (len(batch.spans), batch.rejected) == (0, 1)
