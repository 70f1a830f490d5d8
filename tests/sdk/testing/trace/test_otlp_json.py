"""A saved trace is an OTLP request that the platform takes, and is read back as it was."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.context import attach, detach
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, TraceState, set_span_in_context
from tests.sdk.testing.trace.hand_made import Made, research

import ams_sdk
from ams_reference_server.telemetry import otlp
from ams_sdk import ConfigurationError
from ams_sdk.testing._trace.captured_span import CapturedEvent, CapturedLink, CapturedSpan
from ams_sdk.testing._trace.otlp_json import from_otlp_json, to_otlp_json
from ams_sdk.testing._trace.readable import captured
from ams_sdk.testing._trace.view import TraceView

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
TIMES = st.integers(1, 2**63 - 1)
SCALARS = [TEXT, st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False)]
ATTRIBUTES = st.dictionaries(
    TEXT, st.one_of(*SCALARS, *[st.lists(one, max_size=3).map(tuple) for one in SCALARS]), max_size=3
)
TRACES, SPANS = (st.integers(1, 16**digits - 1).map(f"{{:0{digits}x}}".format) for digits in (32, 16))
CAPTURED = st.builds(
    CapturedSpan,
    name=TEXT,
    trace_id=TRACES,
    span_id=SPANS,
    start_ns=TIMES,
    end_ns=st.none() | TIMES,
    parent_id=st.none() | SPANS,
    parent_is_remote=st.booleans(),
    kind=st.sampled_from(["internal", "server", "client", "producer", "consumer"]),
    status=st.sampled_from(["unset", "ok", "error"]),
    status_message=st.none() | TEXT.filter(bool),
    attributes=ATTRIBUTES,
    events=st.lists(st.builds(CapturedEvent, TEXT, TIMES, ATTRIBUTES), max_size=2).map(tuple),
    links=st.lists(st.builds(CapturedLink, TRACES, SPANS, ATTRIBUTES), max_size=2).map(tuple),
    scope_name=st.none() | TEXT,
    scope_version=st.none() | TEXT,
    resource=st.sampled_from([{}, {"service.name": "shop"}, {"service.name": "bank", "n": 1}]),
)


@given(st.lists(CAPTURED, max_size=5))
def test_what_is_written_is_read_back(spans):
    assert from_otlp_json(to_otlp_json(spans)) == spans


@given(st.lists(CAPTURED, max_size=4))
def test_the_platform_takes_it(spans):
    batch = otlp.decode(to_otlp_json(spans).encode(), "application/json")
    assert batch.rejected == 0
    assert len(batch.spans) == len(spans)
    by_id = {(one.trace_id, one.span_id): one for one in batch.spans}
    for span in spans if len(by_id) == len(spans) else []:
        kept = by_id[span.trace_id, span.span_id]
        assert (kept.kind, kept.status, kept.started_ns) == (span.kind, span.status, span.start_ns)
        assert kept.name == span.name.replace("\0", "\ufffd")
        assert kept.attributes.keys() == span.attributes.keys()


def test_a_trace_is_saved_and_loaded(tmp_path):
    view = research().view
    file = tmp_path / "folder" / "trace.json"
    view.save(file)
    again = TraceView.load(str(file))
    assert again.tree(["gen_ai.tool.name"]) == view.tree(["gen_ai.tool.name"])
    assert list(again.spans) == list(view.spans)
    assert again.agent("researcher").tool_calls[0].arguments == {"query": "otters", "limit": 3}
    assert TraceView.from_otlp_json(file.read_text()).tree() == view.tree()


def test_open_spans_are_saved_and_stay_open(tmp_path):
    made = Made()
    made.add("open", is_open=True)
    made.view.save(tmp_path / "trace.json")
    assert TraceView.load(tmp_path / "trace.json").tree() == "open  (open)"


def test_a_real_trace_is_read_by_the_platform_as_it_was(recorder):
    @ams_sdk.agent
    def researcher(question):
        raise ValueError(question)

    with pytest.raises(ValueError, match="otters"):
        researcher("otters")
    (span,) = [captured(one) for one in recorder.spans]
    (kept,) = otlp.decode(to_otlp_json([span]).encode(), "application/json").spans
    assert kept.name == "invoke_agent researcher"
    assert kept.attributes == dict(span.attributes)
    assert kept.events[0]["attributes"] == dict(span.events[0].attributes)
    assert kept.resource["service.name"] == span.resource["service.name"]
    assert (kept.scope_name, kept.ended_ns) == ("ams_sdk", span.end_ns)


def test_what_cannot_be_sent_is_replaced():
    made = Made()
    made.add("half \ud800", attributes={"large": 2**70, "none": math.nan, "inf": -math.inf, "more": (math.inf,)})
    text = to_otlp_json(made.spans)
    (span,) = from_otlp_json(text)
    assert span.name == "half ?"
    assert span.attributes["large"] == str(2**70)
    assert math.isnan(span.attributes["none"])
    assert (span.attributes["inf"], span.attributes["more"]) == (-math.inf, (math.inf,))
    assert otlp.decode(text.encode(), "application/json").rejected == 0


def test_what_others_write_is_read():
    request = {
        "resourceSpans": [
            {
                "resource": {},
                "scopeSpans": [
                    {
                        "spans": [
                            {
                                "traceId": "AB" * 16,
                                "spanId": "CD" * 8,
                                "parentSpanId": "0" * 16,
                                "name": "x",
                                "kind": 9,
                                "startTimeUnixNano": 5,
                                "endTimeUnixNano": "6",
                                "unknown": {},
                                "status": {"code": 7},
                                "attributes": [
                                    {"key": "n", "value": {"intValue": 3}},
                                    {"key": "raw", "value": {"bytesValue": "AP8="}},
                                    {
                                        "key": "map",
                                        "value": {
                                            "kvlistValue": {"values": [{"key": "a", "value": {"intValue": "1"}}]}
                                        },
                                    },
                                    {"key": "empty", "value": {"arrayValue": {}}},
                                    {"key": "nothing", "value": {}},
                                    {"key": "strange", "value": {"otherValue": 1}},
                                ],
                            }
                        ]
                    },
                    {},
                ],
            },
            {"scopeSpans": []},
        ]
    }
    (span,) = from_otlp_json(json.dumps(request))
    assert (span.trace_id, span.span_id, span.parent_id) == ("ab" * 16, "cd" * 8, None)
    assert (span.kind, span.status, span.start_ns, span.end_ns) == ("internal", "unset", 5, 6)
    assert span.attributes == {"n": 3, "raw": "AP8=", "map": '{"a": 1}', "empty": ()}


@pytest.mark.parametrize(
    "text", ["", "[]", "3", '{"resourceSpans": [3]}', '{"resourceSpans": [{"scopeSpans": [{"spans": [{}]}]}]}']
)
def test_what_is_no_request_is_refused(text, tmp_path):
    file = tmp_path / "trace.json"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match="no ExportTraceServiceRequest"):
        TraceView.load(file)


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot be loaded from"):
        TraceView.load(tmp_path / "no.json")


def test_what_vendors_hand_on_is_read_and_saved(recorder):
    state = TraceState([("vendor", "a:1"), ("other", "2")])
    context = SpanContext(1, 2, is_remote=True, trace_flags=TraceFlags(1), trace_state=state)

    @ams_sdk.agent
    def researcher(question):
        return question

    token = attach(set_span_in_context(NonRecordingSpan(context)))
    try:
        researcher("otters")
    finally:
        detach(token)
    (span,) = [captured(one) for one in recorder.spans]
    assert span.trace_state == "vendor=a:1,other=2"
    linked = replace(span, links=(CapturedLink("1" * 32, "2" * 16, {}, "vendor=b"), CapturedLink("1" * 32, "3" * 16)))
    assert from_otlp_json(to_otlp_json([linked])) == [linked]
