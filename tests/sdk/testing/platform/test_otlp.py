from __future__ import annotations

import json
from dataclasses import asdict

from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from ams_reference_server.errors import RequestError
from ams_reference_server.telemetry import otlp as of_server
from ams_sdk.testing._platform import otlp
from ams_sdk.testing._platform.refusals import JSON, PROTOBUF, Refusal

value = st.recursive(
    st.one_of(
        st.builds(lambda text: {"stringValue": text}, st.text(max_size=5)),
        st.builds(lambda number: {"intValue": str(number)}, st.integers(-(2**63), 2**63 - 1)),
        st.builds(lambda number: {"doubleValue": number}, st.sampled_from([0.5, "NaN", "Infinity", "-Infinity"])),
        st.just({}),
        st.just({"bytesValue": "Li4="}),
        st.builds(lambda flag: {"boolValue": flag}, st.booleans()),
    ),
    lambda inner: st.one_of(
        st.builds(lambda items: {"arrayValue": {"values": items}}, st.lists(inner, max_size=3)),
        st.builds(lambda item: {"kvlistValue": {"values": [{"key": "k", "value": item}]}}, inner),
    ),
    max_leaves=5,
)
attributes = st.lists(st.fixed_dictionaries({"key": st.text(max_size=4), "value": value}), max_size=3)
span = st.fixed_dictionaries(
    {
        "traceId": st.sampled_from(["ab" * 16, "AB" * 16, "00" * 16, "z" * 32, "", "ab" * 15]),
        "spanId": st.sampled_from(["cd" * 8, "00" * 8, "cd" * 7, 7]),
        "parentSpanId": st.sampled_from(["", "ef" * 8, "00" * 8, "e"]),
        "name": st.text(max_size=5),
        "kind": st.integers(0, 6),
        "startTimeUnixNano": st.sampled_from(["0", 5, "9", str(2**63), "x"]),
        "endTimeUnixNano": st.sampled_from(["0", "9", str(2**64 - 1)]),
        "status": st.sampled_from([{}, {"code": 2, "message": "no"}, {"code": 9}]),
        "attributes": attributes,
        "events": st.lists(st.fixed_dictionaries({"name": st.text(max_size=3), "attributes": attributes}), max_size=2),
        "links": st.lists(
            st.fixed_dictionaries({"traceId": st.just("ab" * 16), "spanId": st.just("cd" * 8)}), max_size=2
        ),
    }
)
bodies = st.builds(
    lambda spans, resource: {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": spans}]}]},
    st.lists(span, max_size=4),
    st.fixed_dictionaries({"attributes": attributes}),
)


def decoded(module, error, body, media_type):
    try:
        batch = module.decode(body, media_type)
    except error:
        return None
    return [asdict(one) for one in batch.spans], module.answer(batch, media_type)


@given(bodies)
def test_json_is_read_as_the_server_reads_it(body):
    data = json.dumps(body).encode()
    assert decoded(otlp, Refusal, data, JSON) == decoded(of_server, RequestError, data, JSON)


@given(st.one_of(st.binary(max_size=60), bodies))
def test_protobuf_is_read_as_the_server_reads_it(body):
    data = body
    if isinstance(body, dict):
        try:
            data = json_format.ParseDict(body, ExportTraceServiceRequest()).SerializeToString()
        except json_format.ParseError:
            data = b""
    assert decoded(otlp, Refusal, data, PROTOBUF) == decoded(of_server, RequestError, data, PROTOBUF)
