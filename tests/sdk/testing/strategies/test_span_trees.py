"""Traces that are drawn hold together, follow the conventions, and are kept by every platform as they are."""

from __future__ import annotations

import gzip
import json

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from ams_sdk import ConfigurationError, _semconv
from ams_sdk.testing import MockPlatform, TraceView, strategies
from ams_sdk.testing._platform import otlp
from ams_sdk.testing._platform.captured import as_captured
from ams_sdk.testing._trace.otlp_json import from_otlp_json

JSON, PROTOBUF = "application/json", "application/x-protobuf"
some_trees = settings(max_examples=200)


@some_trees
@given(strategies.span_trees(max_spans=12))
def test_every_invariant_holds(spans):
    view = TraceView.of(spans)
    view.assert_invariants()
    view.assert_connected()
    assert [span.start_ns for span in spans] == sorted(span.start_ns for span in spans)
    assert all(span.end_ns > span.start_ns for span in spans)
    assert len({span.trace_id for span in spans}) == 1


@some_trees
@given(strategies.span_trees(min_spans=3, max_spans=5))
def test_there_are_as_many_spans_as_asked_for(spans):
    assert 3 <= len(spans) <= 5


@given(strategies.span_trees(errors=False, remote_parents=False, content=False))
def test_what_is_not_wanted_is_not_there(spans):
    TraceView.of(spans).assert_no_errors()
    assert spans[0].parent_id is None
    content = {_semconv.INPUT_MESSAGES, _semconv.OUTPUT_MESSAGES, _semconv.TOOL_ARGUMENTS, _semconv.TOOL_RESULT}
    assert not any(content & span.attributes.keys() for span in spans)


@given(strategies.span_trees(agents=st.just("a"), tools=st.just("t"), models=st.just("m")))
def test_names_are_those_that_were_given(spans):
    allowed = {_semconv.AGENT_NAME: "a", _semconv.WORKFLOW_NAME: "a", _semconv.TOOL_NAME: "t"}
    allowed |= {_semconv.REQUEST_MODEL: "m", _semconv.RESPONSE_MODEL: "m"}
    for span in spans:
        assert all(span.attributes.get(name, value) == value for name, value in allowed.items())


@pytest.mark.parametrize(
    "occurs",
    [
        lambda spans: spans[0].parent_is_remote and spans[0].parent_id is not None,
        lambda spans: any(span.links for span in spans),
        lambda spans: any(event.name == "retry" for span in spans for event in span.events),
        lambda spans: any(event.name == "exception" for span in spans for event in span.events),
        lambda spans: spans[0].status == "error" and not spans[0].events,
        lambda spans: {"execute_tool", "chat", "embeddings"} <= {span.operation for span in spans},
        lambda spans: spans[0].operation == "invoke_workflow",
        lambda spans: any(span.operation is None for span in spans),
        lambda spans: any(_semconv.INPUT_MESSAGES in span.attributes for span in spans),
        lambda spans: any(_semconv.TOOL_ARGUMENTS in span.attributes for span in spans),
        lambda spans: any(one.end_ns > two.start_ns > one.start_ns for one in spans for two in siblings(one, spans)),
    ],
    ids=[
        "remote",
        "link",
        "event",
        "error",
        "passed on",
        "calls",
        "workflow",
        "other",
        "content",
        "arguments",
        "beside",
    ],
)
def test_everything_that_is_promised_occurs(occurs):
    generated = settings(max_examples=2000, phases=[Phase.generate])
    assert occurs(find(strategies.span_trees(), occurs, settings=generated))


def siblings(span, spans):
    return [one for one in spans if one is not span and one.parent_id == span.parent_id is not None]


@pytest.mark.slow
def test_they_shrink_to_one_span_that_says_next_to_nothing():
    (span,) = find(strategies.span_trees(), lambda _: True)
    assert (span.name, span.status, span.events, span.links, span.parent_id) == (
        *("invoke_agent researcher", "unset", (), (), None),
    )
    assert span.attributes.keys() == {"gen_ai.operation.name", "gen_ai.agent.name"}
    anew = settings(database=None)
    for _ in range(10):  # from another beginning each time
        failed = find(strategies.span_trees(), lambda spans: any(one.status == "error" for one in spans), settings=anew)
        assert [(one.name, one.error_type) for one in failed] == [("invoke_agent researcher", "TimeoutError")]


def test_a_platform_keeps_each_trace_as_it_is(judge):
    account = judge.new_account()

    @settings(max_examples=judge.examples)
    @given(strategies.span_trees(), st.sampled_from([JSON, PROTOBUF]), st.booleans())
    def check(spans, media_type, is_packed):
        body = sent(spans, media_type)
        headers = account | {"Content-Type": media_type} | ({"Content-Encoding": "gzip"} if is_packed else {})
        answer = judge.client.post("/v1/traces", content=gzip.compress(body) if is_packed else body, headers=headers)
        assert answer.status_code == 200
        if media_type == JSON:
            assert answer.json() == {}
        else:
            assert ExportTraceServiceResponse.FromString(answer.content) == ExportTraceServiceResponse()
        trace = judge.client.get(f"/api/traces/{spans[0].trace_id}", headers=account).json()
        # Spans of two examples may share their ids; then the first is kept.
        by_id = {span["span_id"]: span for span in trace["spans"]}
        assert by_id.keys() >= {span.span_id for span in spans}
        if trace["span_count"] == len(spans) and all(by_id[one.span_id]["name"] == one.name for one in spans):
            assert trace["started_at"] == trace["spans"][0]["started_at"]

    check()


@some_trees
@given(strategies.span_trees())
def test_the_mock_keeps_every_field(spans):
    platform = MockPlatform()
    with platform_client(platform) as client:
        assert client.post("/v1/traces", content=sent(spans, JSON), headers={"Content-Type": JSON}).status_code == 200
    kept = {span.span_id: span for span in platform.spans}
    # Whether a parent is remote is in OTLP's flags, which a platform does not keep.
    assert [kept[span.span_id] for span in spans] == [local(span) for span in spans]


def local(span):
    return as_captured(otlp.decode(sent([span], JSON), JSON).spans[0])


def platform_client(platform):
    import httpx  # noqa: PLC0415 -- one test

    return httpx.Client(
        base_url=platform.url,
        transport=platform.transport,
        headers={"Authorization": f"Bearer {platform.api_key}"},
    )


def sent(spans, media_type):
    from ams_sdk.testing._strategies.export_requests import as_document, as_message  # noqa: PLC0415 -- as above

    return json.dumps(as_document(spans)).encode() if media_type == JSON else as_message(spans).SerializeToString()


@given(strategies.export_documents(max_traces=3))
def test_documents_are_requests_of_otlp(document):
    spans = from_otlp_json(json.dumps(document))
    assert len({span.trace_id for span in spans}) <= 3
    assert otlp.decode(json.dumps(document).encode(), JSON).rejected == 0


@given(strategies.export_requests())
def test_messages_survive_their_bytes(request):
    assert ExportTraceServiceRequest.FromString(request.SerializeToString()) == request
    assert otlp.decode(request.SerializeToString(), PROTOBUF).rejected == 0


@given(st.data())
def test_both_encodings_say_the_same(data):
    spans = data.draw(strategies.span_trees())
    assert otlp.decode(sent(spans, JSON), JSON).spans == otlp.decode(sent(spans, PROTOBUF), PROTOBUF).spans


@given(strategies.export_requests(traces=strategies.span_trees(max_spans=1), max_traces=1))
def test_requests_hold_what_was_given(request):
    assert sum(len(scope.spans) for group in request.resource_spans for scope in group.scope_spans) <= 1


def test_an_exporter_may_send_nothing():
    assert find(strategies.export_documents(traces=strategies.span_trees(max_spans=1)), lambda _: True) == {
        "resourceSpans": []
    }


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: strategies.span_trees(min_spans=0), r"span_trees\(min_spans=0\): write a whole number that is 1 or"),
        (lambda: strategies.span_trees(min_spans=9), r"max_spans=8\): .* that is min_spans, 9, or more"),
        (lambda: strategies.export_requests(max_traces=-1), r"export_requests\(max_traces=-1\)"),
        (lambda: strategies.export_documents(max_traces=None), r"export_documents\(max_traces=None\)"),
    ],
)
def test_what_cannot_be_drawn_is_refused_at_once(wrong, message):
    with pytest.raises(ConfigurationError, match=message):
        wrong()
