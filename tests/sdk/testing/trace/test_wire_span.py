from __future__ import annotations

import httpx
from hypothesis import given

from ams_sdk.testing import MockPlatform, TraceView, strategies
from ams_sdk.testing._trace import from_wire
from ams_sdk.wire import Trace

MICROSECOND = 1_000


@given(strategies.span_trees(max_spans=4))
def test_what_a_platform_gives_is_what_it_was_given(spans):
    platform = MockPlatform()
    platform.seed(*spans)
    with httpx.Client(base_url=platform.url, transport=platform.transport) as client:
        client.headers["Authorization"] = f"Bearer {platform.token}"
        answers = [client.get(f"/api/traces/{one}") for one in {span.trace_id for span in spans}]
    found = {span.span_id: from_wire(span) for one in answers for span in Trace.model_validate_json(one.content).spans}
    assert found.keys() == {span.span_id for span in spans}
    for span in spans:
        again = found[span.span_id]
        assert (again.name, again.parent_id, again.kind, again.status) == (
            span.name,
            span.parent_id,
            span.kind,
            span.status,
        )
        assert again.attributes == span.attributes
        assert again.start_ns == span.start_ns // MICROSECOND * MICROSECOND
        assert [event.name for event in again.events] == [event.name for event in span.events]
    assert len(TraceView.of(found.values()).tree().splitlines()) == len(spans)
