"""OpenTelemetry's own propagator takes each header that is valid, and ignores each that is not."""

from __future__ import annotations

from hypothesis import find, given, settings
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from ams_sdk.testing import strategies


def read(header):
    context = TraceContextTextMapPropagator().extract({"traceparent": header}, Context())
    return trace.get_current_span(context).get_span_context()


@given(strategies.traceparents())
def test_valid_headers_are_read(header):
    found = read(header)
    assert header == f"00-{found.trace_id:032x}-{found.span_id:016x}-{header[-2:]}"
    assert found.is_valid
    assert found.is_remote


@given(strategies.traceparents(future_versions=True))
def test_headers_of_versions_to_come_are_read_as_far_as_they_are_known(header):
    found = read(header)
    assert header.startswith(f"{header[:2]}-{found.trace_id:032x}-{found.span_id:016x}-")


@given(strategies.traceparents(sampled=True), strategies.traceparents(sampled=False))
def test_the_flag_can_be_chosen(sampled, unsampled):
    assert read(sampled).trace_flags.sampled
    assert not read(unsampled).trace_flags.sampled


@settings(max_examples=300)
@given(strategies.invalid_traceparents())
def test_invalid_headers_are_ignored(refused):
    assert not read(refused.text).is_valid, refused.why
    assert refused.codes == ("invalid_traceparent",)


def test_they_shrink_to_simple_values():
    assert find(strategies.traceparents(), lambda _: True) == f"00-{1:032x}-{1:016x}-00"
    assert find(strategies.invalid_traceparents(), lambda _: True).text == ""
    assert "-" in find(strategies.traceparents(future_versions=True), lambda header: header.endswith("says"))
